"""A hold without an end.

What
----
A modification holds a treatment, or delays it without a limit, and nothing says until when.

Why it matters
--------------
After the condition has held once, no dose is due any more: whether a later dose was right, or a missing one was
missed, cannot be told.

Way out
-------
Write `until`, such as `until: anc >= 1 10^9/L`; `delay … by up to 14 d`; or `stop`, if the treatment is to end.

Bad
---
events: {toxicity: a severe adverse event}
modifications: {toxicity: {if: event toxicity, then: hold drug}}

Good
----
events: {toxicity: a severe adverse event}
modifications: {toxicity: {if: event toxicity, then: hold drug, until: no event toxicity}}
"""

from collections.abc import Iterator

from rules.lint.check import Check, Hit
from rules.lint.draft import Draft


def _find(draft: Draft) -> Iterator[Hit]:
    for name, modification in draft.protocol.modifications.items():
        for word in ("then", "may"):
            for index, action in enumerate(getattr(modification, word)):
                endless = action.verb == "hold" or (action.verb == "delay" and action.up_to is None)
                if endless and not modification.until:
                    yield Hit(("modifications", name, word, index), {"action": action})


hold_without_end = Check(
    code="hold_without_end",
    title="Hold without an end",
    page=__doc__,
    find=_find,
    message="'{action}': nothing says until when",
    remedy="write until, 'by up to 14 d' for a delay, or stop where it is to end for good",
)
