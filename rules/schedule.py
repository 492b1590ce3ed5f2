"""Plan × participants -> the expected occurrences of each participant, with the days that the records have fixed.

One `Grid` per arm: matrices of participants × slots. The days of a slot follow its reference; where the reference is
an activity that took place, its actual day counts, before that its planned one (language, decision 5).
"""

from __future__ import annotations

import numpy as np

from rules.assignment import NONE
from rules.calendar import add_span
from rules.evidence import Evidence, Flags, Ints, Milestone
from rules.grid import Grid, Laid
from rules.identity import take_in_order, take_records
from rules.records import NOT_GIVEN, Records, first_given
from rules.shared import share_out
from rules.slots import ArmPlan, Bound, Plan, Ref, Slot, Span
from rules.states import HOLD, OMIT, STOP, read_states
from rules.truth import all_of

FAR = 1 << 24


def lay_out(plan: Plan, evidence: Evidence, doses: Records, visits: Records) -> Laid:
    """The grids of every arm, with each record in its place."""
    recorded, event = _day_zero(evidence, doses, visits)
    zero = np.where(event != NONE, event, recorded).astype(np.int32)
    evidence.milestones["day-zero"] = _certain(zero)
    evidence.milestones["first-dose"] = _certain(first_given(doses, evidence.n))
    evidence.milestones["death"] = _not_before(evidence.milestone("death"), last_given(doses, evidence.n))
    states = read_states(plan, evidence)
    dose_slot, visit_slot = (np.full(len(r.s), -1, np.int32) for r in (doses, visits))
    asked = np.zeros(len(doses.s), np.bool_)
    laid = Laid(plan, evidence, doses, visits, [], states, zero, recorded, event, dose_slot, visit_slot, asked)
    arms = np.array([a or "" for a in evidence.arm], dtype=object)
    for arm in plan.arms.values():
        s = np.flatnonzero(arms == arm.arm).astype(np.int32)
        if len(s):
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
        np.zeros(shape, np.bool_),
    )
    for group in arm.groups:
        _lay_group(laid, grid, group)
    return grid


def _lay_group(laid: Laid, grid: Grid, group: tuple[int, ...]) -> None:
    """The days of the slots of one group, and the records in them."""
    slots = grid.arm.slots
    element = slots[group[0]].part.element
    if element.late == "shift" or element.missed == "make_up" or any(slots[c].ref.kind == "none" for c in group):
        take_in_order(laid, grid, group, lambda c: _lay_in_order(laid, grid, c))
        return
    for c in group:
        _lay_slot(laid, grid, c)
        _expect(laid, grid, c)
    if slots[group[0]].part.kind != "assessment":
        take_records(laid, grid, group)
    for c in group:
        _limit(laid, grid, c)


def _lay_in_order(laid: Laid, grid: Grid, c: int) -> Ints:
    """The days of an occurrence that depends on the one before it; the first day from which a dose counts."""
    _lay_slot(laid, grid, c)
    _limit(laid, grid, c)
    _expect(laid, grid, c)
    return counts_from(laid, grid, c)


def _lay_slot(laid: Laid, grid: Grid, c: int) -> None:
    """Due day and window of one slot from its reference."""
    slot = grid.arm.slots[c]
    if slot.chained:
        before = _previous(grid, c)
        step = _gap(grid.arm.slots[before], slot)
        base = np.where(grid.actual[:, before] != NONE, grid.actual[:, before], grid.due[:, before]).astype(np.int32)
        due = _add(laid, base, step)
    elif slot.ref.kind == "none":
        grid.due[:, c] = _from_bounds(laid, grid, c)
        return
    else:
        due = _add(laid, reference(laid, grid, slot.ref), slot.offset)
    grid.due[:, c] = due
    known = due != NONE
    low, high = slot.low, slot.high
    grid.opens[:, c] = np.where(known & (low is not None), due + (low or 0), NONE)
    grid.closes[:, c] = np.where(known & (high is not None), due + (high or 0), NONE)


def _previous(grid: Grid, c: int) -> int:
    activity = grid.arm.slots[c].part.activity
    columns = grid.arm.columns(activity)
    return columns[columns.index(c) - 1]


def _gap(before: Slot, after: Slot) -> Span:
    return after.offset + before.offset.times(-1)


def _add(laid: Laid, day: Ints, span: Span) -> Ints:
    return add_span(day, span.months, span.days, laid.plan.protocol.months)


def reference(laid: Laid, grid: Grid, ref: Ref) -> Ints:
    """The day of a reference for each participant of the grid, `NONE` where it is not known."""
    e, s = laid.evidence, grid.s
    if ref.kind == "slot" and ref.slot >= 0:
        actual, due = grid.actual[:, ref.slot], grid.due[:, ref.slot]
        if ref.last and not ref.planned:
            actual = _last_of_ended(grid, ref.slot)
        return due if ref.planned else np.where(actual != NONE, actual, due).astype(np.int32)
    if ref.kind == "milestone":
        return e.milestone(ref.name).day[s]
    if ref.kind == "first-dose":
        return e.milestone("first-dose").day[s]
    if ref.kind == "last-dose":
        ended = e.milestone("discontinuation").day[s]
        last = last_given(laid.doses, e.n)[s]
        return np.where(ended != NONE, last, NONE).astype(np.int32)
    return np.full(len(s), NONE, np.int32)


def _last_of_ended(grid: Grid, c: int) -> Ints:
    """The day of a series' last dose: of its last occurrence, or of the one after which no other is to be given."""
    columns = grid.arm.columns(grid.arm.slots[c].part.activity)
    given = grid.actual[:, columns]
    last: Ints = given.max(axis=1)
    after = np.arange(len(columns)) > np.where(given == last[:, None], np.arange(len(columns)), -1).max(axis=1)[:, None]
    open_ = after & (grid.expected[:, columns] != 0) & (grid.excuse[:, columns] != STOP)
    return np.where(open_.any(axis=1), grid.actual[:, c], last).astype(np.int32)


def last_given(records: Records, n: int) -> Ints:
    """Day of each participant's last dose on record, `NONE` where there is none."""
    last = np.full(n, NONE, np.int32)
    rows = np.flatnonzero((records.status != NOT_GIVEN) & (records.day != NONE))
    np.maximum.at(last, records.s[rows], records.day[rows])
    return last


def _expect(laid: Laid, grid: Grid, c: int) -> None:
    """Whether the occurrence is expected: its condition, the end of its series, and the participant's own end."""
    slot, e, s = grid.arm.slots[c], laid.evidence, grid.s
    due = grid.due[:, c]
    expected = np.ones(len(s), np.int8)
    if slot.part.element.may_if:
        expected[:] = 0
    if slot.part.element.if_:
        # What comes to light after an occurrence was due says nothing of whether it was.
        day = np.where(due != NONE, np.minimum(due, e.horizon), e.horizon).astype(np.int32)
        expected = all_of(slot.part.element.if_, e, s, day)
    if slot.follows and slot.ref.slot >= 0:
        expected[_absent(laid, grid, slot.ref.slot)] = 0
    for ref, span, inclusive in slot.until:
        end = _add(laid, reference(laid, grid, ref), span)
        past = (end != NONE) & (due != NONE) & ((due > end) if inclusive else (due >= end))
        expected[past] = 0
    first, last = laid.states.end(slot.part.kind, slot.part.activity, s)
    gone = (last != NONE) & (due != NONE) & (due > last)
    unsure = (first != NONE) & (due != NONE) & (due >= first) & ~gone & (first != last)
    if slot.part.kind == "treatment":
        excuse, until = laid.states.excuse(slot.part.activity, s, due)
        grid.excuse[:, c] = excuse
        # A stop that the protocol orders stays the reason when the site also records the discontinuation.
        left = laid.states.end("visit", "", s)[1]
        gone &= (excuse != STOP) | ((left != NONE) & (due > left))
        _delay(grid, c, until)
    grid.began[c] = gone & (expected == 1) & (grid.opens[:, c] != NONE) & (grid.opens[:, c] <= last)
    expected[gone] = 0
    expected[unsure & (expected == 1)] = -1
    expected[laid.states.not_enrolled[s]] = 0
    grid.expected[:, c] = expected


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
    wait = np.where(moved, np.maximum(until - grid.due[:, c], 0), 0).astype(np.int32)
    grid.delayed[:, c] = wait
    for days in (grid.due, grid.opens, grid.closes):
        days[:, c] = np.where(days[:, c] != NONE, days[:, c] + wait, NONE)


def _limit(laid: Laid, grid: Grid, c: int) -> None:
    """Limits count from recorded dates only; a minimum interval pushes target and window (decision 8)."""
    for bound in grid.arm.slots[c].bounds:
        if bound.opens is None and bound.closes is None:
            continue
        day = _recorded(laid, grid, bound, c)
        if bound.opens is not None and bound.ref.kind in ("previous", "slot"):
            earliest = _add(laid, day, bound.opens)
            grid.earliest[:, c] = np.maximum(grid.earliest[:, c], earliest)
            for days in (grid.due, grid.opens, grid.closes):
                known = (days[:, c] != NONE) & (earliest != NONE)
                days[:, c] = np.where(known, np.maximum(days[:, c], earliest), days[:, c])


def _recorded(laid: Laid, grid: Grid, bound: Bound, c: int) -> Ints:
    """The recorded day that a limit counts from; of `previous`, the last dose really given before."""
    if bound.ref.kind == "previous":
        columns = grid.arm.columns(grid.arm.slots[c].part.activity)
        passed = grid.passed.get(grid.arm.slots[c].part.activity, np.full(len(grid.s), NONE, np.int32))
        before = np.column_stack([grid.actual[:, columns[: columns.index(c)]], passed])
        latest: Ints = before.max(axis=1).astype(np.int32)
        return latest
    if bound.ref.kind == "slot" and bound.ref.slot >= 0:
        return grid.actual[:, bound.ref.slot]
    return reference(laid, grid, bound.ref)


def _from_bounds(laid: Laid, grid: Grid, c: int) -> Ints:
    """Target and window of an occurrence that has limits only: the latest target, never before it opens."""
    due = np.full(len(grid.s), NONE, np.int32)
    opens, closes = due.copy(), np.full(len(grid.s), FAR, np.int32)
    for bound in grid.arm.slots[c].bounds:
        day = _recorded(laid, grid, bound, c)
        if bound.due is not None:
            due = np.maximum(due, _add(laid, day, bound.due))
        if bound.opens is not None:
            opens = np.maximum(opens, _add(laid, day, bound.opens))
        if bound.closes is not None:
            end = _add(laid, day, bound.closes)
            closes = np.minimum(closes, np.where(end == NONE, FAR, end))
    due = np.maximum(due, opens)
    grid.opens[:, c] = np.where(opens == NONE, due, opens)
    grid.closes[:, c] = np.where((closes == FAR) | (due == NONE), NONE, np.maximum(closes, grid.opens[:, c]))
    return due


def counts_from(laid: Laid, grid: Grid, c: int) -> Ints:
    """The first day from which a dose counts at all, `NONE` where nothing says so."""
    day = np.full(len(grid.s), NONE, np.int32)
    for bound in grid.arm.slots[c].bounds:
        if bound.valid_from is not None:
            day = np.maximum(day, _add(laid, _recorded(laid, grid, bound, c), bound.valid_from))
    return day


def counts_until(laid: Laid, grid: Grid, c: int) -> Ints:
    """The last day on which a dose counts, `NONE` where nothing says so."""
    day: Ints = np.full(len(grid.s), FAR, np.int32)
    for bound in grid.arm.slots[c].bounds:
        if bound.valid_to is not None:
            end = _add(laid, _recorded(laid, grid, bound, c), bound.valid_to)
            day = np.minimum(day, np.where(end == NONE, FAR, end))
    return np.where(day == FAR, NONE, day).astype(np.int32)
