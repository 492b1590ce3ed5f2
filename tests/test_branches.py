"""Optional doses, and branches that open on a recorded condition."""

from __future__ import annotations

import pytest

from tests.course import Row, audited, dose, on, told, value

OPTIONAL = """
arms: {a: A}
milestones: {day-zero: start of x 1}
measures: {state: {values: [better, same, worse]}}
treatments:
  x:
    dose: {amount: 10 mg, tolerance: ±5 %}
    steps:
      - {due: day 1, window: ±0 d}
      - {due: 2 d after x 1, window: ±1 d, may_if: state = same or worse}
"""


def state(day: int, word: str) -> Row:
    """How somebody does on a day."""
    return value("state", day, word, "")


@pytest.mark.parametrize(
    ("doses", "states", "found"),
    [
        ([1], [], []),
        ([1], [state(2, "worse")], []),
        ([1, 3], [state(2, "worse")], []),
        ([1, 6], [state(2, "worse")], ["dose_late x 2"]),
        ([1, 3], [state(2, "better")], ["unplanned_dose x"]),
        ([1, 3], [], ["condition? x"]),
        ([1, 3, 4], [state(2, "worse")], ["unplanned_dose x"]),
    ],
)
def test_an_optional_dose_is_never_expected_and_permitted_when_its_condition_holds(
    doses: list[int], states: list[Row], found: list[str]
) -> None:
    """Permitted when true, unplanned when false, and asked about when it cannot be told; its window is judged."""
    given = [dose("x", day) for day in doses]
    assert told(audited(OPTIONAL, 60, administrations=given, observations=states)) == found


BRANCH = """
arms: {a: A}
milestones: {day-zero: start of x 1}
measures: {response: {values: [complete, partial, mixed, none]}}
events: {flare: flare}
treatments:
  x:
    dose: {amount: 10 mg, tolerance: ±5 %}
    limits: [{from: previous, opens: 3 d}]
    steps:
      - {due: [day 1, day 4], every: 7 d, times: 8, window: +3 d}
      - {if: response = partial or mixed, due: 7 d after day-28, every: 7 d, times: 4, window: ±2 d}
      - {if: response = complete, due: [3 d after flare, 6 d after flare], every: 7 d, times: 8, window: +3 d}
visits: {day-28: {due: 28 d after x 1, window: ±2 d}}
"""
COURSE = [1, 4, 8, 11, 15, 18, 22, 25]


def branched(days: list[int], word: str | None, **more: list[Row]) -> list[str]:
    """What is told after the visit of day 29 with that response."""
    seen = [{"visit": "day-28", "date": "2024-03-29"}]
    found = [value("response", 29, word, "")] if word else []
    given = [dose("x", day) for day in days]
    return told(audited(BRANCH, 120, administrations=given, observations=found, visits=seen, **more))


def test_the_response_at_day_28_decides_what_follows() -> None:
    """Complete: nothing more. Partial: once a week for four weeks. None: no more of it."""
    assert branched(COURSE, "complete") == []
    assert branched([*COURSE, 36, 43, 50, 57], "partial") == []
    assert branched(COURSE, "none") == []


def test_doses_of_a_branch_that_did_not_open_are_unplanned() -> None:
    """After a complete response, or none."""
    assert branched([*COURSE, 36], "complete") == ["unplanned_dose x"]
    assert branched([*COURSE, 36], "none") == ["unplanned_dose x"]


def test_a_branch_that_opened_is_expected() -> None:
    """After a partial response the third weekly dose is missing."""
    assert branched([*COURSE, 36, 43, 57], "mixed") == ["dose_no_record? x 11"]


def test_the_course_is_repeated_at_a_flare_after_a_complete_response() -> None:
    """Flare on day 60: eight doses from day 63 on."""
    flare = [{"event": "flare", "start": "2024-04-29"}]
    again = [63, 66, 70, 73, 77, 80, 84, 87]
    assert branched([*COURSE, *again], "complete", events=flare) == []
    assert branched([*COURSE, *again[:3], 74, *again[4:]], "complete", events=flare) == []
    assert branched([*COURSE, *again[:-1]], "complete", events=flare) == ["dose_no_record? x 20"]


BY_THE_CLOCK = """
arms: {a: A}
milestones: {day-zero: start of x 1}
measures: {fever: {values: [gone, sustained]}}
treatments:
  x:
    dose: {amount: 10 mg, tolerance: ±5 %}
    steps:
      - {due: day 1, window: ±0 d}
      - {due: within 8 h to 24 h after x 1, may_if: fever = sustained}
"""


def at(day: int, clock: str) -> str:
    """A point in time of a study day."""
    return f"{on(day)}T{clock}"


@pytest.mark.parametrize(
    ("second", "found"),
    [
        (at(1, "19:00"), []),
        (at(2, "06:45"), []),
        (at(2, "09:00"), ["unplanned_dose x"]),
        (at(1, "16:00"), ["unplanned_dose x"]),
        (at(9, "12:00"), ["unplanned_dose x"]),
    ],
)
def test_a_permitted_dose_is_permitted_by_what_was_so_when_it_was_given(second: str, found: list[str]) -> None:
    """Fever from 17:00 to 08:00: neither what came later nor what was over permits a dose; a week later none does."""
    given = [dose("x", 1, start=at(1, "10:00")), dose("x", 1, start=second)]
    fever = [value("fever", 1, "gone", "", at=at(1, "09:00")), value("fever", 1, "sustained", "", at=at(1, "17:00"))]
    fever += [value("fever", 2, "gone", "", at=at(2, "08:00"))]
    assert told(audited(BY_THE_CLOCK, 60, administrations=given, observations=fever)) == found
