"""A ceiling that most participants meet.

What
----
The `max` of a dose by weight is less than a participant of median weight would get: at the middle of the ages that
the criteria let in, or of adults where no criterion states an age.

Why it matters
--------------
For most participants the ceiling is the dose. That may be meant (prednisolone 1 mg/kg, at most 60 mg), or a digit is
wrong.

Way out
-------
Confirm it with the study team.

Bad
---
weight: {use: baseline}
eligibility: {include: {adult: age >= 18 y}}
treatments: {drug: {due: day 0, window: ±0 d, dose: {amount: 8 mg/kg, max: 300 mg, tolerance: ±5 %}}}
visits: {screening: {due: within 7 d before day-zero, does: [weight]}}

Good
----
weight: {use: baseline}
eligibility: {include: {adult: age >= 18 y}}
treatments: {drug: {due: day 0, window: ±0 d, dose: {amount: 8 mg/kg, max: 800 mg, tolerance: ±5 %}}}
visits: {screening: {due: within 7 d before day-zero, does: [weight]}}
"""

from collections.abc import Iterator

from protocol.quantity import Range
from rules.lint.check import Check, Hit
from rules.lint.draft import Draft
from rules.lint.weighed import dose_at


def _find(draft: Draft) -> Iterator[Hit]:
    lightest, usual = draft.people.weights[0], draft.people.usual
    for name, path, dose in draft.doses():
        amount = dose.amount or dose.start
        if amount is None or dose.max is None or dose.max.dimension == amount.dimension:
            continue
        low = amount.low if isinstance(amount, Range) else amount
        least, most = dose_at(dose.max, low, lightest), dose_at(dose.max, low, usual)
        if least is not None and most is not None and least <= dose.max.base < most:
            words = {"activity": name, "limit": dose.max, "amount": amount, "weight": f"{usual:g} kg"}
            yield Hit((*path, "max"), words)


ceiling_usual = Check(
    code="ceiling_usual",
    title="Ceiling that most participants meet",
    page=__doc__,
    find=_find,
    message="{activity}: at {weight}, a median weight of those who may take part, {amount} is more than {limit}: most "
    "participants get the ceiling",
    remedy="confirm that it is meant so",
    kind="to confirm",
)
