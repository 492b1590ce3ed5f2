"""Where a dose comes from: its lot, bag, brand and expiry, and whatever the protocol requires of its product."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from perprotocol.simulation.days import DAY, written
from perprotocol.simulation.draws import draw
from perprotocol.simulation.patient import Given, Patient, Row
from protocol import Protocol
from protocol.activities import Part
from protocol.conditions import Compare, Condition, Inside, Recent, Words
from protocol.model import Product
from protocol.quantity import Quantity

PERCENT = ("viability",)
"""Requirements that a record has a column of its own for."""


def supply(protocol: Protocol, patient: Patient, given: Given, part: Part) -> None:
    """A dose of a product as the protocol wants it; of cells the bag was released for the participant."""
    name = product_of(part, given.key[0], patient.arm)
    product = protocol.products.get(name)
    number = f"{given.key[0]}-{patient.subject}-{given.key[1]:02d}"
    given.more |= {"lot": f"lot-{number}", "expires": written(given.day + 20 + int(draw(given.at, 1) * 400))}
    if _counts_cells(part):
        given.more["bag"] = f"bag-{number}"
        patient.lots.append({"lot": given.more["lot"], "bag": given.more["bag"], "measure": "dispensed",
                             "at": (given.day - 1) * DAY + 900, "for_subject": patient.subject})  # fmt: skip
    counted = next((dose.counted for dose in part.dose if dose.counted), None)
    if counted is not None:
        given.more["counted"] = counted
    if product is not None:
        if product.brand:
            given.more["brand"] = product.brand[int(draw(given.at, 2) * len(product.brand))]
        for condition in product.requires:
            _fulfil(patient, given, product, condition)


def product_of(part: Part, activity: str, arm: str) -> str:
    """The product of a treatment in an arm."""
    stated = part.product
    return (stated.get(arm) if isinstance(stated, dict) else stated) or activity


def _counts_cells(part: Part) -> bool:
    amounts = [dose.amount for dose in part.dose if isinstance(dose.amount, Quantity)]
    return any(amount.dimension.split("/")[0] == "cells" for amount in amounts)


def _fulfil(patient: Patient, given: Given, product: Product, condition: Condition) -> None:
    if isinstance(condition, Recent):
        most = condition.within.minutes or condition.within.days * DAY
        lasted = (given.end or given.at) - given.at
        given.more[condition.name] = given.at - int(draw(given.at, 3) * max(0, most - lasted))
    elif isinstance(condition, Compare | Inside):
        per_kg = isinstance(condition, Compare) and isinstance(condition.value, Quantity)
        if per_kg and condition.value.dimension.endswith("/weight"):  # type: ignore[union-attr]
            given.more["volume"] = str(volume(product, condition, given.grams, Fraction(1, 2)))  # type: ignore[arg-type]
            return
        value, unit = worth(condition, right=True)
        if condition.name in PERCENT:
            given.more[condition.name] = value
        else:
            patient.lots.append(result(given, condition.name, value, unit, given.at - DAY))


def result(given: Given, measure: str, value: str, unit: str, known: int) -> Row:
    """A result of the lot of a dose, known at a minute."""
    return {"lot": given.more["lot"], "measure": measure, "value": value, "unit": unit or None, "known": known}


def volume(product: Product, condition: Compare, grams: int, share: Fraction) -> Decimal:
    """The volume in mL that brings such a share of the most of a content that a person may get."""
    assert isinstance(condition.value, Quantity)
    most = Fraction(condition.value.base) * grams / 1000
    held = Fraction(10**6) if condition.name == "volume" else Fraction(product.contains[condition.name].base) / 1000
    return Decimal(int(most * share / held * 1000)) / 1000


def worth(condition: Compare | Inside, *, right: bool) -> tuple[str, str]:
    """A value and its unit that fulfil a requirement, or just do not."""
    if isinstance(condition, Inside):
        low, high = condition.range.low, condition.range.high
        return str((low.value + high.value) / 2 if right else high.value * 2), low.unit.text
    if isinstance(condition.value, Words):
        fits = right == (condition.op == "=")
        return (condition.value.words[0] if fits else f"not {condition.value.words[0]}"), ""
    assert isinstance(condition.value, Quantity)
    upwards = (condition.op[0] == ">") == right
    value = condition.value.value
    return str(value * Decimal("1.1") if upwards else value * Decimal("0.9")), condition.value.unit.text
