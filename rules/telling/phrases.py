"""Columns of text: days, amounts, weights, cells, and phrases with columns in the place of their words."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from rules.arrays import FEW, numbers
from rules.planning.slots import Part
from rules.telling.amount_text import amount_texts

if TYPE_CHECKING:
    from rules.telling.wording import Text, Wording

Word = Callable[["Wording", pl.DataFrame], "Text"]
_SLOT = re.compile(r"\{(\w+)\}")
FIRST, LAST = np.datetime64("1800-01-01", "D").astype(int), np.datetime64("2400-01-01", "D").astype(int)


@cache
def _calendar() -> pl.Series:
    """Every day as text, then null: writing a day anew is slower by far than looking it up."""
    days = pl.int_range(FIRST, LAST, dtype=pl.Int32, eager=True).cast(pl.Date).cast(pl.String)
    return days.extend_constant(None, 1).rechunk()


def day_texts(day: pl.Series) -> pl.Series:
    """Days as text, from dates or days since 1970; null stays null."""
    # To look few days up, all days must have been written once.
    if len(day) < FEW:
        return day.cast(pl.Int32).cast(pl.Date).cast(pl.String)
    at = numbers(day.cast(pl.Int32), LAST)
    if at.min() < FIRST or at.max() > LAST:
        return day.cast(pl.Int32).cast(pl.Date).cast(pl.String)
    texts: pl.Series = _calendar()[at - FIRST]
    return texts


def dates(name: str) -> Word:
    """The days of a column."""
    return lambda w, hits: day_texts(hits[name])


def cell(name: str) -> Word:
    """A column as it stands."""
    return lambda w, hits: hits[name]


def amounts(name: str, *, thousandths: bool = False) -> Word:
    """The amounts of a column, in the unit of each row's treatment."""
    return lambda w, hits: w.amounts(hits, name, thousandths)


def kilograms(value: pl.Series) -> pl.Series:
    """Weights in grams as people write them: `16.2 kg`."""
    return amount_texts(value.cast(pl.Int64), "weight", "kg")


def weights(name: str) -> Word:
    """The weights of a column of grams."""
    return lambda w, hits: kilograms(hits[name])


def put(phrase: str, where: pl.Expr | None = None, **values: Text) -> pl.Expr:
    """A phrase with columns in the place of its words in braces and of `#`; empty where `where` is false or null."""
    pieces = [values[p] if i % 2 else p for i, p in enumerate(_SLOT.split(phrase.replace("#", "{it}")))]
    text = pl.concat_str([p if isinstance(p, pl.Expr) else pl.lit(p) for p in pieces if not isinstance(p, str) or p])
    return text if where is None else pl.when(where).then(text).otherwise(pl.lit(""))


def days_word(name: str) -> Word:
    """The numbers of a column as so many days."""
    return lambda w, hits: days_of(w, pl.col(name))


def days_of(w: Wording, days: pl.Expr) -> pl.Expr:
    """So many days: `1 day`, `3 days`."""

    text = days.cast(pl.Int64).cast(pl.String)
    return pl.when(days == 1).then(put(w.phrases["day"], it=text)).otherwise(put(w.phrases["days"], it=text))


def hours_text(days: pl.Expr) -> pl.Expr:
    """A part of a day as people say it: `2 h 10 min`."""
    minutes = (days * 1440).round(0).cast(pl.Int64)
    hours, rest = minutes // 60, minutes % 60
    said = pl.when(hours == 0).then(pl.format("{} min", rest)).when(rest == 0).then(pl.format("{} h", hours))
    return said.otherwise(pl.format("{} h {} min", hours, rest))


def said_with(phrase: str, text: pl.Expr) -> pl.Expr:
    """A phrase with a text in the place of `#`; empty where there is none."""
    before, _, after = phrase.partition("#")
    return pl.when(text != "").then(pl.concat_str(pl.lit(before), text, pl.lit(after))).otherwise(pl.lit(""))


def dated(phrase: str, column: str) -> Word:
    """A phrase with the day of a column; empty where there is none."""

    def word(w: Wording, hits: pl.DataFrame) -> pl.Expr:
        text = pl.lit(day_texts(hits[column]))
        return put(w.phrases[phrase], text.is_not_null(), it=text)

    return word


def text_of(field: str) -> Word:
    """A field of the planned activity, as the protocol writes it."""

    def word(w: Wording, hits: pl.DataFrame) -> pl.Series:
        def text(part: Part) -> str | None:
            value = getattr(part.element, field)
            if isinstance(value, tuple):
                return ", ".join(str(v) for v in value) or None
            return str(value) if value is not None else None

        return w.by_part(hits, text)

    return word


def of_subjects(w: Wording, hits: pl.DataFrame, column: str) -> pl.Series:
    """A column of the subject table for every row."""
    of, values = hits["s"], w.laid.evidence.frames["subjects"][column]
    return values[of.to_numpy()] if not of.null_count() else values.gather(of.cast(pl.UInt32))
