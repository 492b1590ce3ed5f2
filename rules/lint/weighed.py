"""Doses that count with the body: by weight or by surface."""

from __future__ import annotations

from protocol.dosing import Dose, WeightPolicy
from protocol.model import Protocol
from protocol.quantity import Range


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
