"""A decision on what nobody measures.

What
----
A criterion, a condition or an endpoint reads a measure that no visit and no scheduled assessment measures. What is
known of everybody (age, sex, arm) needs none, and what a person says when a hold ends is awaited.

Why it matters
--------------
The decision hangs on a value that nobody is asked for: it is missing when it is needed, and *cannot tell* follows.

Way out
-------
Let a visit do it (`does: [anc]`), give an assessment days of its own, or write `{text: …}` where a person judges.

Bad
---
measures: {anc: {unit: 10^9/L}}
modifications: {low: {if: anc < 0.5 10^9/L, then: stop drug}}

Good
----
measures: {anc: {unit: 10^9/L}}
visits: {weekly: {due: day 0, every: 7 d, times: 8, window: ±1 d, does: [anc]}}
modifications: {low: {if: anc < 0.5 10^9/L, then: stop drug}}
"""

from collections.abc import Iterator

from protocol.conditions import Compare, Condition, Inside, leaves
from protocol.yaml_text import Path
from rules.lint.check import Check, Hit
from rules.lint.draft import Draft
from rules.lint.stated import stated


def _find(draft: Draft) -> Iterator[Hit]:
    places: dict[str, list[Path]] = {}
    for path, measure in _read(draft):
        for missing in draft.measured.missing(measure):
            places.setdefault(missing, []).append(path)
    for measure, found in places.items():
        readers = ", ".join(
            dict.fromkeys(".".join(map(str, path[:3] if path[0] == "eligibility" else path[:2])) for path in found)
        )
        yield Hit(found[0], {"measure": measure, "readers": readers})


def _read(draft: Draft) -> Iterator[tuple[Path, str]]:
    """Every measure that something is decided by, with the place of the decision."""
    protocol = draft.protocol
    for path, conditions in stated(draft):
        for name in _names(conditions):
            awaited = (
                path[-1] == "until" and bool(protocol.measures[name].values) if name in protocol.measures else False
            )
            if not awaited:
                yield path, name
    for name, endpoint in protocol.endpoints.items():
        if endpoint.measure is not None:
            yield ("endpoints", name, "measure"), endpoint.measure


def _names(conditions: tuple[Condition, ...]) -> list[str]:
    return [leaf.name for leaf in leaves(conditions) if isinstance(leaf, Compare | Inside)]


decision_unmeasured = Check(
    code="decision_unmeasured",
    title="Decision on what nobody measures",
    page=__doc__,
    find=_find,
    message="{measure} decides ({readers}), and no visit and no scheduled assessment measures it",
    remedy="let a visit do it ('does: [{measure}]'), or schedule an assessment that measures it",
)
