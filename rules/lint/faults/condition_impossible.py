"""A condition that can never hold.

What
----
The conditions at one place contradict each other, or ask for an age, a weight or a height that nobody has (over 125
years, under 200 g): no value fits all of them.

Why it matters
--------------
A criterion that nobody meets lets nobody in; a modification that never applies, or a hold that never ends, is not
what was meant.

Way out
-------
Compare the limits and their signs. A list means *all*; where one of them is enough, write `any`.

Bad
---
measures: {anc: {unit: 10^9/L}}
visits: {screening: {due: within 7 d before day-zero, does: [anc]}}
eligibility: {include: {counts: {if: [anc < 0.5 10^9/L, anc > 1 10^9/L]}}}

Good
----
measures: {anc: {unit: 10^9/L}}
visits: {screening: {due: within 7 d before day-zero, does: [anc]}}
eligibility: {include: {counts: {if: [anc > 0.5 10^9/L, anc < 1 10^9/L]}}}
"""

from collections.abc import Iterator

from rules.lint.check import Check, Hit
from rules.lint.draft import Draft
from rules.lint.stated import said, stated


def _find(draft: Draft) -> Iterator[Hit]:
    for path, conditions in stated(draft):
        if conditions and draft.logic.holds_never(conditions):
            yield Hit(path, {"condition": said(conditions)})


condition_impossible = Check(
    code="condition_impossible",
    title="Condition that can never hold",
    page=__doc__,
    find=_find,
    message="no value fits {condition}: it can never hold",
    remedy="compare the limits and their signs; a list means all of them: where one is enough write any",
)
