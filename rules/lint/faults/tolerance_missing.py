"""A dose without a tolerance.

What
----
An amount is stated, and not how far from it a dose is still right. A range needs none, and so does a whole number of
doses.

Why it matters
--------------
Of a dose that differs at the recorded precision it cannot be told whether that deviates, unless it is a far slip: one
question in place of every verdict.

Way out
-------
Write `tolerance: ±10 %` beside the amount, marked as assumed where no document states it.

Bad
---
treatments: {drug: {due: day 0, window: ±0 d, dose: 45 mg}}

Good
----
treatments: {drug: {due: day 0, window: ±0 d, dose: {amount: 45 mg, tolerance: ±5 %}}}
"""

from collections.abc import Iterator

from protocol.check_units import substance
from protocol.quantity import Quantity
from rules.lint.check import Check, Hit
from rules.lint.draft import Draft

_WHOLE = ("dose", "number", "percent")


def _find(draft: Draft) -> Iterator[Hit]:
    told: set[str] = set()
    for name, path, dose in draft.doses():
        amount = dose.amount or dose.start
        if not isinstance(amount, Quantity) or dose.tolerance is not None or name in told:
            continue
        if amount.value > 0 and substance(amount) not in _WHOLE:
            told.add(name)
            yield Hit(path, {"activity": name, "amount": amount})


tolerance_missing = Check(
    code="tolerance_missing",
    title="No tolerance",
    page=__doc__,
    find=_find,
    message="nothing says how far from {amount} a dose of {activity} may be: whether one that differs deviates cannot "
    "be told",
    remedy="write 'tolerance: ±10 %' beside the amount",
)
