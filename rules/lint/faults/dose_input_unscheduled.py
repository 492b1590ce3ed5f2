"""What a dose is computed from, and nobody measures.

What
----
A dose counts with the body weight, the height or the clearance, and no visit and no scheduled assessment measures it.

Why it matters
--------------
Who measures it, and when, is left to the site: a dose without it cannot be computed. A policy such as `within 7 d`
says how old it may be, and not who sees to it.

Way out
-------
Let a visit measure it: `does: [weight]`.

Bad
---
weight: {use: baseline}
treatments: {drug: {due: day 0, window: ±0 d, dose: {amount: 8 mg/kg, tolerance: ±5 %}}}

Good
----
weight: {use: baseline}
treatments: {drug: {due: day 0, window: ±0 d, dose: {amount: 8 mg/kg, tolerance: ±5 %}}}
visits: {screening: {due: within 7 d before day-zero, does: [weight]}}
"""

from collections.abc import Iterator

from protocol.dosing import Dose
from protocol.quantity import Range
from rules.lint.check import Check, Hit
from rules.lint.draft import Draft
from rules.lint.weighed import by_body


def _find(draft: Draft) -> Iterator[Hit]:
    told: dict[tuple[str, str], None] = {}
    for name, path, dose in draft.doses():
        for measure in _needed(dose):
            if measure not in draft.measured.by and (name, measure) not in told:
                told[name, measure] = None
                yield Hit(path, {"activity": name, "measure": measure})


def _needed(dose: Dose) -> tuple[str, ...]:
    """What the amount is multiplied with, as it is measured."""
    amount = dose.amount or dose.start
    if amount is None:
        return ()
    dimension = (amount.low if isinstance(amount, Range) else amount).dimension
    if dose.formula == "calvert":
        return ("gfr",)
    return () if not by_body(dose) else ("weight", "height") if "/surface" in dimension else ("weight",)


dose_input_unscheduled = Check(
    code="dose_input_unscheduled",
    title="What a dose is computed from, and nobody measures",
    page=__doc__,
    find=_find,
    message="{activity} is computed from {measure}, and no visit and no scheduled assessment measures it",
    remedy="let a visit before the dose measure it ('does: [{measure}]')",
    kind="to confirm",
)
