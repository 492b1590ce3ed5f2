"""Dose bands with a gap.

What
----
A list of doses, each with a condition, of which none need hold for somebody who may take part.

Why it matters
--------------
Who falls into the gap, often exactly on the limit between two bands, has no dose.

Way out
-------
Let one band include the limit (`<=`), or leave the condition of the last one out: the first that holds counts.

Bad
---
treatments:
  drug:
    due: day 0
    window: ±0 d
    dose:
      - {if: age < 10 y, amount: 50 mg, tolerance: ±5 %}
      - {if: age > 10 y, amount: 100 mg, tolerance: ±5 %}

Good
----
treatments:
  drug:
    due: day 0
    window: ±0 d
    dose:
      - {if: age < 10 y, amount: 50 mg, tolerance: ±5 %}
      - {if: age >= 10 y, amount: 100 mg, tolerance: ±5 %}
"""

from collections.abc import Iterator

from protocol.conditions import All, Compare, Words
from protocol.model import Treatment
from rules.lint.check import Check, Hit
from rules.lint.draft import Draft
from rules.lint.logic import Goal


def _find(draft: Draft) -> Iterator[Hit]:
    told: set[str] = set()
    for part in draft.plan.parts:
        element = part.element
        if not isinstance(element, Treatment) or not element.dose or not all(d.if_ for d in element.dose):
            continue
        goals: list[Goal] = [(All(dose.if_), False) for dose in element.dose]
        goals += [(condition, True) for condition in (*element.if_, *_eligible(draft))]
        goals += [(Compare("", "arm", "=", Words(element.arm)), True)] if element.arm else []
        found = draft.logic.together(*goals)
        if found is not None and part.activity not in told:
            told.add(part.activity)
            said = "; ".join(text for key, values in found.items() if (text := values.said(str(key[0]))))
            yield Hit(draft.path(part, "dose"), {"activity": part.activity, "gap": said or "?"})


def _eligible(draft: Draft) -> Iterator[All]:
    """What holds of everybody for good: the criteria of age."""
    for criterion in draft.protocol.eligibility.include.values():
        if criterion.condition.names() == {"age"}:
            yield All((criterion.condition,))


dose_band_gap = Check(
    code="dose_band_gap",
    title="Dose bands with a gap",
    page=__doc__,
    find=_find,
    message="{activity}: none of its doses is for a participant with {gap}",
    remedy="let one band include the limit (<=), or leave the condition of the last one out",
)
