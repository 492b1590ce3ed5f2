"""Doses and visits at the wrong time, or not at all."""

from __future__ import annotations

from functools import partial
from random import Random

from perprotocol.simulation.faults.case import (
    Case,
    World,
    following,
    goes_with,
    lapsed,
    nearer_next,
    one,
    skippable,
    taken_before,
)
from perprotocol.simulation.patient import Given, Key, Patient, Planned


def _room_after(world: World, key: Key, wait: int) -> bool:
    perfect, plan = world.perfect, world.perfect.planned.get(key)
    if plan is None or not plan.windowed or plan.at is not None or plan.ordered:
        return False
    day = plan.closes + wait
    told = key[0] in perfect.numbered or not nearer_next(perfect, key, day)
    return day < following(perfect, key) and told and stays(world, day)


def _room_before(world: World, key: Key, ahead: int) -> bool:
    perfect, plan = world.perfect, world.perfect.planned.get(key)
    if plan is None or not plan.windowed or plan.at is not None or plan.ordered:
        return False
    day, before = plan.opens - ahead, perfect.planned.get((key[0], key[1] - 1))
    # Whose record it is must follow from its date: nearer to its own day than to the one before.
    if before is not None and key[0] not in perfect.numbered and (day - before.due) * 2 <= plan.due - before.due:
        return False
    return stays(world, day) and max(taken_before(perfect, key), perfect.consent) < day >= (plan.earliest or day)


def stays(world: World, day: int) -> bool:
    """The participant is still in the trial, and on treatment, on that day, and no event changed anything."""
    ends = [at // 1440 for name, at in world.perfect.milestones if name != "randomised"]
    return all(day < end for end in ends) and not world.perfect.events


def _late(wait: int, plan: Planned) -> int:
    return plan.on(plan.closes + wait)


def _early(ahead: int, plan: Planned) -> int:
    return plan.on(plan.opens - ahead)


def dose_late(world: World, rng: Random) -> Case | None:
    """A dose after its window, and before the next one's."""
    wait = rng.randint(1, 3)
    for key in world.doses(rng):
        if _room_after(world, key, wait) and world.perfect.planned[key].base is not None:
            patient = world.live({key: partial(_late, wait)})
            return Case(patient, one("dose_late", key) + lapsed(patient, patient.dose(key), key))
    return None


def interval_too_long(world: World, rng: Random) -> Case | None:
    """A dose that only its intervals place, after the longest of them."""
    wait = rng.randint(1, 3)
    for key in world.doses(rng):
        if _room_after(world, key, wait) and world.perfect.planned[key].base is None:
            return Case(world.live({key: partial(_late, wait)}), one("interval_too_long", key))
    return None


def visit_late(world: World, rng: Random) -> Case | None:
    """A visit after its window."""
    wait = rng.randint(1, 3)
    for key in world.visits(rng):
        if _room_after(world, key, wait) and not world.opens_branch(key):
            return Case(world.live({key: partial(_late, wait)}), one("visit_out_of_window", key))
    return None


def dose_early(world: World, rng: Random) -> Case | None:
    """A dose before its window, yet not before its minimum interval."""
    ahead = rng.randint(1, 3)
    for key in world.doses(rng):
        # What orders another dose on its day is not known yet days before.
        if _room_before(world, key, ahead) and not world.perfect.dose(key).ordered:
            patient = world.live({key: partial(_early, ahead)})
            if _told_in_cycle(world, patient, key):
                return Case(patient, one("dose_early", key))
    return None


def _told_in_cycle(world: World, patient: Patient, key: Key) -> bool:
    """Whether what is given about a day 1 that came early lies nearer to that day than to the next dose of the drug."""
    cycle = patient.planned[key].cycle
    began = patient.dose(key).day
    for dose in patient.doses:
        plan = patient.planned.get(dose.key)
        if cycle is None or plan is None or plan.cycle != cycle or plan.offset[1] or dose.status:
            continue
        later = [s[0].offset[1] for line in world.cast.scripts[patient.arm].of(dose.key[0]) for s in line.starts]
        if any(0 < day <= 2 * (dose.day - began) for day in later):
            return False
    return True


def visit_early(world: World, rng: Random) -> Case | None:
    """A visit before its window."""
    ahead = rng.randint(1, 3)
    for key in world.visits(rng):
        if _room_before(world, key, ahead) and not world.opens_branch(key):
            return Case(world.live({key: partial(_early, ahead)}), one("visit_out_of_window", key))
    return None


def closing(plan: Planned) -> int:
    """The last day of its window."""
    return plan.on(plan.closes)


def _too_soon(ahead: int, plan: Planned) -> int:
    return plan.on((plan.earliest if plan.earliest is not None else plan.due) - ahead)


def interval_too_short(world: World, rng: Random) -> Case | None:
    """A dose inside its own window before the minimum interval; found as early too where it is before its window."""
    for key in world.doses(rng):
        before, plan = world.perfect.planned.get((key[0], key[1] - 1)), world.perfect.planned.get(key)
        if plan is None or plan.earliest is None or before is None or before.line is not plan.line:
            continue
        if world.defines_zero(world.perfect.dose(before.key)):
            continue
        push = {before.key: closing}
        plan = world.live(push).planned.get(key)
        ahead = rng.randint(1, 2)
        if plan is None or plan.earliest is None or plan.earliest - ahead <= before.closes:
            continue
        patient = world.live(push | {key: partial(_too_soon, ahead)})
        expected = one("interval_too_short", key)
        if plan.grid_opens > plan.earliest:
            expected += one("dose_early", key)
        return Case(patient, expected)
    return None


def _not_at_all(plan: Planned) -> None:
    return None


def _without(world: World, key: Key) -> Patient:
    return world.live({key: _not_at_all})


def dose_not_given(world: World, rng: Random) -> Case | None:
    """A dose recorded as not given on its due day; what goes with each dose is not given then either."""
    for key in world.doses(rng):
        plan = world.perfect.planned.get(key)
        if plan is None or plan.at is not None or not skippable(plan, key[1] == _last(world, key)):
            continue
        patient = _without(world, key)
        now = patient.planned[key]
        patient.doses.append(Given(key, now.on(now.due), status="not given", line=now.line))
        return Case(patient, one("dose_not_given", key))
    return None


def _last(world: World, key: Key) -> int:
    return max(n for name, n in world.perfect.planned if name == key[0])


def dose_no_record(world: World, rng: Random) -> Case | None:
    """A dose of which nothing is recorded, and that nothing goes with."""
    for key in world.doses(rng):
        plan = world.perfect.planned.get(key)
        if plan is None or not skippable(plan, key[1] == _last(world, key)):
            continue
        if any(goes_with(p, key) for p in world.perfect.planned.values()):
            continue
        return Case(_without(world, key), one("dose_no_record", key))
    return None


def visit_missed(world: World, rng: Random) -> Case | None:
    """A visit recorded as not done on its due day."""
    for key in world.visits(rng):
        if world.opens_branch(key):
            continue
        patient = _without(world, key)
        plan = patient.planned[key]
        patient.visits[key] = plan.on(plan.due), "not done"
        return Case(patient, one("visit_missed", key))
    return None


def visit_no_record(world: World, rng: Random) -> Case | None:
    """A visit of which nothing is recorded."""
    for key in world.visits(rng):
        if not world.opens_branch(key):
            return Case(_without(world, key), one("visit_no_record", key))
    return None
