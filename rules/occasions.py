"""The tables a rule may see, column by column: what was planned beside what was done.

Every look-up, lag and join has happened before a row stands here (`match.py`, `dose.py`), so a rule is one
expression over one row. A column whose `fact` is empty is never null. Of every other column `fact` names what is
missing when it is null: that becomes the question to the site. `@name` means that the column `name` of the same row
says which fact it is.
"""

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


_DAY = pl.Date()
_INT = pl.Int32()
_BIG = pl.Int64()
_YES = pl.Boolean()
_TEXT = pl.String()

_WHO = (
    Column("s", _INT, "row of the participant in the subject table", 0),
    Column("part", _INT, "row of the plan's parts: activity and step", 0),
    Column("row", _INT, "row of the record in its table; null where nothing is recorded", 0, "record"),
    Column("occurrence", _INT, "number of the occurrence within its activity, from 1", 1, "occurrence"),
)

DOSES = (
    *_WHO,
    Column("day", _DAY, "day of the administration", date(2024, 3, 15), "date"),
    Column("matched", _YES, "a planned occurrence was found for the record", True),
    Column("anchored", _YES, "the days of this treatment's occurrences are known", True, "@anchored_fact"),
    Column("anchored_fact", _TEXT, "what is missing when they are not", "day-zero"),
    Column("in_arm", _YES, "the participant's arm gets this treatment", True, "arm"),
    Column("course", _YES, "the treatment is taken by days; its records are not single occurrences", False),
    Column("duplicate", _YES, "an earlier record says the same dose", False),
    Column("permitted", _YES, "an unmatched dose is allowed by the protocol", False),
    Column("due", _DAY, "day on which the occurrence is due", date(2024, 3, 15), "day-zero"),
    Column("opens", _DAY, "first day on time", date(2024, 3, 14), "@anchored_fact"),
    Column("closes", _DAY, "last day on time", date(2024, 3, 16), "@anchored_fact"),
    Column("timed", _YES, "the protocol states a window in days", True),
    Column("spaced", _YES, "a minimum interval counts from a recorded dose", True),
    Column("earliest", _DAY, "first day that the minimum interval allows", date(2024, 3, 13), "date"),
    Column("pushed", _YES, "the minimum interval, not its own plan, opens the window", False),
    Column("on_hold", _YES, "a hold of this treatment was in force", False, "hold-end"),
    Column("stopped", _YES, "the treatment had been stopped or the participant had left", False, "stop-date"),
    Column("after_death", _YES, "the record is dated after death", False, "stop-date"),
    Column("dosed", _YES, "the protocol gives a dose that can be judged", True),
    Column(
        "amount", _BIG, "amount judged: prepared where the infusion was cut short", 16_200_000, "@amount_fact", "base"
    ),
    Column("least", _BIG, "smallest amount inside the tolerance", 14_580_000, "@dose_fact", "base"),
    Column("most", _BIG, "largest amount inside the tolerance", 17_820_000, "@dose_fact", "base"),
    Column("capped", _YES, "the protocol states a ceiling of one dose", True),
    Column("ceiling", _BIG, "the ceiling of one dose; it has no tolerance", 100_000_000, "@dose_fact", "base"),
    Column("far_over", _YES, "over any dose this participant could be meant to get", False),
    Column("far_under", _YES, "under any dose this participant could be meant to get", False),
    Column("unit_doubt", _YES, "off by a factor that only a wrong unit explains", False),
    Column("zero", _YES, "an amount of 0 is recorded", False),
    Column("weighed", _YES, "the dose depends on body weight", True),
    Column("weight_age", _INT, "age of the weight in force", 1, "weight", "d"),
    Column(
        "weight_limit", _INT, "oldest weight that the protocol allows; null where it names none", 7, "weight-limit", "d"
    ),
    Column("aged", _YES, "the protocol says how old a weight may be", True),
    Column("ordered_by_weight", _YES, "the record says which weight the order used", False),
    Column("used_is_measured", _YES, "the weight on the order equals a weight on record", True, "weight"),
    Column("amount_fact", _TEXT, "what is missing when the amount is", "amount"),
    Column("dose_fact", _TEXT, "what is missing when the limits are", "weight"),
)

PLANNED = (
    *_WHO,
    Column("treatment", _YES, "the occurrence is a dose", True),
    Column("visit", _YES, "the occurrence is a visit", False),
    Column("expected", _YES, "the occurrence is expected of this participant", True, "@expected_fact"),
    Column("expected_fact", _TEXT, "what is missing when that cannot be told", "condition"),
    Column("over", _YES, "its window, the data cut and the day of the run are past", True),
    Column("done", _YES, "a record says it took place", True),
    Column("denied", _YES, "a record says it did not take place", False),
    Column("excused", _YES, "the protocol allows or orders its absence", False, "reason"),
    Column("unknown", _YES, "a record says that it is unknown whether it took place", False),
    Column("final", _YES, "the study declares its data final", False),
    Column("day", _DAY, "day on which it took place", date(2024, 3, 15), "date"),
    Column("due", _DAY, "day on which it is due", date(2024, 3, 15), "day-zero"),
    Column("opens", _DAY, "first day on time", date(2024, 3, 14), "day-zero"),
    Column("closes", _DAY, "last day on time", date(2024, 3, 16), "day-zero"),
    Column("timed", _YES, "the protocol states a window in days", True),
)

CRITERIA = (
    *_WHO,
    Column("judged", _YES, "the participant was enrolled and criteria apply to the group", True),
    Column("excludes", _YES, "the criterion keeps people out", False),
    Column("holds", _YES, "the criterion's condition holds", True, "@fact"),
    Column("fact", _TEXT, "what is missing when it cannot be told", "observation"),
)

PEOPLE = (
    *_WHO,
    Column("consent_judged", _YES, "consents are on record and apply to the group", True),
    Column("treated_before_consent", _YES, "a trial procedure came before consent", False, "consent"),
    Column("visit_after_withdrawal", _YES, "a visit is dated after consent was withdrawn", False),
    Column("zero_judged", _YES, "day zero and the event that defines it are both on record", True),
    Column("zero_differs", _YES, "recorded day zero and the event's day differ", False),
    Column("after_death", _YES, "a record is dated after death", False),
)

WEIGHTS = (
    *_WHO,
    Column("aged", _YES, "the participant's age on that day is known", True),
    Column("grams", _BIG, "body weight", 16_200, "weight", "g"),
    Column("low", _BIG, "half the median weight for the age", 8_150, "age", "g"),
    Column("high", _BIG, "twice the median weight for the age", 32_600, "age", "g"),
)

VALUES = (
    *_WHO,
    Column("usable", _YES, "every comparison that the protocol makes of the value can be made", True),
)

TABLES: dict[str, tuple[Column, ...]] = {
    "doses": DOSES,
    "planned": PLANNED,
    "criteria": CRITERIA,
    "people": PEOPLE,
    "weights": WEIGHTS,
    "values": VALUES,
}


def schema(table: str) -> dict[str, pl.DataType]:
    """Column names and dtypes of one occasions table."""
    return {column.name: column.dtype for column in TABLES[table]}


def column(table: str, name: str) -> Column:
    """The description of one column."""
    return next(c for c in TABLES[table] if c.name == name)


def example(table: str, changes: dict[str, Value] | None = None) -> pl.DataFrame:
    """One complying row of a table, with `changes` applied: the ground that every case and page stands on."""
    row = {c.name: c.example for c in TABLES[table]} | (changes or {})
    unknown = set(row) - set(schema(table))
    if unknown:
        raise KeyError(f"{table} has no column {sorted(unknown)}")
    return pl.DataFrame([row], schema=schema(table))
