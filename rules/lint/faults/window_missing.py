"""A visit, dose or assessment without a window.

What
----
Something is due on a day, and nothing says how early or late it may be: neither `window` nor `limits` nor `within`.

Why it matters
--------------
Its punctuality is not judged, for any participant: the first visit a month late is no finding.

Way out
-------
Write the window, `±0 d` where the day itself is meant. Where no document states one, mark it as assumed until the
study team has confirmed it.

Bad
---
visits: {week-4: {due: day 28}}

Good
----
visits: {week-4: {due: day 28, window: ±3 d}}
"""

from collections.abc import Iterator

from rules.lint.check import Check, Hit
from rules.lint.draft import Draft


def _find(draft: Draft) -> Iterator[Hit]:
    reasons = {path for path, reason in draft.plan.not_judged if reason in ("no-window", "no-time")}
    for part in draft.plan.parts:
        if part.path in reasons and not part.course and (part.element.due or part.element.limits):
            yield Hit(draft.path(part), {"activity": part.activity})


window_missing = Check(
    code="window_missing",
    title="No window",
    page=__doc__,
    find=_find,
    message="{activity} is due, and nothing says how early or late it may be: whether it was on time is not judged",
    remedy="write a window such as '±3 d' ('±0 d' for the day itself), or limits",
)
