"""Wrong amounts, and weights that a dose may not count with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from random import Random

from perprotocol.simulation.dosed import fastest
from perprotocol.simulation.faults.case import NEVER, Case, Found, World, one
from perprotocol.simulation.patient import Given, Patient


def amounts(world: World, rng: Random, *, judged: bool) -> Iterator[tuple[Patient, Given, int]]:
    """Doses whose amount may be changed, and that amount; `judged`: only those that have limits."""
    patient = world.live()
    for key in world.doses(rng, first=True):
        given = patient.dose(key)
        if given.amount and (given.judged or not judged):
            yield patient, given, given.amount


def _off(given: Given, amount: int) -> str:
    """Under which code an amount outside of the limits is found."""
    if given.change and given.before[0] <= amount <= given.before[1]:
        return UNCHANGED[given.change]
    if given.ceiling is not None and amount > given.ceiling:
        return "above_ceiling"
    return "overdose" if amount > given.most else "underdose"


UNCHANGED = {"weight": "dose_not_recalculated", "modification": "modification_not_made"}
"""An amount that was right before a change is a fault of its own."""


def modification_not_made(world: World, rng: Random) -> Case | None:
    """A dose as it was before the protocol ordered another one."""
    return _as_before(world, rng, "modification")


def dose_not_recalculated(world: World, rng: Random) -> Case | None:
    """A dose by the weight before the last change that counts."""
    return _as_before(world, rng, "weight")


def _as_before(world: World, rng: Random, change: str) -> Case | None:
    for patient, given, _ in amounts(world, rng, judged=True):
        low, high = given.before
        wrong = [amount for amount in (low, high) if not given.least <= amount <= given.most]
        if given.change == change and wrong:
            given.amount = rng.choice(wrong)
            return Case(patient, one(UNCHANGED[change], given.key))
    return None


def tenfold(world: World, rng: Random) -> Case | None:
    """Ten times the amount: over, or above the ceiling where there is one; in the same time it may run too fast."""
    for patient, given, amount in amounts(world, rng, judged=False):
        given.amount = amount * 10
        follows = _hurried(given) + _beyond_total(patient, given)
        return Case(patient, one(_off(given, given.amount), given.key) + follows)
    return None


def _beyond_total(patient: Patient, wrong: Given) -> Counter[Found]:
    """What follows for the doses after one that was too large: all together they pass the most that is allowed."""
    part = wrong.line.treatment if wrong.line is not None else None
    most = next((d.max_total for d in part.dose if d.max_total is not None), None) if part is not None else None
    if most is None:
        return Counter()
    expected: Counter[Found] = Counter()
    given = sorted((d for d in patient.doses if d.key[0] == wrong.key[0] and not d.status), key=lambda d: d.at)
    for n, dose in enumerate(given):
        limit = Fraction(most.base) * (dose.grams if most.dimension.endswith("/weight") else 1)
        if dose is not wrong and sum(d.amount or 0 for d in given[: n + 1]) > limit:
            expected += one("above_total", dose.key)
    return expected


def too_much_in_all(world: World, rng: Random) -> Case | None:
    """A dose so large that the last of its series passes by one unit what all of them may be together."""
    for patient, given, _ in amounts(world, rng, judged=True):
        part = given.line.treatment if given.line is not None else None
        most = next((d.max_total for d in part.dose if d.max_total is not None), None) if part is not None else None
        series = sorted((d for d in patient.doses if d.key[0] == given.key[0] and not d.status), key=lambda d: d.at)
        if most is None or given is series[-1] or most.dimension.endswith("/weight"):
            continue
        given.amount = int(most.base) - sum(d.amount or 0 for d in series if d is not given) + 1
        return Case(patient, one("above_total", series[-1].key) + one(_off(given, given.amount), given.key))
    return None


def _hurried(given: Given) -> Counter[Found]:
    """What follows where the amount cannot run in within the time on record at the rates of the protocol."""
    part = given.line.treatment if given.line is not None else None
    if part is None or not part.rate or given.amount is None or given.end is None:
        return Counter()
    return one("infusion_too_fast", given.key) if given.end - given.at < fastest(part, given.amount) else Counter()


def overdose(world: World, rng: Random) -> Case | None:
    """One base unit more than the tolerance allows: above the ceiling where that is the limit."""
    for patient, given, _ in amounts(world, rng, judged=True):
        given.amount = given.most + 1
        return Case(patient, one(_off(given, given.amount), given.key))
    return None


def underdose(world: World, rng: Random) -> Case | None:
    """One base unit less than the tolerance allows."""
    for patient, given, _ in amounts(world, rng, judged=True):
        given.amount = given.least - 1
        return Case(patient, one(_off(given, given.amount), given.key))
    return None


def above_ceiling(world: World, rng: Random) -> Case | None:
    """One base unit more than the ceiling."""
    for patient, given, _ in amounts(world, rng, judged=True):
        if given.ceiling is not None:
            given.amount = given.ceiling + 1
            return Case(patient, one("above_ceiling", given.key))
    return None


def unit_slip(world: World, rng: Random) -> Case | None:
    """A million times the amount."""
    for patient, given, amount in amounts(world, rng, judged=True):
        given.amount = amount * 10**6
        return Case(patient, one("unit_doubtful", given.key))
    return None


def amount_zero(world: World, rng: Random) -> Case | None:
    """An amount of 0 and no status."""
    for patient, given, _ in amounts(world, rng, judged=False):
        given.amount = 0
        return Case(patient, one("amount_zero", given.key))
    return None


def weight_stale(world: World, rng: Random) -> Case | None:
    """The weighings before one dose, none of them due at a visit, moved back too far: all doses that rested on them."""
    patient, policy = world.live(), world.protocol.weight
    weighed = [d for d in patient.doses if d.weighed and d.line is not None and not d.line.course]
    if not weighed or policy is None or policy.within is None or policy.use != "latest":
        return None
    given, within = rng.choice(weighed), policy.within.days
    back = given.day - within - rng.randint(1, 4)
    grams = patient.weighings[given.day]
    if any(back <= day <= given.day for day in patient.weighed_for):
        return None
    for day in [d for d in patient.weighings if back <= d <= given.day]:
        del patient.weighings[day]
    patient.weighings[back] = grams
    expected: Counter[Found] = Counter()
    for dose in weighed:
        age = dose.day - max((d for d in patient.weighings if d <= dose.day), default=-NEVER)
        if age > within:
            expected += one("weight_stale" if age < NEVER // 2 else "weight", dose.key)
    return Case(patient, expected) if _same_weights(patient, weighed) else None


def _same_weights(patient: Patient, weighed: list[Given]) -> bool:
    """No dose lies outside its limits because it counts with another weight now."""
    return all(patient.weight_on(d.day) in (None, d.grams) for d in weighed)


def weight_missing(world: World, rng: Random) -> Case | None:
    """No weight on record at all, where no visit asks for one: asked once for every dose that counts by it."""
    patient = world.live()
    patient.weighings.clear()
    expected: Counter[Found] = Counter()
    for dose in patient.doses:
        course = dose.line is not None and dose.line.course
        if dose.weighed and not course:
            expected["weight", *dose.key] += 1
        elif dose.weighed:
            expected["weight", dose.key[0], None] = 1
    return Case(patient, expected) if expected and not patient.weighed_for else None
