"""Importance is the sponsor's: by the measure, exactly at the limit; unclassified without a criterion."""

from __future__ import annotations

import pytest

import protocol
import rules
from protocol.importance import Importance
from rules.telling.importance import bound_in, unusable_criteria
from tests.test_records import DAY, study

TRIAL = """
protocol: short
version: 1
first_day: 0
sources: {doc: a protocol for tests}
source: doc
basis: stated
arms: {msc: cells}
weight: {use: latest, within: 3 d}
treatments:
  uc-msc:
    {due: day 14, every: 7 d, times: 3, window: ±1 d, dose: {amount: 1e6 cells/kg, count: viable, tolerance: ±10 %}}
"""


def importance(criteria: str, code: str = "dose_late") -> list[str]:
    """The importance of the findings of a rule: a dose one day late, and one nine times too much (900 % over)."""
    trial = protocol.read_text(f"{TRIAL}importance: {{{criteria}}}\n")
    found = rules.audit(trial, study(), as_of=DAY).findings
    return sorted(set(found.filter(found["code"] == code)["importance"]))


@pytest.mark.parametrize(
    ("criteria", "said"),
    [
        ("dose_late: important", "important"),
        ("dose_late: not important", "not important"),
        ("dose_late: important from 1 d", "important"),
        ("dose_late: important above 1 d", "not important"),
        ("dose_late: important above 23 h", "important"),
        ("dose_late: important above 24 h", "not important"),
        ("dose_late: important below 1 d", "not important"),
        ("dose_late: important below 25 h", "important"),
        ("dose_late: not important below 2 d", "not important"),
        ("dose_late: important above 1 mo", "unclassified"),
        ("dose_late: important from 1 %", "unclassified"),
        ("underdose: important", "unclassified"),
    ],
)
def test_a_criterion_is_applied_to_the_measure(criteria: str, said: str) -> None:
    """Both sides of every limit; hours count as hours, and what cannot be compared stays unclassified."""
    assert importance(criteria) == [said]


def test_a_percentage_is_compared_with_a_percentage() -> None:
    """A tenfold dose is 900 % over."""
    assert importance("overdose: important from 900 %", "overdose") == ["important"]
    assert importance("overdose: important above 900 %", "overdose") == ["not important"]


def test_a_criterion_that_nothing_can_meet_is_named() -> None:
    """A code that no rule has, and a unit that the rule does not measure in."""
    trial = protocol.read_text(f"{TRIAL}importance: {{dose_lat: important, dose_late: important from 3 %}}\n")
    assert unusable_criteria(trial) == (
        ("importance.dose_lat", "importance-code"),
        ("importance.dose_late", "importance-unit"),
    )
    assert set(unusable_criteria(trial)) <= set(rules.audit(trial, study(), as_of=DAY).not_judged)


def test_months_have_no_length_of_their_own() -> None:
    """A month is not 30 days."""
    assert bound_in(Importance.parse("important above 1 mo"), "d") is None
    assert bound_in(Importance.parse("important above 2 wk"), "d") == 14
