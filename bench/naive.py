"""The audit as one would write it without columns: a Pydantic model a record, loops over subjects, doses and rules.

It shares with the engine the study and the fields of a finding, nothing else; the plan is a table of constants. Each
record is the planned dose nearest in time, and where that is taken the record is unplanned. The engine weighs a whole
series at once instead, so the two part where doses lie far off.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Literal

import polars as pl
from pydantic import BaseModel

from bench.make_study import DATA_CUT, SERIES, Series

WEIGHT_COUNTS = timedelta(days=14)
CUT = date.fromisoformat(DATA_CUT)
HAIR = 1e-9
"""Relative slack of a comparison of floats, so that a dose on its limit is inside."""


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

    subject: str
    measure: str
    value: float
    unit: str
    at: date


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


class Occasion(BaseModel):
    """One planned dose beside its record, or one record that no planned dose accounts for."""

    subject: Subject
    series: Series
    number: int | None = None
    due: date | None = None
    opens: date = date.min
    closes: date = date.max
    earliest: date = date.min
    dose: Dose | None = None
    weight: Weight | None = None
    least: float | None = None
    most: float | None = None

    @property
    def given(self) -> Dose | None:
        """The record of a planned dose that was given."""
        return self.dose if self.dose and self.dose.status == "given" and self.number else None


class Hit(BaseModel):
    """What a rule found."""

    measure: float | None = None
    expected: str
    observed: str
    message: str


class Finding(BaseModel):
    """One deviation or question, with the fields of the engine's findings."""

    id: str
    event: str
    code: str
    rule: str
    verdict: Literal["deviates", "cannot tell"]
    importance: Literal["important", "not important", "unclassified"]
    category: str = "wrong study treatment, administration or dose"
    term: str
    subject: str
    site: str
    arm: str
    activity: str
    occurrence: int | None
    date: date
    measure: float | None
    measure_unit: str
    expected: str
    observed: str
    because: str
    message: str
    record: str | None
    source: str = "bench"
    version: str = "1"
    basis: str = "stated"
    logged: str = "not reconciled"
    decision: str | None = None
    state: str = "new"


class Judged(BaseModel):
    """What came of a study: its findings, and the occurrence of each record by row (none where unplanned)."""

    findings: list[Finding]
    occurrence: dict[int, int | None]


# --- rules --------------------------------------------------------------------------------------------------------


def _unplanned(o: Occasion) -> Hit | None:
    if o.number or not o.dose or o.dose.status != "given":
        return None
    text = f"{o.series.name} was given on {o.dose.start}; no planned dose accounts for it."
    return Hit(expected="no further dose", observed=f"{_given(o.dose)} on {o.dose.start}", message=text)


def _no_record(o: Occasion) -> Hit | None:
    if o.dose or o.closes >= CUT:
        return None
    text = f"Was {o.series.name} {o.number}, due {o.due}, given or not? Its window closed on {o.closes}."
    return Hit(expected=f"a record of {o.series.name} {o.number}", observed="no record", message=text)


def _not_given(o: Occasion) -> Hit | None:
    if not o.number or not o.dose or o.dose.status == "given":
        return None
    text = f"{o.series.name} {o.number}, due {o.due}, was not given."
    return Hit(expected=_window(o), observed="recorded as not given", message=text)


def _late(o: Occasion) -> Hit | None:
    if not o.given or o.given.start <= o.closes:
        return None
    days = (o.given.start - o.closes).days
    text = f"{_what(o)} was given on {o.given.start}, {days} d after its window closed on {o.closes} (due {o.due})."
    return Hit(measure=days, expected=_window(o), observed=str(o.given.start), message=text)


def _early(o: Occasion) -> Hit | None:
    # Before a window that the minimum interval opens, a dose is too soon and not early as well.
    if not o.given or o.given.start >= o.opens or o.opens == o.earliest:
        return None
    days = (o.opens - o.given.start).days
    text = f"{_what(o)} was given on {o.given.start}, {days} d before its window opened on {o.opens} (due {o.due})."
    return Hit(measure=days, expected=_window(o), observed=str(o.given.start), message=text)


def _too_soon(o: Occasion) -> Hit | None:
    if not o.given or o.given.start >= o.earliest:
        return None
    days = (o.earliest - o.given.start).days
    text = f"{o.series.name} on {o.given.start} came {days} d too soon: not before {o.earliest} is allowed."
    return Hit(measure=days, expected=f"{o.earliest} or later", observed=str(o.given.start), message=text)


def _over(o: Occasion) -> Hit | None:
    if not o.given or o.most is None or not o.most * (1 + HAIR) < _amount(o) <= _ceiling(o) * (1 + HAIR):
        return None
    percent = (_amount(o) / _intended(o) - 1) * 100
    text = f"{_what(o)} on {o.given.start}: {_given(o.given)} is {percent:.3g} % over the intended {_meant(o)}."
    return Hit(measure=percent, expected=_limits(o), observed=_given(o.given), message=text)


def _under(o: Occasion) -> Hit | None:
    if not o.given or o.least is None or _amount(o) >= o.least * (1 - HAIR):
        return None
    percent = (1 - _amount(o) / _intended(o)) * 100
    text = f"{_what(o)} on {o.given.start}: {_given(o.given)} is {percent:.3g} % under the intended {_meant(o)}."
    return Hit(measure=percent, expected=_limits(o), observed=_given(o.given), message=text)


def _above_ceiling(o: Occasion) -> Hit | None:
    if not o.given or _amount(o) <= _ceiling(o) * (1 + HAIR):
        return None
    text = f"{_what(o)} on {o.given.start}: {_given(o.given)} is above the ceiling of {o.series.ceiling}."
    return Hit(expected=f"at most {o.series.ceiling} {o.series.unit}", observed=_given(o.given), message=text)


def _stale(o: Occasion) -> Hit | None:
    if not o.given or not o.weight or o.given.start - o.weight.at <= WEIGHT_COUNTS:
        return None
    age = (o.given.start - o.weight.at).days
    text = f"{_what(o)} on {o.given.start} rests on a weight of {o.weight.at}, {age} d old; 14 d are allowed."
    return Hit(measure=age - 14, expected="a weight at most 14 d old", observed=f"{age} d", message=text)


def _no_weight(o: Occasion) -> Hit | None:
    if not o.given or o.weight or not o.series.per_kg:
        return None
    text = f"Weight for {_what(o)} on {o.given.start}: none on record."
    return Hit(expected="a weight", observed="none", message=text)


class Rule(BaseModel):
    """One rule: its code, what a deviation is called, the unit of its measure, and the function that judges."""

    code: str
    term: str
    unit: str
    asks: bool
    judge: Callable[[Occasion], Hit | None]


RULES = [
    Rule(code=code, term=term, unit=unit, asks=unit == "?", judge=judge)
    for code, term, unit, judge in (
        ("unplanned_dose", "unplanned dose", "", _unplanned),
        ("dose_no_record", "no record of a dose", "?", _no_record),
        ("dose_not_given", "dose not given", "", _not_given),
        ("dose_late", "dose after its window", "d", _late),
        ("dose_early", "dose before its window", "d", _early),
        ("interval_too_short", "interval too short", "d", _too_soon),
        ("overdose", "overdose", "%", _over),
        ("underdose", "underdose", "%", _under),
        ("above_ceiling", "above the ceiling", "", _above_ceiling),
        ("weight_stale", "weight too old", "d", _stale),
        ("weight", "weight", "?", _no_weight),
    )
]


def _what(o: Occasion) -> str:
    return f"{o.series.name} {o.number}"


def _given(dose: Dose) -> str:
    return f"{dose.amount:g} {dose.unit}"


def _window(o: Occasion) -> str:
    return f"{o.opens} to {o.closes}"


def _limits(o: Occasion) -> str:
    return f"{o.least:g} to {o.most:g} {o.series.unit}"


def _amount(o: Occasion) -> float:
    return (o.dose.amount if o.dose else None) or 0.0


def _ceiling(o: Occasion) -> float:
    return o.series.ceiling or float("inf")


def _intended(o: Occasion) -> float:
    kilograms = o.weight.value if o.weight else 1.0
    return min((o.series.least + o.series.most) / 2 * kilograms, _ceiling(o))


def _meant(o: Occasion) -> str:
    return f"{_intended(o):g} {o.series.unit}"


def _because(o: Occasion) -> str:
    """The arithmetic, the window and the record as it stands."""
    steps = []
    if o.weight:
        steps.append(f"{o.series.least:g} to {o.series.most:g} x {o.weight.value} kg (of {o.weight.at})")
    if o.least is not None:
        steps.append(f"tolerance {o.series.tolerance:.0%}: {_limits(o)}")
    if o.number:
        steps.append(f"day zero {o.subject.day_zero}; due {o.due}: {_window(o)}")
    if o.dose:
        record = o.dose
        steps.append(f"recorded: {record.treatment}, {record.start}, {record.amount} {record.unit}, {record.status}")
    return "; ".join(steps)


# --- loops --------------------------------------------------------------------------------------------------------


def audit(folder: Path) -> Judged:
    """Judge every dose of a study folder that `make_study` wrote."""
    weights, doses = defaultdict(list), defaultdict(list)
    for row in pl.read_parquet(folder / "observations.parquet").iter_rows(named=True):
        weight = Weight(**row)
        weights[weight.subject].append(weight)
    for number, row in enumerate(pl.read_parquet(folder / "administrations.parquet").iter_rows(named=True), start=1):
        dose = Dose(row=number, **row)
        doses[dose.subject, dose.treatment].append(dose)
    judged = Judged(findings=[], occurrence={})
    for row in pl.read_parquet(folder / "subjects.parquet").iter_rows(named=True):
        subject = Subject(**row)
        for series in SERIES:
            if subject.arm in series.arms:
                records = doses[subject.subject, series.name]
                for occasion in _occasions(subject, series, records, weights[subject.subject], judged.occurrence):
                    for rule in RULES:
                        if hit := rule.judge(occasion):
                            judged.findings.append(_finding(rule, occasion, hit))
    return judged


def _occasions(
    subject: Subject, series: Series, doses: list[Dose], weights: list[Weight], numbers: dict[int, int | None]
) -> list[Occasion]:
    """Every planned dose with its record, and the records left over; the number of each record goes to `numbers`."""
    due = [subject.day_zero + timedelta(days=series.first + n * series.every) for n in range(series.times)]
    taken: dict[int, Dose] = {}
    found: list[Occasion] = []
    for dose in sorted(doses, key=lambda d: d.start):
        nearest = min(range(len(due)), key=lambda n: abs(dose.start - due[n]))
        numbers[dose.row] = None if nearest in taken else nearest + 1
        if nearest in taken:
            found.append(Occasion(subject=subject, series=series, dose=dose))
        else:
            taken[nearest] = dose
    before: date | None = None
    for n, day in enumerate(due):
        earliest = before + timedelta(days=series.apart) if before else date.min
        occasion = _planned(subject, series, n + 1, day, earliest, taken.get(n), weights)
        if occasion.given:
            before = max(before or date.min, occasion.given.start)
        found.append(occasion)
    return found


def _planned(
    subject: Subject, series: Series, number: int, due: date, earliest: date, dose: Dose | None, weights: list[Weight]
) -> Occasion:
    """One planned dose with its window, which a minimum interval may push, and the limits of its amount."""
    opens, closes = (max(due + timedelta(days=side), earliest) for side in (series.low, series.high))
    weight = None
    if dose and series.per_kg:
        weight = max((w for w in weights if w.at <= dose.start), key=lambda w: w.at, default=None)
    least = most = None
    if dose and (weight or not series.per_kg):
        kilograms, ceiling = weight.value if weight else 1.0, series.ceiling or float("inf")
        least = min(series.least * kilograms, ceiling) * (1 - series.tolerance)
        most = min(min(series.most * kilograms, ceiling) * (1 + series.tolerance), ceiling)
    return Occasion(
        subject=subject, series=series, number=number, due=due, opens=opens, closes=closes, earliest=earliest,
        dose=dose, weight=weight, least=least, most=most,
    )  # fmt: skip


def _finding(rule: Rule, o: Occasion, hit: Hit) -> Finding:
    day = o.dose.start if o.dose else o.due
    event = f"bench/{o.subject.subject}/{o.series.name}/{o.number or day}"
    return Finding(
        id=f"{event}/{rule.code}", event=event, code=rule.code, rule=rule.code,
        verdict="cannot tell" if rule.asks else "deviates", importance=_importance(rule, hit), term=rule.term,
        subject=o.subject.subject, site=o.subject.site, arm=o.subject.arm, activity=o.series.name, occurrence=o.number,
        date=day, measure=hit.measure, measure_unit=rule.unit, expected=hit.expected, observed=hit.observed,
        because=_because(o), message=hit.message, record=f"administrations:{o.dose.row}" if o.dose else None,
    )  # fmt: skip


def _importance(rule: Rule, hit: Hit) -> Literal["important", "not important", "unclassified"]:
    important_from = {"dose_late": 3.5, "overdose": 20.0, "underdose": 20.0, "dose_not_given": 0.0}
    if rule.code not in important_from:
        return "unclassified"
    return "important" if (hit.measure or 0.0) >= important_from[rule.code] else "not important"
