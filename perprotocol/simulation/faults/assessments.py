"""What should have been measured: missed, incomplete, not on record, or sampled on another day."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from random import Random
from typing import NamedTuple

from perprotocol.simulation.days import DAY
from perprotocol.simulation.faults.case import Case, World, one
from perprotocol.simulation.patient import Key, Patient, Planned, Seen
from perprotocol.simulation.shown import names
from protocol.activities import Visit
from protocol.conditions import Condition


class Done(NamedTuple):
    """One assessment at one occasion: the visit or assessment it is found under, and its values."""

    patient: Patient
    plan: Planned
    values: list[Seen]
    whole: bool
    """All that the assessment measures is among the values."""

    @property
    def key(self) -> Key:
        """Activity and number of the occasion."""
        return self.plan.key


def done(world: World, rng: Random) -> Iterator[Done]:
    """Assessments that nothing rests on, in random order."""
    patient = world.live()
    if not world.judged:
        return
    keys = [key for key, plan in patient.planned.items() if plan.line.kind != "treatment"]
    rng.shuffle(keys)
    decisive = _decisive(world)
    for key in keys:
        plan = patient.planned[key]
        part = plan.line.part
        own = not isinstance(part, Visit)
        if own and (not (plan.windowed or part.limits) or _shares(patient, plan)):
            continue
        for name in part.does if isinstance(part, Visit) else (key[0],):
            measures = _measures(world, name)
            values = [s for s in patient.seen if s.key == key and s.measure in measures]
            if values and not measures & decisive:
                yield Done(patient, plan, values, len({s.measure for s in values}) == len(measures))


def _shares(patient: Patient, plan: Planned) -> bool:
    """Whether a sample of one of its days may be that of another occasion as well."""
    others = (p for p in patient.planned.values() if p.line.activity == plan.line.activity and p is not plan)
    return any(p.opens <= plan.closes and plan.opens <= p.closes for p in others)


def _measures(world: World, name: str) -> frozenset[str]:
    stated = world.protocol.assessments.get(name)
    return frozenset(stated.measures) if stated is not None and stated.measures else frozenset({name})


def _decisive(world: World) -> frozenset[str]:
    """Measures that decide who may take part, what is due, and how much."""
    protocol = world.protocol
    conditions: list[Condition] = [c for m in protocol.modifications.values() for c in (*m.if_, *m.until)]
    for criteria in (protocol.eligibility.include, protocol.eligibility.exclude):
        conditions += [criterion.condition for criterion in criteria.values()]
    for treatment in protocol.treatments.values():
        for part in treatment.parts():
            conditions += [*part.if_, *part.may_if, *part.requires]
    for others in (*protocol.visits.values(), *protocol.assessments.values()):
        conditions += [*others.if_, *others.may_if]
    return names(protocol, conditions) | {"weight", "height", "gfr"}


def _not_done(value: Seen) -> None:
    value.value, value.unit, value.low, value.high = "not done", "", "", ""


def assessment_missed(world: World, rng: Random) -> Case | None:
    """An assessment recorded as not done."""
    for found in done(world, rng):
        if found.whole:
            for value in found.values:
                _not_done(value)
            return Case(found.patient, one("assessment_missed", found.key))
    return None


def assessment_incomplete(world: World, rng: Random) -> Case | None:
    """One of the values of an assessment recorded as not done."""
    for found in done(world, rng):
        if found.whole and len(found.values) > 1:
            _not_done(rng.choice(found.values))
            return Case(found.patient, one("assessment_incomplete", found.key))
    return None


def assessment_unknown(world: World, rng: Random) -> Case | None:
    """An assessment of which nothing is recorded, though its visit took place."""
    for found in done(world, rng):
        for value in found.values:
            found.patient.seen.remove(value)
        return Case(found.patient, one("assessment_no_record", found.key))
    return None


def sampled_elsewhen(world: World, rng: Random) -> Case | None:
    """A sample on another day, nearer to its own occasion than to any other."""
    days = rng.randint(1, 3)
    for found in done(world, rng):
        plan = found.plan
        if plan.line.kind != "assessment" or {s.at // DAY for s in found.values} != {found.values[0].at // DAY}:
            continue
        day = plan.closes + days if rng.random() < 0.5 else plan.opens - days
        others = [p for p in found.patient.planned.values() if p.line.activity == plan.line.activity and p is not plan]
        near = abs(day - _when(found.patient, plan))
        if any(2 * near >= abs(_when(found.patient, p) - _when(found.patient, plan)) for p in others):
            continue
        alone = max(1, plan.closes - plan.opens + 1)
        if (not others and days > alone) or day <= found.patient.consent:
            continue
        for value in found.values:
            value.at += (day - value.at // DAY) * DAY
        return Case(found.patient, one("assessment_out_of_window", found.key))
    return None


def _when(patient: Patient, plan: Planned) -> int:
    return plan.due


def mistimed_sample(world: World, rng: Random) -> Case | None:
    """A drug level drawn at another time after the dose than the protocol says."""
    patient = world.live()
    found = [s for s in patient.seen if s.since]
    if not found:
        return None
    seen = rng.choice(found)
    drawn = world.protocol.measures[seen.measure].drawn
    assert drawn is not None
    high = drawn.alternatives[0].high
    assert high is not None
    seen.since = str(high.minutes / 60 + rng.randint(1, 8) / 4)
    return Case(patient, one("sample_mistimed", (seen.measure, None)))


def not_repeated(world: World, rng: Random) -> Case | None:
    """A value that orders an assessment to be repeated, and no value until long after."""
    patient = world.live()
    if patient.events or not world.judged:
        return None
    for trigger in world.cast.story.triggers:
        orders = [a for a in trigger.modification.then if a.verb == "repeat" and a.every is not None]
        if len(orders) != 1 or trigger.events or len(trigger.measured) != 1:
            continue
        seen = sorted((s for s in patient.seen if s.measure in trigger.measured), key=lambda s: s.at)
        pairs = list(pairwise(seen))
        rng.shuffle(pairs)
        for value, after in pairs:
            every = orders[0].every
            assert every is not None
            if value.at // DAY > patient.zero and (after.at - value.at) // DAY > every.days:
                value.value = str(trigger.shown[value.measure])
                return Case(patient, one("not_repeated", (orders[0].target, None)))
    return None
