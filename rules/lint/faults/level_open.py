"""What follows below the lowest level.

What
----
A treatment can be reduced by levels until none is left, or raised beyond the highest, and nothing says what follows
then.

Why it matters
--------------
The dose after one more reduction cannot be told: is the treatment stopped, or is the lowest level kept?

Way out
-------
Write it: `{if: level of drug < -1, then: stop drug}`. The study team must confirm it.

Bad
---
events: {toxicity: a severe adverse event}
treatments:
  drug:
    due: day 0
    every: 7 d
    times: 4
    window: ±1 d
    dose: {tolerance: ±5 %}
    levels: {0: {dose: 10 mg}, -1: {dose: 5 mg}}
    level: 0
modifications: {toxicity: {if: event toxicity, then: reduce drug by 1 level}}

Good
----
events: {toxicity: a severe adverse event}
treatments:
  drug:
    due: day 0
    every: 7 d
    times: 4
    window: ±1 d
    dose: {tolerance: ±5 %}
    levels: {0: {dose: 10 mg}, -1: {dose: 5 mg}}
    level: 0
modifications:
  toxicity: {if: event toxicity, then: reduce drug by 1 level}
  lowest: {if: level of drug < -1, then: stop drug}
"""

from collections.abc import Iterator

from protocol.conditions import Count, leaves
from rules.lint.check import Check, Hit
from rules.lint.draft import Draft


def _find(draft: Draft) -> Iterator[Hit]:
    told: set[tuple[str, str]] = set()
    for name, modification in draft.protocol.modifications.items():
        for index, action in enumerate(modification.then):
            levels = (
                draft.protocol.treatments[action.target].levels if action.levels and _has(draft, action.target) else {}
            )
            key = action.target, action.verb
            if levels and key not in told and not _ends(draft, action.target):
                told.add(key)
                down = action.verb == "reduce"
                words = {"activity": action.target, "level": min(levels) if down else max(levels)}
                yield Hit(("modifications", name, "then", index), words, "below" if down else "above")


def _has(draft: Draft, name: str) -> bool:
    return name in draft.protocol.treatments


def _ends(draft: Draft, target: str) -> bool:
    """Whether a modification says what follows by the level reached."""
    return any(
        leaf.kind == "level" and leaf.name == target
        for modification in draft.protocol.modifications.values()
        for leaf in leaves(modification.if_)
        if isinstance(leaf, Count)
    )


level_open = Check(
    code="level_open",
    title="Nothing said beyond the last level",
    page=__doc__,
    find=_find,
    message={
        "below": "{activity} can be reduced below its lowest level ({level}), and nothing says what is given then",
        "above": "{activity} can be raised above its highest level ({level}), and nothing says what is given then",
    },
    remedy="write what follows, as in '{{if: level of {activity} < {level}, then: stop {activity}}}'",
    kind="to confirm",
)
