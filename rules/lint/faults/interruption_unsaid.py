"""Whether an infusion may be interrupted is not said.

What
----
An infusion whose time or rate the protocol states, and nothing says whether it may stand still and go on with the same
bag, and for how long.

Why it matters
--------------
Infusions are interrupted: a cough, a line, a reaction of grade 1. Then somebody has to decide at the bedside whether
what is left in the bag is given, and whether that was right cannot be told.

Way out
-------
Write `interruption: allowed`, `interruption: not allowed`, or the longest one: `interruption: up to 30 min`.

Bad
---
treatments: {drug: {due: day 0, window: ±0 d, over: 25 min to 35 min}}

Good
----
treatments: {drug: {due: day 0, window: ±0 d, over: 25 min to 35 min, interruption: up to 30 min}}
"""

from collections.abc import Iterator

from protocol.model import Treatment
from rules.lint.check import Check, Hit
from rules.lint.draft import Draft


def _find(draft: Draft) -> Iterator[Hit]:
    told: set[str] = set()
    for part in draft.plan.parts:
        element = part.element
        if not isinstance(element, Treatment) or element.interruption is not None or part.activity in told:
            continue
        if element.over is not None or element.rate is not None:
            told.add(part.activity)
            yield Hit(draft.path(part, "over" if element.over is not None else "rate"), {"activity": part.activity})


interruption_unsaid = Check(
    code="interruption_unsaid",
    title="Nothing said of an interrupted infusion",
    page=__doc__,
    find=_find,
    message="nothing says whether an infusion of {activity} may be interrupted and resumed",
    remedy="write 'interruption: allowed', 'not allowed' or 'up to 30 min'",
    kind="to confirm",
)
