"""The audit as one would write it without columns: a Pydantic model a record, loops over subjects, doses and rules.

It shares with the engine the study and the fields of a finding, nothing else; the plan is a table of constants, and
what it says is written out in `naive_rules.py`. Each record is the planned dose nearest in time, and where that is
taken the record is unplanned. The engine weighs a whole series at once instead, so the two part where doses lie far
off. Nothing here is slower than it need be: records are read and checked once, amounts are whole numbers, what is no
record is a plain class, a text is written only where a rule has found something.

It judges all that the engine judges of this study. Of visits, events, ends and consents the study has no table, so
neither of the two has anything to judge there.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from pathlib import Path

import polars as pl
from pydantic import BaseModel

from bench.make_study import SERIES, Series
from bench.naive_model import BASE, Dose, Finding, Occasion, Subject, Weight, plausible_weight
from bench.naive_rules import RULES, judge, judge_weight

__all__ = ["RULES", "Judged", "audit"]


class Judged(BaseModel):
    """What came of a study: its findings, and the occurrence of each record by row (none where unplanned)."""

    findings: list[Finding]
    occurrence: dict[int, int | None]


def audit(folder: Path) -> Judged:
    """Judge every dose of a study folder that `make_study` wrote."""
    weights, doses = defaultdict(list), defaultdict(list)
    for number, row in enumerate(pl.read_parquet(folder / "observations.parquet").iter_rows(named=True), start=1):
        weight = Weight(row=number, **row)
        weights[weight.subject].append(weight)
    for number, row in enumerate(pl.read_parquet(folder / "administrations.parquet").iter_rows(named=True), start=1):
        dose = Dose(row=number, **row)
        doses[dose.subject, dose.treatment].append(dose)
    judged = Judged(findings=[], occurrence={})
    file = f"{folder.name}/administrations.parquet"
    for row in pl.read_parquet(folder / "subjects.parquet").iter_rows(named=True):
        subject = Subject(**row)
        for weight in weights[subject.subject]:
            judged.findings += judge_weight(subject, weight, folder.name)
        for series in SERIES:
            records = doses[subject.subject, series.name]
            for occasion in _occasions(subject, series, records, weights[subject.subject], judged.occurrence):
                judged.findings += judge(occasion, file)
    judged.findings.sort(key=lambda f: (f.subject, f.date, f.activity, f.occurrence or 0, f.code))
    return judged


def _occasions(
    subject: Subject, series: Series, doses: list[Dose], weights: list[Weight], numbers: dict[int, int | None]
) -> list[Occasion]:
    """Every planned dose with its record, and the records left over; the number of each record goes to `numbers`."""
    if subject.arm not in series.arms:
        return [Occasion(subject, series, dose=dose, amount=_base(dose)) for dose in doses]
    due = [subject.day_zero + timedelta(days=series.first + n * series.every) for n in range(series.times)]
    taken: dict[int, Dose] = {}
    found: list[Occasion] = []
    for dose in sorted(doses, key=lambda d: d.start):
        nearest = min(range(len(due)), key=lambda n: abs(dose.start - due[n]))
        numbers[dose.row] = None if nearest in taken else nearest + 1
        if nearest in taken:
            first = taken[nearest]
            again = (first.start, first.amount, first.status) == (dose.start, dose.amount, "given")
            found.append(Occasion(subject, series, dose=dose, amount=_base(dose), duplicate=again))
        else:
            taken[nearest] = dose
    before: date | None = None
    for n, day in enumerate(due):
        earliest = before + timedelta(days=series.apart) if before else date.min
        occasion = _planned(subject, series, n + 1, day, earliest, taken.get(n))
        if dose := occasion.given:
            _measure(occasion, dose, weights)
            before = max(before or date.min, dose.start)
        found.append(occasion)
    return found


def _planned(subject: Subject, series: Series, number: int, due: date, earliest: date, dose: Dose | None) -> Occasion:
    """One planned dose with its window, which a minimum interval may push."""
    opens, closes = (max(due + timedelta(days=side), earliest) for side in (series.low, series.high))
    return Occasion(subject, series, number, max(due, earliest), opens, closes, earliest, dose)


def _base(dose: Dose) -> int | None:
    return None if dose.amount is None else round(dose.amount * BASE[dose.unit])


def _measure(o: Occasion, dose: Dose, weights: list[Weight]) -> None:
    """The amount, the intended dose and its limits; without a weight, the weight that the amount implies."""
    series, o.amount = o.series, _base(dose)
    unit = BASE[series.unit]
    low, high = round(series.least * unit), round(series.most * unit)
    o.ceiling = round(series.ceiling * unit) if series.ceiling else None
    if series.per_kg:
        o.weight = max((w for w in weights if w.at <= dose.start), key=lambda w: w.at, default=None)
        if o.amount:
            o.implied = o.amount * 1000 // ((low + high) // 2)
        if o.weight is None:
            _imply(o, dose)
            return
    grams = o.weight.grams if o.weight else 1000
    top = o.ceiling * 1000 if o.ceiling else None
    o.low, o.high = (d if top is None else min(d, top) for d in (low * grams, high * grams))
    share = round(series.tolerance * 10_000)
    o.least = -(-o.low * (10_000 - share) // 10_000_000)
    o.most = o.high * (10_000 + share) // 10_000_000
    if o.ceiling:
        o.most = min(o.most, o.ceiling)
    if o.amount:
        o.over, o.under = o.amount * 1000 / o.high, o.low / (o.amount * 1000)


def _imply(o: Occasion, dose: Dose) -> None:
    """Whether the weight that an amount implies is beyond what is plausible for the age."""
    if o.implied is None:
        return
    low, high = plausible_weight((dose.start - o.subject.birth_date).days)
    o.too_heavy, o.too_light = o.implied > high, o.implied < low
    ratio = o.implied / (high / 2)
    o.over, o.under = (ratio if o.too_heavy else 0.0), (1 / ratio if o.too_light else 0.0)
