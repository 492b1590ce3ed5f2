"""What every domain needs, both ways: variables that may be absent, dates of ISO 8601, study days without a day 0."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from perprotocol.formats.sdtm.links import Links
from perprotocol.formats.sdtm.mapping import Said
from perprotocol.formats.sdtm.notes import Notes
from protocol.model import Protocol
from rules import Study

KEY = ("USUBJID", "SEQ")
"""What names a record of a domain: the participant, and its number (of SV the visit's)."""
_ISO = (
    r"^(\d{4}(?:-(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|[12]\d|3[01])"
    r"(?:T(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?)?)?)"
)


@dataclass(frozen=True)
class Incoming:
    """What reading needs beside the datasets: the protocol's words, notes, whether the folder is an export of ours."""

    trial: Protocol
    links: Links
    notes: Notes
    ours: bool
    exposure: str
    """EX or EC: the domain that doses given are read from."""


@dataclass(frozen=True)
class Outgoing:
    """What writing needs beside a table: the study, USUBJID and reference start of each participant, visit numbers."""

    trial: Protocol
    study: Study
    people: pl.DataFrame
    """subject, USUBJID, reference (a date, null where there is none), in the order of `s`."""
    planned: Mapping[str, tuple[float, int | None]]
    """Visits with their occurrence -> VISITNUM and VISITDY."""
    sighted: bool = True
    """Whether arms may be shown."""

    @property
    def numbers(self) -> dict[str, float]:
        """Visits with their occurrence -> VISITNUM."""
        return {name: number for name, (number, _) in self.planned.items()}

    @property
    def links(self) -> Links:
        """Links as an export needs them: nothing is asked."""
        return Links(self.trial, Said(), Notes())

    def table(self, name: str) -> tuple[pl.DataFrame, pl.DataFrame]:
        """A table of the study, typed, and as recorded in texts: one row each, in the same order, with `n`."""
        typed = self.study.data(name)
        if "s" in typed.columns:
            typed = typed.sort("s", maintain_order=True)
        table = self.study.tables.get(name)
        raw = table.recorded(typed["row"]) if table is not None else pl.DataFrame()
        texts = pl.DataFrame([as_recorded(raw[c]) for c in raw.columns]) if raw.width else pl.DataFrame()
        return typed.with_row_index("n"), texts

    def placed(self, typed: pl.DataFrame) -> pl.DataFrame:
        """The rows with USUBJID and the reference start of their participants."""
        if "USUBJID" in typed.columns:
            return typed
        return typed.with_columns(self.people[c].gather(typed["s"]).alias(c) for c in ("USUBJID", "reference"))


def take(frame: pl.DataFrame, *columns: str) -> pl.DataFrame:
    """These variables, empty where the dataset has none."""
    there = set(frame.columns)
    rows = frame.select(pl.col(c) if c in there else pl.lit(None, pl.String).alias(c) for c in columns)
    return rows if frame.width else rows.clear()


def recoded(values: pl.Expr, words: Mapping[str, str | None]) -> pl.Expr:
    """Each word by what it stands for; null for a word that is not among them."""
    return values.replace_strict(dict(words), default=None, return_dtype=pl.String)


def iso(expression: pl.Expr) -> pl.Expr:
    """The date, with its time where it has one, that a --DTC says for certain; null for an interval or no day at all.

    What is missing at the end, or between, is left out: `2003---15` is 2003, `2003-12-15T-:15` is 2003-12-15.
    """
    found = expression.str.extract(_ISO, 1)
    day = found.str.slice(0, 10)
    no_day = (day.str.len_chars() == 10) & day.str.to_date("%Y-%m-%d", strict=False).is_null()
    return pl.when(no_day | expression.str.contains("/", literal=True)).then(None).otherwise(found)


def date_texts(typed: pl.DataFrame, column: str) -> pl.Series:
    """A date column of a typed table as ISO 8601, with as much as is known."""
    first, last = pl.col(column), pl.col(f"{column}_last")
    day = first.dt.to_string("%Y-%m-%d")
    month = (first.dt.year() == last.dt.year()) & (first.dt.month() == last.dt.month())
    part = pl.when(month).then(first.dt.to_string("%Y-%m")).otherwise(first.dt.to_string("%Y"))
    told = pl.when(first == last).then(day).otherwise(part)
    if f"{column}_minute" in typed.columns:
        minute = pl.col(f"{column}_minute")
        clock = pl.format("T{}:{}", *(p.cast(pl.String).str.zfill(2) for p in (minute // 60, minute % 60)))
        told = pl.concat_str(told, pl.when(first == last).then(clock).fill_null(""))
    return typed.select(told.alias(column)).to_series()


def study_day(day: pl.Expr, reference: pl.Expr) -> pl.Expr:
    """The study day: the reference start is day 1, the day before it day -1."""
    apart = (day - reference).dt.total_days()
    return pl.when(apart >= 0).then(apart + 1).otherwise(apart)


def day_of(text: pl.Expr) -> pl.Expr:
    """The day of a --DTC where it is known to the day."""
    return text.str.extract(r"^(\d{4}-\d{2}-\d{2})", 1).str.to_date("%Y-%m-%d", strict=False)


def day_from(reference: pl.Expr, number: pl.Expr) -> pl.Expr:
    """The date of a study day."""
    return reference + pl.duration(days=pl.when(number > 0).then(number - 1).otherwise(number))


def as_recorded(series: pl.Series) -> pl.Series:
    """A recorded column as text: what a CSV file of it would hold."""
    dtype = series.dtype
    if isinstance(dtype, pl.Datetime):
        return series.dt.to_string("%Y-%m-%dT%H:%M")
    if dtype.is_float():
        distinct = {value: format(value, ".15g") for value in series.unique().drop_nulls()}
        return series.replace_strict(distinct, default=None, return_dtype=pl.String)
    text = series.cast(pl.String).str.strip_chars()
    return text.set((text == "").fill_null(value=False), None)


def texts_of(texts: pl.DataFrame, name: str) -> pl.Series:
    """A recorded column; empty where the table has none."""
    return texts[name] if name in texts.columns else pl.Series(name, [None], pl.String).new_from_index(0, len(texts))


def with_seq(frame: pl.DataFrame, domain: str) -> pl.DataFrame:
    """The records numbered within each participant, from 1."""
    seq = pl.int_range(1, pl.len() + 1).over("USUBJID").cast(pl.Int64)
    return frame.sort("USUBJID", maintain_order=True).with_columns(seq.alias(f"{domain}SEQ"))


def head(out: Outgoing, frame: pl.DataFrame, domain: str) -> pl.DataFrame:
    """The frame with the variables that begin every domain."""
    return frame.with_columns(pl.lit(out.study.name).alias("STUDYID"), pl.lit(domain).alias("DOMAIN"))


def ordered(frame: pl.DataFrame, columns: Sequence[str], more: Sequence[str] = ()) -> pl.DataFrame:
    """The variables in order; those of `more` only where they hold anything."""
    kept = [c for c in columns if c not in more or frame[c].null_count() < len(frame)]
    return frame.select(kept)
