"""What is known of lots and bags, beside the records of what was given of them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl

from protocol.conditions import Compare, Inside, Recent, Words
from protocol.quantity import Quantity, known_unit
from rules.arrays import NONE, Flags, Ints, Longs, days, whole
from rules.happened.truth import Truth, compare

DAY = 24 * 60
NEVER = np.int64(1) << 40
"""Later than any minute; its negative is earlier."""
_THOUSANDTHS = 1000
_COLUMN_UNITS = {"viability": "percent", "volume": "mL"}
"""Columns of a record that a requirement may read as a number, and their units."""
TIMES = ("thawed", "released", "dispensed")
"""Columns of a record that a requirement may count from."""


class Span(NamedTuple):
    """The first and the last minute from 1970 that a point in time may mean; `NEVER` for both where it is not known."""

    first: Longs
    last: Longs

    @property
    def known(self) -> Flags:
        """Where it is recorded at all."""
        there: Flags = self.first != NEVER
        return there


def moments(frame: pl.DataFrame, column: str) -> Span:
    """A column of points in time; a day without a time lasts from its first minute to its last."""
    first, last, minute = days(frame, column), days(frame, f"{column}_last"), whole(frame, f"{column}_minute")
    known, timed = first != NONE, minute != NONE
    early = first.astype(np.int64) * DAY + np.where(timed, minute, 0)
    late = last.astype(np.int64) * DAY + np.where(timed, minute, DAY - 1)
    return Span(np.where(known, early, NEVER), np.where(known, late, NEVER))


def use_ended(frame: pl.DataFrame) -> Span:
    """When the use of each record's bag ended: as recorded, else some time from its start to the end of that day."""
    start, end = moments(frame, "start"), moments(frame, "end")
    nightfall = np.where(start.known, start.last // DAY * DAY + DAY - 1, NEVER)
    first, last = np.where(end.known, end.first, start.first), np.where(end.known, end.last, nightfall)
    return Span(np.where(start.known, np.maximum(first, start.first), first), last)


def matched(given: pl.DataFrame, facts: pl.DataFrame) -> pl.DataFrame:
    """Pairs of a record `i` and a fact `j` about its bag, or about its lot where the fact names no bag."""
    rows = given.select("lot", "bag", i=pl.int_range(pl.len()))
    said = facts.select("lot", "bag", j=pl.int_range(pl.len()))
    of_bag = rows.join(said.filter(pl.col("bag").is_not_null()), on="bag", suffix="_said")
    of_bag = of_bag.filter((pl.col("lot") == pl.col("lot_said")).fill_null(value=True))
    of_lot = rows.join(said.filter(pl.col("bag").is_null()), on="lot", suffix="_said")
    return pl.concat([of_bag.select("i", "j"), of_lot.select("i", "j")]).sort("i", "j")


def about(lots: pl.DataFrame, measure: str) -> pl.DataFrame:
    """The facts of one measure."""
    return lots.filter(pl.col("measure").str.to_lowercase() == measure) if len(lots) else lots


def known_since(facts: pl.DataFrame) -> Span:
    """When each fact was known: as recorded, else when it happened, else always."""
    known, happened = moments(facts, "known"), moments(facts, "at")
    first = np.where(known.known, known.first, np.where(happened.known, happened.first, -NEVER))
    last = np.where(known.known, known.last, np.where(happened.known, happened.last, -NEVER))
    return Span(first, last)


def fulfilled(condition: Compare | Inside, facts: pl.DataFrame) -> Truth:
    """Whether the `value` (in `unit`) or `word` of each row fulfils a requirement; unknown if it cannot be compared."""
    if isinstance(condition, Compare) and isinstance(condition.value, Words):
        words = [w.casefold() for w in condition.value.words]
        said = facts["word"].str.to_lowercase()
        among = said.is_in(words) == (condition.op == "=")
        return among.cast(pl.Int8).fill_null(-1).to_numpy()
    ends = (condition.range.low, condition.range.high) if isinstance(condition, Inside) else (condition.value,)
    if not all(isinstance(end, Quantity) for end in ends):
        return np.full(len(facts), -1, np.int8)
    limits = [end for end in ends if isinstance(end, Quantity)]
    number = _in_base(facts, limits[0].dimension)
    told = ~np.isnan(number)
    found = np.round(np.where(told, number, 0) * _THOUSANDTHS).astype(np.int64)
    bounds = [np.full(len(found), round(limit.base * _THOUSANDTHS), np.int64) for limit in limits]
    if isinstance(condition, Inside):
        holds = (found >= bounds[0]) & (found <= bounds[1])
    else:
        holds = compare(found, bounds[0], condition.op)
    return np.where(told, holds, -1).astype(np.int8)


def own_values(name: str, given: pl.DataFrame) -> pl.DataFrame:
    """The value that the records themselves have for a requirement; null where they have no such column."""
    empty = pl.lit(None, pl.String)
    if name not in _COLUMN_UNITS:
        return given.select(value=pl.lit(None, pl.Float64), unit=empty, word=empty, at=pl.int_range(pl.len()))
    return given.select(value=pl.col(name), unit=pl.lit(_COLUMN_UNITS[name]), word=empty, at=pl.int_range(pl.len()))


def _in_base(facts: pl.DataFrame, dimension: str) -> np.ndarray:
    """Values in base units of a dimension, NaN where they are not on record in a unit of it."""
    factors: dict[str | None, float | None] = {None: 1.0 if dimension == "number" else None}
    for word in facts["unit"].drop_nulls().unique():
        unit = known_unit(word)
        factors[word] = float(unit.factor) if unit is not None and unit.dimension == dimension else None
    factor = facts["unit"].replace_strict(factors, default=None, return_dtype=pl.Float64)
    return (facts["value"] * factor).fill_null(float("nan")).to_numpy()


def elapsed_fulfils(since: Span, until: Span, condition: Recent) -> Truth:
    """Whether the time from one point to another is within what a requirement allows; of days by the calendar."""
    known = since.known & until.known
    if condition.within.clock:
        shortest, longest, most = until.first - since.last, until.last - since.first, condition.within.minutes
    else:
        shortest = until.first // DAY - since.last // DAY
        longest, most = until.last // DAY - since.first // DAY, condition.within.days
    sensible = known & (longest >= 0)
    return np.where(sensible & (longest <= most), 1, np.where(sensible & (shortest > most), 0, -1)).astype(np.int8)


def first_rows(pairs: pl.DataFrame, n: int, values: Longs, *, last: bool = False) -> Ints:
    """Of each of n records the fact whose value is smallest (or largest), -1 for none."""
    at = np.full(n, -1, np.int32)
    if len(pairs):
        chosen = pairs.with_columns(value=values[pairs["j"].to_numpy()]).sort("i", "value", "j")
        chosen = chosen.unique("i", keep="last" if last else "first", maintain_order=True)
        at[chosen["i"].to_numpy()] = chosen["j"].to_numpy()
    return at
