"""Limits that leave no day.

What
----
Of the marks of one limit a later one lies before an earlier one: it closes before it opens, or counts until a day
before it counts from.

Why it matters
--------------
No day is on time: everybody deviates, whatever they do.

Way out
-------
Bring the marks in order: `valid_from`, `opens`, `due`, `closes`, `valid_to`. Often a unit or a minus is wrong.

Bad
---
treatments:
  booster: {limits: [{from: day-zero, opens: 6 mo, due: 6 mo, closes: 20 wk}]}

Good
----
treatments:
  booster: {limits: [{from: day-zero, opens: 20 wk, due: 6 mo, closes: 7 mo}]}
"""

from collections.abc import Iterator
from itertools import combinations

from protocol.activities import Limit
from protocol.timing import add
from protocol.walk import values
from rules.lint.check import Check, Hit
from rules.lint.draft import Draft
from rules.lint.timeline import ZERO

_MARKS = ("valid_from", "opens", "due", "closes", "valid_to")


def _find(draft: Draft) -> Iterator[Hit]:
    for path, limit in values(draft.protocol.treatments, Limit, ("treatments",)):
        yield from _reversed(draft, path, limit)
    for block in ("visits", "assessments"):
        for path, limit in values(getattr(draft.protocol, block), Limit, (block,)):
            yield from _reversed(draft, path, limit)


def _reversed(draft: Draft, path: tuple[str | int, ...], limit: Limit) -> Iterator[Hit]:
    """The first two marks that are in reverse, whatever the month."""
    marks = [(name, mark) for name in _MARKS if (mark := getattr(limit, name)) is not None]
    for (one, first), (two, second) in combinations(marks, 2):
        if first.working or second.working or first.clock or second.clock:
            continue
        days = [[add(int(zero), mark, draft.protocol.months) for zero in ZERO] for mark in (first, second)]
        if all(b < a for a, b in zip(*days, strict=True)):
            yield Hit((*path, two), {"one": one, "first": first, "two": two, "second": second})
            return


window_empty = Check(
    code="window_empty",
    title="Limits leave no day",
    page=__doc__,
    find=_find,
    message="{two} ({second}) lies before {one} ({first}): no day fits",
    remedy="write {two} at {first} or later",
)
