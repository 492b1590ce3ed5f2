"""Read, and not judged.

What
----
Parts of the protocol that this version reads and schedules where possible, and does not judge. A report of an audit
names the same.

Why it matters
--------------
No finding about them is no evidence that they were done as the protocol says: they are checked by hand.

Way out
-------
Some need a field that is missing, such as the longest gap of a course; others await this tool.

Bad
---
treatments: {drug: {frequency: once daily, from: day 0, for: 28 d, window: ±1 d, dose: {amount: 5 mg, tolerance: ±5 %}}}

Good
----
treatments:
  drug:
    frequency: once daily
    from: day 0
    for: 28 d
    window: ±1 d
    dose: {amount: 5 mg, tolerance: ±5 %}
    adherence: 80 to 120 %
    gap: 2 d
"""

from collections.abc import Iterator

from rules.lint.check import Check, Hit
from rules.lint.draft import Draft

TOLD_ELSEWHERE = ("no-window", "no-time")


def _find(draft: Draft) -> Iterator[Hit]:
    courses = {part.path for part in draft.plan.parts if part.course}
    for path, reason in draft.plan.not_judged:
        if reason in TOLD_ELSEWHERE and path not in courses:
            continue
        place = tuple(int(key) if key.isdigit() else key for key in path.split("."))
        yield Hit(place, {"where": path, "note": reason})


not_judged = Check(
    code="not_judged",
    title="Read, and not judged",
    page=__doc__,
    find=_find,
    message="{where}: {note}",
    remedy="-",
    kind="not judged",
)
