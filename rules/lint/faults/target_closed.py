"""A target that always falls on a closed day.

What
----
With the clinic closed on the named days (`--closed`), a target is a closed day on whatever open day a participant
begins, or every participant meets a window without a single open day. Days that count from an event are not looked
at.

Why it matters
--------------
Nobody can comply, or everybody is treated off target: the deviation is the protocol's.

Way out
-------
Move the target, widen the window to the next open day, or say on which weekdays participants begin.

Bad
---
# --closed "monday, wednesday, thursday, friday, saturday, sunday"
treatments: {drug: {due: [day 0, day 3], window: ±0 d}}

Good
----
# --closed "monday, wednesday, thursday, friday, saturday, sunday"
treatments: {drug: {due: [day 0, day 7], window: ±0 d}}
"""

from collections.abc import Iterator

import numpy as np

from rules.arrays import Flags, Ints
from rules.lint.check import Check, Hit
from rules.lint.draft import Draft
from rules.lint.timeline import ZERO, Line
from rules.planning.slots import Part


def _find(draft: Draft) -> Iterator[Hit]:
    if draft.closed is None:
        return
    weekdays = np.array(sorted(draft.closed.weekdays))
    told: set[int] = set()
    for line in draft.lines:
        begins = ~_closed(ZERO, weekdays)
        parts: dict[int, list[int]] = {}
        for column, slot in enumerate(line.slots):
            if line.known(column) and not slot.part.course and not slot.follows:
                parts.setdefault(slot.part.code, []).append(column)
        for code, columns in parts.items():
            hit = _met(draft, line, line.slots[columns[0]].part, columns, begins, weekdays) if begins.any() else None
            if hit is not None and code not in told:
                told.add(code)
                yield hit


def _met(draft: Draft, line: Line, part: Part, columns: list[int], begins: Flags, weekdays: Ints) -> Hit | None:
    """What of a part falls on closed days, whoever begins on an open one."""
    shut = np.stack([_shut(line, c, weekdays) for c in columns], axis=1)[begins]
    missed = np.stack([_closed(line.due[:, c], weekdays) for c in columns], axis=1)[begins]
    words = {"activity": part.activity}
    if shut.any(axis=1).all():
        return Hit(draft.path(part), words | _which(line, columns, shut), "shut")
    if missed.all(axis=0).any():
        return Hit(draft.path(part), words | _which(line, columns, missed & missed.all(axis=0)), "missed")
    return None


def _which(line: Line, columns: list[int], where: Flags) -> dict[str, object]:
    column = columns[int(where.any(axis=0).argmax())]
    return {"number": line.slots[column].occurrence, "day": line.study_day(line.due[:, column])}


def _shut(line: Line, column: int, weekdays: Ints) -> Flags:
    """Of each participant whether the whole window is closed; in a week every weekday comes round."""
    first, last = line.opens[:, column], line.closes[:, column]
    shut = np.ones(len(first), np.bool_)
    for step in range(7):
        shut &= _closed(first + np.int32(step), weekdays) | (first + step > last)
    return shut


def _closed(days: Ints, weekdays: Ints) -> Flags:
    """1970-01-01 was a Thursday."""
    closed: Flags = np.isin((days + 3) % 7, weekdays)
    return closed


target_closed = Check(
    code="target_closed",
    title="Target on a closed day",
    page=__doc__,
    find=_find,
    message={
        "shut": "on whatever open day a participant begins, some window of {activity} has no open day (such as that of "
        "number {number}, day {day} from day zero)",
        "missed": "{activity} {number}, day {day} from day zero, is due on a closed day on whatever open day a "
        "participant begins",
    },
    remedy="move the target, or widen the window to the next open day",
)
