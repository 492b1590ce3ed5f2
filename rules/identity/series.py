"""Which record is which occurrence, for one group of slots of one arm at a time. It decides nothing about punctuality.

On a fixed grid (`keep`, `skip`) identity is the order-preserving assignment of least displacement; where a late dose
shifts the rest, displacement counts from the dose before; where a missed one is made up, records are taken in order.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rules.arrays import NONE, Flags, Index, Ints
from rules.happened.records import NOT_GIVEN, Records
from rules.happened.spells import DELAY, HOLD
from rules.identity.assignment import UNLIMITED, Assignment, assign, reach
from rules.identity.chain import assign_chain
from rules.identity.minutes import in_minutes
from rules.identity.policy import both_readings, is_silent
from rules.planning.slots import ArmPlan, Slot
from rules.timing.clock import DAY
from rules.timing.cycles import in_cycles, stride
from rules.timing.grid import Grid, Laid

Lay = Callable[[int], tuple[Ints, Ints]]
"""Fix the days of an occurrence; return the first and the last day on which a dose counts."""


def take_records(laid: Laid, grid: Grid, group: tuple[int, ...]) -> None:
    """Give every record of the group's activity that is not yet placed its occurrence on the fixed grid."""
    rows, matrix, labels = waiting_records(laid, grid, group)
    if not rows.size:
        return
    part = grid.arm.slots[group[0]].part
    columns = np.array(sorted(group, key=lambda c: (nominal_day(grid.arm, c), c)), dtype=np.int32)
    days, before, after = _reaches(grid, columns)
    named = _labelled(labels, columns, grid)
    places, at = _in_cycles(laid, grid, columns, days, matrix, rows)
    found = _sure(_ascending(places), at, before, after, named)
    timed = in_minutes(laid, grid, columns, rows, days) if grid.hours and part.kind == "treatment" else None
    if timed is not None:
        by_clock = _sure(*timed[1:], None if named is None else named[timed.who])
        found.slot[timed.who], found.astray[timed.who] = by_clock.slot, by_clock.astray
        asked = (by_clock.margin != NONE) & (by_clock.margin < UNLIMITED)
        found.margin[timed.who] = np.where(asked, -(-by_clock.margin // DAY), by_clock.margin)
    _place(laid, grid, rows, columns, found.slot)
    if part.kind == "treatment":
        _doubt(laid, rows, matrix, found)
    if is_silent(part):
        # What is only permitted is never missed, so nothing makes up for it.
        expected = np.where([int(c) in grid.optional for c in columns], NONE, days).astype(np.int32)
        occurrences, records = both_readings(expected, matrix, labels, found.slot)
        grid.asked[:, columns] = occurrences
        laid.dose_asked[rows[records]] = True


def _sure(planned: Ints, records: Ints, before: Ints, after: Ints, named: Ints | None) -> Assignment:
    """The identity of records, and of those that stand in doubt how sure it is."""
    found, named = _settled(assign, (planned, records, before, after), named)
    doubtful = np.flatnonzero(in_doubt(planned, records, found.slot))
    if len(doubtful):
        chosen = None if named is None else named[doubtful]
        found.margin[doubtful] = assign(planned[doubtful], records[doubtful], before, after, chosen, margin=True).margin
    return found


def _settled(
    assigner: Callable[..., Assignment], series: tuple[Ints, Ints, Ints, Ints], named: Ints | None
) -> tuple[Assignment, Ints | None]:
    """The identity of records, and the numbers it rests on.

    A number against the order, of an occurrence that another record is, cannot be right: that record is placed by its
    day. It stays astray.
    """
    found = assigner(*series, named)
    lost = found.astray & (found.slot < 0)
    if named is None or not lost.any():
        return found, named
    named = np.where(lost, -1, named).astype(np.int32)
    who = np.flatnonzero(lost.any(axis=1))
    planned, records, before, after = series
    found.slot[who] = assigner(planned[who], records[who], before, after, named[who]).slot
    return found, named


def _reaches(grid: Grid, columns: Ints) -> tuple[Ints, Ints, Ints]:
    """The days of occurrences that records may be, and how far a record may lie before and after each."""
    open_to = np.stack([_open_to(grid, int(c)) for c in columns], axis=1)
    days = np.where(open_to, grid.due[:, columns], NONE).astype(np.int32)
    offsets = np.array([nominal_day(grid.arm, int(c)) for c in columns], dtype=np.int32)
    slots = [grid.arm.slots[int(c)] for c in columns]
    before, after = reach(offsets, [s.low or 0 for s in slots], [s.high or 0 for s in slots])
    near = [
        reach_of_permitted(s) if int(c) in grid.optional else UNLIMITED for s, c in zip(slots, columns, strict=True)
    ]
    return _ascending(days), np.minimum(before, near), np.minimum(after, near)


def reach_of_permitted(slot: Slot) -> int:
    """How far a record may lie from what is permitted and not expected: as far as that lies from what it counts from.

    Beyond that nothing was permitted, and nothing is late.
    """
    hours = max(abs(minutes) for minutes in slot.clock or (0, 0)) // DAY
    return max(abs(slot.offset.about), 1) + max(abs(slot.low or 0), abs(slot.high or 0), hours) + 1


def in_doubt(days: Ints, records: Ints, slot: Ints) -> Flags:
    """Participants of whom some record has no place, or lies as far as half the narrowest gap from it.

    Of all others each record earns most where it is, and nothing competes for it: their identity has a margin.
    """
    both = (days[:, 1:] != NONE) & (days[:, :-1] != NONE)
    gap = int(np.where(both, days[:, 1:] - days[:, :-1], UNLIMITED).min(initial=UNLIMITED))
    # Where nobody has two occurrences no gap says what is near.
    narrowest = 0 if gap == UNLIMITED else gap
    placed = slot >= 0
    moved = np.abs(records - np.take_along_axis(days, np.maximum(slot, 0), axis=1))
    near = placed & (moved < (narrowest + 1) // 2) if days.shape[1] > 1 else placed
    doubt: Flags = ((records != NONE) & ~near).any(axis=1)
    return doubt


def _doubt(laid: Laid, rows: Ints, days: Ints, found: Assignment) -> None:
    """Keep how sure the identity of each dose is. Of two records of one day either may be it."""
    twin = np.zeros(days.shape, np.bool_)
    alike = days[:, 1:] == days[:, :-1]
    twin[:, 1:] |= alike
    twin[:, :-1] |= alike
    told = twin | found.astray | (found.margin == UNLIMITED)
    there = np.flatnonzero(rows >= 0)
    mine = rows.take(there)
    laid.identity.margin[mine] = np.where(told, NONE, found.margin).take(there)
    if found.astray.any() or laid.identity.astray.any():
        laid.identity.astray[mine] = found.astray.take(there)


def _in_cycles(laid: Laid, grid: Grid, columns: Ints, days: Ints, matrix: Ints, rows: Ints) -> tuple[Ints, Ints]:
    """Days of occurrences and of records; in cycles their places, so that a record meets the doses of its own cycle."""
    refs = [grid.arm.slots[int(c)].ref for c in columns]
    name = next((ref.name for ref in refs if ref.kind == "cycle"), None)
    if name is None:
        return days, matrix
    cycle, began = grid.arm.cycles[name], grid.cycles[name]
    denied = (rows >= 0) & (laid.doses.status[rows] == NOT_GIVEN)
    places = in_cycles(began, cycle, matrix, denied)
    at = np.array(
        [r.nth * stride(cycle) + grid.arm.slots[int(c)].offset.about for r, c in zip(refs, columns, strict=True)]
    )
    inside = np.array([ref.kind == "cycle" for ref in refs])
    outside = in_cycles(began, cycle, days, np.zeros(days.shape, np.bool_))
    return np.where(days == NONE, NONE, np.where(inside, at, outside)).astype(np.int32), places


def take_course(laid: Laid, grid: Grid, group: tuple[int, ...]) -> None:
    """The first dose on record begins a course; each later stretch begins on its day once the course has begun."""
    slots = grid.arm.slots
    beginning = grid.arm.columns(slots[group[0]].part.activity)[0]
    if beginning in group:
        rows, _, _ = waiting_records(laid, grid, group)
        given = (rows >= 0) & (laid.doses.status[rows] != NOT_GIVEN) if rows.size else rows >= 0
        who = np.flatnonzero(given.any(axis=1)).astype(np.int32)
        if len(who):
            put(laid, grid, who, np.full(len(who), beginning, np.int32), rows[who, given.argmax(axis=1)[who]])
    begun = grid.actual[:, beginning]
    for c in group:
        later = (c != beginning) & (begun != NONE) & (begun <= grid.due[:, c]) & (grid.expected[:, c] != 0)
        grid.actual[later, c] = grid.due[later, c]


def _open_to(grid: Grid, c: int) -> Flags:
    """Participants whose records may be this occurrence."""
    may: Flags = (grid.expected[:, c] != 0) | grid.began[c]
    return may | (grid.optional[c] == 1) if c in grid.optional else may


def nominal_day(arm: ArmPlan, c: int) -> int:
    """The slot's day counted from day zero as planned, following its references: for order and reach only."""
    slot = arm.slots[c]
    seen = slot.ref.slot
    if slot.ref.kind == "cycle":
        cycle = arm.cycles[slot.ref.name]
        return cycle.offset.about + cycle.every.times(slot.ref.nth - 1).about + slot.offset.about
    return slot.offset.about + (nominal_day(arm, seen) if slot.ref.kind == "slot" and 0 <= seen != c else 0)


def _ascending(days: Ints) -> Ints:
    """Days that do not decrease along the row: an occurrence pushed behind the next one waits with it."""
    return np.where(days == NONE, NONE, np.maximum.accumulate(days, axis=1)).astype(np.int32)


def waiting_records(laid: Laid, grid: Grid, group: tuple[int, ...]) -> tuple[Ints, Ints, Ints]:
    """Rows, days and labels of the activity's records without an occurrence, one row a participant of the grid."""
    part = grid.arm.slots[group[0]].part
    records = laid.doses if part.kind == "treatment" else laid.visits
    places = laid.dose_slot if part.kind == "treatment" else laid.visit_slot
    mine, whose = records.to_place[records.names.index(part.activity)]
    local = np.full(laid.evidence.n, -1, np.int32)
    local[grid.s] = np.arange(len(grid.s), dtype=np.int32)
    who = local[whose]
    here = np.flatnonzero(who >= 0)
    here = here[places[mine[here]] < 0]
    return record_matrix(records, mine[here], who[here], len(grid.s))


def record_matrix(records: Records, rows: Ints | Index, local: Ints, n: int) -> tuple[Ints, Ints, Ints]:
    """Rows, days and labels of these records in order of time, for each of the n places that `local` names."""
    # One number for place, day and minute, with those of no day or time first; records mostly are in this order.
    day, minute = np.maximum(records.day[rows], -(1 << 26)), np.maximum(records.minute[rows], -1)
    at = (local.astype(np.int64) << 40) + (day.astype(np.int64) << 12) + minute
    if (at[1:] < at[:-1]).any():
        order = np.argsort(at, kind="stable")
        rows, local = rows[order], local[order]
    counts = np.bincount(local, minlength=n)
    width = int(counts.max()) if len(rows) else 0
    place = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    index = np.full((n, width), -1, np.int32)
    index[local, place] = rows
    day, label = (np.full((n, width), NONE, np.int32) for _ in range(2))
    day[local, place] = records.day[rows]
    if records.label.strides != (0,):
        label[local, place] = records.label[rows]
    return index, day, label


def _labelled(labels: Ints, columns: Ints, grid: Grid) -> Ints | None:
    """The columns that records name by their occurrence number, -1 where they name none; None without any label."""
    if not (labels != NONE).any():
        return None
    named = np.full(labels.shape, -1, np.int32)
    for place, c in enumerate(columns):
        named[labels == grid.arm.slots[int(c)].occurrence] = place
    return named


def _place(laid: Laid, grid: Grid, rows: Ints, columns: Ints, slot: Ints) -> None:
    taken = np.flatnonzero(slot >= 0)
    put(laid, grid, taken // slot.shape[1], columns[slot.take(taken)], rows.take(taken))


def put(laid: Laid, grid: Grid, who: Ints | Index, column: Ints, rows: Ints) -> None:
    """Place records: `rows` of the participants `who` (of the grid) are the occurrences `column`."""
    if not len(rows):
        return
    treatment = grid.arm.slots[int(column[0])].part.kind == "treatment"
    records, places = (laid.doses, laid.dose_slot) if treatment else (laid.visits, laid.visit_slot)
    record, actual, expected = (cells.reshape(-1) for cells in (grid.record, grid.actual, grid.expected))
    at = who.astype(np.intp) * len(grid.arm.slots) + column
    record[at] = rows
    places[rows] = column
    done = records.status[rows] != NOT_GIVEN
    if not done.all():
        at, rows = at[done], rows[done]
    actual[at] = records.day[rows]
    expected[at] |= 1


def take_in_rhythm(laid: Laid, grid: Grid, group: tuple[int, ...], lay: Lay) -> None:
    """Take records of a series that moves with its doses: each occurrence is counted from the dose really given before.

    Where a hold or a delay that the protocol orders breaks the rhythm, records are taken in order.
    """
    rows, days, labels = waiting_records(laid, grid, group)
    if not rows.size:
        take_in_order(laid, grid, group, lay)
        return
    for c in group:
        lay(c)
    columns, part = np.array(group, dtype=np.int32), grid.arm.slots[group[0]].part
    found, _ = _settled(assign_chain, _with_records(_reaches(grid, columns), days), _labelled(labels, columns, grid))
    states = laid.states.by_treatment.get(part.activity, []) if part.kind == "treatment" else []
    broken = np.isin(grid.s, np.concatenate([grid.s[:0], *(s.s for s in states if s.kind in (HOLD, DELAY))]))
    if part.kind == "treatment":
        _doubt(laid, np.where(broken[:, None], -1, rows), days, found)
    take_in_order(laid, grid, group, lay, (rows, found.slot, ~broken))


def _with_records(reaches: tuple[Ints, Ints, Ints], days: Ints) -> tuple[Ints, Ints, Ints, Ints]:
    planned, before, after = reaches
    return planned, days, before, after


def take_in_order(
    laid: Laid, grid: Grid, group: tuple[int, ...], lay: Lay, known: tuple[Ints, Ints, Flags] | None = None
) -> None:
    """Take records in order, one occurrence after the other: `lay(c)` fixes the days of the occurrence first.

    `lay` returns the first and the last day on which a dose counts (`NONE`: any day); one outside fills no occurrence.
    `known` are rows, their places in the group, and the participants for whom these settle the matter.
    """
    rows, days, labels = waiting_records(laid, grid, group)
    n = len(grid.s)
    everyone = np.arange(n, dtype=np.int32)
    pointer = _after_earlier(grid, group, days)
    settled = known[2] if known is not None else np.zeros(n, np.bool_)
    if grid.arm.slots[group[0]].part.kind == "treatment" and (labels != NONE).any():
        laid.identity.astray[rows[_against_order(labels) & ~settled[:, None]]] = True
    for place, c in enumerate(group):
        counts = lay(c)
        if known is not None:
            _put_known(laid, grid, c, (known[1] == place) & (settled & _open_to(grid, c))[:, None], known[0])
        if not rows.size or settled.all():
            continue
        # One at a time: each record passed over moves the days from which the next one counts.
        while (moved := _uncounted(days, pointer, *counts, _open_to(grid, c) & ~settled)).any():
            _pass(laid, grid, c, np.flatnonzero(moved), rows[everyone, np.minimum(pointer, rows.shape[1] - 1)], counts)
            pointer = (pointer + moved).astype(np.int32)
            counts = lay(c)
        here = np.minimum(pointer, rows.shape[1] - 1)
        free = (pointer < rows.shape[1]) & (rows[everyone, here] >= 0) & _open_to(grid, c) & ~settled
        who = np.flatnonzero(free).astype(np.int32)
        put(laid, grid, who, np.full(len(who), c, np.int32), rows[who, here[who]])
        pointer = pointer + free


def _against_order(labels: Ints) -> Flags:
    """Records whose number is not above that of every record before them."""
    before = np.full(labels.shape, NONE, np.int32)
    before[:, 1:] = np.maximum.accumulate(labels, axis=1)[:, :-1]
    against: Flags = (labels != NONE) & (before != NONE) & (labels <= before)
    return against


def _put_known(laid: Laid, grid: Grid, c: int, chosen: Flags, rows: Ints) -> None:
    who, record = np.nonzero(chosen)
    put(laid, grid, who.astype(np.int32), np.full(len(who), c, np.int32), rows[who, record])


def _after_earlier(grid: Grid, group: tuple[int, ...], days: Ints) -> Ints:
    """Of each participant the first record that is not before what filled the activity's earlier steps."""
    columns = [c for c in grid.arm.columns(grid.arm.slots[group[0]].part.activity) if c < group[0]]
    if not columns or not days.size:
        return np.zeros(len(grid.s), np.int32)
    since = grid.actual[:, columns].max(axis=1)
    before: Ints = ((days != NONE) & (days < since[:, None])).sum(axis=1).astype(np.int32)
    return before


def _pass(laid: Laid, grid: Grid, c: int, who: Index, rows: Ints, counts: tuple[Ints, Ints]) -> None:
    """Remember the day of records that fill no occurrence: the next interval counts from them all the same."""
    part = grid.arm.slots[c].part
    records = laid.doses if part.kind == "treatment" else laid.visits
    if part.kind == "treatment":
        laid.counts_from[rows[who]], laid.counts_until[rows[who]] = (day[who] for day in counts)
    passed = grid.passed.setdefault(part.activity, np.full(len(grid.s), NONE, np.int32))
    given = who[records.status[rows[who]] != NOT_GIVEN]
    passed[given] = records.day[rows[given]]


def _uncounted(days: Ints, pointer: Ints, first: Ints, last: Ints, open_: Flags) -> Flags:
    """Whether the record that each pointer stands at lies outside the days on which a dose counts."""
    day = days[np.arange(len(pointer)), np.minimum(pointer, days.shape[1] - 1)]
    early, late = (first != NONE) & (day < first), (last != NONE) & (day > last)
    outside: Flags = (pointer < days.shape[1]) & (day != NONE) & open_ & (early | late)
    return outside
