"""Doses after modifications that state an amount of the drug: set or changed to it, or by it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

from protocol.actions import Action
from protocol.dosing import Dose
from protocol.quantity import Amount, Quantity, Range, format_amount


def is_stated(action: Action) -> bool:
    """Whether an action says in amounts of the drug what it makes of a dose: no share of it, and no level."""
    said = action.to or action.by
    return said is not None and said.fits("percent") is False


def redosed(doses: tuple[Dose, ...], made: Iterable[tuple[Action, int]]) -> tuple[Dose, ...]:
    """What is stated once each action was carried out so many times; () where that is no dose."""
    for action, times in made:
        for _ in range(times):
            doses = _set(doses, action.to) if action.to is not None else _moved(doses, action)
    return doses


def movable(doses: Sequence[Dose], action: Action) -> bool:
    """Whether an amount `by` which doses are changed is one of their own kind: mg of mg, mg/kg of mg/kg."""
    by = action.by
    return by is None or all(d.amount is not None and d.amount.dimension == by.dimension for d in doses)


_OF_ITS_AMOUNT = frozenset({"amount", "start", "formula", "cap", "if_"})
"""Fields of a dose that go with the amount it states, and not with another."""


def _set(doses: tuple[Dose, ...], amount: Amount) -> tuple[Dose, ...]:
    """The amount in place of every dose, with the limits and the tolerance that all of them share."""
    first = doses[0] if doses else Dose()
    names = [
        name
        for name in first.model_fields_set - _OF_ITS_AMOUNT
        if all(getattr(d, name) == getattr(first, name) for d in doses)
    ]
    kept = {name: getattr(first, name) for name in names}
    return (Dose.model_construct(_fields_set={*kept, "amount"}, **kept, amount=amount),)


def _moved(doses: tuple[Dose, ...], action: Action) -> tuple[Dose, ...]:
    """Each dose less, or more, by the amount of the action."""
    by = action.by
    if by is None or not movable(doses, action):
        return ()
    low, high = (by.low, by.high) if isinstance(by, Range) else (by, by)
    found = []
    for dose in doses:
        assert dose.amount is not None
        least, most = (dose.amount.low, dose.amount.high) if isinstance(dose.amount, Range) else (dose.amount,) * 2
        up = action.verb == "raise"
        ends = (_plus(least, low, 1), _plus(most, high, 1)) if up else (_plus(least, high, -1), _plus(most, low, -1))
        if ends[0].base < 0:
            return ()
        amount = ends[0] if ends[0].base == ends[1].base else Range(f"{ends[0]} to {ends[1]}", *ends)
        found.append(dose.model_copy(update={"amount": amount}))
    return tuple(found)


def _plus(amount: Quantity, by: Quantity, sign: int) -> Quantity:
    base = Fraction(amount.base) + sign * Fraction(by.base)
    negative = "-" if base < 0 else ""
    return Quantity.parse(negative + format_amount(int(abs(base)), amount.dimension, amount.unit.text))
