"""An infusion time without a range.

What
----
`over` names one time, such as 30 min, and not how much shorter or longer an infusion may be.

Why it matters
--------------
Hardly any infusion takes exactly 30 minutes: whether one of 34 deviates cannot be told, and is asked about.

Way out
-------
Write both ends: `over: 25 min to 35 min`, marked as assumed where no document states them.

Bad
---
treatments: {drug: {due: day 0, window: ±0 d, over: 30 min}}

Good
----
treatments: {drug: {due: day 0, window: ±0 d, over: 25 min to 35 min}}
"""

from collections.abc import Iterator

from protocol.model import Treatment
from rules.lint.check import Check, Hit
from rules.lint.draft import Draft


def _find(draft: Draft) -> Iterator[Hit]:
    told: set[tuple[str, str]] = set()
    for part in draft.plan.parts:
        over = part.element.over if isinstance(part.element, Treatment) else None
        if over is not None and over.low == over.high and (part.activity, over.text) not in told:
            told.add((part.activity, over.text))
            yield Hit(draft.path(part, "over"), {"activity": part.activity, "over": over})


pace_without_range = Check(
    code="pace_without_range",
    title="Infusion time without a range",
    page=__doc__,
    find=_find,
    message="{activity} runs over {over}, and nothing says how much shorter or longer it may be",
    remedy="write both ends, as in 'over: 25 min to 35 min'",
)
