"""Cells without a way of counting.

What
----
A dose in cells that says neither `viable` nor `total`.

Why it matters
--------------
At 80 % viability the two differ by a quarter: without it no amount of cells is judged.

Way out
-------
Write `count: viable` or `count: total` beside the amount, as the product's specification has it.

Bad
---
treatments:
  cells: {due: day 0, window: ±0 d, dose: {amount: 1e8 cells, tolerance: ±10 %}}

Good
----
treatments:
  cells: {due: day 0, window: ±0 d, dose: {amount: 1e8 cells, count: viable, tolerance: ±10 %}}
"""

from collections.abc import Iterator

from protocol.check_units import substance
from rules.lint.check import Check, Hit
from rules.lint.draft import Draft


def _find(draft: Draft) -> Iterator[Hit]:
    told: set[str] = set()
    for name, path, dose in draft.doses():
        amount = dose.amount or dose.start
        if amount is not None and substance(amount) == "cells" and dose.count is None and name not in told:
            told.add(name)
            yield Hit(path, {"activity": name, "amount": amount})


count_missing = Check(
    code="count_missing",
    title="Cells without a way of counting",
    page=__doc__,
    find=_find,
    message="{activity} is {amount}, and nothing says whether viable or total cells count: no amount can be judged",
    remedy="write 'count: viable' or 'count: total' beside the amount",
)
