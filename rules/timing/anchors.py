"""What days are counted from: the day of a milestone, an event, a dose, or another occurrence, as far as it is known.

Every answer is a pair of arrays, the earliest and the latest possible day; where all are known to the day both are the
same array. `NONE` where nothing is known.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from rules.arrays import NONE, Flags, Ints, Milestone, days, key
from rules.happened.evidence import Evidence, event_words
from rules.happened.records import NOT_GIVEN, Records
from rules.happened.spells import STOP
from rules.planning.slots import Ref, Slot, Span
from rules.timing.calendar import add_span
from rules.timing.closed import add_working
from rules.timing.grid import Grid, Laid

Dated: TypeAlias = tuple[Ints, Ints]


def reference(laid: Laid, grid: Grid, ref: Ref) -> Dated:
    """The day that `ref` names: of an occurrence its actual day, and before it took place its planned one."""
    if ref.kind == "cycle":
        return _cycle(grid, ref)
    if ref.kind != "slot" or ref.slot < 0:
        return recorded(laid, grid, ref)
    due = grid.due[:, ref.slot]
    if ref.planned:
        return due, due
    first, last = recorded(laid, grid, ref)
    known = first != NONE
    if ref.end:
        # It took place and nobody wrote when it ended: only before it begins does its planned day stand for it.
        known |= grid.actual[:, ref.slot] != NONE
    day = np.where(known, first, due).astype(np.int32)
    return (day, day) if last is first else (day, np.where(known, last, due).astype(np.int32))


def recorded(laid: Laid, grid: Grid, ref: Ref, c: int = -1) -> Dated:
    """The recorded day that `ref` names for the occurrence `c`; of `previous` the last dose really given before."""
    s = grid.s
    match ref.kind:
        case "slot" if ref.slot >= 0:
            return _done(laid, grid, ref)
        case "previous":
            return _previous(laid, grid, ref, c)
        case "milestone":
            return _of(_milestone(laid.evidence, ref), s)
        case "event":
            return _of(_event(laid.evidence, ref), s)
        case "dose":
            return _dose(laid, grid, ref)
        case "cycle":
            start = grid.cycles[ref.name].start[:, ref.nth - 1]
            return start, start
    nothing = np.full(len(s), NONE, np.int32)
    return nothing, nothing


def _cycle(grid: Grid, ref: Ref) -> Dated:
    """Day 1 of a cycle: as it began, before that (or as planned) the day on which it is due."""
    cycle, k = grid.cycles[ref.name], ref.nth - 1
    planned = ref.planned | (cycle.start[:, k] == NONE)
    day = np.where(planned, cycle.due[:, k], cycle.start[:, k]).astype(np.int32)
    return day, day


def due_from(laid: Laid, grid: Grid, slot: Slot) -> Dated:
    """The day due by the slot's reference and its alternatives: whichever comes first, or last."""
    first, last = _add(laid, grid.s, reference(laid, grid, slot.ref), slot.offset)
    for ref, span in slot.others:
        other = _add(laid, grid.s, reference(laid, grid, ref), span)
        known = first is last and other[0] is other[1]
        first, late = (_whichever(*two, latest=slot.latest) for two in zip((first, last), other, strict=True))
        last = first if known else late
    return first, last


def _whichever(day: Ints, other: Ints, *, latest: bool) -> Ints:
    """The earlier of the days that are known; the later only once both are."""
    if latest:
        return np.where((day == NONE) | (other == NONE), NONE, np.maximum(day, other)).astype(np.int32)
    alone = np.where(day == NONE, other, day)
    return np.where((day != NONE) & (other != NONE), np.minimum(day, other), alone).astype(np.int32)


def _add(laid: Laid, s: Ints, dated: Dated, span: Span) -> Dated:
    first = add(laid, s, dated[0], span)
    return first, first if dated[1] is dated[0] else add(laid, s, dated[1], span)


def add(laid: Laid, s: Ints, day: Ints, span: Span) -> Ints:
    """Days of participants moved by a span, months as the protocol has them, working days as their site has."""
    moved = add_span(day, span.months, span.whole, laid.plan.protocol.months)
    return add_working(laid.evidence, s, moved, span.working)


# --- milestones and events ----------------------------------------------------------------------------------------


def _of(milestone: Milestone, s: Ints) -> Dated:
    first = milestone.first[s]
    return (first, first) if milestone.last is milestone.first else (first, milestone.last[s])


def _milestone(e: Evidence, ref: Ref) -> Milestone:
    if ref.number is None:
        found = e.milestone(ref.name)
        return Milestone(found.first, found.first) if (found.first == found.last).all() else found
    frame = e.frames["milestones"]
    words = frame["milestone"].str.to_lowercase().str.replace_all(r"[\s_]+", "-")
    rows = frame.filter((words == ref.name) & (frame["occurrence"] == ref.number))
    return _nth(e.n, rows["s"].to_numpy(), days(rows, "date"), days(rows, "date_last"), 1)


def _event(e: Evidence, ref: Ref) -> Milestone:
    spells = e.events(event_words(e.protocol, ref.name))
    frame = e.frames["events"]
    row = frame["row"].to_numpy()
    order = np.argsort(row)
    at = order[np.searchsorted(row, spells.row, sorter=order)] if len(row) else spells.row
    first, last = (days(frame, f"{'end' if ref.end else 'start'}{part}")[at] for part in ("", "_last"))
    return _nth(e.n, spells.s, first, last, -1 if ref.last else ref.number or 1)


def _nth(n: int, s: Ints, first: Ints, last: Ints, number: int) -> Milestone:
    """Of each participant's dated rows the one of that number, -1 for the last."""
    known = np.flatnonzero(first != NONE)
    rows = known[np.argsort(key(s[known], first[known]), kind="stable")]
    mine = s[rows]
    count = np.bincount(mine, minlength=n)
    begin = np.cumsum(count) - count
    at = begin + (count - 1 if number < 0 else number - 1)
    there = (count > 0) & (at < begin + count)
    chosen = rows[np.minimum(at[there], max(len(rows) - 1, 0))]
    found = [np.full(n, NONE, np.int32) for _ in range(2)]
    found[0][there], found[1][there] = first[chosen], last[chosen]
    exact = (found[0] == found[1]).all()
    return Milestone(found[0], found[0] if exact else found[1])


# --- doses and occurrences ----------------------------------------------------------------------------------------


def last_given(records: Records, n: int) -> Ints:
    """Day of each participant's last dose on record, `NONE` where there is none."""
    last = np.full(n, NONE, np.int32)
    rows = np.flatnonzero((records.status != NOT_GIVEN) & (records.day != NONE) & ~records.misfiled)
    np.maximum.at(last, records.s[rows], records.day[rows])
    return last


def _dose(laid: Laid, grid: Grid, ref: Ref) -> Dated:
    """A dose of any treatment, or of one product; the last of all is definite only once treatment has ended."""
    e, r, s = laid.evidence, laid.doses, grid.s
    chosen = (r.status != NOT_GIVEN) & (r.day != NONE) & ~(r.duplicate | r.misfiled)
    if ref.name != "treatment":
        mine = [n for n, name in enumerate(r.names) if ref.name in _products(laid, name)]
        chosen &= np.isin(r.activity, mine)
    rows = np.flatnonzero(chosen).astype(np.int32)
    first, last = ends(laid, rows) if ref.end else (r.day[rows], r.last[rows])
    found = _of(_nth(e.n, r.s[rows], first, last, -1 if ref.last else ref.number or 1), s)
    if not ref.last:
        return found
    ended = (e.milestone("discontinuation").day[s] != NONE) | _none_to_come(laid, grid, ref.name)
    day = np.where(ended, found[0], NONE).astype(np.int32)
    return day, day if found[1] is found[0] else np.where(ended, found[1], NONE).astype(np.int32)


def _none_to_come(laid: Laid, grid: Grid, name: str) -> Flags:
    """Whether no dose of any treatment, or of one product, is expected any more; of what is taken by days some may."""
    open_ = np.zeros(len(grid.s), np.bool_)
    for c, slot in enumerate(grid.arm.slots):
        if slot.part.kind == "treatment" and (name == "treatment" or name in _products(laid, slot.part.activity)):
            ended = (grid.expected[:, c] == 0) | (grid.excuse[:, c] == STOP)
            open_ |= ~ended if slot.part.course else ~ended & (grid.record[:, c] < 0)
    return ~open_


def _products(laid: Laid, treatment: str) -> set[str]:
    products: set[str] = set()
    for part in laid.plan.protocol.treatments[treatment].parts():
        stated = part.product
        products |= set(stated.values()) if isinstance(stated, dict) else {stated or treatment}
    return products


def ends(laid: Laid, rows: Ints) -> Dated:
    """The days on which these doses ended, `NONE` where nobody recorded it."""
    frame, place = laid.evidence.frames["administrations"], laid.doses.place[rows]
    return days(frame, "end")[place], days(frame, "end_last")[place]


def _done(laid: Laid, grid: Grid, ref: Ref) -> Dated:
    """The day on which an occurrence took place; of a dose, if it says so, the day on which it ended."""
    actual: Ints = grid.actual[:, ref.slot]
    if ref.last:
        actual = _last_of_ended(grid, ref.slot)
        if not ref.end:
            return actual, actual
    return _ended(laid, grid, ref.slot, actual) if ref.end else _as_recorded(laid, grid, ref.slot, actual)


def _as_recorded(laid: Laid, grid: Grid, c: int, actual: Ints) -> Dated:
    """Both days of an occurrence dated only by its month."""
    records = laid.doses if grid.arm.slots[c].part.kind == "treatment" else laid.visits
    if not records.vague:
        return actual, actual
    row = grid.record[:, c]
    there = (row >= 0) & (actual != NONE)
    last = np.where(there, records.last[np.maximum(row, 0)] if len(records.s) else actual, actual).astype(np.int32)
    return actual, last


def _ended(laid: Laid, grid: Grid, c: int, actual: Ints) -> Dated:
    if grid.arm.slots[c].part.kind != "treatment" or not len(laid.doses.s):
        return actual, actual
    # Of two doses of one day each has its own end; the last of a series may be another than the one named.
    columns = np.array(grid.arm.columns(grid.arm.slots[c].part.activity))[::-1]
    same = columns[(grid.actual[:, columns] == actual[:, None]).argmax(axis=1)]
    at = np.where(grid.actual[:, c] == actual, c, same)
    row = grid.record[np.arange(len(grid.s)), at]
    there = (row >= 0) & (actual != NONE)
    first, last = ends(laid, np.maximum(row, 0).astype(np.int32))
    return tuple(np.where(there, day, NONE).astype(np.int32) for day in (first, last))  # type: ignore[return-value]


def _last_of_ended(grid: Grid, c: int) -> Ints:
    """The day of a series' last dose: of its last occurrence, or of the one after which no other is to be given."""
    columns = grid.arm.columns(grid.arm.slots[c].part.activity)
    given = grid.actual[:, columns]
    last: Ints = given.max(axis=1)
    after = np.arange(len(columns)) > np.where(given == last[:, None], np.arange(len(columns)), -1).max(axis=1)[:, None]
    open_ = after & (grid.expected[:, columns] != 0) & (grid.excuse[:, columns] != STOP)
    return np.where(open_.any(axis=1), grid.actual[:, c], last).astype(np.int32)


def _previous(laid: Laid, grid: Grid, ref: Ref, c: int) -> Dated:
    """The last dose really given before an occurrence, whether it filled one or was too early to."""
    activity = grid.arm.slots[c].part.activity
    columns = grid.arm.columns(activity)
    before = columns[: columns.index(c)]
    passed = grid.passed.get(activity, np.full(len(grid.s), NONE, np.int32))
    given = np.column_stack([grid.actual[:, before], passed])
    latest: Ints = given.max(axis=1).astype(np.int32)
    if not before or not (laid.doses.vague or ref.end):
        return latest, latest
    at = given.argmax(axis=1)
    column = np.array(before)[np.minimum(at, len(before) - 1)]
    row = np.where(at < len(before), grid.record[np.arange(len(grid.s)), column], -1)
    records = laid.doses if grid.arm.slots[c].part.kind == "treatment" else laid.visits
    there = (row >= 0) & (latest != NONE)
    rows = np.maximum(row, 0).astype(np.int32)
    first, last = ends(laid, rows) if ref.end and records is laid.doses else (latest, records.last[rows])
    return tuple(np.where(there, day, latest).astype(np.int32) for day in (first, last))  # type: ignore[return-value]
