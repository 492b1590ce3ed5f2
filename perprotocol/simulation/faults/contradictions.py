"""Records that contradict each other, that cannot be used, or that should not be there at all."""

from __future__ import annotations

from decimal import Decimal
from random import Random

from perprotocol.simulation.days import DAY
from perprotocol.simulation.faults.case import Case, World, one, skippable
from perprotocol.simulation.patient import Given, Planned, Seen
from perprotocol.simulation.tables import unit_of


def weight_not_measured(world: World, rng: Random) -> Case | None:
    """A dose ordered by a weight that nobody measured, though the amount is right."""
    patient = world.live()
    for key in world.doses(rng, first=True):
        given = patient.dose(key)
        if given.weighed and given.amount:
            used = given.grams + 200
            while used in patient.weighings.values():
                used += 200
            given.more["weight_used"] = str(Decimal(used) / 1000)
            return Case(patient, one("weight_not_measured", key))
    return None


def weight_implausible(world: World, rng: Random) -> Case | None:
    """A weight that is on record of a person far too light for the age, and that no dose counts with."""
    patient = world.live()
    used = {d.day for d in patient.doses if d.weighed}
    days = [day for day in patient.weighings if day < min(used, default=day + 1) - 1]
    if len(patient.weighings) < 2 or not days or patient.baseline:
        return None
    patient.weighings[days[0]] //= 4
    return Case(patient, one("weight_implausible", ("weight", None)))


def weight_jumped(world: World, rng: Random) -> Case | None:
    """A weight that those of the weeks after it do not fit, plausible for the age, and that no dose counts with."""
    patient = world.live()
    used = {d.day for d in patient.doses if d.weighed}
    days = sorted(patient.weighings)[:3]
    if len(days) < 3 or days[2] - days[0] > 31 or days[0] >= min(used, default=days[0] + 1) - 1 or patient.baseline:
        return None
    patient.weighings[days[0]] = patient.weighings[days[0]] * 64 // 100
    return Case(patient, one("weight_jumped", ("weight", None)))


def value_unusable(world: World, rng: Random) -> Case | None:
    """A value that a modification reads, in a unit that cannot be compared; nothing was due to follow from it."""
    patient = world.live()
    story = world.cast.story
    read = {n for t in story.triggers for n in t.measured}
    found = [s for s in patient.seen if s.measure in read and s.unit and s.at // DAY > patient.zero]
    if not found or patient.events or world.protocol.cycles:
        return None
    seen = rng.choice(found)
    seen.unit = "mmHg"
    return Case(patient, one("value_unusable", (seen.measure, None)))


def day_zero_disagrees(world: World, rng: Random) -> Case | None:
    """Day zero recorded some days before the event that defines it."""
    stated = world.protocol.milestones.get("day-zero")
    if stated is None or stated.anchor is None:
        return None
    patient = world.live()
    if not any(world.defines_zero(d) for d in patient.doses) and (stated.anchor.name, 1) not in patient.visits:
        return None
    patient.day_zero = patient.zero - rng.randint(2, 5)
    return Case(patient, one("day_zero_disagrees", ("day", None)))


def record_after_death(world: World, rng: Random) -> Case | None:
    """A measurement dated after death."""
    patient = world.leaver("death")
    died = next(at for name, at in patient.milestones if name == "death")
    patient.seen.append(Seen("temperature", "37.1", "Cel", died + rng.randint(2, 9) * DAY))
    return Case(patient, one("record_after_death", ("record", None)))


def after_withdrawal(world: World, rng: Random) -> Case | None:
    """An unscheduled visit after consent was withdrawn."""
    if not world.judged:
        return None
    patient = world.leaver("withdrawal")
    left = next(at for name, at in patient.milestones if name == "withdrawal")
    patient.milestones = [("withdrawal-of-consent" if n == "withdrawal" else n, at) for n, at in patient.milestones]
    patient.visits["unscheduled", 1] = left + rng.randint(2, 9) * DAY, ""
    return Case(patient, one("procedure_after_withdrawal", ("procedure", None)))


def randomised_twice(world: World, rng: Random) -> Case | None:
    """Two days on which a participant was randomised, and from which nothing counts."""
    patient = world.live()
    if any(name == "randomised" for name, _ in patient.milestones):
        return None
    patient.milestones += [("randomised", (patient.enrolled + n) * DAY + 500) for n in (0, rng.randint(1, 5))]
    return Case(patient, one("records_contradict", ("record", None)))


def given_and_not_given(world: World, rng: Random) -> Case | None:
    """A dose with its amount that is recorded as not given."""
    for key in world.doses(rng):
        plan = world.perfect.planned.get(key)
        if plan is None or plan.at is not None or not skippable(plan, last=False) or plan.line.part.late == "shift":
            continue
        patient = world.live({key: _nothing})
        now = patient.planned[key]
        given = Given(key, now.on(now.due), status="not given", line=now.line)
        given.more |= {"amount": "1", "unit": unit_of(now.line.treatment)[0] or "mg"}
        patient.doses.append(given)
        return Case(patient, one("records_contradict", ("record", None)) + one("dose_not_given", key))
    return None


def _nothing(plan: Planned) -> None:
    return None


def waiver(world: World, rng: Random) -> Case | None:
    """A departure allowed in advance; nobody made use of it."""
    patient = world.live()
    decided = patient.enrolled * DAY + 600
    patient.decisions.append({"kind": "waiver", "decided": decided, "by": "the sponsor", "reason": "asked by the site"})
    return Case(patient, one("waiver_granted", (None, None)))
