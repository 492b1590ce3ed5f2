"""Something that never falls due.

What
----
Occurrences that are written, and lie beyond the end of their own series, of their cycles, or of the course they
belong to.

Why it matters
--------------
They are never expected: a participant who misses them complies, and one who gets them has an unplanned dose.

Way out
-------
Write fewer `times`, a later end, or the cycles in which it happens.

Bad
---
treatments:
  drug: {due: day 0, every: 7 d, times: 6, to: day 28, window: ±1 d}

Good
----
treatments:
  drug: {due: day 0, every: 7 d, times: 5, to: day 28, window: ±1 d}
"""

from collections.abc import Iterator

from rules.lint.check import Check, Hit
from rules.lint.draft import Draft
from rules.lint.timeline import Line
from rules.planning.slots import Part


def _find(draft: Draft) -> Iterator[Hit]:
    for part in draft.plan.parts:
        slots = [(line, c) for line in draft.lines for c, slot in enumerate(line.slots) if slot.part.code == part.code]
        beyond = [place for place in slots if _past_its_end(*place)]
        words = {"activity": part.activity, "written": part.element.times}
        if not slots and _begins_too_late(draft, part):
            yield Hit(draft.path(part, "in"), words | {"cycles": part.element.in_}, "cycles")
        elif (slots and len(beyond) == len(slots)) or (not slots and _ends_too_early(part)):
            yield Hit(draft.path(part), words, "none")
        elif beyond and part.element.times is not None:
            arms = len({line.arm.arm for line, _ in slots})
            yield Hit(draft.path(part, "times"), words | {"left": (len(slots) - len(beyond)) // arms}, "some")


def _past_its_end(line: Line, column: int) -> bool:
    """Whether its target lies beyond an end of its series on every calendar."""
    slot = line.slots[column]
    for ref, span, inclusive in slot.until:
        day = line.day_of(ref)
        end = line.after(day, span) if day is not None else None
        if end is None or not line.known(column):
            continue
        due = line.due[:, column]
        if ((due > end) if inclusive else (due >= end)).all():
            return True
    return False


def _begins_too_late(draft: Draft, part: Part) -> bool:
    """Whether it happens only in cycles beyond the last."""
    chosen = part.element.in_
    times = draft.protocol.cycles[chosen.name].times if chosen is not None else None
    return chosen is not None and times is not None and chosen.first > times


def _ends_too_early(part: Part) -> bool:
    """Whether a series without a number has no occurrence left before its end."""
    return part.element.every is not None and part.element.times is None and part.element.in_ is None


never_due = Check(
    code="never_due",
    title="Never due",
    page=__doc__,
    find=_find,
    message={
        "cycles": "{activity} happens in {cycles}, and there are not so many cycles: it is never due",
        "none": "{activity} ends before it begins: it is never due",
        "some": "{activity} is written {written} times, and only {left} of them come before its end",
    },
    remedy="write an end after its beginning, and as many times and cycles as there are",
)
