"""Occurrences and records by the minute, where all of them have clock times: which of two doses of one day is which."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from rules.arrays import NONE, Flags, Ints, Longs
from rules.identity.assignment import UNLIMITED, reach
from rules.timing.clock import DAY, NEVER, of_records
from rules.timing.grid import Grid, Laid


class Timed(NamedTuple):
    """Participants of the grid of whom every time is known; minutes of occurrences and records, and their reaches."""

    who: Ints
    planned: Ints
    records: Ints
    before: Ints
    after: Ints


def in_minutes(laid: Laid, grid: Grid, columns: Ints, rows: Ints, days: Ints) -> Timed | None:
    """The occurrences of a group and their records by the minute; None where windows are in days.

    `days` are those of the occurrences, `NONE` where none is open to a record. A participant of whom one time is not
    known is left to the days, and so is one whose doses the protocol moved.
    """
    slots = [grid.arm.slots[int(c)] for c in columns]
    # What accompanies a dose is told by that dose, and a dose of a cycle by its cycle.
    if any(slot.follows or grid.arm.cycle_of(int(c))[1] for c, slot in zip(columns, slots, strict=True)):
        return None
    hours = [grid.hours.get(int(c)) for c in columns]
    moments = np.full(days.shape, NEVER, np.int64)
    exact: Flags = ~(grid.delayed[:, columns] != 0).any(axis=1)
    for place, window in enumerate(hours):
        if window is None:
            return None
        open_ = days[:, place] != NONE
        exact &= ~open_ | ((window.first == window.last) & (window.first != NEVER))
        moments[:, place] = np.where(open_, window.first, NEVER)
    first, last = (moment.reshape(rows.shape) for moment in of_records(laid, laid.doses, rows.ravel()))
    there = rows >= 0
    exact &= (~there | ((first == last) & (first != NEVER))).all(axis=1)
    who = np.flatnonzero(exact & there.any(axis=1)).astype(np.int32)
    if not len(who):
        return None
    clocks = [slot.clock or (0, 0) for slot in slots]
    offsets = np.maximum.accumulate([_nominal(grid, int(c)) for c in columns])
    before, after = reach(offsets, [low for low, _ in clocks], [high for _, high in clocks])
    near = [min(low, 0) - high - DAY if int(c) in grid.optional else -UNLIMITED
            for c, (low, high) in zip(columns, clocks, strict=True)]  # fmt: skip
    before, after = (np.minimum(side, -np.array(near, np.int32)) for side in (before, after))
    planned, at = _whole(moments[who]), _whole(first[who])
    return Timed(who, np.where(planned == NONE, NONE, np.maximum.accumulate(planned, axis=1)), at, before, after)


def _whole(moments: Longs) -> Ints:
    return np.where(moments == NEVER, NONE, moments).astype(np.int32)


def _nominal(grid: Grid, c: int) -> int:
    """The slot's minute counted from day zero as planned, following its references: for order and reach only."""
    slot = grid.arm.slots[c]
    own = slot.offset.about * DAY + slot.offset.minutes % DAY
    ref = slot.ref
    return own + (_nominal(grid, ref.slot) if ref.kind == "slot" and 0 <= ref.slot != c else 0)
