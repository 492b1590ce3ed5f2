"""An amendment that does not say to whom it applies.

What
----
A version replaces another, and names no `transition`.

Why it matters
--------------
Of those who are already in the trial nobody can tell which version holds: what has happened since cannot be judged.

Way out
-------
Write `transition: at once`, `from re-consent`, `new participants` or `next course`.

Bad
---
replaces: 0

Good
----
replaces: 0
transition: from re-consent
"""

from collections.abc import Iterator

from rules.lint.check import Check, Hit
from rules.lint.draft import Draft


def _find(draft: Draft) -> Iterator[Hit]:
    if draft.protocol.replaces is not None and draft.protocol.transition is None:
        yield Hit(("replaces",), {"version": draft.protocol.version, "before": draft.protocol.replaces})


transition_missing = Check(
    code="transition_missing",
    title="To whom an amendment applies is not said",
    page=__doc__,
    find=_find,
    message="version {version} replaces version {before}, and does not say to whom of those already in the trial it "
    "applies",
    remedy="write 'transition: at once', 'from re-consent', 'new participants' or 'next course'",
)
