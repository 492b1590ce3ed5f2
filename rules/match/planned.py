"""Planned doses and visits as occasions: one row per occurrence, with what was done with it."""

from __future__ import annotations

import numpy as np
import polars as pl

from rules.arrays import NONE, Flags, Ints
from rules.happened.records import NOT_GIVEN
from rules.happened.records import UNKNOWN as STATUS_UNKNOWN
from rules.happened.spells import HOLD, OMIT, STOP
from rules.happened.truth import Truth
from rules.match.claims import claimed_doses, untold_doses
from rules.match.frame import Array, flag, occasions_frame, one_of
from rules.match.intervals import covered_doses
from rules.match.leaving import since_contact
from rules.occasions import schema
from rules.timing.clock import moved_by_days, off_by
from rules.timing.closed import without_calendar
from rules.timing.grid import Grid, Laid


def planned_occasions(laid: Laid) -> pl.DataFrame:
    """One row per planned treatment or visit of each participant, with what was done with it."""
    e = laid.evidence
    pieces = [_without_assessments(grid, _planned(laid, grid)) for grid in laid.grids]
    columns = {c: np.concatenate([p[c] for p in pieces]) for c in pieces[0]} if pieces else {}
    if not columns:
        return pl.DataFrame(schema=schema("planned") | _BESIDE)
    # Where nobody can say when something is due, that is asked and not waited for.
    over = (columns["closing"] != NONE) & (columns["closing"] < e.horizon) | columns["unplaced"]
    n = len(over)
    fact = np.where(columns["asked"], 0, np.where(columns["ending"], 1, np.where(columns["unplaced"], 3, 2)))
    rule_columns: dict[str, Array | pl.Series] = {
        **columns,
        "over": over,
        "final": flag(e.final, n),
        "expected_fact": one_of(("policy", "stop-date", "condition", "working-days"), fact),
        "time_fact": one_of(("anchor-time", "time"), columns["own_time"]),
        "due_fact": one_of(("day-zero", "working-days"), columns["uncounted"]),
        "excused_fact": one_of(("reason", "hold-end"), columns["open_hold"]),
    }
    more = {c: columns[c] for c in _BESIDE if c in columns}
    return occasions_frame("planned", rule_columns, table=_tables(columns["kind"]), **more)


_BESIDE: dict[str, pl.DataType] = {
    **dict.fromkeys(("excuse", "column", "delayed", "allowed", "place", "actual"), pl.Int32()),
    "judged": pl.Boolean(),
    "table": pl.String(),
}
"""What the sentences and departures need beside the columns that rules read."""

_KINDS = ("visits", "administrations")


def _tables(treatment: Array) -> pl.Series:
    """The table in which each occurrence's record stands."""
    return pl.Series(_KINDS, dtype=pl.Enum(_KINDS)).gather(pl.Series(treatment.astype(np.uint32)))


def _without_assessments(grid: Grid, columns: dict[str, Array]) -> dict[str, Array]:
    """The rows of treatments and visits alone; assessments have a table of their own."""
    kept = np.array([slot.part.kind != "assessment" for slot in grid.arm.slots], dtype=np.bool_)
    rows = np.broadcast_to(kept, grid.due.shape).ravel()
    return columns if kept.all() else {name: values[rows] for name, values in columns.items()}


def _planned(laid: Laid, grid: Grid) -> dict[str, Array]:
    slots, e = grid.arm.slots, laid.evidence
    shape = grid.due.shape

    def spread(values: list[int] | list[bool]) -> Array:
        return np.broadcast_to(np.array(values, dtype=None if values else np.bool_), shape).ravel()

    treatment = spread([s.part.kind == "treatment" for s in slots])
    kinds = ("treatment", "visit") if "visits" in e.tables and not grid.arm.concurrent else ("treatment",)
    judged = [s.part.judged and s.part.kind in kinds for s in slots]
    record = grid.record.ravel()
    status = _status(laid, record, treatment)
    denied = (record >= 0) & (status == NOT_GIVEN)
    done = (record >= 0) & ~denied
    row, place = _rows(laid, record, treatment)
    lost = ~done & since_contact(laid, grid).ravel()
    actual = grid.actual.ravel()
    by_interval = covered_doses(laid, grid).ravel() & (record < 0)
    excuse, expected = grid.excuse.ravel(), grid.expected.ravel()
    uncounted = _uncounted(laid, grid)
    unplaced = uncounted & (grid.due == NONE).ravel()
    opens, closes = (np.where(uncounted, NONE, day.ravel()) for day in (grid.opens, grid.closes))
    excused = _excused(laid, grid, excuse, denied, place)
    open_hold = (~done & ~denied).reshape(shape) & _in_open_hold(laid, grid)
    return {
        "s": np.repeat(grid.s, len(slots)),
        "part": spread([s.part.code for s in slots]).astype(np.int32),
        "row": row,
        "occurrence": spread([s.occurrence for s in slots]).astype(np.int32),
        "kind": treatment,
        "treatment": treatment & spread(judged) & ~lost,
        "visit": ~treatment & spread(judged) & ~lost,
        "expected": np.where((grid.asked.ravel() | unplaced) & (expected == 1), -1, expected),
        "asked": grid.asked.ravel(),
        "ending": _ending(laid, grid),
        "done": done,
        "denied": denied,
        "excused": np.where(open_hold.ravel(), -1, excused).astype(np.int8),
        "open_hold": open_hold.ravel(),
        "claimed": (claimed_doses(laid, grid) | untold_doses(laid, grid)).ravel() | by_interval,
        "by_interval": by_interval,
        "in_hour": np.full(len(record), -1, np.int8),
        "unknown": done & (status == STATUS_UNKNOWN),
        "day": actual,
        "due": grid.due.ravel(),
        "opens": opens,
        "closes": closes,
        "uncounted": uncounted,
        "unplaced": unplaced,
        **_visits_by_clock(laid, grid),
        "timed": spread([s.low is not None or s.clock is not None for s in slots]) & ((opens != NONE) | uncounted),
        "closing": np.where(grid.waits().ravel(), NONE, np.where(closes != NONE, closes, grid.due.ravel())),
        "excuse": np.abs(excuse),
        "judged": spread(judged),
        "column": np.broadcast_to(np.arange(len(slots), dtype=np.int32), shape).ravel(),
        "delayed": grid.delayed.ravel(),
        "allowed": grid.allowed.ravel(),
        "place": place,
        "actual": actual,
    }


def _status(laid: Laid, record: Ints, treatment: Flags) -> Ints:
    """The status of each occurrence's record, 0 where it has none."""
    status = np.zeros(len(record), np.int32)
    for kind, records in ((treatment, laid.doses), (~treatment, laid.visits)):
        chosen = np.flatnonzero(kind & (record >= 0))
        status[chosen] = records.status[record[chosen]]
    return status


def _uncounted(laid: Laid, grid: Grid) -> Flags:
    """Occurrences in working days of sites of which nobody knows on which days they are closed."""
    in_working_days = np.array([s.in_working_days for s in grid.arm.slots], dtype=np.bool_)
    of_people = without_calendar(laid.evidence, grid.s) & (laid.zero[grid.s] != NONE)
    uncounted: Flags = (of_people[:, None] & in_working_days).ravel()
    return uncounted


def _visits_by_clock(laid: Laid, grid: Grid) -> dict[str, Array]:
    """Visits whose window is in hours: by how many minutes each misses it, and whether its own time is missing."""
    by_clock, own = (np.zeros(grid.due.shape, np.bool_) for _ in range(2))
    off = np.zeros(grid.due.shape, np.int32)
    for c in (c for c in grid.hours if grid.arm.slots[c].part.kind == "visit"):
        who = np.flatnonzero((grid.record[:, c] >= 0) & (grid.actual[:, c] != NONE)).astype(np.int32)
        by_clock[who, c] = ~moved_by_days(laid, grid, c, who)
        off[who, c], own[who, c] = off_by(laid, grid, c, who, grid.record[who, c])
    return {"by_clock": by_clock.ravel(), "minutes_off": off.ravel(), "own_time": own.ravel()}


def _ending(laid: Laid, grid: Grid) -> Flags:
    """Occurrences of which only the day is missing on which the treatment or participation ended."""
    unsure: Flags = grid.expected == -1
    for c in np.flatnonzero(unsure.any(axis=0)):
        part = grid.arm.slots[c].part
        first, last = laid.states.end(part.kind, part.activity, grid.s)
        unsure[:, c] &= (first != last) & (grid.due[:, c] >= first)
    return unsure.ravel()


def _rows(laid: Laid, record: Ints, treatment: Array) -> tuple[Ints, Ints]:
    """Line of the record in its table, and its place in the table's frame."""
    row, place = np.full(len(record), NONE, np.int32), np.full(len(record), -1, np.int32)
    for chosen_kind, records, table in (
        (treatment, laid.doses, "administrations"),
        (~treatment.astype(np.bool_), laid.visits, "visits"),
    ):
        chosen = np.flatnonzero(chosen_kind & (record >= 0))
        if len(chosen):
            place[chosen] = records.place[record[chosen]]
            row[chosen] = laid.evidence.frames[table]["row"].to_numpy()[place[chosen]]
    return row, place


def _in_open_hold(laid: Laid, grid: Grid) -> Flags:
    """Doses due in a hold that nobody closed, with nothing else to account for their absence."""
    found = np.zeros(grid.due.shape, np.bool_)
    for c in np.flatnonzero((grid.excuse == HOLD).any(axis=0)):
        found[:, c] = laid.states.unclosed(grid.arm.slots[c].part.activity, grid.s, grid.due[:, c])[1]
    held: Flags = found & (grid.excuse == HOLD)
    return held


def _excused(laid: Laid, grid: Grid, excuse: Ints, denied: Flags, place: Ints) -> Truth:
    """Whether the protocol allows or orders the absence; open where a reason names a condition without a value."""
    excused = np.isin(excuse, (HOLD, STOP, OMIT)).astype(np.int8)
    unsure = np.flatnonzero(denied & (excuse == -OMIT))
    if len(unsure):
        reasons = laid.evidence.frames["administrations"]["reason"].fill_null("").str.to_lowercase()
        slots = grid.arm.slots
        for i in unsure:
            words = laid.states.words(slots[i % len(slots)].part.activity)
            if any(w in reasons[int(place[i])] for w in words):
                excused[i] = -1
    return excused
