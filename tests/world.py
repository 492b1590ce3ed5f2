"""One participant of one protocol, perfect or with swerves, and what an audit must find of a fault put into them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from random import Random

from protocol import Protocol
from protocol.activities import Part
from protocol.dosing import Dose
from tests.simulate import Given, Key, Patient, Planned, Swerve, live
from tests.trials import BEFORE, CHILDREN, ELIGIBLE

Found = tuple[str, str | None, int | None]
"""Code, activity and occurrence of a finding or a query."""


@dataclass(frozen=True)
class Case:
    """Somebody with a fault, and what must be found: no more and no less."""

    patient: Patient
    expected: Counter[Found]


@dataclass(frozen=True)
class World:
    """A protocol, an arm and a seed: one perfect participant, and the same one with swerves."""

    name: str
    protocol: Protocol
    arm: str
    seed: int

    def live(self, swerves: Mapping[Key, Swerve] | None = None) -> Patient:
        """The participant of this seed, eligible by the protocol."""
        years = (3, 6, 10, 14)[self.seed % 4] if self.name in CHILDREN else None
        patient = live(self.protocol, self.arm, self.seed, years=years, swerves=swerves)
        patient.observations += [(*shown, patient.enrolled) for shown in ELIGIBLE.get(self.name, [])]
        name, shown = BEFORE.get(self.name, ("", ("", "", "")))
        patient.observations += [(*shown, dose.day) for dose in patient.doses if dose.key[0] == name]
        return patient

    @property
    def judged(self) -> bool:
        """Consent, eligibility and visits of the arm are judged."""
        return self.protocol.arms[self.arm].group != "concurrent"

    def keys(self, kind: str, rng: Random, *, first: bool = False) -> list[Key]:
        """The occurrences of `doses` or `visits` in random order, without those that day zero is found by."""
        patient = self.live()
        if kind == "visits":
            found = [key for key in patient.visits if self.judged]
        else:
            found = [d.key for d in patient.doses if first or not self._zero(patient, d)]
        rng.shuffle(found)
        return found

    def _zero(self, patient: Patient, dose: Given) -> bool:
        stated = self.protocol.milestones.get("day-zero")
        if stated is None or stated.anchor is None:
            return False
        return dose.key == (stated.anchor.name, 1) or (stated.anchor.name == "treatment" and dose.day == patient.zero)


Fault = Callable[[World, Random], Case | None]


def dose_of(plan: Planned) -> Dose:
    """The one dose of an occurrence."""
    assert isinstance(plan.part, Part)
    return plan.part.dose[0]


def one(code: str, key: tuple[str | None, int | None]) -> Counter[Found]:
    """That alone."""
    return Counter([(code, *key)])


def following(patient: Patient, key: Key) -> date:
    """The first day on which the next occurrence may take place."""
    after = patient.planned.get((key[0], key[1] + 1))
    return after.opens if after else date.max


def nearer_next(patient: Patient, key: Key, day: date) -> bool:
    """Half of the way to the next occurrence or more has gone by: whose record it is cannot be told for certain."""
    after = patient.planned.get((key[0], key[1] + 1))
    return after is not None and (day - patient.planned[key].due) * 2 >= after.due - patient.planned[key].due


def taken_before(patient: Patient, key: Key) -> date:
    """The last day on which the activity took place before an occurrence."""
    done = [d.day for d in patient.doses if d.key[0] == key[0] and d.key[1] < key[1]]
    done += [day for (name, n), (day, _) in patient.visits.items() if name == key[0] and n < key[1]]
    return max(done, default=date.min)


def goes_with(plan: Planned, key: Key) -> bool:
    """The occurrence is counted from each dose of an activity, and from this one."""
    anchors = [i.anchor for moment in plan.part.due for i in moment.alternatives if i.anchor]
    return any(a.which == "each" and (a.name, plan.number) == key for a in anchors)


def counts_from(plan: Planned, key: Key) -> bool:
    """The occurrence of another activity is counted from this one."""
    anchors = [i.anchor for moment in plan.part.due for i in moment.alternatives if i.anchor]
    anchors += [limit.from_ for limit in plan.part.limits]
    named = [a for a in anchors if a.name == key[0] != plan.activity]
    return any(a.which == "last" or (a.number or 1) == key[1] for a in named if a.which != "each")


def skippable(plan: Planned, last: bool) -> bool:
    """A dose that can be missed without anything being given in its place: the rest of the series stays what it is."""
    return plan.part.missed == "skip" and (plan.part.late == "keep" or last)
