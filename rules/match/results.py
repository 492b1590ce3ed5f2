"""Results of measures: which there are, on which day they were sampled, and which records say that there is none.

The day of sampling counts, never that of the report. A sample that could not be analysed is no result.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from rules.arrays import NONE, Flags, Ints, Longs, days, key
from rules.happened.evidence import NO_RESULT, Evidence

_CODE = 52
"""Bits below the number of a measure in a key; participant and day take them."""


@dataclass(frozen=True)
class Results:
    """Records of some measures, sorted by measure, participant and day; `visit` is the visit as the record names it."""

    measure: Ints
    s: Ints
    day: Ints
    last: Ints
    visit: pl.Series

    @cached_property
    def key(self) -> Longs:
        """The composite keys, ascending."""
        return _keys(self.measure, self.s, self.day)

    def at(self, measure: int, s: Ints, first: Ints, last: Ints) -> Ints:
        """The first day from `first` to `last` with a record of a measure, `NONE` where there is none."""
        if not len(self.s):
            return np.full(len(s), NONE, np.int32)
        codes = np.full(len(s), measure, np.int32)
        found = np.minimum(np.searchsorted(self.key, _keys(codes, s, first)), len(self.s) - 1)
        there = (self.key[found] >= _keys(codes, s, first)) & (self.key[found] <= _keys(codes, s, last))
        return np.where(there & (first != NONE) & (last != NONE), self.day[found], NONE).astype(np.int32)

    def near(self, measure: int, s: Ints, day: Ints, first: Ints, last: Ints) -> Ints:
        """The day nearest to `day`, from `first` to `last`, with a record of a measure; `NONE` where there is none."""
        if not len(self.s):
            return np.full(len(s), NONE, np.int32)
        codes = np.full(len(s), measure, np.int32)
        after = self.at(measure, s, day, last)
        place = np.searchsorted(self.key, _keys(codes, s, day)) - 1
        at = np.maximum(place, 0)
        there = (place >= 0) & (self.key[at] >= _keys(codes, s, first))
        before = np.where(there & (day != NONE), self.day[at], NONE)
        nearer = (after == NONE) | ((before != NONE) & (day - before <= after - day))
        return np.where(nearer, before, after).astype(np.int32)

    def labelled(self, columns: Mapping[str, int]) -> Results:
        """The records that name a visit, with the number of its occurrence in the place of the day."""
        place = self.visit.replace_strict(columns, default=-1, return_dtype=pl.Int32).to_numpy()
        chosen = np.flatnonzero(place >= 0)
        chosen = chosen[np.argsort(_keys(self.measure[chosen], self.s[chosen], place[chosen]), kind="stable")]
        return Results(self.measure[chosen], self.s[chosen], place[chosen], self.day[chosen], self.visit[chosen])


def _keys(measure: Ints, s: Ints, day: Ints) -> Longs:
    return (measure.astype(np.int64) << _CODE) + key(s, day)


def read_results(e: Evidence, measures: Sequence[tuple[str, ...]]) -> tuple[Results, Results, Results]:
    """Results known to the day, results whose date is known in part, and records that there is no result.

    `measures` are the words of each measure in lower case; its place is its number.
    """
    codes = {word: number for number, words in enumerate(measures) for word in words}
    frame = e.frames["observations"]
    said = frame["measure"].unique().drop_nulls()
    known = {word: codes[word.lower()] for word in said if word.lower() in codes}
    if not known:
        nothing = np.zeros(0, np.int32)
        none = Results(nothing, nothing, nothing, nothing, pl.Series([], dtype=pl.String))
        return none, none, none
    frame = frame.with_columns(code=frame["measure"].replace_strict(known, default=None, return_dtype=pl.Int32))
    frame = frame.filter(pl.col("code").is_not_null() & pl.col("at").is_not_null())
    without = frame["word"].str.to_lowercase().is_in(NO_RESULT).fill_null(value=False)
    partial = frame["at"] != frame["at_last"]
    return (
        _sorted(frame.filter(~without & ~partial)),
        _sorted(frame.filter(~without & partial)),
        _sorted(frame.filter(without)),
    )


def _sorted(frame: pl.DataFrame) -> Results:
    measure, s, day = frame["code"].to_numpy(), frame["s"].to_numpy(), days(frame, "at")
    order = np.argsort(_keys(measure, s, day), kind="stable")
    return Results(measure[order], s[order], day[order], days(frame, "at_last")[order], frame["visit"][order])


def within(days_of: Ints, first: Ints, last: Ints) -> Flags:
    """Which days are known and lie from the first to the last."""
    inside: Flags = (days_of != NONE) & (days_of >= first) & (days_of <= last)
    return inside
