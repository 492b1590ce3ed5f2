"""When each measure is measured: by assessments with days of their own, and by visits that do them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from protocol.conditions import leaves
from protocol.model import Protocol
from rules.arrays import Ints
from rules.lint.timeline import Line

ON_RECORD = frozenset({"age", "sex", "arm"})
"""What is known of every participant without an assessment."""
_COMPUTED = {"bsa": ("weight", "height")}


@dataclass(frozen=True)
class Measured:
    """The activities at which each measure is measured; a computed one where all that it is computed from is."""

    by: Mapping[str, frozenset[str]]
    computed: Mapping[str, frozenset[str]]

    def missing(self, name: str, seen: frozenset[str] = frozenset()) -> frozenset[str]:
        """What nobody measures of what a measure needs: itself, or the measures that it is computed from."""
        if name in ON_RECORD or name in self.by or name in seen:
            return frozenset()
        parts = self.computed.get(name)
        if parts is None:
            return frozenset({name})
        return frozenset[str]().union(*(self.missing(part, seen | {name}) for part in parts))

    def parts(self, name: str) -> list[str]:
        """What a measure is worked out from, of what is measured at all; itself where it is measured."""
        needed = {name} if name in self.by else self.computed.get(name, frozenset({name}))
        return sorted(needed & set(self.by))

    def windows(self, name: str, line: Line) -> list[tuple[Ints, Ints]] | None:
        """The windows in which an arm measures it; None where the day of any does not follow from day zero."""
        names = self.by.get(name, frozenset())
        found = []
        for column, slot in enumerate(line.slots):
            if slot.part.activity in names:
                if not line.known(column):
                    return None
                found.append((line.opens[:, column], line.closes[:, column]))
        return found


def measured_of(protocol: Protocol) -> Measured:
    """Where the document has each measure measured."""
    by: dict[str, set[str]] = {}
    for measured, activity in _measurements(protocol):
        by.setdefault(measured, set()).add(activity)
    computed = {name: frozenset(parts) for name, parts in _COMPUTED.items()}
    for name, measure in protocol.measures.items():
        if measure.cases:
            read = (leaf for case in measure.cases.values() for leaf in leaves(case))
            computed[name] = frozenset(n for leaf in read for n in leaf.names() if n in protocol.measures)
    return Measured({name: frozenset(found) for name, found in by.items()}, computed)


def _measurements(protocol: Protocol) -> Iterator[tuple[str, str]]:
    """Every measure with an activity that is scheduled and measures it."""
    again = {a.target for m in protocol.modifications.values() for a in (*m.then, *m.may) if a.verb == "repeat"}
    for name, assessment in protocol.assessments.items():
        if assessment.due or assessment.limits or name in again:
            yield from ((measure, name) for measure in (*assessment.measures, name))
    for name, visit in protocol.visits.items():
        for done in visit.does:
            known = protocol.assessments.get(done)
            yield from ((measure, name) for measure in ((*known.measures, done) if known is not None else (done,)))
