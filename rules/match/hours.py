"""Doses by the clock: windows, and intervals from the dose before, that the protocol states in hours."""

from __future__ import annotations

import numpy as np
import polars as pl

from rules.arrays import NONE, Flags, Ints
from rules.match.frame import Array, flag, one_of
from rules.timing.clock import apart, moved_by_days, off_by
from rules.timing.grid import Grid, Laid


def by_clock(laid: Laid) -> dict[str, Array | pl.Series]:
    """By how many minutes each dose misses its window, and its interval from the dose before, where these are hours."""
    n = len(laid.doses.s)
    if not any(grid.hours or _hour_limits(grid) for grid in laid.grids):
        no, nothing = flag(False, n), np.broadcast_to(np.int32(0), n)
        told = {"by_clock": no, "minutes_off": nothing, "spaced_by_clock": no, "minutes_apart": nothing}
        return told | {"time_fact": one_of(_TIME_FACTS, no)}
    off, apart_by = np.zeros(n, np.int32), np.zeros(n, np.int32)
    timed, spaced, own, beside = (np.zeros(n, np.bool_) for _ in range(4))
    for grid, participants, column, records in laid.placed:
        who, rows = participants.astype(np.int32), records.astype(np.int32)
        for c in grid.hours:
            mine = np.flatnonzero(column == c)
            slot = grid.arm.slots[c]
            # Of what accompanies a dose that is not on record only the day can be told.
            there = (grid.actual[who[mine], slot.ref.slot] != NONE) if slot.follows else True
            timed[rows[mine]] = slot.part.judged & there & ~moved_by_days(laid, grid, c, who[mine])
            off[rows[mine]], own[rows[mine]] = off_by(laid, grid, c, who[mine], rows[mine])
            beside[rows[mine]] = grid.arm.slots[c].follows
        for c, least, most in _hour_limits(grid):
            mine = np.flatnonzero(column == c)
            before = _row_before(grid, c, who[mine])
            chosen, before = rows[mine][before >= 0], before[before >= 0]
            spaced[chosen] = grid.arm.slots[c].part.judged
            apart_by[chosen], unsure = apart(laid, chosen, before, least, most)
            own[chosen] |= unsure
    off, apart_by = np.where(timed, off, 0).astype(np.int32), np.where(spaced, apart_by, 0).astype(np.int32)
    fact = one_of(_TIME_FACTS, np.where(beside, 2, own))
    return {
        "by_clock": timed,
        "minutes_off": off,
        "spaced_by_clock": spaced,
        "minutes_apart": apart_by,
        "time_fact": fact,
    }


_TIME_FACTS = ("anchor-time", "time", "hour")
"""What is missing where a clock time is: that of the dose before, or the dose's own."""


def _hour_limits(grid: Grid) -> list[tuple[int, int | None, int | None]]:
    """Slots with an interval in hours from the dose before: the shortest and the longest, in minutes."""
    found = []
    for c, slot in enumerate(grid.arm.slots):
        for bound in slot.bounds:
            marks = [
                mark.minutes if mark is not None and mark.minutes else None for mark in (bound.opens, bound.closes)
            ]
            if bound.ref.kind == "previous" and any(marks):
                found.append((c, marks[0], marks[1]))
    return found


def _row_before(grid: Grid, c: int, who: Ints) -> Ints:
    """The record of the last dose really given before an occurrence, -1 where there is none."""
    columns = grid.arm.columns(grid.arm.slots[c].part.activity)
    before = np.array(columns[: columns.index(c)], dtype=np.int32)
    row = np.full(len(who), -1, np.int32)
    for column in before:
        given = grid.actual[who, column] != NONE
        row = np.where(given, grid.record[who, column], row).astype(np.int32)
    return row


def windows_in_hours(laid: Laid) -> Flags:
    """Doses whose window is clock time."""
    found = np.zeros(len(laid.doses.s), np.bool_)
    for grid, _, column, rows in laid.placed if any(grid.hours for grid in laid.grids) else ():
        found[rows] = np.isin(column, list(grid.hours)) & np.array([s.part.judged for s in grid.arm.slots])[column]
    return found
