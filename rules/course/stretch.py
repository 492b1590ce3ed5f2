"""What was planned of every course: stretches of days with one dose, by participant."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from protocol.model import Treatment
from rules.arrays import NONE, Flags, Ints
from rules.happened.spells import FOREVER
from rules.happened.truth import Truth
from rules.planning.slots import Part, Span
from rules.timing.anchors import add, reference
from rules.timing.grid import Grid, Laid


@dataclass
class Stretch:
    """One step of a course for every participant of a partition.

    `start` is its first day, `NONE` where it is not planned; `end` the first day after it, `FOREVER` where nothing says
    so. `held` answers whether its condition holds. `ended` marks ends that nothing can move any more.
    """

    part: Part
    element: Treatment
    start: Ints
    end: Ints
    held: Truth
    ended: Flags


@dataclass
class Course:
    """One treatment taken by days: when it was due and begun, and its stretches in order.

    `possible`: the arm of the participant gets it, or is not known.
    """

    activity: str
    due: Ints
    opens: Ints
    closes: Ints
    begun: Ints
    expected: Truth
    possible: Flags
    stretches: list[Stretch]

    @property
    def end(self) -> Ints:
        """The first day after the last stretch, `NONE` where none is planned, `FOREVER` where nothing ends it."""
        latest: Ints = np.max([np.where(x.start == NONE, NONE, x.end) for x in self.stretches], axis=0).astype(np.int32)
        return latest

    @property
    def ended(self) -> Flags:
        """Whether the end of the last stretch can no longer move."""
        flags: Flags = np.all([x.ended | (x.start == NONE) for x in self.stretches], axis=0)
        return flags


def read_courses(laid: Laid) -> list[Course]:
    """The courses of the protocol, each with its stretches; empty where it has none."""
    found: dict[str, Course] = {}
    for part in laid.plan.parts:
        if part.course and isinstance(part.element, Treatment):
            course = found.setdefault(part.activity, _blank(laid, part.activity))
            course.stretches.append(_blank_stretch(laid, part, part.element))
    for grid in laid.grids:
        for course in found.values():
            _fill(laid, grid, course)
    return list(found.values())


def _blank(laid: Laid, activity: str) -> Course:
    nothing = np.full(laid.evidence.n, NONE, np.int32)
    possible = np.array([arm not in laid.plan.arms for arm in laid.evidence.arm], np.bool_)
    return Course(
        activity,
        due=nothing.copy(),
        opens=nothing.copy(),
        closes=nothing.copy(),
        begun=nothing.copy(),
        expected=np.zeros(len(nothing), np.int8),
        possible=possible,
        stretches=[],
    )


def _blank_stretch(laid: Laid, part: Part, element: Treatment) -> Stretch:
    n = laid.evidence.n
    return Stretch(
        part, element, np.full(n, NONE, np.int32), np.full(n, NONE, np.int32), np.zeros(n, np.int8), np.ones(n, bool)
    )


def _fill(laid: Laid, grid: Grid, course: Course) -> None:
    """The days of one arm's participants."""
    columns = grid.arm.columns(course.activity)
    if not columns:
        return
    s, head = grid.s, columns[0]
    course.possible[s] = True
    course.due[s], course.begun[s] = grid.due[:, head], grid.actual[:, head]
    course.opens[s], course.closes[s] = grid.opens[:, head], grid.closes[:, head]
    course.expected[s] = grid.expected[:, head]
    began = np.where(grid.actual[:, head] != NONE, grid.actual[:, head], grid.due[:, head]).astype(np.int32)
    floating, before, length = True, None, Span()
    for c in columns:
        part = grid.arm.slots[c].part
        stretch = next(x for x in course.stretches if x.part.code == part.code)
        floating &= c == head or stretch.element.from_ is None
        start = add(laid, s, began, length) if floating and c != head else grid.due[:, c]
        end, ended = _end(laid, grid, c)
        lasts = stretch.element.for_
        floating &= lasts is not None
        if floating and lasts is not None:
            # A course for so long lasts from the day on which it was begun; months are added at once from there.
            length += Span(lasts.months, lasts.days)
            end = np.where(end != FOREVER, add(laid, s, began, length), end)
        held = grid.expected[:, c] if part.element.if_ else (grid.expected[:, c] != 0).astype(np.int8)
        if part.element.if_ and stretch.element.level is not None and before is not None:
            # Whoever does not reach the next level stays at the level before.
            before.end[s] = np.where(held == 0, end, before.end[s])
        stretch.start[s] = np.where(held == 0, NONE, start)
        stretch.end[s], stretch.held[s], stretch.ended[s] = end, held, ended
        before = stretch


def last_days(laid: Laid, grid: Grid, c: int) -> Ints:
    """The last day of a stretch as planned, `NONE` where nothing ends it or its end is not known."""
    end, _ = _end(laid, grid, c)
    return np.where((end == FOREVER) | (grid.due[:, c] == NONE), NONE, end - 1).astype(np.int32)


def _end(laid: Laid, grid: Grid, c: int) -> tuple[Ints, Flags]:
    """The first day after a stretch, the earliest of its ends; and whether all that it counts from is settled."""
    end = np.full(len(grid.s), FOREVER, np.int32)
    ended = np.ones(len(grid.s), np.bool_)
    for ref, span, inclusive in grid.arm.slots[c].until:
        day = add(laid, grid.s, reference(laid, grid, ref)[1], span)
        day = np.where(day == NONE, NONE, day + int(inclusive)).astype(np.int32)
        end = np.where(day == NONE, end, np.minimum(end, day)).astype(np.int32)
        if ref.kind == "slot" and ref.slot >= 0:
            closing = np.where(grid.closes[:, ref.slot] != NONE, grid.closes[:, ref.slot], grid.due[:, ref.slot])
            ended &= (grid.actual[:, ref.slot] != NONE) | (closing < laid.evidence.horizon)
        else:
            ended &= day != NONE
    return end, ended
