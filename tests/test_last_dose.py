"""What counts from the last dose of all: it is the last once no other is to come."""

from __future__ import annotations

import pytest

from tests.course import Row, audited, dose, event, on, told

LAST = """
arms: {a: A}
milestones: {day-zero: start of first treatment}
events: {reaction: reaction}
visits: {leaving: {due: 30 d after last treatment, window: ±7 d}}
treatments:
  x: {due: day 1, every: 7 d, times: 3, window: ±1 d, dose: {amount: 10 mg, tolerance: ±5 %}}
modifications: {stop: {if: event reaction, then: stop x}}
"""


LEFT = [{"milestone": "discontinuation", "date": on(10)}]


def visit(day: int, **more: str) -> Row:
    """The last visit on a study day."""
    return {"visit": "leaving", "date": on(day)} | more


@pytest.mark.parametrize(
    ("days", "more", "end", "found"),
    [
        ([1, 8, 15], {}, 45, []),
        ([1, 8, 15], {}, 60, ["visit_out_of_window leaving 1"]),
        ([1, 8], {"events": [event("reaction", 9)]}, 38, []),
        ([1, 8], {"events": [event("reaction", 9)]}, 46, ["visit_out_of_window leaving 1"]),
        (
            [1, 8],
            {"milestones": LEFT},
            46,
            ["visit_out_of_window leaving 1"],
        ),
        ([1, 8], {}, 38, ["dose_no_record? x 3"]),
    ],
)
def test_the_last_dose_is_known_once_none_is_to_come(
    days: list[int], more: dict[str, list[Row]], end: int, found: list[str]
) -> None:
    """All given, stopped or discontinued: the visit has its day. A dose not accounted for may yet be the last one."""
    given = [dose("x", day) for day in days]
    assert told(audited(LAST, 100, administrations=given, visits=[visit(end)], **more)) == found


def test_a_visit_after_the_last_dose_is_missed_when_it_did_not_take_place() -> None:
    """Nobody has to record that treatment ended."""
    given = [dose("x", day) for day in (1, 8, 15)]
    report = audited(LAST, 100, administrations=given, visits=[visit(45, status="not done")])
    assert told(report) == ["visit_missed leaving 1"]


CYCLES = """
arms: {a: A}
milestones: {day-zero: start of first treatment}
cycles: {cycle: {from: day 1, every: 21 d, to: 50 d after day-zero}}
visits: {leaving: {due: 30 d after last treatment, window: ±7 d}}
treatments:
  x: {in: cycle, due: day 1, window: ±2 d, dose: {amount: 10 mg, tolerance: ±5 %}}
modifications:
  long: {if: delay of cycle > 14 d, then: hold x, until: reached restart}
"""


def test_a_cycle_after_the_end_of_the_cycles_is_not_late() -> None:
    """The third cycle is the last one: nothing is held for the delay of a fourth, and the last dose is known."""
    given = [dose("x", day) for day in (1, 22, 43)]
    text = CYCLES.replace("start of first treatment", "start of first treatment, restart: {title: restarted}")
    assert told(audited(text, 200, administrations=given, visits=[visit(74)])) == []
    assert told(audited(text, 200, administrations=given, visits=[visit(81)])) == ["visit_out_of_window leaving 1"]
