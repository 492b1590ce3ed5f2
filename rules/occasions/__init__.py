"""The tables a rule may see, column by column: what was planned beside what was done.

Every look-up, lag and join has happened before a row stands here (`match/`, `dose.py`), so a rule is one
expression over one row. A column whose `fact` is empty is never null. Of every other column `fact` names what is
missing when it is null: that becomes the question to the site. `@name` means that the column `name` of the same row
says which fact it is.
"""

from __future__ import annotations

import polars as pl

from rules.occasions.amendments import AMENDMENTS
from rules.occasions.assessments import ASSESSMENTS
from rules.occasions.bags import BAGS
from rules.occasions.column import Column, Occasions, Value
from rules.occasions.conduct import CONDUCT
from rules.occasions.contradictions import CONTRADICTIONS
from rules.occasions.courses import COURSES
from rules.occasions.criteria import CRITERIA
from rules.occasions.deaths import DEATHS
from rules.occasions.decisions import DECISIONS
from rules.occasions.doses import DOSES
from rules.occasions.exposures import EXPOSURES
from rules.occasions.holds import HOLDS
from rules.occasions.leaving import LEAVING
from rules.occasions.levels import LEVELS
from rules.occasions.medications import MEDICATIONS
from rules.occasions.people import PEOPLE
from rules.occasions.planned import PLANNED
from rules.occasions.reconsents import RECONSENTS
from rules.occasions.repeats import REPEATS
from rules.occasions.samples import SAMPLES
from rules.occasions.signatures import SIGNATURES
from rules.occasions.specifications import SPECIFICATIONS
from rules.occasions.values import VALUES
from rules.occasions.weights import WEIGHTS

__all__ = ["TABLES", "Column", "Occasions", "Value", "column", "example", "schema"]

TABLES: dict[str, Occasions] = {
    "doses": DOSES,
    "conduct": CONDUCT,
    "bags": BAGS,
    "specifications": SPECIFICATIONS,
    "planned": PLANNED,
    "courses": COURSES,
    "exposures": EXPOSURES,
    "assessments": ASSESSMENTS,
    "levels": LEVELS,
    "repeats": REPEATS,
    "samples": SAMPLES,
    "criteria": CRITERIA,
    "holds": HOLDS,
    "people": PEOPLE,
    "leaving": LEAVING,
    "medications": MEDICATIONS,
    "contradictions": CONTRADICTIONS,
    "deaths": DEATHS,
    "decisions": DECISIONS,
    "amendments": AMENDMENTS,
    "reconsents": RECONSENTS,
    "signatures": SIGNATURES,
    "weights": WEIGHTS,
    "values": VALUES,
}


def schema(table: str) -> dict[str, pl.DataType]:
    """Column names and dtypes of one occasions table."""
    return {column.name: column.dtype for column in TABLES[table].columns}


def column(table: str, name: str) -> Column:
    """The description of one column."""
    return next(c for c in TABLES[table].columns if c.name == name)


def example(table: str, changes: dict[str, Value] | None = None) -> pl.DataFrame:
    """One complying row of a table, with `changes` applied: the ground that every case and page stands on."""
    row = {c.name: c.example for c in TABLES[table].columns} | (changes or {})
    unknown = set(row) - set(schema(table))
    if unknown:
        raise KeyError(f"{table} has no column {sorted(unknown)}")
    return pl.DataFrame([row], schema=schema(table))
