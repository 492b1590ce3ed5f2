"""Windows that overlap.

What
----
Two occurrences of one treatment, visit or assessment, or two visits, may both be on time on the same day, or the
later one before the earlier, and no minimum interval keeps them apart.

Why it matters
--------------
A dose on such a day may be the one or the other, and two doses on one day, or two visits in reverse, would comply.

Way out
-------
Narrow the window, or write a minimum interval: `limits: [{from: previous, opens: 3 d}]`.

Bad
---
visits: {weekly: {due: day 7, every: 7 d, times: 4, window: ±4 d}}

Good
----
visits: {weekly: {due: day 7, every: 7 d, times: 4, window: ±3 d}}
"""

from collections.abc import Iterator

from rules.lint.check import Check, Hit
from rules.lint.draft import Draft
from rules.lint.timeline import Line
from rules.planning.slots import Slot

FAR = 100
"""Days beyond which a later target has no window that reaches back."""
_SPANS = ("within", "within_days")


def _find(draft: Draft) -> Iterator[Hit]:
    for line in draft.lines:
        dated = [c for c, slot in enumerate(line.slots) if line.known(c) and _by_days(slot)]
        dated.sort(key=lambda c: (line.due[0, c], line.slots[c].occurrence))
        for at, c in enumerate(dated):
            for later in dated[at + 1 :]:
                if (line.opens[:, later] > line.closes[:, c] + FAR).all():
                    break
                if _meet(line, c, later):
                    one, two = line.slots[c], line.slots[later]
                    words = {
                        "one": f"{one.part.activity} {one.occurrence}",
                        "two": f"{two.part.activity} {two.occurrence}",
                        "closes": line.study_day(line.closes[:, c]),
                        "opens": line.study_day(line.opens[:, later]),
                    }
                    yield Hit(draft.path(two.part), words)
                    break


def _by_days(slot: Slot) -> bool:
    """Whether it is one occasion with a window of its own in days, expected of everybody."""
    element = slot.part.element
    free = not (element.if_ or element.may_if or slot.follows)
    around = element.window is not None and not any(i.kind in _SPANS for m in element.due for i in m.alternatives)
    return free and around and not slot.part.course and slot.clock is None


def _meet(line: Line, c: int, later: int) -> bool:
    """Whether both can be on time on one day while nothing keeps them apart."""
    one, two = line.slots[c], line.slots[later]
    if (line.due[:, c] >= line.due[:, later]).any() or (line.closes[:, c] < line.opens[:, later]).all():
        return False
    if one.part.activity == two.part.activity:
        return not two.chained and not _kept_apart(two)
    return one.part.kind == two.part.kind == "visit" and _mode(one) == _mode(two)


def _kept_apart(slot: Slot) -> bool:
    """Whether a minimum interval from the occurrence before keeps them in their order."""
    return any(
        mark is not None and (mark.about > 0 or mark.minutes > 0)
        for bound in slot.bounds
        if bound.ref.kind == "previous"
        for mark in (bound.opens, bound.valid_from)
    )


def _mode(slot: Slot) -> str | None:
    return getattr(slot.part.element, "mode", None)


windows_overlap = Check(
    code="windows_overlap",
    title="Windows overlap",
    page=__doc__,
    find=_find,
    message="{one} may be on time up to day {closes}, {two} from day {opens} on (counted from day zero): one day "
    "may be either, and they may come in reverse",
    remedy="narrow the window, or write a minimum interval: limits: [{{from: previous, opens: 3 d}}]",
)
