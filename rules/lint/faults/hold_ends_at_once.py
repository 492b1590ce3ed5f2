"""A hold that ends as it begins.

What
----
Whenever the condition of a modification holds, its `until` holds too.

Why it matters
--------------
The hold, delay or reduction lasts no day: nothing follows from the condition.

Way out
-------
Compare the two limits: mostly the signs are the same by mistake.

Bad
---
measures: {anc: {unit: 10^9/L}}
assessments: {counts: {measures: [anc], due: day 0, every: 7 d, times: 8, window: ±1 d}}
modifications: {low: {if: anc < 0.5 10^9/L, then: hold drug, until: anc < 1 10^9/L}}

Good
----
measures: {anc: {unit: 10^9/L}}
assessments: {counts: {measures: [anc], due: day 0, every: 7 d, times: 8, window: ±1 d}}
modifications: {low: {if: anc < 0.5 10^9/L, then: hold drug, until: anc > 1 10^9/L}}
"""

from collections.abc import Iterator

from protocol.conditions import All
from rules.lint.check import Check, Hit
from rules.lint.draft import Draft
from rules.lint.stated import said


def _find(draft: Draft) -> Iterator[Hit]:
    for name, modification in draft.protocol.modifications.items():
        if not modification.until or draft.logic.holds_never(modification.if_):
            continue
        if draft.logic.together(*((c, True) for c in modification.if_), (All(modification.until), False)) is None:
            words = {"if": said(modification.if_), "until": said(modification.until)}
            yield Hit(("modifications", name, "until"), words)


hold_ends_at_once = Check(
    code="hold_ends_at_once",
    title="Hold that ends as it begins",
    page=__doc__,
    find=_find,
    message="whenever {if} holds, {until} holds too: it ends as it begins",
    remedy="compare the two limits and their signs",
)
