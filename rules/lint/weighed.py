"""Doses that count with the body: by weight or by surface."""

from __future__ import annotations

from fractions import Fraction

from protocol.dosing import Dose, WeightPolicy
from protocol.model import Protocol
from protocol.quantity import Quantity, Range


def by_body(dose: Dose) -> bool:
    """Whether the amount is one per kg or per m² of body."""
    amount = dose.amount or dose.start
    if amount is None:
        return False
    dimension = (amount.low if isinstance(amount, Range) else amount).dimension
    return "/weight" in dimension or "/surface" in dimension


def policy_of(protocol: Protocol, dose: Dose) -> WeightPolicy | None:
    """Which weight a dose counts with: its own, else the document's."""
    return dose.weight or protocol.weight


def dose_at(limit: Quantity, amount: Quantity, kg: float) -> Fraction | None:
    """The dose at a body weight as its limit counts it, in base units; None where the two cannot be compared."""
    if limit.dimension == amount.dimension:
        return Fraction(amount.base)
    if amount.dimension in (f"{limit.dimension}/weight", f"{limit.dimension}/weight/time"):
        return amount.base * Fraction(kg)
    return None
