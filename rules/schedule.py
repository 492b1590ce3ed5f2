"""Plan × participants -> the expected occurrences of each participant, with the days that the records have fixed.

One `Grid` per arm: matrices of participants × slots. The days of a slot follow its reference; where the reference is
an activity that took place, its actual day counts, before that its planned one (language, decision 5).
"""

from __future__ import annotations

import numpy as np

from rules.arrays import NONE, Flags, Ints, Milestone
from rules.happened.counts import count, counts_of
from rules.happened.evidence import Evidence
from rules.happened.levels import Levels, read_levels
from rules.happened.records import Records, first_given
from rules.happened.spells import HOLD, OMIT, STOP
from rules.happened.states import Place, read_states
from rules.happened.truth import Truth, all_of, both
from rules.identity.series import (
    reach_of_permitted,
    take_course,
    take_in_order,
    take_in_rhythm,
    take_records,
    waiting_records,
)
from rules.identity.shared import share_out
from rules.planning.slots import ArmPlan, CyclePlan, Plan, Slot, Span
from rules.timing.anchors import add, due_from, last_given, reference
from rules.timing.carried import Carried
from rules.timing.clock import lay_hours
from rules.timing.closed import add_working
from rules.timing.cycles import CycleDays, Waiting, doses_of, lay_cycle
from rules.timing.grid import Grid, Identity, Laid
from rules.timing.limits import counts_from, counts_until, from_bounds, limit, previous_slot


def lay_out(plan: Plan, evidence: Evidence, doses: Records, visits: Records, carried: Carried | None = None) -> Laid:
    """The grids of every arm, with each record in its place.

    What conditions count (delays, omissions in a row) follows from this and may change it: it is laid out once more.
    """
    zeros = _day_zero(evidence, doses, visits)
    zero = np.where(zeros[1] != NONE, zeros[1], zeros[0]).astype(np.int32)
    evidence.milestones["day-zero"] = _certain(zero)
    evidence.milestones["first-dose"] = _certain(first_given(doses, evidence.n))
    evidence.milestones["death"] = _not_before(evidence.milestone("death"), last_given(doses, evidence.n))
    laid = _lay(plan, evidence, doses, visits, (zero, *zeros), carried)
    laid.levels = read_levels(evidence, _begun(laid))
    if counts := counts_of(plan):
        evidence.counted.update(count(laid, counts))
        levels = read_levels(evidence, _begun(laid))
        evidence.counted.update(levels.counters(counts))
        laid = _lay(plan, evidence, doses, visits, (zero, *zeros), carried)
        laid.levels = levels
    return laid


def _begun(laid: Laid) -> list[tuple[Ints, CycleDays]]:
    return [(grid.s, cycles) for grid in laid.grids for cycles in grid.cycles.values()]


def _lay(
    plan: Plan,
    evidence: Evidence,
    doses: Records,
    visits: Records,
    zeros: tuple[Ints, Ints, Ints],
    carried: Carried | None,
) -> Laid:
    states = read_states(plan, evidence)
    dose_slot, visit_slot = (np.full(len(r.s), -1, np.int32) for r in (doses, visits))
    asked = np.zeros(len(doses.s), np.bool_)
    counts = np.full(len(doses.s), NONE, np.int32), np.full(len(doses.s), NONE, np.int32)
    identity = Identity(np.full(len(doses.s), NONE, np.int32), np.zeros(len(doses.s), np.bool_))
    places = dose_slot, visit_slot, asked
    levels = Levels(evidence)
    laid = Laid(plan, evidence, doses, visits, [], states, *zeros, *places, *counts, identity, levels, carried)
    for place, arm in enumerate(plan.arms.values()):
        s = np.flatnonzero(evidence.arm_place == place).astype(np.int32)
        if len(s) and arm.slots:
            share_out(laid, arm, s)
            laid.grids.append(_grid(laid, arm, s))
    return laid


def _certain(day: Ints) -> Milestone:
    return Milestone(day, day)


def _not_before(death: Milestone, seen: Ints) -> Milestone:
    """A day of death known only in part: not before the last dose that was given while it may have been."""
    narrowed = (seen != NONE) & (death.first < seen) & (seen <= death.last)
    return Milestone(np.where(narrowed, seen, death.first).astype(np.int32), death.last)


def _day_zero(e: Evidence, doses: Records, visits: Records) -> tuple[Ints, Ints]:
    """Day zero as recorded, and as the event that defines it happened."""
    recorded = e.milestone("day-zero").day
    nothing = np.full(e.n, NONE, np.int32)
    stated = e.protocol.milestones.get("day-zero")
    anchor = stated.anchor if stated is not None else None
    if anchor is None or anchor.name is None:
        return recorded, nothing
    if anchor.name in e.protocol.treatments:
        return recorded, _first(doses, recorded, anchor.name)
    if anchor.name == "treatment" or anchor.name in e.protocol.products:
        return recorded, _first(doses, recorded, None)
    if anchor.name in e.protocol.visits:
        return recorded, _first(visits, recorded, anchor.name)
    if anchor.name in e.milestones:
        return recorded, e.milestone(anchor.name).day
    return recorded, nothing


def _first(records: Records, recorded: Ints, name: str | None) -> Ints:
    """The first event; where a doubtful one comes before it, the recorded day zero counts, if there is one."""
    first, certain = (first_given(records, len(recorded), name, certain=c) for c in (False, True))
    return np.where((first != certain) & (recorded != NONE), NONE, first).astype(np.int32)


def _grid(laid: Laid, arm: ArmPlan, s: Ints) -> Grid:
    shape = (len(s), len(arm.slots))

    def blank(value: int) -> Ints:
        return np.full(shape, value, np.int32)

    grid = Grid(
        arm,
        s,
        blank(NONE),
        blank(NONE),
        blank(NONE),
        blank(NONE),
        blank(NONE),
        blank(-1),
        np.ones(shape, np.int8),
        blank(0),
        blank(0),
        blank(0),
        np.zeros(shape, np.bool_),
    )
    for group in arm.groups:
        _lay_group(laid, grid, group)
    return grid


def _lay_group(laid: Laid, grid: Grid, group: tuple[int, ...]) -> None:
    """The days of the slots of one group, and the records in them."""
    slots = grid.arm.slots
    element = slots[group[0]].part.element
    for name in {slots[c].ref.name for c in group if slots[c].ref.kind == "cycle"} - set(grid.cycles):
        _lay_cycle(laid, grid, grid.arm.cycles[name])
    if element.late == "shift" or element.missed == "make_up" or any(slots[c].ref.kind == "none" for c in group):
        place = take_in_rhythm if element.late == "shift" and element.missed == "skip" else take_in_order
        place(laid, grid, group, lambda c: _lay_in_order(laid, grid, c))
        return
    for c in group:
        _lay_slot(laid, grid, c)
        _expect(laid, grid, c)
        _take_over(laid, grid, c)
    if slots[group[0]].part.course:
        take_course(laid, grid, group)
    elif slots[group[0]].part.kind != "assessment":
        take_records(laid, grid, group)
    for c in group:
        limit(laid, grid, c)
        _take_over(laid, grid, c)
        _note_counting(laid, grid, c)


def _take_over(laid: Laid, grid: Grid, c: int) -> None:
    if laid.carried is not None:
        laid.carried.take_over(grid, c)


def _note_counting(laid: Laid, grid: Grid, c: int) -> None:
    """On which days the dose in an occurrence of a fixed grid counts: it keeps its place, and may not count."""
    slot, row = grid.arm.slots[c], grid.record[:, c]
    if slot.part.kind == "treatment" and any(bound.valid_from or bound.valid_to for bound in slot.bounds):
        there = np.flatnonzero(row >= 0)
        laid.counts_from[row[there]] = counts_from(laid, grid, c)[there]
        laid.counts_until[row[there]] = counts_until(laid, grid, c)[there]


def _lay_cycle(laid: Laid, grid: Grid, cycle: CyclePlan) -> None:
    """When the cycles of that name were due, and when they began."""
    first = add(laid, grid.s, reference(laid, grid, cycle.ref)[0], cycle.offset)

    def due(k: int, before: Ints) -> Ints:
        return (
            add(laid, grid.s, before, cycle.every)
            if k and cycle.shift
            else add(laid, grid.s, first, cycle.every.times(k))
        )

    def waiting(k: int, days: Ints, drugs: list[str]) -> Waiting:
        wait = laid.states.waiting(cycle.name, k + 1, grid.s, days, drugs)
        ends = [_past_end(laid, grid, slot, days)[1] for slot in doses_of(cycle, grid.arm, k + 1) if slot.ref.planned]
        return wait._replace(over=wait.over | np.logical_and.reduce([np.full(len(days), bool(ends)), *ends]))

    grid.cycles[cycle.name] = lay_cycle(cycle, grid.arm, grid.s, laid.doses, due, waiting)


def _lay_in_order(laid: Laid, grid: Grid, c: int) -> tuple[Ints, Ints]:
    """The days of an occurrence that depends on the one before it; the first and last day on which a dose counts."""
    _lay_slot(laid, grid, c)
    limit(laid, grid, c)
    _expect(laid, grid, c)
    _take_over(laid, grid, c)
    return counts_from(laid, grid, c), counts_until(laid, grid, c)


def _lay_slot(laid: Laid, grid: Grid, c: int) -> None:
    """Due day and window of one slot from its reference."""
    slot = grid.arm.slots[c]
    if slot.chained:
        before = previous_slot(grid, c)
        step = _gap(grid.arm.slots[before], slot)
        base = np.where(grid.actual[:, before] != NONE, grid.actual[:, before], grid.due[:, before]).astype(np.int32)
        due = add(laid, grid.s, base, step)
    elif slot.ref.kind == "none":
        grid.due[:, c] = from_bounds(laid, grid, c)
        return
    else:
        first, due = due_from(laid, grid, slot)
        if due is not first:
            grid.spread["due", c] = np.where(due != NONE, due - first, 0).astype(np.int32)
    grid.due[:, c] = due
    known = due != NONE
    opens, closes = _around(laid, grid, c, due)
    grid.opens[:, c] = np.where(known & (slot.low is not None), opens, NONE)
    grid.closes[:, c] = np.where(known & (slot.high is not None), closes, NONE)
    lay_hours(laid, grid, c)
    if slot.ref.kind == "cycle" and slot.ref.planned:
        _begin(laid, grid, c)


def _begin(laid: Laid, grid: Grid, c: int) -> None:
    """A late or early cycle is the fault of the dose that began it: the other drugs may also count from its day 1."""
    slot = grid.arm.slots[c]
    cycle, k = grid.cycles[slot.ref.name], slot.ref.nth - 1
    grid.delayed[:, c], grid.allowed[:, c] = cycle.waited[:, k], cycle.allowed[:, k]
    start, known = cycle.start[:, k], grid.closes[:, c] != NONE
    grid.closes[:, c] += np.where(known, cycle.allowed[:, k], 0).astype(np.int32)
    if slot.part.kind != "treatment" or not known.any():
        return
    grid.allowed[:, c] = np.where(known & (start > grid.closes[:, c]), 0, grid.allowed[:, c])
    follows = known & (start != NONE) & (cycle.beginner[:, k] != laid.doses.names.index(slot.part.activity))
    opens, closes = _around(laid, grid, c, start)
    grid.opens[:, c] = np.where(follows, np.minimum(grid.opens[:, c], opens), grid.opens[:, c])
    grid.closes[:, c] = np.where(follows, np.maximum(grid.closes[:, c], closes), grid.closes[:, c])


def _around(laid: Laid, grid: Grid, c: int, day: Ints) -> tuple[Ints, Ints]:
    """The first and last day of a slot's window around these days."""
    slot = grid.arm.slots[c]
    if slot.working is None:
        return day + np.int32(slot.low or 0), day + np.int32(slot.high or 0)
    low, high = (add_working(laid.evidence, grid.s, day, number) for number in slot.working)
    return low, high


def _gap(before: Slot, after: Slot) -> Span:
    return after.offset + before.offset.times(-1)


def _expect(laid: Laid, grid: Grid, c: int) -> None:
    """Whether the occurrence is expected: its condition, the end of its series, and the participant's own end."""
    slot, e, s = grid.arm.slots[c], laid.evidence, grid.s
    due = grid.due[:, c]
    expected = np.ones(len(s), np.int8)
    if slot.part.element.if_:
        # What comes to light after an occurrence was due says nothing of whether it was.
        day = np.where(due != NONE, np.minimum(due, e.horizon), e.horizon).astype(np.int32)
        expected = all_of(slot.part.element.if_, e, s, day)
    if slot.part.element.may_if:
        grid.optional[c] = both(expected, _permitted(laid, grid, c))
        expected = np.zeros(len(s), np.int8)
    if slot.follows and slot.ref.slot >= 0:
        expected[_absent(laid, grid, slot.ref.slot)] = 0
    if slot.ref.kind == "cycle" and slot.part.kind != "treatment":
        expected[grid.cycles[slot.ref.name].over[:, slot.ref.nth - 1]] = 0
    maybe, past = _past_end(laid, grid, slot, due)
    expected[maybe & ~past & (expected == 1)] = -1
    expected[past] = 0
    first, last = laid.states.end(slot.part.kind, slot.part.activity, s)
    gone = (last != NONE) & (due != NONE) & (due > last)
    unsure = (first != NONE) & (due != NONE) & (due >= first) & ~gone & (first != last)
    if slot.part.kind == "treatment":
        place = Place(slot.ref.nth, slot.offset.days + 1) if slot.ref.kind == "cycle" else Place()
        excuse, until, allowed = laid.states.excuse(slot.part.activity, s, due, place)
        grid.excuse[:, c] = excuse
        grid.allowed[:, c] += allowed
        grid.closes[:, c] += np.where(grid.closes[:, c] != NONE, allowed, 0).astype(np.int32)
        # A stop that the protocol orders stays the reason when the site also records the discontinuation.
        left = laid.states.end("visit", "", s)[1]
        gone &= (excuse != STOP) | ((left != NONE) & (due > left))
        _delay(grid, c, until)
    grid.began[c] = gone & (expected == 1) & (grid.opens[:, c] != NONE) & (grid.opens[:, c] <= last)
    expected[gone] = 0
    expected[unsure & (expected == 1)] = -1
    expected[laid.states.not_enrolled[s]] = 0
    grid.expected[:, c] = expected


def _past_end(laid: Laid, grid: Grid, slot: Slot, due: Ints) -> tuple[Flags, Flags]:
    """Whether days on which a slot may be due lie after the end of its series: perhaps, and certainly."""
    maybe, past = (np.zeros(len(due), np.bool_) for _ in range(2))
    for ref, span, inclusive in slot.until:
        ends = [add(laid, grid.s, day, span) for day in reference(laid, grid, ref)]
        known = (ends[0] != NONE) & (due != NONE)
        after = [known & ((due > end) if inclusive else (due >= end)) for end in ends]
        maybe, past = maybe | after[0], past | after[1]
    return maybe, past


def _permitted(laid: Laid, grid: Grid, c: int) -> Truth:
    """Whether the protocol permits an occurrence: when it took place; while it has not, by the end of its window."""
    slot, e, due, closes = grid.arm.slots[c], laid.evidence, grid.due[:, c], grid.closes[:, c]
    day = np.where(due != NONE, np.minimum(np.where(closes != NONE, closes, due), e.horizon), e.horizon)
    minute = np.full(len(day), NONE, np.int32)
    rows, days, _ = waiting_records(laid, grid, (c,))
    if rows.size:
        records = laid.doses if slot.part.kind == "treatment" else laid.visits
        far = np.where((rows >= 0) & (due != NONE)[:, None], np.abs(days.astype(np.int64) - due[:, None]), 1 << 40)
        who, nearest = np.arange(len(day)), far.argmin(axis=1)
        there = far[who, nearest] < reach_of_permitted(slot)
        day = np.where(there, days[who, nearest], day)
        minute = np.where(there, records.minute[rows[who, nearest]], NONE).astype(np.int32)
    return all_of(slot.part.element.may_if, e, grid.s, day.astype(np.int32), minute=minute)


def _absent(laid: Laid, grid: Grid, c: int) -> Flags:
    """Participants for whom an occurrence will not take place: not expected, excused, or recorded as not given."""
    record = grid.record[:, c]
    denied = (record >= 0) & (grid.actual[:, c] == NONE)
    excused = np.isin(grid.excuse[:, c], (HOLD, STOP, OMIT)) & (record < 0)
    absent: Flags = (grid.expected[:, c] == 0) | denied | excused
    return absent


def _delay(grid: Grid, c: int, until: Ints) -> None:
    """A delay that the protocol orders moves the target to the day on which its condition ends."""
    moved = (until != NONE) & (grid.due[:, c] != NONE)
    if not moved.any():
        return
    wait = np.where(moved, np.maximum(until - grid.due[:, c], 0), 0).astype(np.int32)
    grid.delayed[:, c] += wait
    for days in (grid.due, grid.opens, grid.closes):
        days[:, c] = np.where(days[:, c] != NONE, days[:, c] + wait, NONE)
