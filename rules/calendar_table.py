"""The calendar as people read it: every expected occurrence with its days, its dose and its status."""

from __future__ import annotations

import numpy as np
import polars as pl

from protocol.dosing import Dose
from protocol.model import Treatment
from protocol.quantity import Range, known_unit
from protocol.timing import day_number_of
from rules.assignment import NONE
from rules.evidence import Ints, Longs
from rules.grid import Grid, Laid
from rules.slots import Part
from rules.words import display_unit

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
}
"""The fields of a schedule row, in order."""


def calendar_table(laid: Laid) -> pl.DataFrame:
    """One row per occurrence of every participant of the partition, in the order of their days."""
    frames = [_arm(laid, grid) for grid in laid.grids]
    if not frames:
        return pl.DataFrame(schema=SCHEDULE)
    order = ["subject", "due", "kind", "activity", "occurrence"]
    return pl.concat(frames).sort(order, nulls_last=True, maintain_order=True)


def _arm(laid: Laid, grid: Grid) -> pl.DataFrame:
    """The calendar of one arm."""
    slots, shape = grid.arm.slots, grid.due.shape
    subjects = laid.evidence.frames["subjects"][grid.s]
    kept = np.flatnonzero((grid.expected != 0).ravel() | (grid.record >= 0).ravel())
    who, column = np.unravel_index(kept, shape)

    def per_slot(values: list[object], dtype: pl.DataType) -> pl.Series:
        return pl.Series(values, dtype=dtype).gather(column)

    due = grid.due.ravel()[kept]
    doses = _doses(laid, grid, who.astype(np.int32), column.astype(np.int32), due)
    origins = [laid.plan.protocol.origin(f"{s.part.path}.due") for s in slots]
    columns: dict[str, pl.Series | pl.Expr] = {
        "subject": subjects["subject"].gather(who),
        "site": subjects["site"].gather(who),
        "arm": pl.Series([grid.arm.arm]).new_from_index(0, len(kept)),
        "activity": per_slot([s.part.activity for s in slots], pl.String()),
        "kind": per_slot([s.part.kind for s in slots], pl.String()),
        "cycle": pl.Series([None] * len(kept), dtype=pl.Int32),
        "occurrence": per_slot([s.occurrence for s in slots], pl.Int32()),
        "study_day": _study_day(laid, grid, who.astype(np.int32), due),
        **{n: _date(getattr(grid, n).ravel()[kept]) for n in ("due", "opens", "closes")},
        "valid_from": pl.Series([None] * len(kept), dtype=pl.Date),
        "valid_to": pl.Series([None] * len(kept), dtype=pl.Date),
        **doses,
        "level": per_slot([getattr(s.part.element, "level", None) for s in slots], pl.Int32()),
        "version": pl.Series([laid.plan.protocol.version]).new_from_index(0, len(kept)),
        "basis": per_slot([o.basis for o in origins], pl.String()),
        "source": per_slot([o.text for o in origins], pl.String()),
        "status": _status(laid, grid).gather(kept),
    }
    return pl.DataFrame({name: columns[name] for name in SCHEDULE}, schema=SCHEDULE)


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
    """The intended dose of every occurrence by the weight in force on its day (before that day, the latest)."""
    n = len(who)
    low, high = np.full(n, np.nan), np.full(n, np.nan)
    least, most = np.full(n, np.nan), np.full(n, np.nan)
    weight = np.full(n, np.nan)
    units: list[str | None] = []
    for c, slot in enumerate(grid.arm.slots):
        unit = display_unit(slot.part)
        units.append(unit[1] if unit else None)
        rows = np.flatnonzero(column == c)
        if unit is None or not len(rows) or not isinstance(slot.part.element, Treatment):
            continue
        s = grid.s[who[rows]]
        grams = _grams(laid, s, due[rows])
        dose = slot.part.element.dose[0]
        found = _intended(dose, grams, slot.part)
        factor = float(known_unit(unit[1]).factor) if known_unit(unit[1]) else 1.0  # type: ignore[union-attr]
        bounds = dose.tolerance
        for target, values in ((low, found[0]), (high, found[1])):
            target[rows] = np.round(values / 1000 / factor, 9)
        least[rows] = low[rows] * (1 + (bounds.low_bp if bounds else 0) / 10_000)
        most[rows] = high[rows] * (1 + (bounds.high_bp if bounds else 0) / 10_000)
        weight[rows] = np.where(found[2], grams / 1000, np.nan)
    target_dose = np.where(low == high, low, np.nan)
    series = {"dose": target_dose, "dose_low": np.round(least, 9), "dose_high": np.round(most, 9), "weight_kg": weight}
    return {k: pl.Series(v).fill_nan(None) for k, v in series.items()} | {
        "dose_unit": pl.Series(units, dtype=pl.String).gather(column)
    }


def _grams(laid: Laid, s: Ints, due: Ints) -> Longs:
    """Weight in force on the due day: -1 where none is known."""
    e = laid.evidence
    if not len(e.weights.s):
        return np.full(len(s), -1, np.int64)
    at, there = e.weights.before(s, np.where(due == NONE, 1 << 18, due).astype(np.int32))
    return np.where(there, e.weights.value[at], -1)


def _intended(dose: Dose, grams: Longs, part: Part) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lowest and highest intended dose in thousandths of base units, and whether a weight went into it."""
    amount = dose.amount or dose.start
    nothing = np.full(len(grams), np.nan)
    if amount is None or dose.formula is not None or dose.if_:
        return nothing, nothing, np.zeros(len(grams), np.bool_)
    ends = (amount.low, amount.high) if isinstance(amount, Range) else (amount, amount)
    dimension = ends[0].dimension
    if "/surface" in dimension:
        return nothing, nothing, np.zeros(len(grams), np.bool_)
    per = "/weight" in dimension
    measure = np.where(grams >= 0, grams.astype(np.float64), np.nan) if per else np.full(len(grams), 1000.0)
    frequency = getattr(part.element, "frequency", None)
    share = frequency.days / frequency.times if frequency is not None and dimension.endswith(("/time", "/day")) else 1.0
    low, high = (float(q.base) * measure * share for q in ends)
    if dose.max is not None and "/" not in dose.max.dimension:
        low, high = (np.minimum(d, float(dose.max.base) * 1000) for d in (low, high))
    return low, high, np.full(len(grams), per)


def _status(laid: Laid, grid: Grid) -> pl.Series:
    """Where the occurrence stands on the day of the run."""
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
    return pl.Series(status, dtype=pl.String)
