"""Counted from what an arm does not have.

What
----
A moment counts from a treatment, visit or assessment that participants of the arm do not have.

Why it matters
--------------
In that arm it has no day: it is never due, and nobody notices when it is not done.

Way out
-------
Name the `arm` that it is for, or count from what every arm has.

Bad
---
arms: {active: drug, control: no drug}
treatments:
  drug: {arm: active, due: day 0, window: ±0 d}
visits: {check: {due: 14 d after drug 1, window: ±2 d}}

Good
----
arms: {active: drug, control: no drug}
treatments:
  drug: {arm: active, due: day 0, window: ±0 d}
visits: {check: {arm: active, due: 14 d after drug 1, window: ±2 d}}
"""

from collections.abc import Iterator

from protocol.timing import Anchor
from protocol.yaml_text import Path
from rules.lint.check import Check, Hit
from rules.lint.draft import Draft
from rules.planning.slots import Part


def _find(draft: Draft) -> Iterator[Hit]:
    blocks = (draft.protocol.treatments, draft.protocol.visits, draft.protocol.assessments)
    everything = {name for block in blocks for name in block}
    for part in draft.plan.parts:
        arms = part.element.arm or tuple(draft.protocol.arms)
        for path, anchors in _counted_from(part):
            names = {anchor.name for anchor in anchors}
            if not names <= everything:
                continue
            without = [arm for arm in arms if not names & _had(draft, arm)]
            if without:
                words = {"activity": part.activity, "anchor": " or ".join(sorted(map(str, names)))}
                yield Hit(draft.path(part, *path), words | {"arms": ", ".join(without)})


def _counted_from(part: Part) -> Iterator[tuple[Path, list[Anchor]]]:
    """Every moment with the anchors of its alternatives, as far as it counts from anything with a name."""
    element = part.element
    for index, moment in enumerate(element.due):
        anchors = [instant.anchor for instant in moment.alternatives]
        if all(anchor is not None and anchor.name is not None for anchor in anchors):
            yield ("due", index), [anchor for anchor in anchors if anchor is not None]
    for index, limit in enumerate(element.limits):
        if limit.from_.name is not None:
            yield ("limits", index), [limit.from_]


def _had(draft: Draft, arm: str) -> set[str]:
    """What participants of an arm have."""
    return {p.activity for p in draft.plan.parts if not p.element.arm or arm in p.element.arm}


anchor_absent = Check(
    code="anchor_absent",
    title="Counted from what an arm does not have",
    page=__doc__,
    find=_find,
    message="{activity} counts from {anchor}, which arm {arms} does not have: there it is never due",
    remedy="name the arm that it is for, or count from what every arm has",
)
