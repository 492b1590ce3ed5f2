"""A baseline that nobody measures.

What
----
Something is compared with the baseline, the last value before the first dose, and no visit and no assessment measures
it by then.

Why it matters
--------------
Without a baseline the comparison cannot be told, for any participant.

Way out
-------
Measure it at screening, or on the day of the first dose.

Bad
---
measures: {creatinine: {unit: µmol/L}}
assessments: {kidney: {measures: [creatinine], due: day 7, every: 7 d, times: 8, window: ±1 d}}
modifications: {kidney: {if: creatinine > 130 % of baseline, then: stop drug}}

Good
----
measures: {creatinine: {unit: µmol/L}}
assessments: {kidney: {measures: [creatinine], due: day 0, every: 7 d, times: 8, window: ±1 d}}
modifications: {kidney: {if: creatinine > 130 % of baseline, then: stop drug}}
"""

from collections.abc import Iterator

from protocol.conditions import BaselinePlus, Compare, Condition, OfBaseline, leaves
from protocol.walk import values
from rules.lint.check import Check, Hit
from rules.lint.draft import Draft
from rules.lint.timeline import ZERO, Line


def _find(draft: Draft) -> Iterator[Hit]:
    told: set[str] = set()
    for path, condition in values(draft.protocol, Condition):
        for leaf in leaves([condition]):
            if not isinstance(leaf, Compare) or leaf.name in told or not _of_baseline(leaf):
                continue
            late = [line for line in draft.lines if _late(draft, leaf.name, line)]
            if late:
                told.add(leaf.name)
                first = min(int(opens[0]) for opens, _ in draft.measured.windows(leaf.name, late[0]) or ())
                yield Hit(path, {"measure": leaf.name, "day": int(first - ZERO[0]), "condition": leaf.text})


def _of_baseline(leaf: Compare) -> bool:
    return leaf.baseline or isinstance(leaf.value, OfBaseline | BaselinePlus)


def _late(draft: Draft, measure: str, line: Line) -> bool:
    """Whether an arm measures it, and not before the first dose can have been given."""
    given = [c for c, slot in enumerate(line.slots) if slot.part.kind == "treatment"]
    windows = draft.measured.windows(measure, line)
    if not windows or not given or not all(line.known(c) for c in given):
        return False
    first = min(int(line.closes[0, c]) for c in given)
    return min(int(opens[0]) for opens, _ in windows) > first


baseline_unmeasured = Check(
    code="baseline_unmeasured",
    title="Baseline that nobody measures",
    page=__doc__,
    find=_find,
    message="'{condition}' needs a value of {measure} before the first dose, and it is first measured on day {day}",
    remedy="measure it at screening, or on the day of the first dose",
)
