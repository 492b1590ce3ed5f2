"""A dose by a formula that is not named.

What
----
A dose per m² without the formula of body surface, or one in AUC without the formula that makes milligrams of it.

Why it matters
--------------
The formulas differ by some per cent, more in small children, as much as a usual tolerance: what is right hangs on the
choice.

Way out
-------
Write `bsa: mosteller` (or `dubois`, `haycock`) for the document, `formula: calvert` beside an AUC.

Bad
---
weight: {use: baseline}
treatments:
  drug: {due: day 0, window: ±0 d, dose: {amount: 75 mg/m², tolerance: ±5 %}}
visits: {screening: {due: within 7 d before day-zero, does: [weight, height]}}

Good
----
weight: {use: baseline}
bsa: mosteller
treatments:
  drug: {due: day 0, window: ±0 d, dose: {amount: 75 mg/m², tolerance: ±5 %}}
visits: {screening: {due: within 7 d before day-zero, does: [weight, height]}}
"""

from collections.abc import Iterator

from protocol.quantity import Range
from rules.lint.check import Check, Hit
from rules.lint.draft import Draft


def _find(draft: Draft) -> Iterator[Hit]:
    told: set[str] = set()
    for name, path, dose in draft.doses():
        amount = dose.amount or dose.start
        if amount is None or name in told:
            continue
        dimension = (amount.low if isinstance(amount, Range) else amount).dimension
        case = "surface" if "/surface" in dimension and draft.protocol.bsa is None else ""
        case = "auc" if dimension == "AUC" and dose.formula is None else case
        if case:
            told.add(name)
            yield Hit(path, {"activity": name, "amount": amount}, case)


formula_missing = Check(
    code="formula_missing",
    title="Formula not named",
    page=__doc__,
    find=_find,
    message={
        "surface": "{activity} is {amount}, and nothing says by which formula body surface is computed",
        "auc": "{activity} is {amount}, and nothing says by which formula that becomes an amount",
    },
    remedy="write 'bsa: mosteller' for a surface, 'formula: calvert' beside an AUC",
)
