"""Limits: what is counted from recorded dates opens, closes and pushes an occurrence (decision 8)."""

from __future__ import annotations

import numpy as np

from rules.arrays import NONE, Ints
from rules.timing.anchors import add, recorded
from rules.timing.grid import Grid, Laid

INTERVAL = ("previous", "slot", "dose")
"""References that are doses or visits on record: a limit counted from one is an interval."""
FAR = 1 << 24


def limit(laid: Laid, grid: Grid, c: int) -> None:
    """Limits count from recorded dates only; what they open, they push target and window to (decision 8).

    A shortest interval from a record also stands in `earliest`, a longest one in `latest`.
    """
    bounds = grid.arm.slots[c].bounds
    for bound in bounds:
        first, last = recorded(laid, grid, bound.ref, c)
        if bound.opens is not None:
            earliest = add(laid, grid.s, last, bound.opens)
            _push(grid, c, earliest, (grid.due, grid.opens, grid.closes))
            if last is not first:
                _spread(grid, "due", c, first, last)
            if bound.ref.kind in INTERVAL:
                grid.earliest[:, c] = np.maximum(grid.earliest[:, c], earliest)
                _spread(grid, "earliest", c, first, last)
        if bound.due is not None:
            _push(grid, c, add(laid, grid.s, last, bound.due), (grid.due,))
    if any(bound.closes is not None for bound in bounds):
        _close(laid, grid, c)


def _push(grid: Grid, c: int, day: Ints, marks: tuple[Ints, ...]) -> None:
    """None of these days of an occurrence lies before the day."""
    for days in marks:
        own = days[:, c]
        # `NONE` lies before every day.
        days[:, c] = np.where(own == NONE, NONE, np.maximum(own, day))


def _spread(grid: Grid, mark: str, c: int, first: Ints, last: Ints) -> None:
    """A day that rests on a record dated only in part may lie that much earlier."""
    if last is first:
        return
    before = grid.spread.get((mark, c), np.zeros(len(first), np.int32))
    grid.spread[mark, c] = np.maximum(before, np.where(first != NONE, last - first, 0)).astype(np.int32)


def _close(laid: Laid, grid: Grid, c: int) -> None:
    """The earliest of the last days on time; never before the first one, and in `latest` where an interval says so."""
    opens, due = grid.opens[:, c], grid.due[:, c]
    least = np.where(opens != NONE, opens, due)
    for bound in grid.arm.slots[c].bounds:
        if bound.closes is None:
            continue
        first, last = recorded(laid, grid, bound.ref, c)
        day = add(laid, grid.s, last, bound.closes)
        if bound.ref.kind == "previous" and grid.arm.slots[c].part.element.missed == "skip":
            # After a missed dose the gap is the missed dose's, not this one's.
            day = np.where(grid.actual[:, previous_slot(grid, c)] != NONE, day, NONE).astype(np.int32)
        day = np.where((day != NONE) & (least != NONE), np.maximum(day, least), day).astype(np.int32)
        if bound.ref.kind in INTERVAL:
            before = grid.latest.get(c, np.full(len(day), NONE, np.int32))
            grid.latest[c] = np.where((before == NONE) | ((day != NONE) & (day < before)), day, before)
            _spread(grid, "latest", c, first, last)
        closes = grid.closes[:, c]
        binds = (day != NONE) & (due != NONE) & ((closes == NONE) | (day < closes))
        grid.closes[:, c] = np.where(binds, day, closes)
        grid.due[:, c] = np.where(binds, np.minimum(due, day), due)


def previous_slot(grid: Grid, c: int) -> int:
    """The column of the occurrence before one of the same activity; its own where it is the first."""
    activity = grid.arm.slots[c].part.activity
    columns = grid.arm.columns(activity)
    return columns[max(columns.index(c) - 1, 0)]


def from_bounds(laid: Laid, grid: Grid, c: int) -> Ints:
    """Target of an occurrence that has limits only: the latest one, never before it opens; and when it opens."""
    due = np.full(len(grid.s), NONE, np.int32)
    opens = due.copy()
    for bound in grid.arm.slots[c].bounds:
        day = recorded(laid, grid, bound.ref, c)[1]
        if bound.due is not None:
            due = np.maximum(due, add(laid, grid.s, day, bound.due))
        if bound.opens is not None:
            opens = np.maximum(opens, add(laid, grid.s, day, bound.opens))
    due = np.maximum(due, opens)
    grid.opens[:, c] = np.where(opens == NONE, due, opens)
    return due


def counts_from(laid: Laid, grid: Grid, c: int) -> Ints:
    """The first day from which a dose counts at all, `NONE` where nothing says so."""
    day = np.full(len(grid.s), NONE, np.int32)
    for bound in grid.arm.slots[c].bounds:
        if bound.valid_from is not None:
            day = np.maximum(day, add(laid, grid.s, recorded(laid, grid, bound.ref, c)[0], bound.valid_from))
    return day


def counts_until(laid: Laid, grid: Grid, c: int) -> Ints:
    """The last day on which a dose counts, `NONE` where nothing says so."""
    day: Ints = np.full(len(grid.s), FAR, np.int32)
    for bound in grid.arm.slots[c].bounds:
        if bound.valid_to is not None:
            end = add(laid, grid.s, recorded(laid, grid, bound.ref, c)[1], bound.valid_to)
            day = np.minimum(day, np.where(end == NONE, FAR, end))
    return np.where(day == FAR, NONE, day).astype(np.int32)
