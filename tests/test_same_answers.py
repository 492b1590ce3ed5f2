"""The same answers, however a study is cut, ordered or dated: what is fast must not be another truth."""

from datetime import date, timedelta
from functools import cache

import polars as pl
import pytest

import rules
from perprotocol.simulation.faults import KINDS
from perprotocol.simulation.study import Simulated, simulate
from tests.trials import EVERY, trial

PEOPLE = 90
LATER = timedelta(days=364)
"""Whole weeks, so that weekdays stay."""
MONTHS = {"monthly", "monthly-roll", "tablets", "act15377", "uc-msc-saa"}
"""Protocols that count in months or years: those are not equally long."""
AFTER_ALL = date(2042, 1, 1)
ACROSS = {"bag_of_several", "bag_of_another"}
"""Study rules: they rest on what is recorded for other participants."""
ABOUT = ("subject", "code", "activity", "occurrence", "verdict", "measure", "importance", "message", "because")
DATED = ("subject", "code", "activity", "occurrence", "verdict", "measure", "importance", "date")
_ROW = r"\b[a-z]+:\d+ "


@cache
def study(name: str) -> Simulated:
    """A study with one fault of every kind that the protocol has room for."""
    return simulate(trial(name), PEOPLE, seed=5, faults=dict.fromkeys(KINDS, 1))


@cache
def findings(name: str) -> list[tuple[object, ...]]:
    """All that is found in that study as it stands."""
    return told(name, study(name).frames)


def told(name: str, frames: dict[str, pl.DataFrame], *columns: str) -> list[tuple[object, ...]]:
    """All findings and queries about participants, in an order that rests on them alone; rows have no numbers."""
    report = rules.audit(trial(name), rules.from_frames("same", frames), as_of=AFTER_ALL)
    about = pl.concat([report.findings, report.queries]).filter(pl.col("subject").is_not_null())
    unnumbered = about.with_columns(pl.col("because").str.replace_all(_ROW, ""))
    return sorted(unnumbered.select(columns or ABOUT).rows(), key=str)


@pytest.mark.parametrize("name", EVERY)
def test_a_participant_alone_is_judged_as_among_all(name: str) -> None:
    """Nobody's verdicts rest on who else takes part, but for the study rules."""
    frames = study(name).frames
    together = findings(name)
    tied = {row[0] for row in together if row[1] in ACROSS}
    everybody = study(name).injected["subject"].unique(maintain_order=True).to_list()
    for one in [one for one in everybody if one not in tied][:3]:
        own = {name: of.filter(subject=one) if "subject" in of.columns else of for name, of in frames.items()}
        assert told(name, own) == [row for row in together if row[0] == one]


@pytest.mark.parametrize("name", EVERY)
def test_the_order_of_rows_says_nothing(name: str) -> None:
    """Rows in any order, as an export may give them, are the same study."""
    frames = study(name).frames
    mixed = {table: of.sample(fraction=1, shuffle=True, seed=3) for table, of in frames.items()}
    assert told(name, mixed) == findings(name)


@pytest.mark.parametrize("name", sorted({*EVERY} - MONTHS))
def test_a_year_later_is_the_same_study(name: str) -> None:
    """All days moved by whole weeks, days of birth too: the same is found, that much later."""
    frames = study(name).frames
    moved = {table: of.with_columns(_later(of[c]) for c in of.columns) for table, of in frames.items()}
    before = [(*row, day and day + LATER) for *row, day in told(name, frames, *DATED)]  # type: ignore[operator]
    assert told(name, moved, *DATED) == sorted(before, key=str)


def _later(column: pl.Series) -> pl.Series:
    """A column of days or times moved; any other as it is."""
    return column.dt.offset_by("364d") if column.dtype.is_temporal() else column
