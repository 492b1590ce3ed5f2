"""One fault put into somebody who otherwise does as the protocol says, and all that an audit must then find.

Each function looks for room for its fault and returns None where the protocol leaves none. What must be found beside
the fault itself is worked out there and named in the function's docstring.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from functools import partial
from random import Random

from protocol.dosing import Dose
from protocol.quantity import Range
from tests.arithmetic import limits
from tests.simulate import Given, Patient, Planned, days
from tests.trials import INELIGIBLE
from tests.world import (
    Case,
    Fault,
    Found,
    World,
    counts_from,
    dose_of,
    following,
    goes_with,
    nearer_next,
    one,
    skippable,
    taken_before,
)


def _late(world: World, rng: Random, kind: str, code: str) -> Case | None:
    perfect, wait = world.live(), rng.randint(1, 3)
    for key in world.keys(kind, rng):
        plan = perfect.planned[key]
        day = plan.closes + days(wait)
        if plan.windowed and day < following(perfect, key) and not nearer_next(perfect, key, day):
            # Where only limits say when, the last day is the end of the longest interval.
            found = "interval_too_long" if kind == "doses" and plan.base is None else code
            return Case(world.live({key: lambda p: p.closes + days(wait)}), one(found, key))
    return None


def late(world: World, rng: Random) -> Case | None:
    """A dose after its window, and before the next one's."""
    return _late(world, rng, "doses", "dose_late")


def visit_late(world: World, rng: Random) -> Case | None:
    """A visit after its window."""
    return _late(world, rng, "visits", "visit_out_of_window")


def _early(world: World, rng: Random, kind: str, code: str) -> Case | None:
    perfect, ahead = world.live(), rng.randint(1, 3)
    for key in world.keys(kind, rng):
        plan = perfect.planned[key]
        day = plan.opens - days(ahead)
        if plan.windowed and day > taken_before(perfect, key) and day >= (plan.earliest or day):
            return Case(world.live({key: lambda p: p.opens - days(ahead)}), one(code, key))
    return None


def early(world: World, rng: Random) -> Case | None:
    """A dose before its window, yet not before its minimum interval."""
    return _early(world, rng, "doses", "dose_early")


def visit_early(world: World, rng: Random) -> Case | None:
    """A visit before its window."""
    return _early(world, rng, "visits", "visit_out_of_window")


def _before_earliest(plan: Planned, ahead: int) -> date:
    return (plan.earliest or plan.due) - days(ahead)


def too_soon(world: World, rng: Random) -> Case | None:
    """A dose inside its own window before the minimum interval; found as early too where it is before its window."""
    for key in world.keys("doses", rng):
        before = world.live().planned.get((key[0], key[1] - 1))
        plan = world.live().planned[key]
        if plan.earliest is None or before is None:
            continue
        push = {before.key: lambda p: p.closes}
        plan = world.live(push).planned[key]
        assert plan.earliest is not None
        patient = world.live(push | {key: partial(_before_earliest, ahead=rng.randint(1, 2))})
        expected = one("interval_too_short", key)
        if plan.grid_opens > plan.earliest:
            expected += one("dose_early", key)
        return Case(patient, expected)
    return None


def missed(world: World, rng: Random) -> Case | None:
    """A dose recorded as not given on its due day; what is given before each dose is not given then either."""
    perfect = world.live()
    for key in world.keys("doses", rng):
        plan = perfect.planned[key]
        if plan.part.missed == "skip" and plan.base:
            with_it = [k for k, p in perfect.planned.items() if p.part.due and goes_with(p, key)]
            patient = world.live({k: lambda p: None for k in (key, *with_it)})
            patient.doses.append(Given(key, patient.planned[key].due, None, status="not given"))
            return Case(patient, one("dose_not_given", key))
    return None


def no_record(world: World, rng: Random) -> Case | None:
    """A dose of which nothing is recorded."""
    perfect = world.live()
    for key in world.keys("doses", rng):
        if skippable(perfect.planned[key], (key[0], key[1] + 1) not in perfect.planned):
            return Case(world.live({key: lambda p: None}), one("dose_no_record", key))
    return None


def visit_missed(world: World, rng: Random) -> Case | None:
    """A visit recorded as not done on its due day."""
    for key in world.keys("visits", rng):
        patient = world.live({key: lambda p: None})
        patient.visits[key] = patient.planned[key].due, "not done"
        return Case(patient, one("visit_missed", key))
    return None


def visit_no_record(world: World, rng: Random) -> Case | None:
    """A visit of which nothing is recorded."""
    for key in world.keys("visits", rng):
        return Case(world.live({key: lambda p: None}), one("visit_no_record", key))
    return None


def _amounts(world: World, rng: Random, *, judged: bool) -> Iterator[tuple[Patient, Given, Dose]]:
    """Doses whose amount may be changed; `judged`: only those that have limits."""
    patient = world.live()
    for key in world.keys("doses", rng, first=True):
        given = patient.dose(key)
        if given.amount is None:
            continue
        dose = dose_of(patient.planned[key])
        if not judged or dose.tolerance or isinstance(dose.amount, Range):
            yield patient, given, dose


def _above(dose: Dose, amount: int) -> str:
    return "above_ceiling" if dose.max and amount > dose.max.base else "overdose"


def tenfold(world: World, rng: Random) -> Case | None:
    """Ten times the amount: over, or above the ceiling where there is one."""
    for patient, given, dose in _amounts(world, rng, judged=False):
        given.amount = (given.amount or 0) * 10
        return Case(patient, one(_above(dose, given.amount), given.key))
    return None


def over(world: World, rng: Random) -> Case | None:
    """One base unit more than the tolerance allows: above the ceiling where that is the limit."""
    for patient, given, dose in _amounts(world, rng, judged=True):
        given.amount = limits(dose, patient.grams, 1100)[1] + 1
        return Case(patient, one(_above(dose, given.amount), given.key))
    return None


def under(world: World, rng: Random) -> Case | None:
    """One base unit less than the tolerance allows."""
    for patient, given, dose in _amounts(world, rng, judged=True):
        given.amount = limits(dose, patient.grams, 1100)[0] - 1
        return Case(patient, one("underdose", given.key))
    return None


def above_ceiling(world: World, rng: Random) -> Case | None:
    """One base unit more than the ceiling."""
    for patient, given, dose in _amounts(world, rng, judged=True):
        if dose.max:
            given.amount = int(dose.max.base) + 1
            return Case(patient, one("above_ceiling", given.key))
    return None


def wrong_unit(world: World, rng: Random) -> Case | None:
    """A million times the amount."""
    for patient, given, _ in _amounts(world, rng, judged=True):
        given.amount = (given.amount or 0) * 10**6
        return Case(patient, one("unit_doubtful", given.key))
    return None


def zero(world: World, rng: Random) -> Case | None:
    """An amount of 0 and no status."""
    for patient, given, _ in _amounts(world, rng, judged=False):
        given.amount = 0
        return Case(patient, one("amount_zero", given.key))
    return None


def stale_weight(world: World, rng: Random) -> Case | None:
    """The weighing of one dose moved back too far; doses that rested on it too, or on none, are named as well."""
    patient, policy = world.live(), world.protocol.weight
    weighed = [d for d in patient.doses if d.weight]
    if not weighed or not policy or not policy.within or policy.use != "latest":
        return None
    given = rng.choice(weighed)
    back = given.day - days(policy.within.days + rng.randint(1, 4))
    for day in [d for d in patient.weighings if back <= d <= given.day]:
        del patient.weighings[day]
    patient.weighings[back] = patient.grams
    expected: Counter[Found] = Counter()
    for dose in weighed:
        age = (dose.day - max((d for d in patient.weighings if d <= dose.day), default=date.min)).days
        if age > policy.within.days:
            expected += one("weight_stale" if age < 10**5 else "weight", dose.key)
    return Case(patient, expected)


def no_weight(world: World, rng: Random) -> Case | None:
    """No weight on record at all: asked once for every dose that counts by it."""
    patient = world.live()
    patient.weighings.clear()
    expected: Counter[Found] = Counter(("weight", *d.key) for d in patient.doses if d.weight)
    expected.update(("weight", row["treatment"], None) for row in patient.courses if "amount" in row)
    return Case(patient, expected) if expected else None


def wrong_arm(world: World, rng: Random) -> Case | None:
    """A dose of a treatment that only other arms get."""
    patient = world.live()
    for name, treatment in world.protocol.treatments.items():
        arms = {arm for part in treatment.parts() for arm in part.arm}
        if arms and world.arm not in arms:
            patient.doses.append(Given((name, 1), patient.zero + days(30), None))
            return Case(patient, one("wrong_treatment", (name, None)))
    return None


def extra(world: World, rng: Random) -> Case | None:
    """A dose long after the last one."""
    patient = world.live()
    given = max(patient.doses, key=lambda d: (d.day, d.key))
    last = max(d.key[1] for d in patient.doses if d.key[0] == given.key[0])
    patient.labelled = False
    more = replace(given, key=(given.key[0], last + 1), day=given.day + days(200))
    patient.doses.append(more)
    return Case(patient, one("unplanned_dose", (given.key[0], None)))


def duplicate(world: World, rng: Random) -> Case | None:
    """The same dose entered twice."""
    patient = world.live()
    given = rng.choice([d for d in patient.doses if d.amount is not None])
    patient.doses.append(replace(given))
    return Case(patient, one("duplicate_record", (given.key[0], None)))


def on_hold(world: World, rng: Random) -> Case | None:
    """A hold over one dose; other doses of the treatment inside it are found as well."""
    patient = world.live()
    given = rng.choice(patient.doses)
    start, end = given.day - days(rng.randint(1, 3)), given.day + days(rng.randint(0, 3))
    patient.events.append({"event": "hold", "start": start, "end": end, "detail": given.key[0]})
    held = [d for d in patient.doses if d.key[0] == given.key[0] and start < d.day <= end]
    return Case(patient, Counter(("dose_during_hold", *d.key) for d in held))


def after_stop(world: World, rng: Random) -> Case | None:
    """A dose after the day on which all treatment was discontinued; no other is given from then on."""
    perfect = world.live()
    planned = perfect.planned
    for key in world.keys("doses", rng):
        given = perfect.dose(key)
        for before in range(1, 4):
            end = given.day - days(before)
            left = [d for d in perfect.doses if d.day > end and d.key != key]
            waited = any(planned[d.key].due <= end or (d.key[0] == key[0] and d.key < key) for d in left)
            undone = [d.key for d in left] + [k for k in planned if k[0] == key[0] and k >= key]
            if waited or any(counts_from(plan, k) for plan in planned.values() for k in undone):
                continue
            patient = world.live({d.key: lambda p: None for d in left})
            if patient.dose(key).day != given.day:
                continue
            patient.milestones.append(("discontinuation", end))
            patient.courses = [course | {"end": end} for course in patient.courses if end >= patient.zero]
            plan = patient.planned[key]
            on_grid = plan.part.late == "keep" and plan.part.missed == "skip" and plan.base
            placed = key[1] if (plan.grid_opens if on_grid else plan.opens) <= end else None
            return Case(patient, one("dose_after_stop", (key[0], placed)))
    return None


def ineligible(world: World, rng: Random) -> Case | None:
    """A value that keeps people out."""
    if world.name not in INELIGIBLE or not world.judged:
        return None
    measure, value, criterion = rng.choice(INELIGIBLE[world.name])
    patient = world.live()
    patient.observations = [(m, value if m == measure else v, u, at) for m, v, u, at in patient.observations]
    return Case(patient, one("criterion_not_met", (criterion, None)))


def before_consent(world: World, rng: Random) -> Case | None:
    """Consent on the day after the first procedure."""
    patient = world.live()
    if not world.judged:
        return None
    first = min([d.day for d in patient.doses] + [day for day, _ in patient.visits.values()])
    patient.consent = first + days(1)
    return Case(patient, one("procedure_before_consent", ("procedure", None)))


FAULTS: tuple[Fault, ...] = (
    late,
    early,
    too_soon,
    missed,
    no_record,
    visit_late,
    visit_early,
    visit_missed,
    visit_no_record,
    tenfold,
    over,
    under,
    above_ceiling,
    wrong_unit,
    zero,
    stale_weight,
    no_weight,
    wrong_arm,
    extra,
    duplicate,
    on_hold,
    after_stop,
    ineligible,
    before_consent,
)
"""Every kind of fault."""
