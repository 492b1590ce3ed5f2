"""Why a participant counts as what: the values, the days and the events behind each answer, as one text a row."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from protocol.model import Endpoint
from rules.arrays import MISSING, NONE, SCALE, Flags, Index, Ints, Points
from rules.endpoints.days import Days
from rules.endpoints.response import read_by
from rules.endpoints.survival import First, Times, is_recorded
from rules.endpoints.words import Words
from rules.happened.evidence import Evidence

GRAMS_A_KILOGRAM = 1000


def dates(day: Ints) -> pl.Series:
    """Days as a column of dates, null where unknown."""
    return pl.Series(day).replace(NONE, None).cast(pl.Date)


def scale_of(name: str) -> int:
    """In how many parts of its unit the values of a measure stand."""
    return GRAMS_A_KILOGRAM if name == "weight" else SCALE


def values_read(e: Evidence, endpoint: Endpoint, day: Ints, days: Days, words: Words) -> pl.Series:
    """The values of the window up to the day that decides, each beside its baseline; or that there is none."""
    measure = e.protocol.measures[str(endpoint.measure)]
    names = read_by(e, measure) or [str(endpoint.measure)]
    texts = [_values(e, name, day, days, words) for name in names if name not in _WORDED and not _worded(e, name)]
    death = e.milestone("death").first
    died = pl.format(words("died on"), dates(death).cast(pl.String))
    texts.append(_where((death != NONE) & (death <= day), died))
    columns = [text.alias(str(n)) for n, text in enumerate(texts)]
    joined = pl.DataFrame(columns).select(pl.concat_str(pl.all(), separator=words("listed"), ignore_nulls=True))
    return joined.to_series().replace("", words("no value"))


_WORDED = frozenset({"sex", "arm", "age"})


def _worded(e: Evidence, name: str) -> bool:
    measure = e.protocol.measures.get(name)
    return measure is not None and bool(measure.values)


def _values(e: Evidence, name: str, day: Ints, days: Days, words: Words) -> pl.Series:
    """One measure of every participant as text, null where the window has no value."""
    values = e.measure(name)
    if not len(values.s):
        return pl.Series([None], dtype=pl.String).new_from_index(0, e.n)
    unit = e.protocol.measures[name].unit if name in e.protocol.measures else "kg"
    at, there = values.before(e.everyone, day)
    there &= (values.day[at] >= days.opens) & _exact(values, at)
    base, based = values.before(e.everyone, e.milestone("first-dose").day)
    based &= _exact(values, base) & (base != at)
    number, before = (_texts(values, index, scale_of(name)) for index in (at, base))
    beside = pl.when(pl.Series(based)).then(pl.format(words("baseline"), before)).otherwise(pl.lit(""))
    title = words.title(e.protocol, "measures", name)
    return _where(there, pl.format("{} {}{}{}", pl.lit(title), number, pl.lit(f" {unit}" if unit else ""), beside))


def _exact(values: Points, at: Ints | Index) -> Flags:
    exact: Flags = (values.value[at] != MISSING) & (values.value[at] == values.most[at])
    return exact


def _texts(values: Points, at: Ints, scale: int) -> pl.Series:
    return pl.Series(values.value[at] / scale).round(6).cast(pl.String).str.strip_suffix(".0")


def _where(flags: Flags, text: pl.Expr) -> pl.Series:
    return pl.select(pl.when(pl.Series(flags)).then(text)).to_series()


def times_text(e: Evidence, endpoint: Endpoint, begins: Days, found: Times, words: Words) -> pl.Series:
    """From when to when, and what ended the time."""
    names = [words.happening(e.protocol, name) for name in endpoint.event]
    which = _named([*names, words("censored")], np.where(found.happened, found.which, len(names)))
    origin = dates(np.where(begins.begun, begins.due, NONE).astype(np.int32))
    told = pl.format(words("from to"), origin.cast(pl.String), dates(found.end).cast(pl.String), which)
    return pl.select(
        pl.when(pl.Series(found.told))
        .then(told)
        .when(origin.is_null())
        .then(pl.lit(words("not begun")))
        .when(pl.lit(not is_recorded(e, endpoint.event)))
        .then(pl.lit(words("no table")))
        .otherwise(pl.format(words("open time"), which))
    ).to_series()


def event_text(e: Evidence, endpoint: Endpoint, found: First, happened: Flags, told: Flags, words: Words) -> pl.Series:
    """The first event with its day, or that none is on record."""
    names = [words.happening(e.protocol, name) for name in endpoint.event]
    which = _named([*names, ""], np.where(happened, found.which, len(names)))
    return pl.select(
        pl.when(pl.Series(~told))
        .then(pl.lit(words("nothing yet" if is_recorded(e, endpoint.event) else "no table")))
        .when(pl.Series(happened))
        .then(pl.format(words("event on"), which, dates(found.first).cast(pl.String)))
        .otherwise(pl.lit(words("no event")))
    ).to_series()


def _named(names: Sequence[str], which: Ints) -> pl.Series:
    return pl.Series(names, dtype=pl.String)[which.astype(np.int64)]
