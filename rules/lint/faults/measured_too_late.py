"""Measured after the decision.

What
----
What a criterion of eligibility, the condition of a dose, or a prerequisite of it (`requires … within 3 d`) reads is
first measured after the decision, or never so shortly before it.

Why it matters
--------------
The decision is made without the value, in every participant.

Way out
-------
Add a visit before the decision that measures it, or lengthen `within`.

Bad
---
measures: {skin-test: {values: [no reaction, reaction]}}
visits: {screening: {due: within 14 d before day-zero, does: [skin-test]}}
treatments: {drug: {due: days 0 to 4, window: ±0 d, requires: skin-test = no reaction within 3 d}}

Good
----
measures: {skin-test: {values: [no reaction, reaction]}}
visits: {screening: {due: within 14 d before day-zero, does: [skin-test]}}
treatments: {drug: {due: days 0 to 3, window: ±0 d, requires: skin-test = no reaction within 3 d}}
"""

from collections.abc import Iterator

import numpy as np

from protocol.conditions import Compare, Condition, Inside, Leaf, leaves
from protocol.model import Treatment
from rules.arrays import Ints
from rules.lint.check import Check, Hit
from rules.lint.draft import Draft
from rules.lint.timeline import ZERO, Line


def _find(draft: Draft) -> Iterator[Hit]:
    told = set()
    for line in draft.lines:
        for hit in (*_eligibility(draft, line), *_doses(draft, line)):
            place = hit.path, hit.words["measure"]
            if place not in told:
                told.add(place)
                yield hit


def _eligibility(draft: Draft, line: Line) -> Iterator[Hit]:
    """Criteria are decided before the first treatment."""
    if line.arm.concurrent:
        return
    first = min((line.closes[0, c] for c, slot in enumerate(line.slots) if _given(line, c)), default=ZERO[0])
    for side in ("include", "exclude"):
        for name, criterion in getattr(draft.protocol.eligibility, side).items():
            for leaf in _values(draft, (criterion.condition,)):
                windows = draft.measured.windows(leaf.name, line)
                if windows and min(int(opens[0]) for opens, _ in windows) > first:
                    day = min(int(opens[0]) for opens, _ in windows) - ZERO[0]
                    yield Hit(("eligibility", side, name), {"measure": leaf.name, "day": int(day)}, "eligibility")


def _doses(draft: Draft, line: Line) -> Iterator[Hit]:
    for c, slot in enumerate(line.slots):
        element = slot.part.element
        if not _given(line, c) or not isinstance(element, Treatment):
            continue
        for word, conditions in (("requires", element.requires), ("if", element.if_)):
            for leaf in _values(draft, conditions):
                windows = draft.measured.windows(leaf.name, line)
                if windows and not _in_time(line, c, leaf, windows):
                    words = {
                        "measure": leaf.name,
                        "which": f"{slot.part.activity} {slot.occurrence}",
                        "condition": leaf.text,
                        "day": line.study_day(line.due[:, c]),
                    }
                    yield Hit(draft.path(slot.part, word), words, "dose")


def _in_time(line: Line, c: int, leaf: Leaf, windows: list[tuple[Ints, Ints]]) -> bool:
    """Whether an assessment may take place before the last day of the dose, and recently enough before it."""
    last = line.closes[:, c]
    within = leaf.within if isinstance(leaf, Compare) else None
    back = line.after(line.opens[:, c], -within) if within is not None else np.full(len(last), np.iinfo(np.int32).min)
    return back is None or any(((opens <= last) & (closes >= back)).all() for opens, closes in windows)


def _given(line: Line, c: int) -> bool:
    slot = line.slots[c]
    return slot.part.kind == "treatment" and line.known(c)


def _values(draft: Draft, conditions: tuple[Condition, ...]) -> Iterator[Compare | Inside]:
    """Leaves that read a measured value; those of criteria with a name are theirs."""
    for leaf in leaves(conditions):
        if (
            isinstance(leaf, Compare | Inside)
            and leaf.name in draft.protocol.measures
            and not getattr(leaf, "at", None)
        ):
            yield leaf


measured_too_late = Check(
    code="measured_too_late",
    title="Measured after the decision",
    page=__doc__,
    find=_find,
    message={
        "eligibility": "eligibility hangs on {measure}, which is first measured on day {day}, after the first dose",
        "dose": "{which}, due on day {day}, hangs on '{condition}', and {measure} is not measured in that time "
        "before it",
    },
    remedy="measure it earlier, or allow an older value",
)
