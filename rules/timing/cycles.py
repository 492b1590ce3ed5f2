"""When each cycle was due and when it began: day 1 counts from the actual day 1 of the cycle before (decision 9).

A cycle begins with the first day-1 dose of any drug. One not begun is a delay; a drug not given in a begun cycle is an
omission. So the beginnings are read from the records first, and identity is settled inside each cycle.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from rules.arrays import NONE, Flags, Index, Ints, Longs, key
from rules.happened.records import NOT_GIVEN, Records
from rules.planning.slots import ArmPlan, CyclePlan, Slot

LONG_AGO = -(1 << 18)


class Waiting(NamedTuple):
    """What the protocol's delays do to one cycle of some participants, by the day on which it was due before them.

    `until`: the day to which it has to wait, `NONE` where that is not known yet; `ordered`: whether the protocol orders
    a delay; `waits`: whether it waits for that or for a hold; `allowed`: days by which it may be later; `over`: whether
    all its day-1 drugs, or the cycles, have ended.
    """

    until: Ints
    ordered: Flags
    waits: Flags
    allowed: Ints
    over: Flags


@dataclass(frozen=True)
class CycleDays:
    """Of participants × cycles: day 1 as due and as it took place (`NONE`: not begun), and which activity began it.

    `waited` are the days by which an ordered delay moved the due day, `allowed` those by which it may be later;
    `rushed` marks cycles that began although a delay was ordered, `over` those that will not begin since the cycles, or
    all their day-1 drugs, have ended. `near` is the first day after day 1 that is nearer to the next cycle than to the
    last dose of this one.
    """

    due: Ints
    start: Ints
    beginner: Ints
    waited: Ints
    allowed: Ints
    rushed: Flags
    over: Flags
    near: Ints

    def begun(self, day: Ints, who: Index | None = None) -> Ints:
        """How many cycles each participant (those of the rows `who`) has begun by a day of theirs."""
        start = self.start if who is None else self.start[who]
        found: Ints = ((start != NONE) & (start <= day[:, None])).sum(axis=1).astype(np.int32)
        return found

    def delay(self, who: Index | Ints, day: Ints) -> tuple[Ints, Flags]:
        """By how many days the cycle due last was late, or is late by now; and whether one was due by that day.

        A cycle that is over is not late.
        """
        due, start = np.where(self.over, NONE, self.due)[who], self.start[who]
        waits = (due != NONE) & (due - self.waited[who] <= day[:, None])
        last = np.maximum(waits.sum(axis=1) - 1, 0)[:, None]
        planned = np.take_along_axis(due - self.waited[who], last, axis=1)[:, 0]
        began = np.take_along_axis(start, last, axis=1)[:, 0]
        until = np.where((began != NONE) & (began <= day), began, day)
        return (until - planned).astype(np.int32), waits.any(axis=1)


def lay_cycle(
    cycle: CyclePlan,
    arm: ArmPlan,
    s: Ints,
    records: Records,
    due_of: Callable[[int, Ints], Ints],
    waiting: Callable[[int, Ints, list[str]], Waiting],
) -> CycleDays:
    """The cycles of the participants `s`.

    `due_of` gives the day on which cycle k is due by the day that it counts from; `waiting` what the protocol's delays
    do to cycle k with these day-1 drugs, due on these days.
    """
    shape = (len(s), cycle.number)
    due, start = np.full(shape, NONE, np.int32), np.full(shape, NONE, np.int32)
    beginner, waited, allowed = np.full(shape, -1, np.int32), np.zeros(shape, np.int32), np.zeros(shape, np.int32)
    rushed, over, near = np.zeros(shape, np.bool_), np.zeros(shape, np.bool_), _nearer(cycle, arm)
    after = np.full(len(s), LONG_AGO, np.int32)
    for k in range(cycle.number):
        drugs = first_drugs(cycle, arm, k + 1)
        start[:, k], beginner[:, k] = _beginning(drugs, s, records, after)
        base = np.where(start[:, k - 1] != NONE, start[:, k - 1], due[:, k - 1]) if k and cycle.shift else after
        planned = due_of(k, base.astype(np.int32))
        wait = waiting(k, planned, drugs)
        hurried = wait.waits & (start[:, k] != NONE) & ((wait.until == NONE) | (start[:, k] < wait.until))
        rushed[:, k], moved = wait.ordered & hurried, wait.waits & ~hurried & ~wait.over
        due[:, k] = np.where(moved, wait.until, planned)
        waited[:, k] = np.where(moved & (wait.until != NONE), wait.until - planned, 0)
        allowed[:, k], over[:, k] = wait.allowed, wait.over & (start[:, k] == NONE)
        after = np.where(start[:, k] != NONE, start[:, k] + near[k], NONE).astype(np.int32)
    return CycleDays(due, start, beginner, waited, allowed, rushed, over, near)


def doses_of(cycle: CyclePlan, arm: ArmPlan, number: int) -> list[Slot]:
    """The doses planned in a cycle of that number."""
    mine = (slot for slot in arm.slots if slot.part.kind == "treatment" and slot.ref.kind == "cycle")
    return [slot for slot in mine if slot.ref.name == cycle.name and slot.ref.nth == number]


def _nearer(cycle: CyclePlan, arm: ArmPlan) -> Ints:
    """By cycle: the first day after its day 1 that is nearer to the next day 1 than to its last planned dose."""
    last = [max((x.offset.about for x in doses_of(cycle, arm, k + 1)), default=0) for k in range(cycle.number)]
    return np.array([(days + cycle.every.about) // 2 + 1 for days in last], dtype=np.int32)


def first_drugs(cycle: CyclePlan, arm: ArmPlan, number: int) -> list[str]:
    """The drugs with a dose on day 1 of a cycle, in the order of the protocol."""
    return list(dict.fromkeys(slot.part.activity for slot in doses_of(cycle, arm, number) if slot.ref.planned))


def _beginning(drugs: list[str], s: Ints, records: Records, after: Ints) -> tuple[Ints, Ints]:
    """The first day-1 dose of any drug from a day on, and whose it was; `NONE` where there is none."""
    place, rows = _given(records, [records.names.index(name) for name in drugs])
    nothing = np.full(len(s), NONE, np.int32)
    if not len(rows):
        return nothing, np.full(len(s), -1, np.int32)
    found = np.searchsorted(place, key(s, np.where(after == NONE, 0, after)))
    row = rows[np.minimum(found, len(rows) - 1)]
    there = (found < len(rows)) & (records.s[row] == s) & (after != NONE)
    return np.where(there, records.day[row], nothing), np.where(there, records.activity[row], -1).astype(np.int32)


def _given(records: Records, activities: Sequence[int]) -> tuple[Longs, Ints]:
    """The doses of these activities by participant and day, of one day in this order of activities: keys and rows."""
    rank = np.full(len(records.names) + 3, -1, np.int32)
    rank[list(activities)] = np.arange(len(activities))
    given = (records.status != NOT_GIVEN) & (records.day != NONE) & ~(records.duplicate | records.misfiled)
    rows = np.flatnonzero(given & (rank[records.activity] >= 0)).astype(np.int32)
    order = np.lexsort((rank[records.activity[rows]], key(records.s[rows], records.day[rows])))
    rows = rows[order]
    return key(records.s[rows], records.day[rows]), rows


def in_cycles(days: CycleDays, cycle: CyclePlan, matrix: Ints, denied: Flags) -> Ints:
    """The days [S, R] of records as places: so many strides for the cycle a record falls in, and its day in it.

    A record *not given* late in a cycle speaks of the next one.
    """
    place = np.full(matrix.shape, NONE, np.int32)
    for r in range(matrix.shape[1]):
        day = matrix[:, r]
        begun = days.begun(day)
        since = day - _take(days.start, np.maximum(begun - 1, 0))
        late = denied[:, r] & (since >= days.near[np.maximum(begun - 1, 0)])
        number = np.where((begun == 0) | late, np.minimum(begun + 1, cycle.number), begun)
        start, due = _take(days.start, number - 1), _take(days.due, number - 1)
        base = np.where(start != NONE, start, due)
        told = (day != NONE) & (base != NONE)
        since = np.clip(day - np.where(told, base, 0), -cycle.every.about, 2 * cycle.every.about)
        place[:, r] = np.where(told, number * stride(cycle) + since, NONE)
    return place


def stride(cycle: CyclePlan) -> int:
    """Far enough from one cycle to the next that no record is within reach of another cycle's doses."""
    return 4 * cycle.every.about


def _take(matrix: Ints, column: Ints) -> Ints:
    taken: Ints = np.take_along_axis(matrix, column[:, None].astype(np.int64), axis=1)[:, 0]
    return taken
