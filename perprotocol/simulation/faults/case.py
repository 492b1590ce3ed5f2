"""One participant with one fault, and what must be found of it: worked out from the protocol, never from an audit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from random import Random
from typing import TypeAlias

from perprotocol.simulation.days import DAY
from perprotocol.simulation.patient import Given, Key, Patient, Planned, Swerve
from perprotocol.simulation.people import Cast
from perprotocol.simulation.shown import names
from protocol import Protocol
from protocol.conditions import Compare

Found: TypeAlias = tuple[str, str | None, int | None]
"""Code, activity and occurrence of a finding or a query."""
NEVER = 10**6


@dataclass(frozen=True)
class Case:
    """Somebody with a fault, and what must be found: no more and no less. The first is the fault, the rest follows.

    `others` has a part in it, each with what must be found of them.
    """

    patient: Patient
    expected: Counter[Found]
    others: tuple[tuple[Patient, Counter[Found]], ...] = ()

    @property
    def everybody(self) -> tuple[tuple[Patient, Counter[Found]], ...]:
        """All participants with a part in it, and what must be found of each."""
        return (self.patient, self.expected), *self.others


@dataclass(frozen=True)
class World:
    """One participant of a cast: perfect, and the same one with swerves."""

    cast: Cast
    n: int

    @property
    def protocol(self) -> Protocol:
        """The protocol of the trial."""
        return self.cast.protocol

    @cached_property
    def perfect(self) -> Patient:
        """The participant without any fault; not to be changed."""
        return self.live()

    def live(self, swerves: Mapping[Key, Swerve] | None = None) -> Patient:
        """The participant, who does as the protocol says but for the swerves."""
        return self.cast.live(self.n, swerves)

    def partner(self) -> Patient:
        """The next participant of the same arm, with the same day zero and without any fault."""
        return self.cast.live(self.n + len(self.protocol.arms), zero=self.perfect.zero)

    def leaver(self, how: str) -> Patient:
        """The participant, who leaves that way some weeks after day zero."""
        return self.cast.live(self.n, leaves=(how, 40))

    @property
    def judged(self) -> bool:
        """Consent, eligibility and visits of the arm are judged."""
        return self.cast.judged(self.n)

    def doses(self, rng: Random, *, first: bool = False) -> list[Key]:
        """The doses given, in random order; without those that day zero is found by, unless `first`."""
        found = [
            d.key
            for d in self.perfect.doses
            if not d.status and d.line is not None and not d.line.course and (first or not self.defines_zero(d))
        ]
        rng.shuffle(found)
        return found

    def visits(self, rng: Random) -> list[Key]:
        """The visits made that are judged, in random order; without those that day zero is found by."""
        anchor = self._anchor
        found = [key for key in self.perfect.visits if self.judged and key[0] != anchor]
        rng.shuffle(found)
        return found

    def opens_branch(self, key: Key) -> bool:
        """Whether a dose is expected, or may be given, by what is measured there."""
        does = self.perfect.planned[key].line.measures
        stated = self.protocol.assessments
        read = {m for a in does for m in (*(stated[a].measures if a in stated else ()), a)}
        lines = (line for line in self.cast.scripts[self.perfect.arm].lines if line.kind == "treatment")
        return bool(
            read & names(self.protocol, [c for line in lines for c in (*line.part.if_, *line.treatment.requires)])
        )

    @property
    def _anchor(self) -> str | None:
        stated = self.protocol.milestones.get("day-zero")
        return stated.anchor.name if stated is not None and stated.anchor is not None else None

    def defines_zero(self, dose: Given) -> bool:
        """Whether day zero is found by this dose."""
        return dose.key == (self._anchor, 1) or (self._anchor == "treatment" and dose.day == self.perfect.zero)


Fault: TypeAlias = Callable[[World, Random], Case | None]
"""Puts its fault into a participant; None where the protocol, or the participant, leaves no room for it."""


def one(code: str, key: tuple[str | None, int | None]) -> Counter[Found]:
    """That alone."""
    return Counter([(code, *key)])


def following(patient: Patient, key: Key) -> int:
    """The first day on which the next occurrence may take place."""
    after = patient.planned.get((key[0], key[1] + 1))
    return after.opens if after else NEVER


def nearer_next(patient: Patient, key: Key, day: int) -> bool:
    """Half of the way to the next occurrence or more has gone by: whose record it is cannot be told for certain."""
    after = patient.planned.get((key[0], key[1] + 1))
    return after is not None and (day - patient.planned[key].due) * 2 >= after.due - patient.planned[key].due


def taken_before(patient: Patient, key: Key) -> int:
    """The last day on which the activity took place before an occurrence."""
    done = [d.day for d in patient.doses if d.key[0] == key[0] and d.key[1] < key[1]]
    done += [at // DAY for (name, n), (at, _) in patient.visits.items() if name == key[0] and n < key[1]]
    return max(done, default=-NEVER)


def goes_with(plan: Planned, key: Key) -> bool:
    """The occurrence is counted from each dose of an activity, and from this one."""
    anchors = [i.anchor for moment in plan.line.part.due for i in moment.alternatives if i.anchor]
    return any(a.which == "each" and a.name == key[0] for a in anchors)


def counts_from(plan: Planned, key: Key) -> bool:
    """The occurrence of another activity is counted from this one."""
    anchors = [i.anchor for moment in plan.line.part.due for i in moment.alternatives if i.anchor]
    anchors += [limit.from_ for limit in plan.line.part.limits]
    named = [a for a in anchors if a.name == key[0] != plan.line.activity]
    return any(a.which == "last" or (a.number or 1) == key[1] for a in named if a.which != "each")


def skippable(plan: Planned, last: bool) -> bool:
    """A dose that can be missed without anything being given in its place: the rest of the series stays what it is."""
    part = plan.line.part
    return part.missed == "skip" and (part.late == "keep" or last) and plan.cycle is None and not part.may_if


def lapsed(patient: Patient, dose: Given, key: tuple[str, int | None]) -> Counter[Found]:
    """What follows where a dose lies too long after what must be shown before it."""
    for condition in dose.line.treatment.requires if dose.line is not None else ():
        if isinstance(condition, Compare) and condition.within is not None:
            shown = max(
                (s.at // DAY for s in patient.seen if s.measure == condition.name and s.at <= dose.at), default=0
            )
            if dose.day - shown > condition.within.days:
                return one("prerequisite_missing", key)
    return Counter()
