"""An occasions table: its columns, and where its rows stand in the study and in the plan."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import polars as pl

Value = bool | int | str | date | None


@dataclass(frozen=True)
class Column:
    """One column of an occasions table: its dtype, its meaning, its unit, and the fact that is missing when null."""

    name: str
    dtype: pl.DataType
    meaning: str
    example: Value
    fact: str = ""
    unit: str = ""


@dataclass(frozen=True)
class Occasions:
    """An occasions table. Of `records` and `about`, `@name` means that the column `name` of the same row says it.

    What only the sentences need (`@criterion`, a day that no rule reads) is no column here: `match/` adds it.
    """

    columns: tuple[Column, ...]
    records: str
    """The table of the study in which `row` is a line."""
    day: tuple[str, ...]
    """The columns that say which day a row is about; the first that is not null does."""
    about: str = "@part"
    """What a row is about: the activity of its part, a word, or, with `@rule`, the first word of the rule's code."""


DAY = pl.Date()
INT = pl.Int32()
BIG = pl.Int64()
YES = pl.Boolean()
TEXT = pl.String()

WHO = (
    Column("s", INT, "row of the participant in the subject table", 0),
    Column("part", INT, "row of the plan's parts: activity and step; null where a row is about none", 0),
    Column("row", INT, "row of the record in its table; null where nothing is recorded", 0, "record"),
    Column("occurrence", INT, "number of the occurrence within its activity, from 1", 1, "occurrence"),
)
"""What every table begins with."""
