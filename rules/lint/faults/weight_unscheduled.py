"""A dose by body weight, and nobody weighs in time.

What
----
A dose per kg or per m², and no visit or assessment measures the weight in the days before it in which it must have
been measured (`within`), or before the first dose where the baseline weight counts.

Why it matters
--------------
The dose is computed with a weight that is too old, or not on record: every such dose is a finding or a question.

Way out
-------
Let a visit before the dose measure it (`does: [weight]`), or allow an older weight.

Bad
---
weight: {use: latest, within: 3 d}
treatments: {drug: {due: day 0, every: 7 d, times: 2, window: ±1 d, dose: {amount: 8 mg/kg, tolerance: ±5 %}}}
visits: {screening: {due: within 3 d before day-zero, does: [weight]}}

Good
----
weight: {use: latest, within: 3 d}
treatments: {drug: {due: day 0, every: 7 d, times: 2, window: ±1 d, dose: {amount: 8 mg/kg, tolerance: ±5 %}}}
visits:
  screening: {due: within 3 d before day-zero, does: [weight]}
  day-7: {due: day 7, window: ±1 d, does: [weight]}
"""

from collections.abc import Iterator

import numpy as np

from protocol.dosing import Dose, WeightPolicy
from protocol.model import Treatment
from rules.lint.check import Check, Hit
from rules.lint.draft import Draft
from rules.lint.timeline import Line
from rules.lint.weighed import by_body, policy_of
from rules.planning.slots import Slot


def _find(draft: Draft) -> Iterator[Hit]:
    told: set[str] = set()
    for part in draft.plan.parts:
        element = part.element
        doses = [d for d in element.dose if by_body(d)] if isinstance(element, Treatment) else []
        if not doses or part.activity in told or "weight" not in draft.measured.by:
            continue
        late = [(line, c) for line in draft.lines for c, slot in enumerate(line.slots)
                if slot.part.code == part.code and not _weighed(draft, line, c, doses[0])]  # fmt: skip
        if late:
            told.add(part.activity)
            yield Hit(draft.path(part, "dose"), _words(draft, *late[0], doses[0]))


def _weighed(draft: Draft, line: Line, c: int, dose: Dose) -> bool:
    """Whether the weight may be measured in time for an occurrence, as far as day zero tells the days."""
    policy, windows = policy_of(draft.protocol, dose), draft.measured.windows("weight", line)
    if policy is None or windows is None or not line.known(c) or line.slots[c].part.course:
        return True
    if policy.use == "baseline":
        first = min(line.closes[0, i] for i, slot in enumerate(line.slots) if _dosed(slot) and line.known(i))
        return any(int(opens[0]) <= first for opens, _ in windows)
    within = policy.within
    last = line.closes[:, c]
    back = line.after(line.opens[:, c], -within) if within is not None else np.full(len(last), np.iinfo(np.int32).min)
    return back is None or any(((opens <= last) & (closes >= back)).all() for opens, closes in windows)


def _dosed(slot: Slot) -> bool:
    return slot.part.kind == "treatment"


def _words(draft: Draft, line: Line, c: int, dose: Dose) -> dict[str, object]:
    policy: WeightPolicy | None = policy_of(draft.protocol, dose)
    slot = line.slots[c]
    return {
        "activity": slot.part.activity,
        "number": slot.occurrence,
        "day": line.study_day(line.due[:, c]),
        "within": policy.within if policy is not None and policy.use == "latest" else "-",
    }


weight_unscheduled = Check(
    code="weight_unscheduled",
    title="Dose by body weight, and nobody weighs in time",
    page=__doc__,
    find=_find,
    message="{activity} {number}, due on day {day}, counts with the body weight, and none is measured in time for it "
    "(within {within})",
    remedy="let a visit before the dose measure it ('does: [weight]'), or allow an older weight",
)
