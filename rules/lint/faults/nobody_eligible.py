"""Criteria of eligibility that contradict each other.

What
----
No participant can meet every criterion of inclusion and none of exclusion, though each of them can be met by itself.

Why it matters
--------------
Everybody who takes part violates a criterion; mostly a limit stands on the wrong side.

Way out
-------
Compare the criteria that are named: an exclusion states what must *not* be so.

Bad
---
eligibility:
  include: {adult: age >= 18 y}
  exclude: {too-old: age >= 12 y}

Good
----
eligibility:
  include: {adult: age >= 18 y}
  exclude: {too-old: age >= 75 y}
"""

from collections.abc import Iterator
from itertools import combinations

from rules.lint.check import Check, Hit
from rules.lint.draft import Draft
from rules.lint.logic import Goal

MOST = 3
"""Criteria that are looked at together to name the fewest that contradict each other."""


def _find(draft: Draft) -> Iterator[Hit]:
    criteria = [("include", name, (c.condition, True)) for name, c in draft.protocol.eligibility.include.items()]
    criteria += [("exclude", name, (c.condition, False)) for name, c in draft.protocol.eligibility.exclude.items()]
    possible = [each for each in criteria if each[0] == "exclude" or not draft.logic.holds_never([each[2][0]])]
    for number in range(1, MOST + 1):
        found = [few for few in combinations(possible, number) if _contradict(draft, [each[2] for each in few])]
        if found:
            for few in found:
                names = ", ".join(f"{side} {name}" for side, name, _ in few)
                yield Hit(("eligibility", *few[-1][:2]), {"criteria": names}, "one" if number == 1 else "several")
            return
    if possible and _contradict(draft, [each[2] for each in possible]):
        yield Hit(("eligibility",), {"criteria": ", ".join(name for _, name, _ in possible)}, "several")


def _contradict(draft: Draft, goals: list[Goal]) -> bool:
    return draft.logic.together(*goals) is None


nobody_eligible = Check(
    code="nobody_eligible",
    title="Nobody is eligible",
    page=__doc__,
    find=_find,
    message={
        "one": "{criteria} holds for everybody: nobody is eligible",
        "several": "nobody can meet all of: {criteria}",
    },
    remedy="compare the limits; an exclusion states what must not be so",
)
