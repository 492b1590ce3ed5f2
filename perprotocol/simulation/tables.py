"""Synthetic participants as the tables of a study folder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

import polars as pl

from perprotocol.simulation.days import DAY, move, written
from perprotocol.simulation.patient import Given, Patient, Row
from protocol import Protocol
from protocol.activities import Part
from protocol.quantity import Quantity, Range

START = datetime(1970, 1, 1)


def moment(at: int) -> datetime:
    """A point in time of a minute."""
    return START + timedelta(minutes=at)


@lru_cache(maxsize=256)
def _factor(unit: str) -> Fraction:
    return Fraction(Quantity.parse(f"1 {unit}").base)


@lru_cache(maxsize=1 << 14)
def amount_text(unit: str, amount: int) -> str:
    """A number of base units in a unit, exactly."""
    factor = _factor(unit)
    return str(Decimal(amount) * factor.denominator / factor.numerator)


def unit_of(part: Part) -> tuple[str, str | None]:
    """The unit an amount of a treatment is recorded in, and which cells it counts."""
    doses = [d for d in part.dose if d.amount or d.start]
    levels = getattr(part, "levels", {})
    doses = doses or [d for level in levels.values() for d in level.dose]
    if not doses:
        return "", None
    amount = doses[0].amount or doses[0].start
    quantity = amount.low if isinstance(amount, Range) else amount
    assert quantity is not None
    unit = quantity.unit.text.split("/")[0].strip()
    return "mg" if unit == "AUC" else unit, doses[0].count or (part.dose[0].count if part.dose else None)


def rows_of(protocol: Protocol, patient: Patient) -> dict[str, list[Row]]:
    """The rows of the tables of a study that one participant fills."""
    who: Row = {"subject": patient.subject}
    first: Row = {"arm": patient.arm, "site": patient.site, "sex": patient.sex, "birth_date": written(patient.birth)}
    first |= {"enrolled": written(patient.enrolled)}
    first |= {"day_zero": written(patient.day_zero) if patient.day_zero is not None else None}
    weights = [
        who | {"measure": "weight", "value": str(Decimal(g) / 1000), "unit": "kg", "at": moment(day * DAY + 8 * 60)}
        for day, g in patient.weighings.items()
    ]
    return {
        "subjects": [who | first],
        "consents": [who | row for row in _consents(protocol, patient)],
        "milestones": [who | {"milestone": name, "date": moment(at)} for name, at in patient.milestones],
        "observations": [*weights, *(who | row for row in _seen(patient))],
        "administrations": [who | _dose(protocol, patient, dose) for dose in patient.doses],
        "visits": [who | row for row in _visits(patient)],
        "lots": [_timed(fact) for fact in patient.lots],
        "decisions": [who | _timed(decision) for decision in patient.decisions],
        "events": [who | _timed(event) for event in patient.events],
    }


def own_from(protocol: Protocol, patient: Patient) -> list[int]:
    """The days from which on a participant's own signature is needed."""
    ages = protocol.consent.own_from if protocol.consent is not None else ()
    return [move(patient.birth, age.months, age.days, protocol.months) for age in ages]


def _consents(protocol: Protocol, patient: Patient) -> Iterator[Row]:
    """The form of the first day, and one signed again on the day on which the participant is old enough to sign it."""
    days = own_from(protocol, patient)
    own = ["participant"] if patient.signs else []
    for day in [patient.consent, *(d for d in days if d > patient.consent)]:
        row: Row = {"version": protocol.version, "signed": moment(day * DAY + 7 * 60)}
        if days:
            row["by"] = " and ".join(["guardian", *(own if day >= min(days) else [])])
        yield row


def _seen(patient: Patient) -> Iterator[Row]:
    for s in patient.seen:
        yield {"measure": s.measure, "value": s.value, "unit": s.unit or None, "low": s.low or None,
               "high": s.high or None, "at": moment(s.at), "visit": s.visit or None,
               "since_dose": s.since or None}  # fmt: skip


def _visits(patient: Patient) -> Iterator[Row]:
    for (name, n), (at, status) in patient.visits.items():
        visit = f"{name} {n}" if patient.labelled else name
        yield {"visit": visit, "date": moment(at), "status": status or None}


_TIMES = ("start", "end", "decided", "at", "known", "thawed", "released", "dispensed", "expires")
"""Columns in which a whole number is a minute."""


def _timed(row: Row) -> Row:
    return {k: moment(v) if k in _TIMES and isinstance(v, int) else v for k, v in row.items()}


def _dose(protocol: Protocol, patient: Patient, dose: Given) -> Row:
    name = dose.treatment or dose.key[0]
    row: Row = {"treatment": name, "start": moment(dose.at), "end": None, "amount": None, "unit": None,
                "frequency": dose.frequency or None, "route": None, "status": dose.status or None,
                "reason": dose.reason or None, "viable_or_total": None, "occurrence": None,
                "weight_used": None}  # fmt: skip
    stated = protocol.treatments.get(name)
    if stated is not None and not dose.status:
        row["route"] = stated.route
        if dose.end is not None and dose.end > dose.at:
            row["end"] = moment(dose.end)
        if dose.amount is not None:
            part = dose.line.treatment if dose.line is not None else stated
            unit, count = unit_of(part)
            row["amount"], row["unit"], row["viable_or_total"] = amount_text(unit, dose.amount), unit, count
    if (patient.labelled or name in patient.numbered) and not dose.frequency:
        row["occurrence"] = dose.key[1]
    return row | _timed(dose.more)


def tables_of(protocol: Protocol, patients: Iterable[Patient]) -> dict[str, list[Row]]:
    """The rows of all of them."""
    tables: dict[str, list[Row]] = {}
    for patient in patients:
        for table, rows in rows_of(protocol, patient).items():
            tables.setdefault(table, []).extend(rows)
    return tables


def frames_of(tables: dict[str, list[Row]]) -> dict[str, pl.DataFrame]:
    """Tables as frames; a column has the type that its values have."""
    return {name: pl.DataFrame(rows, infer_schema_length=None) for name, rows in tables.items() if rows}
