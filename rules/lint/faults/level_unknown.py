"""A level that does not exist.

What
----
A treatment is reduced or raised by levels and has none, or is resumed at a level that its `levels` do not name.

Why it matters
--------------
The dose after the modification cannot be told.

Way out
-------
Write the `levels` of the treatment, or the dose itself: `reduce drug to 50 %`.

Bad
---
events: {toxicity: a severe adverse event}
treatments: {drug: {due: day 0, every: 7 d, times: 4, window: ±1 d, dose: {amount: 10 mg, tolerance: ±5 %}}}
modifications: {toxicity: {if: event toxicity, then: reduce drug by 1 level}}

Good
----
events: {toxicity: a severe adverse event}
treatments: {drug: {due: day 0, every: 7 d, times: 4, window: ±1 d, dose: {amount: 10 mg, tolerance: ±5 %}}}
modifications: {toxicity: {if: event toxicity, then: reduce drug to 50 %}}
"""

from collections.abc import Iterator

from rules.lint.check import Check, Hit
from rules.lint.draft import Draft


def _find(draft: Draft) -> Iterator[Hit]:
    for name, modification in draft.protocol.modifications.items():
        for word in ("then", "may"):
            for index, action in enumerate(getattr(modification, word)):
                treatment = draft.protocol.treatments.get(action.target)
                if treatment is None:
                    continue
                known = ", ".join(map(str, treatment.levels)) or "-"
                words = {"activity": action.target, "known": known}
                if action.levels and not treatment.levels:
                    yield Hit(("modifications", name, word, index), words, "none")
                level = modification.resume.level if modification.resume is not None else None
                if level is not None and level not in treatment.levels and action.verb == "hold":
                    yield Hit(("modifications", name, "resume"), words | {"level": level}, "resume")


level_unknown = Check(
    code="level_unknown",
    title="Level that does not exist",
    page=__doc__,
    find=_find,
    message={
        "none": "{activity} is changed by levels and has none",
        "resume": "{activity} resumes at level {level}; its levels are {known}",
    },
    remedy="write the levels of the treatment, or the dose itself, as in 'reduce X to 50 %'",
)
