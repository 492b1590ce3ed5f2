"""A ceiling below everybody's dose.

What
----
The `max` of a dose is less than what the lightest participant would get (or a `min` more than the heaviest would). By
weight the plausible weights at the ages that the criteria let in count, and those of adults where no criterion states
an age.

Why it matters
--------------
Everybody gets the ceiling, and nobody the dose that is written: mostly a unit is wrong, or a digit lost.

Way out
-------
Compare the units of the two amounts. Where one dose for all is meant, write that dose.

Bad
---
weight: {use: baseline}
eligibility: {include: {adult: age >= 18 y}}
treatments:
  drug: {due: day 0, window: ±0 d, dose: {amount: 8 mg/kg, max: 80 mg, tolerance: ±5 %}}
visits: {screening: {due: within 7 d before day-zero, does: [weight]}}

Good
----
weight: {use: baseline}
eligibility: {include: {adult: age >= 18 y}}
treatments:
  drug: {due: day 0, window: ±0 d, dose: {amount: 8 mg/kg, max: 800 mg, tolerance: ±5 %}}
visits: {screening: {due: within 7 d before day-zero, does: [weight]}}
"""

from collections.abc import Iterator

from protocol.quantity import Quantity, Range
from rules.lint.check import Check, Hit
from rules.lint.draft import Draft
from rules.lint.weighed import dose_at


def _find(draft: Draft) -> Iterator[Hit]:
    lightest, heaviest = draft.people.weights
    for name, path, dose in draft.doses():
        amount = dose.amount or dose.start
        if amount is None:
            continue
        low, high = (amount.low, amount.high) if isinstance(amount, Range) else (amount, amount)
        if dose.max is not None and _below(dose.max, low, lightest):
            words = {"activity": name, "limit": dose.max, "amount": amount, "weight": f"{lightest:g} kg"}
            yield Hit((*path, "max"), words, _case("max", dose.max, low))
        if dose.min is not None and _above(dose.min, high, heaviest):
            words = {"activity": name, "limit": dose.min, "amount": amount, "weight": f"{heaviest:g} kg"}
            yield Hit((*path, "min"), words, _case("min", dose.min, high))


def _case(which: str, limit: Quantity, amount: Quantity) -> str:
    return which if limit.dimension == amount.dimension else f"{which} by weight"


def _below(limit: Quantity, amount: Quantity, kg: float) -> bool:
    dose = dose_at(limit, amount, kg)
    return dose is not None and limit.base < dose


def _above(limit: Quantity, amount: Quantity, kg: float) -> bool:
    dose = dose_at(limit, amount, kg)
    return dose is not None and limit.base > dose


ceiling_low = Check(
    code="ceiling_low",
    title="Ceiling below everybody's dose",
    page=__doc__,
    find=_find,
    message={
        "max": "{activity}: at most {limit} is less than its dose of {amount}",
        "max by weight": "{activity}: at most {limit} is less than {amount} gives the lightest person ({weight}), "
        "so that nobody gets it",
        "min": "{activity}: at least {limit} is more than its dose of {amount}",
        "min by weight": "{activity}: at least {limit} is more than {amount} gives the heaviest person ({weight}), "
        "so that nobody gets it",
    },
    remedy="compare the units of the two; where one dose for all is meant, write that dose",
)
