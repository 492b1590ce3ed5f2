"""Fewer doses allowed in a span than are due in it.

What
----
`at_most` allows so many doses, or days with a dose, in any span of time, and the schedule has more.

Why it matters
--------------
Who comes on every day that is due exceeds the limit.

Way out
-------
Raise the number, or space the doses out. `2 doses in any 7 d` means seven days in a row, not a distance of 7 days.

Bad
---
treatments:
  drug: {due: [day 0, day 2, day 4], window: ±0 d, at_most: 2 doses in any 7 d}

Good
----
treatments:
  drug: {due: [day 0, day 3, day 7], window: ±0 d, at_most: 2 doses in any 7 d}
"""

from collections.abc import Iterator

import numpy as np

from protocol.quota import Quota
from rules.lint.check import Check, Hit
from rules.lint.draft import Draft
from rules.lint.timeline import Line


def _find(draft: Draft) -> Iterator[Hit]:
    for name, treatment in draft.protocol.treatments.items():
        for index, quota in enumerate(treatment.at_most):
            most = max((_most(line, name, quota) for line in draft.lines), default=0)
            if most > quota.count:
                yield Hit(("treatments", name, "at_most", index), {"activity": name, "quota": quota, "due": most})


def _most(line: Line, name: str, quota: Quota) -> int:
    """The most doses (or days with one) that are due in a span of that length, of those without a condition."""
    if quota.span.clock:
        return 0
    days = [
        int(line.due[0, c])
        for c, slot in enumerate(line.slots)
        if slot.part.activity == name and line.known(c) and not slot.part.course
        and not slot.part.element.if_ and not slot.part.element.may_if
    ]  # fmt: skip
    counted = np.unique(days) if quota.of == "days" else np.sort(np.array(days, np.int32))
    if not len(counted):
        return 0
    within = np.searchsorted(counted, counted + quota.span.days, side="left") - np.arange(len(counted))
    return int(within.max())


quota_low = Check(
    code="quota_low",
    title="More doses due than allowed",
    page=__doc__,
    find=_find,
    message="{activity}: {due} are due within one span, and at most {quota} are allowed",
    remedy="raise the number, or space the doses out",
)
