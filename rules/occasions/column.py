"""A column of an occasions table: its dtype, its meaning, and the fact that is missing when it is null."""

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


DAY = pl.Date()
INT = pl.Int32()
BIG = pl.Int64()
YES = pl.Boolean()
TEXT = pl.String()

WHO = (
    Column("s", INT, "row of the participant in the subject table", 0),
    Column("part", INT, "row of the plan's parts: activity and step", 0),
    Column("row", INT, "row of the record in its table; null where nothing is recorded", 0, "record"),
    Column("occurrence", INT, "number of the occurrence within its activity, from 1", 1, "occurrence"),
)
"""What every table begins with."""
