"""The forward question: from when, best when, until when, and what a delay does to the rest."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from perprotocol.pages import judged_text
from perprotocol.typed_in import Judged, Person, TypedDose, judge_typed
from protocol import Protocol
from rules import schedule
from rules.ahead import moved_by, worklist
from rules.facts import from_frames
from tests.test_schedule import ZERO, drug, given_on, protocol_of

MOVING = "due: day 0, every: 7 d, times: 4, window: ±1 d, late: shift, limits: [{from: previous, opens: 5 d}]"
CHAIN = """
treatments: {drug: {dose: 1 mg, due: day 0, every: 7 d, times: 3, window: ±1 d, late: keep}}
visits:
  check: {due: 14 d after drug 3, window: ±2 d}
  call: {due: 7 d after check, window: ±2 d}
  fixed: {due: 60 d after planned check, window: ±2 d}
"""


def moves(protocol: Protocol) -> dict[str, str | None]:
    """What moves with each occurrence."""
    return {f"{row['activity']} {row['occurrence']}": row["moves"] for row in moved_by(protocol).iter_rows(named=True)}


def test_what_moves_with_an_occurrence_is_what_is_counted_from_it() -> None:
    """Directly or through others; what is counted from a planned day never moves."""
    assert moves(protocol_of(CHAIN)) == {
        "drug 1": None,
        "drug 2": None,
        "drug 3": "check, call",
        "check 1": "call",
        "call 1": None,
        "fixed 1": None,
    }
    assert moves(drug(MOVING)) == {"drug 1": "drug 2 to 4", "drug 2": "drug 3 to 4", "drug 3": "drug 4", "drug 4": None}


@pytest.mark.parametrize(
    ("first", "days"), [([], (-1, 0, 1)), ([0], (6, 7, 8)), ([3], (9, 10, 11)), ([0, 9], (15, 16, 17))]
)
def test_the_worklist_has_the_first_allowed_day_the_target_and_the_last_compliant_day(
    first: list[int], days: tuple[int, int, int]
) -> None:
    """They are counted from the dose really given before."""
    protocol = drug(MOVING)
    tables = {"subjects": [{"subject": "1", "arm": "active", "day_zero": ZERO}]}
    tables["administrations"] = [{"subject": "1"} | row for row in given_on(*first)]
    calendar = schedule(protocol, from_frames("ahead", tables), as_of=ZERO + timedelta(days=max(first, default=-2)))
    row = worklist(protocol, calendar, ZERO + timedelta(days=days[0]), ZERO + timedelta(days=days[2])).row(
        0, named=True
    )
    found = [row["first_allowed_day"], row["due"], row["last_compliant_day"]]
    assert [(day - ZERO).days for day in found] == list(days)


def judged(on: int, protocol: Protocol, given: list[int] | None = None) -> Judged:
    """A dose typed in for a day, beside doses on record."""
    dose = TypedDose("1", "drug", "1 mg", str(ZERO + timedelta(days=on)))
    nobody = Person("1", None, None, None, None, None, None)
    if given is None:
        return judge_typed(protocol, None, dose, Person("1", "active", str(ZERO), None, None, None, None), "en")
    tables = {"subjects": [{"subject": "1", "arm": "active", "day_zero": ZERO}]}
    tables["administrations"] = [{"subject": "1"} | row for row in given_on(*given)]
    return judge_typed(protocol, from_frames("ahead", tables), dose, nobody, "en")


def test_a_late_dose_says_what_it_would_move() -> None:
    """Four days late, the rest four days later; a fixed grid stays."""
    late = judged(4, drug(MOVING)).verdict.row(0, named=True)
    assert late["moves"] == "drug 2 by 4 d, drug 3 by 4 d, drug 4 by 4 d"
    assert [(late[day] - ZERO).days for day in ("first_allowed_day", "due", "last_compliant_day")] == [-1, 0, 1]
    assert judged(3, drug(MOVING.replace("shift", "keep"))).verdict["moves"][0] == "drug 2 by 1 d"


def test_a_dose_that_is_not_on_record_would_be_late() -> None:
    """What has not happened is not said to have happened; what is on record is."""
    ahead = judged_text(judged(4, drug(MOVING)), "en")
    assert ahead.startswith("WOULD DEVIATE")
    assert "would be given on 2024-03-05" in ahead
    assert "drug 2: 2024-03-12 (2024-03-11 – 2024-03-13), moved +4 d, from 2024-03-08" in ahead
    done = judged_text(judged(4, drug(MOVING), [4]), "en")
    assert done.startswith("DEVIATES")
    assert "was given on 2024-03-05" in done


def test_the_day_after_which_nothing_is_compliant_is_the_last_compliant_day() -> None:
    """On that day the verdict on timing is still fine, a day later it is not."""
    protocol = drug(MOVING)
    last: date = judged(8, protocol, [0]).verdict["last_compliant_day"][0]
    on = (last - ZERO).days
    codes = [judged(day, protocol, [0]).verdict["codes"][0] or "" for day in (on, on + 1)]
    assert ["dose_late" in found for found in codes] == [False, True]


def test_in_chinese_too(tmp_path: Path) -> None:
    """The same in the other language."""
    text = judged_text(judged(4, drug(MOVING)), "zh")
    assert text.startswith("将构成方案偏离")
    assert "此后的计划" in text
