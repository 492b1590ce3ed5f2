"""Columns of facts as arrays: days, amounts and codes, sorted so that *as of a day* is one binary search on one key.

Days are int32 counts from 1970-01-01, `NONE` where unknown; participants are numbered from 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any, Final, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

NONE: Final = int(np.iinfo(np.int32).min)
"""No value: a day not known, an occurrence not expected, a record that is not there."""
Ints: TypeAlias = npt.NDArray[np.int32]
Longs: TypeAlias = npt.NDArray[np.int64]
Flags: TypeAlias = npt.NDArray[np.bool_]
Index: TypeAlias = npt.NDArray[np.intp]
DAY_BITS = 20
_HALF = 1 << (DAY_BITS - 1)
_MINUTE_BITS = 11
MISSING = np.int64(np.iinfo(np.int64).min)
SCALE = 1_000_000
"""Measured values are compared as whole millionths of the protocol's unit, so a value on its limit is on it."""


def key(s: npt.NDArray[np.integer], day: npt.NDArray[np.integer]) -> Longs:
    """One sortable number for (participant, day)."""
    return (s.astype(np.int64) << DAY_BITS) + day.astype(np.int64) + _HALF


def days(frame: pl.DataFrame, column: str) -> Ints:
    """A date column as days, `NONE` where null."""
    return numbers(frame[column].cast(pl.Date).cast(pl.Int32), NONE)


def whole(frame: pl.DataFrame, column: str, missing: int = NONE) -> Longs:
    """A whole-number column, `missing` where null."""
    return numbers(frame[column].cast(pl.Int64), missing)


def whole_or_none(frame: pl.DataFrame, column: str) -> Ints:
    """A whole-number column, `NONE` where null; one value for all rows where nobody recorded any."""
    if column not in frame.columns or frame[column].null_count() == len(frame):
        return np.broadcast_to(np.int32(NONE), len(frame))
    return whole(frame, column, NONE).astype(np.int32)


def taken(values: npt.NDArray[Any], order: Ints | Index) -> npt.NDArray[Any]:
    """The values in another order; what all rows have in common is still kept once."""
    return values[order] if values.strides != (0,) else np.broadcast_to(values[:1], len(order))


def numbers(series: pl.Series, missing: int | np.signedinteger[Any]) -> npt.NDArray[Any]:
    """A column of whole numbers, `missing` where null; one value for all rows where there is no other."""
    if series.null_count() == len(series):
        return np.broadcast_to(np.array(missing, np.int32 if series.dtype == pl.Int32 else np.int64), len(series))
    return (series.fill_null(missing) if series.null_count() else series).to_numpy()


FEW = 64
"""Fewer values are looked at one by one: a call of NumPy or Polars costs more than they do."""


def distinct(words: pl.Series) -> set[str]:
    """The words of a column, each once."""
    return set(words if len(words) < FEW else words.unique()) - {None}


def coded(words: pl.Series, codes: Mapping[str, int], missing: int) -> Ints:
    """A column of words as their codes, `missing` for every other word and where null."""
    if words.null_count() == len(words):
        return np.full(len(words), missing, np.int32)
    if len(words) < FEW:
        return np.array([codes.get(word, missing) for word in words], np.int32)
    place = words.cast(pl.Enum(list(codes)), strict=False).to_physical().cast(pl.Int32)
    found: Ints = np.array([*codes.values(), missing], np.int32)[numbers(place, len(codes))]
    return found


@dataclass(frozen=True)
class Points:
    """Facts at a day, sorted by participant, day and minute; `value` in its own units, `row` the record they came from.

    A fact that is only bounded (`>500`) lies anywhere from `value` to `most`; one that cannot be used is `MISSING`.
    `minute` is 0 where no time is recorded: without one, a fact of the day counts as before (decision 11).
    """

    s: Ints
    day: Ints
    minute: Ints
    value: Longs
    row: Ints
    low: Longs
    high: Longs
    most: Longs

    @cached_property
    def key(self) -> Longs:
        """The composite keys, ascending."""
        return key(self.s, self.day)

    def where(self, chosen: Flags) -> Points:
        """The chosen points."""
        return replace(self, **{f.name: getattr(self, f.name)[chosen] for f in fields(self)})

    def before(self, s: Ints, day: Ints, *, strictly: bool = False, minute: Ints | None = None) -> tuple[Ints, Flags]:
        """Index of each participant's last point on or before a day, and whether there is one.

        With `minute` (`NONE`: any time of the day) a point of that day that came later does not count.
        """
        side: Literal["left", "right"] = "left" if strictly else "right"
        if minute is None or (minute.strides == (0,) and (minute == NONE).all()):
            found = np.searchsorted(self.key, key(s, day), side=side) - 1
        else:
            last = np.where(minute == NONE, (1 << _MINUTE_BITS) - 1, minute)
            found = np.searchsorted(at_minute(self.key, self.minute), at_minute(key(s, day), last), side=side) - 1
        index = np.maximum(found, 0)
        known = (found >= 0) & (day != NONE)
        if len(self.s) == 0:
            return np.zeros(len(s), np.int32), np.zeros(len(s), np.bool_)
        return index.astype(np.int32), known & (self.s[index] == s)


_INTS, _LONGS = np.zeros(0, np.int32), np.zeros(0, np.int64)
NO_POINTS: Final = Points(_INTS, _INTS, _INTS, _LONGS, _INTS, _LONGS, _LONGS, _LONGS)
"""No facts at all."""


def at_minute(keys: Longs, minute: npt.NDArray[np.integer]) -> Longs:
    """One sortable number for (participant, day, minute)."""
    return (keys << _MINUTE_BITS) + minute


def points(frame: pl.DataFrame, value: Longs, most: Longs | None = None) -> Points:
    """The rows of a table as points, sorted; rows without a full date are left out."""
    s, when = frame["s"].to_numpy(), days(frame, "at")
    last = days(frame, "at_last")
    row = frame["row"].to_numpy()
    low, high = (scaled(frame[c]) for c in ("low", "high"))
    minute = whole(frame, "at_minute", 0).astype(np.int32)
    most = value if most is None else most
    known = (when != NONE) & (when == last)
    at = at_minute(key(s, when), minute)
    in_order = bool(((at[1:] > at[:-1]) | ((at[1:] == at[:-1]) & (row[1:] >= row[:-1]))).all())
    order = np.arange(len(at)) if in_order else np.lexsort((row, at))
    order = order[known[order]]
    return Points(*(column[order] for column in (s, when, minute, value, row, low, high, most)))


def undated(frame: pl.DataFrame) -> pl.Series:
    """Of each row whether its date is known only in part."""
    return frame["at"].ne_missing(frame["at_last"]) & frame["at"].is_not_null()


def scaled(series: pl.Series) -> Longs:
    """Measured values in whole millionths, `MISSING` where null."""
    if series.null_count() == len(series):
        return np.full(len(series), MISSING, np.int64)
    scaled = (series.cast(pl.Float64) * SCALE).round().cast(pl.Int64, strict=False)
    return scaled.fill_null(int(MISSING)).to_numpy()


@dataclass(frozen=True)
class Spells:
    """Events with a beginning and perhaps an end, sorted by participant and beginning. `grade` is 0 where none."""

    s: Ints
    start: Ints
    end: Ints
    grade: Ints
    row: Ints
    detail: tuple[str | None, ...] = ()

    @cached_property
    def key(self) -> Longs:
        """The composite keys of the beginnings, ascending."""
        return key(self.s, self.start)


@dataclass(frozen=True)
class Milestone:
    """The recorded day of a milestone of every participant: earliest and latest possible, `NONE` where not recorded."""

    first: Ints
    last: Ints

    @property
    def day(self) -> Ints:
        """The day where it is known to the day, else `NONE`."""
        return np.where(self.first == self.last, self.first, NONE).astype(np.int32)


def either(one: Milestone, other: Milestone) -> Milestone:
    """Of each participant the one milestone, the other where it is not recorded."""
    known = one.first != NONE
    return Milestone(np.where(known, one.first, other.first), np.where(known, one.last, other.last))


def earlier(one: Milestone, other: Milestone) -> Milestone:
    """Of each participant the milestone that came first; the one on record where only one is."""
    first = (other.last == NONE) | ((one.last != NONE) & (one.last <= other.last))
    return Milestone(np.where(first, one.first, other.first), np.where(first, one.last, other.last))
