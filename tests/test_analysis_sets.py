"""Who is analysed: exclusions by code, activity, importance and measure, questions that leave it open, decisions."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest

import protocol
import rules
from perprotocol.simulation.folder import data_cut
from perprotocol.simulation.study import simulate
from protocol.errors import DocumentError
from rules.endpoints import outcomes
from rules.endpoints.sets import check_exclusions

ZERO = date(2024, 1, 1)
TRIAL = """
protocol: trial
version: 1
first_day: 0
source: team
basis: assumed
sources: {team: a protocol for tests}
arms: {a: one}
events: {relapse: relapse}
treatments:
  drug: {due: day 0, every: 7 d, times: 3, window: ±1 d, dose: {amount: 100 mg, tolerance: ±10 %}}
  other: {due: day 0, window: ±1 d, dose: {amount: 100 mg, tolerance: ±10 %}}
importance: {overdose: important from 30 %, dose_late: important above 3 d}
endpoints: {relapsed: {event: relapse}}
analysis_sets: {set: {exclude: {EXCLUDE}}}
"""
Row = dict[str, Any]
PERFECT = {("drug", 0): "100", ("drug", 7): "100", ("drug", 14): "100", ("other", 0): "100"}
"""Amounts by treatment and day of a participant who did as the protocol says."""


def member(exclude: str, given: dict[tuple[str, int], str | None], **tables: list[Row]) -> Row:
    """Whether a participant with these doses, in place of the perfect ones, is in the set."""
    rows = []
    for (name, day), amount in (PERFECT | given).items():
        row: Row = {"subject": "1", "treatment": name, "start": str(ZERO + timedelta(day)), "status": "given"}
        row |= {"amount": amount, "unit": "mg"} if amount else {"status": "not given", "reason": "holiday"}
        rows += [row] if amount != "" else []
    people = [{"subject": "1", "arm": "a", "day_zero": str(ZERO)}]
    facts: dict[str, list[Row]] = {"subjects": people, "administrations": rows, **tables}
    study = rules.from_frames("s", facts, data_cut=ZERO + timedelta(60))
    return outcomes(protocol.read_text(TRIAL.replace("EXCLUDE", exclude)), study).sets.row(0, named=True)


@pytest.mark.parametrize(
    ("exclude", "given", "answer"),
    [
        ("late: {finding: dose_late}", {}, "in"),
        ("big: {finding: overdose}", {("drug", 0): "110"}, "in"),
        ("big: {finding: overdose}", {("drug", 0): "111"}, "out"),
        ("big: {finding: overdose, of: other}", {("drug", 0): "150"}, "in"),
        ("big: {finding: overdose, of: [other, drug]}", {("drug", 0): "150"}, "out"),
        ("big: {finding: overdose, measure: from 50 %}", {("drug", 0): "150"}, "out"),
        ("big: {finding: overdose, measure: from 50 %}", {("drug", 0): "149.9"}, "in"),
        ("big: {finding: overdose, measure: above 50 %}", {("drug", 0): "150"}, "in"),
        ("big: {finding: overdose, measure: above 50 %}", {("drug", 0): "150.1"}, "out"),
        ("big: {finding: overdose, measure: below 50 %}", {("drug", 0): "149"}, "out"),
        ("big: {finding: overdose, measure: below 50 %}", {("drug", 0): "150"}, "in"),
        ("any: {importance: important}", {("drug", 0): "129"}, "in"),
        ("any: {importance: important}", {("drug", 0): "130"}, "out"),
        ("any: {importance: [important, not important]}", {("drug", 0): "129"}, "out"),
        ("some: {finding: dose_not_given, at_least: 2}", {("drug", 7): None}, "in"),
        ("some: {finding: dose_not_given, at_least: 2}", {("drug", 7): None, ("drug", 14): None}, "out"),
        ("some: {finding: dose_not_given, of: drug, at_least: 2}", {("drug", 7): None, ("other", 0): None}, "in"),
        ("some: {finding: [dose_not_given, overdose], at_least: 2}", {("drug", 7): None, ("drug", 0): "150"}, "out"),
    ],
)
def test_an_exclusion_fits(exclude: str, given: dict[tuple[str, int], str | None], answer: str) -> None:
    """Everything that is written must fit one finding, and there must be enough of them; both sides of every limit."""
    row = member(exclude, given)
    assert row["member"] == answer
    assert (row["findings"] is None) == (answer == "in")


def test_a_dose_without_a_record_leaves_it_open() -> None:
    """Given or not? Only once the query is answered can the set be told."""
    row = member("omitted: {finding: dose_not_given}", {("drug", 7): ""})
    assert (row["member"], row["findings"]) == ("cannot tell", "s/1/drug/2/dose_no_record")


def test_a_question_that_cannot_make_enough_leaves_nothing_open() -> None:
    """One doubtful omission is never two."""
    assert member("omitted: {finding: dose_not_given, at_least: 2}", {("drug", 7): ""})["member"] == "in"
    both = member("omitted: {finding: dose_not_given, at_least: 2}", {("drug", 7): "", ("drug", 14): None})
    assert both["member"] == "cannot tell"


def test_a_question_about_another_activity_leaves_nothing_open() -> None:
    """The exclusion is of one drug, the doubt of the other."""
    assert member("omitted: {finding: dose_not_given, of: drug}", {("other", 0): ""})["member"] == "in"


def test_of_two_exclusions_the_one_that_fits_is_named() -> None:
    """An open one is no reason beside it."""
    row = member(
        "late: {finding: dose_not_given}, big: {finding: overdose, title: far too much}",
        {("drug", 7): "", ("drug", 0): "150"},
    )
    assert (row["member"], row["exclusion"], row["because"]) == ("out", "big", "far too much")


@pytest.mark.parametrize(("named", "answer"), [("set", "out"), ("SET", "out"), ("safety set", "in"), ("", "in")])
def test_a_decision_on_record_keeps_out(named: str, answer: str) -> None:
    """Of the set that it names, whatever was found."""
    said = [{"subject": "1", "kind": "excluded", "analysis_set": named, "reason": "no dose", "decided": "2024-02-01"}]
    row = member("late: {finding: dose_late}", {}, decisions=said)
    assert row["member"] == answer
    assert row["because"] == ("by decision: no dose" if answer == "out" else None)


def test_a_finding_that_a_decision_ended_excludes_nobody() -> None:
    """Not a deviation: so it keeps nobody out."""
    ended = [
        {
            "subject": "1",
            "kind": "not a deviation",
            "finding": "s/1/drug/1/overdose",
            "decided": "2024-02-01",
            "by": "MD",
        }
    ]
    assert member("big: {finding: overdose}", {("drug", 0): "150"}, decisions=ended)["member"] == "in"


@pytest.mark.parametrize(
    ("exclude", "said"),
    [
        ("x: {finding: dose_latte}", "analysis_sets.set.exclude.x.finding: 'dose_latte' is no rule; write dose_late"),
        ("x: {finding: dose_late, measure: above 3 %}", "'above 3 %' cannot be compared with the measure of dose_late"),
        ("x: {finding: overdose, measure: above 3 d}", "measure of overdose; write it in %"),
        ("x: {finding: wrong_treatment, measure: above 3 d}", "which has no measure"),
    ],
)
def test_an_exclusion_that_could_never_fit_is_bad_input(exclude: str, said: str) -> None:
    """A set that silently keeps everybody is worse than none."""
    with pytest.raises(DocumentError, match=re.escape(said)):
        check_exclusions(protocol.read_text(TRIAL.replace("EXCLUDE", exclude)))


def test_the_set_of_a_simulated_study_is_those_in_whom_the_faults_were_put() -> None:
    """Known from the list of injected faults, not from what was found."""
    trial = protocol.read("uc-msc-saa")
    text = protocol.write(trial).split("analysis_sets:")[0] + (
        "analysis_sets:\n  per-protocol:\n    exclude:\n      amount: {finding: overdose, of: uc-msc}\n"
        "      omitted: {finding: dose_not_given, of: uc-msc}\n"
    )
    chosen = protocol.read_text(text)
    made = simulate(chosen, 120, 5, {"overdose": 20, "dose_not_given": 20, "dose_late": 9, "visit_missed": 9})
    study = rules.from_frames("made", made.tables, data_cut=data_cut(made))
    put_in = made.injected.filter(
        pl.col("code").is_in(["overdose", "dose_not_given"]) & (pl.col("activity") == "uc-msc")
    )
    sets = outcomes(chosen, study).sets
    assert set(sets.filter(pl.col("member") == "out")["subject"]) == set(put_in["subject"])
    assert len(set(put_in["subject"])) >= 4
    assert not len(sets.filter(pl.col("member") == "cannot tell"))
