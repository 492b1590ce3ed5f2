"""A cumulative limit below the schedule.

What
----
All doses together may not exceed `max_total`, and the doses that are due add up to more.

Why it matters
--------------
Who gets every dose exceeds the limit, and who keeps the limit misses a dose.

Way out
-------
Raise the limit or write fewer doses.

Bad
---
treatments:
  drug: {due: day 0, every: 7 d, times: 4, window: ±1 d, dose: {amount: 100 mg, max_total: 300 mg, tolerance: ±5 %}}

Good
----
treatments:
  drug: {due: day 0, every: 7 d, times: 3, window: ±1 d, dose: {amount: 100 mg, max_total: 300 mg, tolerance: ±5 %}}
"""

from collections.abc import Iterator
from fractions import Fraction

from protocol.model import Treatment
from protocol.quantity import Quantity, Range, format_amount
from protocol.yaml_text import Path
from rules.lint.check import Check, Hit
from rules.lint.draft import Draft
from rules.lint.timeline import Line


def _find(draft: Draft) -> Iterator[Hit]:
    for name in draft.protocol.treatments:
        totals = [total for line in draft.lines if (total := _total(draft, line, name)) is not None]
        over = [each for each in totals if each[0] > each[1].base]
        if over:
            most, limit, path, number = max(over, key=lambda each: each[0])
            written = format_amount(int(most), limit.dimension, limit.unit.text)
            yield Hit(path, {"activity": name, "limit": limit, "total": written, "number": number})


def _total(draft: Draft, line: Line, name: str) -> tuple[Fraction, Quantity, Path, int] | None:
    """What the doses of one arm that are due without a condition add up to, and the limit; None without one."""
    total, number = Fraction(0), 0
    limit: Quantity | None = None
    path: Path = ()
    for slot in line.slots:
        element = slot.part.element
        if slot.part.activity != name or not isinstance(element, Treatment) or slot.part.course:
            continue
        if element.if_ or element.may_if or len(element.dose) != 1:
            continue
        dose = element.dose[0]
        amount = dose.amount.low if isinstance(dose.amount, Range) else dose.amount
        if amount is None or dose.max_total is None or amount.dimension != dose.max_total.dimension:
            continue
        total, number = total + Fraction(amount.base), number + 1
        limit, path = dose.max_total, draft.path(slot.part, "dose", 0, "max_total")
    return (total, limit, path, number) if limit is not None else None


total_low = Check(
    code="total_low",
    title="Cumulative limit below the schedule",
    page=__doc__,
    find=_find,
    message="{activity}: its {number} doses add up to {total}, and all together may be at most {limit}",
    remedy="raise the limit, or write fewer doses",
)
