"""The calendar as people read it: every expected occurrence with its days, its dose and its status."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import polars as pl

from protocol.dosing import Dose
from protocol.quantity import parse_unit
from protocol.timing import day_number_of
from rules.arrays import NONE, Ints, Longs
from rules.course.stretch import last_days
from rules.dosing.intended import FIXED, UNKNOWN, intend, needs, surface
from rules.dosing.weighing import recalculations, weigh
from rules.happened.spells import FOREVER
from rules.happened.versions import UNTOLD
from rules.planning.slots import Part
from rules.telling.amount_text import display_unit, dose_of
from rules.timing.clock import NEVER, local_text
from rules.timing.closed import around_closures
from rules.timing.grid import Grid, Laid
from rules.timing.limits import counts_from, counts_until

SCHEDULE: dict[str, pl.DataType] = {
    "subject": pl.String(),
    "site": pl.String(),
    "arm": pl.String(),
    "activity": pl.String(),
    "kind": pl.String(),
    "cycle": pl.Int32(),
    "occurrence": pl.Int32(),
    "study_day": pl.Int32(),
    "due": pl.Date(),
    "valid_from": pl.Date(),
    "opens": pl.Date(),
    "closes": pl.Date(),
    "valid_to": pl.Date(),
    "dose": pl.Float64(),
    "dose_low": pl.Float64(),
    "dose_high": pl.Float64(),
    "dose_unit": pl.String(),
    "level": pl.Int32(),
    "weight_kg": pl.Float64(),
    "version": pl.String(),
    "basis": pl.String(),
    "source": pl.String(),
    "status": pl.String(),
    "due_time": pl.String(),
    "opens_time": pl.String(),
    "closes_time": pl.String(),
    "closed": pl.Boolean(),
}
"""The fields of a schedule row, in order."""


_ORDER = ("participant number", "due", "activity number")
"""Rows stand by participant, day, kind and activity."""


def calendar_table(laid: Laid) -> pl.DataFrame:
    """One row per occurrence of every participant of the partition, in the order of their days."""
    frames = [_arm(laid, grid) for grid in laid.grids]
    if not frames:
        return pl.DataFrame(schema=SCHEDULE)
    calendar = pl.concat(frames).sort(*_ORDER, "occurrence", nulls_last=True, maintain_order=True)
    return calendar.drop(_ORDER[0], _ORDER[2])


def _arm(laid: Laid, grid: Grid) -> pl.DataFrame:
    """The calendar of one arm."""
    slots, shape = grid.arm.slots, grid.due.shape
    subjects = laid.evidence.frames["subjects"][grid.s]
    shown = (grid.expected != 0) | (grid.record >= 0)
    untold = np.zeros(shape, np.bool_)
    if laid.carried is not None:
        owned = laid.carried.owned(grid)
        untold = (owned == UNTOLD) & (laid.carried.version == 0)
        shown &= (owned == laid.carried.version) | untold
    kept = np.flatnonzero(shown)
    who, column = np.unravel_index(kept, shape)

    def per_slot(values: list[object], dtype: pl.DataType) -> pl.Series:
        return pl.Series(values, dtype=dtype).gather(column)

    due = grid.due.ravel()[kept]
    done, opens, closes = ((getattr(grid, n).ravel()[kept]) for n in ("actual", "opens", "closes"))
    target, shut = around_closures(laid.evidence, grid.s[who], np.where(done == NONE, due, NONE), opens, closes)
    target = np.where(done == NONE, target, due).astype(np.int32)
    last = _last(laid, grid)
    doses = _doses(laid, grid, who.astype(np.int32), column.astype(np.int32), due)
    origins = [laid.plan.protocol.origin(f"{s.part.path}.{_timed_by(s.part)}") for s in slots]
    columns: dict[str, pl.Series | pl.Expr] = {
        "subject": subjects["subject"].gather(who),
        "site": subjects["site"].gather(who),
        "arm": pl.Series([grid.arm.arm]).new_from_index(0, len(kept)),
        "activity": per_slot([s.part.activity for s in slots], pl.String()),
        "kind": per_slot([s.part.kind for s in slots], pl.String()),
        "cycle": per_slot([grid.arm.cycle_of(c)[1] or None for c in range(len(slots))], pl.Int32()),
        "occurrence": per_slot([s.occurrence for s in slots], pl.Int32()),
        "study_day": _study_day(laid, grid, who.astype(np.int32), due),
        "due": _date(target),
        **{n: _date(getattr(grid, n).ravel()[kept]) for n in ("opens", "closes")},
        "valid_from": _date(_marks(laid, grid, counts_from).ravel()[kept]),
        "valid_to": _date(last.ravel()[kept]),
        **doses,
        "level": per_slot([getattr(s.part.element, "level", None) for s in slots], pl.Int32()),
        "version": pl.Series([laid.plan.protocol.version, None]).gather(untold.ravel()[kept].astype(np.uint32)),
        "basis": per_slot([o.basis for o in origins], pl.String()),
        "source": per_slot([o.text for o in origins], pl.String()),
        "status": _status(laid, grid, last).gather(kept),
        "closed": pl.Series(shut),
        **_times(laid, grid, who.astype(np.int32), column),
    }
    # Whole numbers sort many times faster than the texts that they stand for.
    named = sorted({(part.kind, part.activity) for part in laid.plan.parts})
    rank = per_slot([named.index((s.part.kind, s.part.activity)) for s in slots], pl.Int32())
    order = {_ORDER[0]: pl.Series(grid.s[who]), _ORDER[2]: rank}
    return pl.DataFrame({name: columns[name] for name in SCHEDULE} | order, schema_overrides=SCHEDULE)


def _times(laid: Laid, grid: Grid, who: Ints, column: npt.NDArray[np.intp]) -> dict[str, pl.Series]:
    """The clock times of target and window where they are in hours and known to the minute."""
    moments = {name: np.full(len(who), NEVER, np.int64) for name in ("due_time", "opens_time", "closes_time")}
    for c, hours in grid.hours.items():
        rows = np.flatnonzero(column == c)
        exact = np.where(hours.first == hours.last, hours.first, NEVER)[who[rows]]
        for name, span in (("due_time", 0), ("opens_time", hours.low), ("closes_time", hours.high)):
            moments[name][rows] = np.where(exact == NEVER, NEVER, exact + span)
    if not grid.hours:
        return {name: pl.Series([None], dtype=pl.String).new_from_index(0, len(who)) for name in moments}
    return {name: local_text(laid.evidence, grid.s[who], moment) for name, moment in moments.items()}


def _timed_by(part: Part) -> str:
    """The field that fixes the days of an activity: `due`, the `from` of a course, or its `limits`."""
    if part.element.due:
        return "due"
    return "limits" if part.element.limits else "from"


def _marks(laid: Laid, grid: Grid, mark: Callable[[Laid, Grid, int], Ints]) -> Ints:
    """The first or last day on which a dose counts, for every slot that has limits."""
    days = np.full(grid.due.shape, NONE, np.int32)
    for c, slot in enumerate(grid.arm.slots):
        if slot.bounds:
            days[:, c] = mark(laid, grid, c)
    return days


def _last(laid: Laid, grid: Grid) -> Ints:
    """The last day on which a dose counts; of a course, on which it is taken."""
    days = _marks(laid, grid, counts_until)
    for c, slot in enumerate(grid.arm.slots):
        if slot.part.course:
            days[:, c] = last_days(laid, grid, c)
    return days


def _date(day: Ints) -> pl.Series:
    series = pl.Series(day, dtype=pl.Int32)
    return series.set(series == NONE, None).cast(pl.Date)


def _study_day(laid: Laid, grid: Grid, who: Ints, due: Ints) -> pl.Series:
    """The protocol's own number of the day; null while day zero or the due day is open."""
    zero = laid.zero[grid.s][who]
    first = laid.plan.protocol.first_day
    known = (zero != NONE) & (due != NONE)
    offset = np.where(known, due - np.where(known, zero, 0), NONE)
    numbers = {int(o): day_number_of(int(o), first) if first is not None else int(o) for o in np.unique(offset[known])}
    return pl.Series(offset).replace_strict(numbers, default=None, return_dtype=pl.Int32)


def _doses(laid: Laid, grid: Grid, who: Ints, column: Ints, due: Ints) -> dict[str, pl.Series]:
    """The intended dose of every occurrence by the weight in force on its day, in the unit of the protocol's dose."""
    columns = {name: np.full(len(who), np.nan) for name in ("dose", "dose_low", "dose_high", "weight_kg")}
    units: list[str | None] = []
    for c, slot in enumerate(grid.arm.slots):
        unit, dose = display_unit(slot.part), _dose_of(slot.part)
        units.append(
            f"{unit[1]}/d" if unit and dose is not None and dose.daily and slot.part.course else unit and unit[1]
        )
        rows = np.flatnonzero(column == c)
        if unit is None or dose is None or not len(rows):
            continue
        s, day = grid.s[who[rows]], due[rows]
        grams = _grams(laid, grid, c, dose)[who[rows]] if needs(dose) else np.full(len(rows), FIXED, np.int64)
        measure = surface(laid.evidence, dose, s, day, grams)[0] if needs(dose) == "surface" else grams
        found = intend(dose, measure)
        scale = float(parse_unit(unit[1]).factor)
        target = np.where(found.low == found.high, found.low, UNKNOWN)
        for name, values, part in (("dose", target, 1000), ("dose_low", found.least, 1), ("dose_high", found.most, 1)):
            columns[name][rows] = np.where(values == UNKNOWN, np.nan, np.round(values / part / scale, 9))
        if needs(dose):
            columns["weight_kg"][rows] = np.where(grams == UNKNOWN, np.nan, grams / 1000)
    series = {name: pl.Series(values).fill_nan(None) for name, values in columns.items()}
    return series | {"dose_unit": pl.Series(units, dtype=pl.String).gather(column)}


def _dose_of(part: Part) -> Dose | None:
    """The dose that can be computed beforehand: without a formula, and without conditions on what is not known yet."""
    dose = dose_of(part)
    return dose if dose is not None and dose.formula is None and not dose.if_ else None


def _grams(laid: Laid, grid: Grid, c: int, dose: Dose) -> Longs:
    """The weight that a dose on its due day counts with, `UNKNOWN` where none is known; implausible ones never count.

    Before the first dose the newest weight stands for the baseline.
    """
    e, policy = laid.evidence, dose.weight or laid.plan.protocol.weight
    columns = [b for b in grid.arm.columns(grid.arm.slots[c].part.activity) if b <= c]
    due = np.where(grid.due[:, columns] == NONE, FOREVER, grid.due[:, columns]).astype(np.int32)
    s, day = np.repeat(grid.s, len(columns)), due.ravel()
    any_time = np.full(len(s), NONE, np.int32)
    follows = recalculations(e, policy, s, day, any_time)
    mine = np.arange(len(columns) - 1, len(s), len(columns))
    now = follows.now[mine] if follows is not None else None
    s, day, any_time = s[mine], day[mine], any_time[mine]
    nothing = np.full(len(s), UNKNOWN, np.int64)
    found = weigh(e, policy, s, day, any_time, nothing, now).grams
    if policy is None or policy.use != "baseline":
        return found
    before = e.milestone("first-dose").day[s] == NONE
    return np.where(before, weigh(e, None, s, day, any_time, nothing).grams, found)


def _status(laid: Laid, grid: Grid, last: Ints) -> pl.Series:
    """Where the occurrence stands on the day of the run; a course that was begun is open up to its last day."""
    horizon = laid.evidence.horizon
    due, opens = grid.due.ravel(), np.where(grid.opens != NONE, grid.opens, grid.due).ravel()
    closes = np.where(grid.closes != NONE, grid.closes, grid.due).ravel()
    status = np.full(due.size, "upcoming", dtype=object)
    known = due != NONE
    status[known & (opens <= horizon)] = "open"
    status[known & (due < horizon) & (closes >= horizon)] = "overdue"
    status[known & (closes < horizon)] = "no record"
    status[(np.isin(grid.excuse, (1, 2, 3)) & (grid.record < 0)).ravel()] = "not expected"
    status[(grid.expected == 0).ravel()] = "not expected"
    status[(grid.record >= 0).ravel()] = "not given"
    status[(grid.actual != NONE).ravel()] = "done"
    goes_on = np.array([slot.part.course for slot in grid.arm.slots]) & ((last == NONE) | (last >= horizon))
    status[((grid.actual != NONE) & (grid.actual <= horizon) & goes_on).ravel()] = "open"
    status[((grid.actual != NONE) & (grid.actual > horizon)).ravel()] = "upcoming"
    return pl.Series(status, dtype=pl.String)
