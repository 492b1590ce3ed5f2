"""A tolerance narrower than the rounding.

What
----
Rounding moves the dose further than the tolerance allows: for a dose by weight or surface at the median weight of
those who may take part (at the youngest age that a criterion states, else at the oldest, else of adults).

Why it matters
--------------
A dose prepared exactly, as prescribed by the amount per kg, deviates; and between two bands nothing can be given
rightly.

Way out
-------
Round more finely, or widen the tolerance to at least half a step of the rounding.

Bad
---
treatments: {drug: {due: day 0, window: ±0 d, dose: {amount: 12.5 mg, round: 5 mg, tolerance: ±10 %}}}

Good
----
treatments: {drug: {due: day 0, window: ±0 d, dose: {amount: 12.5 mg, round: 2.5 mg, tolerance: ±10 %}}}
"""

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from math import ceil, floor

from protocol.dosing import Dose, Rounding
from protocol.model import Protocol
from protocol.quantity import Quantity, format_number
from rules.lint.check import Check, Hit
from rules.lint.draft import Draft


def _find(draft: Draft) -> Iterator[Hit]:
    for name, path, dose in draft.doses():
        amount = dose.amount or dose.start
        if dose.tolerance is None or not dose.round or not isinstance(amount, Quantity) or not amount.value:
            continue
        exact = _exact(draft, name, dose, amount)
        moved = _moved(exact, dose.round) if exact else None
        if moved is None:
            continue
        allowed = max(-dose.tolerance.low_bp, dose.tolerance.high_bp)
        if moved * 10_000 > allowed:
            share = format_number(round(float(moved) * 1000) / Decimal(10))
            rounding = " or ".join(map(str, dose.round))
            words = {"activity": name, "round": rounding, "share": share, "tolerance": dose.tolerance}
            place = (*path, "tolerance")
            yield Hit(place, words | {"amount": amount, "weight": f"{draft.people.typical:g} kg"}, _case(amount))


def _case(amount: Quantity) -> str:
    return "weight" if amount.dimension != amount.dimension.split("/")[0] else "fixed"


def _exact(draft: Draft, name: str, dose: Dose, amount: Quantity) -> Fraction | None:
    """The dose before it is rounded, in base units, of a participant of median weight; None where it is not told."""
    if amount.dimension.split("/")[0] != dose.round[0].step.dimension:
        return None
    each = Fraction(amount.base)
    by = amount.dimension.split("/")[1:]
    if "weight" in by:
        each *= Fraction(draft.people.typical)
    elif "surface" in by:
        each *= Fraction(_surface(draft.people.typical))
    elif by and by != ["day"]:
        return None
    return each / _times(draft.protocol, name) if dose.daily else each


def _surface(kg: float) -> float:
    """Body surface in m² by weight alone: Costeff 1966, (4 W + 7) / (W + 90)."""
    return (4 * kg + 7) / (kg + 90)


def _times(protocol: Protocol, name: str) -> int:
    """How many times a day a course is taken; 1 for a treatment by days."""
    often = protocol.treatments[name].often()
    return often.times if often is not None and often.days == 1 else 1


def _moved(exact: Fraction, rounds: tuple[Rounding, ...]) -> Fraction | None:
    """By which share of the rounded dose rounding can move a dose of about this size."""
    steps = sorted(Fraction(each.step.base) for each in rounds)
    if len(steps) > 1:
        between = [(high - low) / (high + low) for low, high in pairwise(steps)]
        return max(between)
    down, up = floor(exact / steps[0]) * steps[0], ceil(exact / steps[0]) * steps[0]
    half = (down + up) / 2
    match rounds[0].direction:
        case "nearest":
            return (half - down) / down if down else Fraction(1)
        case "down":
            return (up - down) / down if down else Fraction(1)
        case _:
            return (up - down) / up if up else None


tolerance_narrow = Check(
    code="tolerance_narrow",
    title="Tolerance narrower than the rounding",
    page=__doc__,
    find=_find,
    message={
        "fixed": "{activity}: rounding to {round} moves a dose of {amount} by up to {share} %, and the tolerance is "
        "{tolerance}",
        "weight": "{activity}: rounding to {round} moves a dose at {weight} ({amount}) by up to {share} %, and the "
        "tolerance is {tolerance}",
    },
    remedy="round more finely, or widen the tolerance to at least half a step of the rounding",
)
