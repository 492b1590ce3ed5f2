"""Which occasion a sample is of: the one whose window it lies in, else the one that it lies nearest to."""

from __future__ import annotations

import pytest

from tests.course import audited, on, told, value

DIARY = """
arms: {a: A}
milestones: {day-zero: start of x 1}
treatments: {x: {due: day 1, window: ±0 d, dose: {amount: 10 mg, tolerance: ±5 %}}}
assessments: {diary: {due: day 8, every: 7 d, times: 2, window: ±2 d}}
"""


@pytest.mark.parametrize(
    ("days", "found"),
    [
        ([8, 15], []),
        ([10, 13], []),
        ([11, 15], ["assessment_out_of_window diary 1"]),
        ([12, 15], ["assessment_no_record? diary 1"]),
        ([5, 15], ["assessment_out_of_window diary 1"]),
        ([8], ["assessment_no_record? diary 2"]),
    ],
)
def test_a_sample_out_of_its_window_is_that_of_the_nearest_day(days: list[int], found: list[str]) -> None:
    """Half of the way to the next occasion it is nearer to that one."""
    given = [{"treatment": "x", "start": on(1), "amount": "10", "unit": "mg"}]
    values = [value("diary", day, 1, "") for day in days]
    assert told(audited(DIARY, 60, administrations=given, observations=values)) == found


def test_an_occasion_that_nobody_expects_any_more_has_no_samples() -> None:
    """The participant left before the second one: a sample of day 12 is the first, out of its window."""
    given = [{"treatment": "x", "start": on(1), "amount": "10", "unit": "mg"}]
    left = [{"milestone": "withdrawal", "date": on(13)}]
    report = audited(DIARY, 60, administrations=given, observations=[value("diary", 12, 1, "")], milestones=left)
    assert told(report) == ["assessment_out_of_window diary 1"]


BY_THE_CLOCK = """
arms: {a: A}
milestones: {day-zero: start of x 1}
treatments: {x: {due: day 1, every: 7 d, times: 2, window: ±0 d, dose: {amount: 10 mg, tolerance: ±5 %}}}
assessments: {trough: {due: 0 min after end of each x, window: ±10 min}}
"""


@pytest.mark.parametrize(("day", "found"), [(8, []), (10, ["assessment_out_of_window trough 2"])])
def test_a_sample_with_a_window_in_minutes_on_another_day_is_out_of_it(day: int, found: list[str]) -> None:
    """Two days after the infusion is not within ten minutes of its end."""
    given = [
        {"treatment": "x", "start": f"{on(n)} 10:00", "end": f"{on(n)} 10:30", "amount": "10", "unit": "mg"}
        for n in (1, 8)
    ]
    values = [value("trough", n, 1, "") for n in (1, day)]
    assert told(audited(BY_THE_CLOCK, 60, administrations=given, observations=values)) == found
