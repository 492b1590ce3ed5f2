"""An interval that the schedule does not allow.

What
----
A minimum interval is longer, or a maximum interval shorter, than the days that the schedule leaves between two
occurrences.

Why it matters
--------------
Who comes on every day that is due breaks the interval; who keeps the interval comes late.

Way out
-------
Change the interval or the spacing; where a late dose is to move the next ones, write `late: shift`.

Bad
---
treatments:
  drug: {due: day 0, every: 7 d, times: 3, window: ±1 d, limits: [{from: previous, opens: 10 d}]}

Good
----
treatments:
  drug: {due: day 0, every: 7 d, times: 3, window: ±1 d, limits: [{from: previous, opens: 5 d}]}
"""

from collections.abc import Iterator

from rules.arrays import Ints
from rules.lint.check import Check, Hit
from rules.lint.draft import Draft
from rules.lint.timeline import Line
from rules.planning.slots import Bound, Slot, Span


def _find(draft: Draft) -> Iterator[Hit]:
    told = set()
    for line in draft.lines:
        for column, slot in enumerate(line.slots):
            for number, bound in enumerate(slot.bounds):
                hit = _beyond(line, column, bound) if line.known(column) else None
                place = draft.path(slot.part, "limits", _place(slot, number))
                if hit is not None and place not in told:
                    told.add(place)
                    yield Hit(place, hit.words, hit.case)


def _place(slot: Slot, number: int) -> int:
    """Which limit of the document it is: an anchor such as `each dose` makes several bounds of one."""
    return min(number, len(slot.part.element.limits) - 1)


def _beyond(line: Line, column: int, bound: Bound) -> Hit | None:
    before = line.day_of(bound.ref)
    slot = line.slots[column]
    if before is None or bound.ref.kind == "milestone":
        return None
    due = line.due[:, column]
    earliest, latest = _moved(line, before, bound.opens or bound.valid_from), _moved(line, before, bound.closes)
    words: dict[str, object] = {
        "which": f"{slot.part.activity} {slot.occurrence}",
        "gap": int(due[0] - before[0]),
        "least": int(earliest[0] - before[0]) if earliest is not None else None,
        "most": int(latest[0] - before[0]) if latest is not None else None,
    }
    if slot.ref.kind != "none" and earliest is not None and (earliest > due).all():
        return Hit((), words, "least")
    if latest is not None and (latest < due).all():
        return Hit((), words, "most")
    return None


def _moved(line: Line, before: Ints, span: Span | None) -> Ints | None:
    return None if span is None else line.after(before, span)


interval_impossible = Check(
    code="interval_impossible",
    title="Interval that the schedule does not allow",
    page=__doc__,
    find=_find,
    message={
        "least": "{which} is due {gap} days after what its interval counts from, and at least {least} days must "
        "lie between them",
        "most": "{which} is due {gap} days after what its interval counts from, and at most {most} days may lie "
        "between them",
    },
    remedy="change the interval or the spacing of the doses; where a late dose moves the next ones write 'late: shift'",
)
