"""The records of the naive audit, what it makes of them, and what it knows of body weights."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Literal

from pydantic import BaseModel

from bench.make_study import DATA_CUT, Series

CUT = date.fromisoformat(DATA_CUT)
BASE = {"10^6 cells": 1_000_000, "mg": 1_000_000, "ug": 1_000, "IU": 1_000}
"""Base units (cells, ng, thousandths of an IU) of one of the units that doses are recorded in."""


class Subject(BaseModel):
    """A row of subjects."""

    subject: str
    arm: str
    site: str
    sex: str
    birth_date: date
    day_zero: date


class Weight(BaseModel):
    """A row of observations."""

    row: int
    subject: str
    measure: str
    value: float
    unit: str
    at: date

    @property
    def grams(self) -> int:
        """The weight as a whole number."""
        return round(self.value * 1000)


class Dose(BaseModel):
    """A row of administrations."""

    row: int
    subject: str
    treatment: str
    start: date
    amount: float | None
    unit: str
    status: Literal["given", "not given"]
    viable_or_total: str | None


@dataclass(slots=True)
class Occasion:
    """One planned dose beside its record, or one record that no planned dose accounts for.

    Amounts are base units, `low` and `high` (the intended dose) thousandths of them; None where they are not known.
    """

    subject: Subject
    series: Series
    number: int | None = None
    due: date = date.min
    opens: date = date.min
    closes: date = date.max
    earliest: date = date.min
    dose: Dose | None = None
    amount: int | None = None
    weight: Weight | None = None
    low: int | None = None
    high: int | None = None
    least: int | None = None
    most: int | None = None
    ceiling: int | None = None
    implied: int | None = None
    too_heavy: bool = False
    too_light: bool = False
    over: float = 0.0
    under: float = 0.0
    duplicate: bool = False

    @property
    def given(self) -> Dose | None:
        """The record of a planned dose that was given."""
        return self.dose if self.dose and self.dose.status == "given" and self.number else None


class Finding(BaseModel):
    """One deviation or question, with the fields of the engine's findings."""

    id: str
    event: str
    code: str
    rule: str
    verdict: Literal["deviates", "cannot tell"]
    importance: Literal["important", "not important", "unclassified"]
    category: str | None
    term: str | None
    subject: str
    site: str
    arm: str
    activity: str
    occurrence: int | None
    date: date
    measure: float | None
    measure_unit: str | None
    expected: str | None
    observed: str | None
    because: str | None
    message: str
    record: str | None
    source: str | None
    version: str = "1"
    basis: str | None = "stated"
    logged: str = "not reconciled"
    decision: str | None = None
    state: str = "new"
    primary: Literal["yes", "no"]
    cause: str | None = None
    proposed_importance: Literal["important", "not important"] | None
    detected: date = CUT
    serious_breach: str | None = None
    excluded_from: str | None = None
    site_aware: str | None = None
    sponsor_aware: str | None = None


MEDIAN = (
    (0, 3300), (1, 4300), (2, 5300), (3, 6100), (6, 7600), (9, 8600), (12, 9300), (18, 10600), (24, 11900), (36, 14100),
    (48, 16200), (60, 18300), (72, 20400), (84, 22700), (96, 25300), (108, 28200), (120, 31600), (132, 36300),
    (144, 41000), (156, 45800), (168, 50200), (180, 54000), (192, 57000), (204, 59600), (216, 61800), (240, 64500),
)  # fmt: skip
"""Months and grams: medians of WHO and CDC."""


def plausible_weight(days: int) -> tuple[int, int]:
    """Half and twice the median weight for the age; 25 to 300 kg for adults."""
    if days >= 20 * 365.25:
        return 25_000, 300_000
    months = days / 30.4375
    before, after = next(pair for pair in pairwise(MEDIAN) if months <= pair[1][0])
    median = round(before[1] + (after[1] - before[1]) * (months - before[0]) / (after[0] - before[0]))
    return min(median // 2, 25_000), median * 2
