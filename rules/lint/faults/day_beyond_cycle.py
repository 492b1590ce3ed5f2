"""A day beyond its cycle.

What
----
A day of a cycle that is later than the cycle is long.

Why it matters
--------------
Day 29 of a cycle of 21 days is day 8 of the next one: which of the two a dose belongs to cannot be told.

Way out
-------
Write a day of the cycle, lengthen the cycle, or write the next cycle.

Bad
---
cycles: {cycle: {from: day 0, every: 21 d, times: 6}}
treatments:
  drug: {in: cycle, due: [day 1, day 29], window: ±1 d}

Good
----
cycles: {cycle: {from: day 0, every: 28 d, times: 6}}
treatments:
  drug: {in: cycle, due: [day 1, day 15], window: ±1 d}
"""

from collections.abc import Iterator

from rules.lint.check import Check, Hit
from rules.lint.draft import Draft


def _find(draft: Draft) -> Iterator[Hit]:
    for part in draft.plan.parts:
        chosen = part.element.in_
        cycle = draft.protocol.cycles[chosen.name] if chosen is not None else None
        if chosen is None or cycle is None or cycle.every.months or (chosen.first == cycle.times):
            continue
        for index, moment in enumerate(part.element.due):
            last = max(day for i in moment.alternatives for day in (i.day or 0, i.last or 0))
            if last > cycle.every.days:
                words = {"activity": part.activity, "day": last, "cycle": chosen.name, "length": cycle.every}
                yield Hit(draft.path(part, "due", index), words)


day_beyond_cycle = Check(
    code="day_beyond_cycle",
    title="Day beyond its cycle",
    page=__doc__,
    find=_find,
    message="{activity} is due on day {day} of {cycle}, which is {length} long: that is a day of the next one",
    remedy="write a day of the cycle, or a longer cycle",
)
