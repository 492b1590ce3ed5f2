"""Doses that should not be there, and days on which none should be given."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random

from perprotocol.simulation.days import DAY, written
from perprotocol.simulation.faults.case import Case, World, counts_from, lapsed, one
from perprotocol.simulation.faults.timing import closing, stays
from perprotocol.simulation.patient import Given, Patient, Planned, Row
from perprotocol.simulation.shown import names


def wrong_arm(world: World, rng: Random) -> Case | None:
    """A dose of a treatment whose product only other arms get."""
    patient = world.live()
    mine = {str(line.treatment.product or line.activity) for line in world.cast.scripts[patient.arm].lines
            if line.kind == "treatment"}  # fmt: skip
    for name, treatment in world.protocol.treatments.items():
        arms = {arm for part in treatment.parts() for arm in part.arm}
        if (
            arms
            and patient.arm not in arms
            and str(treatment.product or name) not in mine
            and stays(world, patient.zero + 31)
        ):
            patient.doses.append(Given((name, 1), (patient.zero + 30) * DAY + 600))
            return Case(patient, one("wrong_treatment", (name, None)))
    return None


def unplanned(world: World, rng: Random) -> Case | None:
    """A dose long after the last one."""
    patient = world.live()
    doses = [d for d in patient.doses if d.line is not None and not d.line.course and not d.status]
    if not doses or patient.events:
        return None
    given = max(doses, key=lambda d: (d.at, d.key))
    if not stays(world, given.day + 201) or given.line is None or given.line.part.in_ is not None:
        return None
    if _perhaps_allowed(world, given.key[0]):
        return None
    follows = lapsed(patient, _again(patient, given, 200), (given.key[0], None))
    return Case(patient, one("unplanned_dose", (given.key[0], None)) + follows)


def _perhaps_allowed(world: World, activity: str) -> bool:
    """Whether an optional dose that was not taken may be the one more: what would allow it is not on record."""
    seen = {s.measure for s in world.perfect.seen}
    lines = world.cast.scripts[world.perfect.arm].of(activity)
    return any(names(world.protocol, line.part.may_if) - seen for line in lines)


def _later(given: Given, days: int) -> Row:
    """What stands beside a dose, so many days later, without its number."""
    more = {k: v + days * DAY if isinstance(v, int) else v for k, v in given.more.items()}
    if "expires" in more:
        more["expires"] = written(given.day + 2 * days)
    return more | {"occurrence": None}


def duplicate(world: World, rng: Random) -> Case | None:
    """The same dose entered twice."""
    patient = world.live()
    doses = [d for d in patient.doses if d.amount and d.line is not None and not d.line.course]
    if not doses:
        return None
    given = rng.choice(doses)
    patient.doses.append(replace(given))
    return Case(patient, one("duplicate_record", (given.key[0], None)))


def hold(world: World, rng: Random) -> Case | None:
    """A hold over one dose; other doses of the treatment inside it are found as well."""
    patient = world.live()
    doses = [d for d in patient.doses if d.line is not None and not d.line.course and not d.status]
    if not doses:
        return None
    given = rng.choice(doses)
    start, end = given.day - rng.randint(1, 3), given.day + rng.randint(0, 3)
    patient.events.append(
        {"event": "hold", "start": start * DAY + 360, "end": (end + 1) * DAY - 1, "detail": given.key[0]}
    )
    held = [d for d in doses if d.key[0] == given.key[0] and start <= d.day <= end]
    return Case(patient, Counter(("dose_during_hold", *d.key) for d in held))


def hold_left_open(world: World, rng: Random) -> Case | None:
    """A hold without an end before the last dose of a treatment."""
    patient = world.live()
    doses = [d for d in patient.doses if d.line is not None and not d.line.course and not d.status]
    if not doses or patient.events:
        return None
    given = max((d for d in doses if d.key[0] == rng.choice(doses).key[0]), key=lambda d: d.at, default=None)
    if given is None:
        return None
    start = given.day - rng.randint(1, 3)
    patient.events.append({"event": "hold", "start": start * DAY + 360, "end": None, "detail": given.key[0]})
    return Case(patient, one("hold_not_closed", ("hold", None)))


def crowded(world: World, rng: Random) -> Case | None:
    """A dose more between two others, so that too many lie in a span of days; found at those that come too soon."""
    for key in world.doses(rng):
        quotas = [q for q in world.protocol.treatments[key[0]].at_most if q.of == "doses" and not q.span.clock]
        following = key[0], key[1] + 1
        if not quotas or following not in world.perfect.planned:
            continue
        patient = world.live({key: closing, following: _opening})
        given = patient.dose(key)
        after = next((d for d in patient.doses if d.key == following and not d.status), None)
        if after is None or after.day - given.day < 4 or patient.events:
            continue
        days = rng.randint(1, (after.day - given.day - 1) // 2)
        extra = _again(patient, given, days)
        expected = one("unplanned_dose", (key[0], None))
        mine = [d for d in patient.doses if d.key[0] == key[0] and not d.status]
        for dose in mine:
            if any(sum(0 <= dose.day - d.day < q.span.days for d in mine) > q.count for q in quotas):
                expected += one("too_many_in_span", (key[0], None) if dose is extra else dose.key)
        if any(code == "too_many_in_span" for code, _, _ in expected):
            return Case(patient, expected + lapsed(patient, extra, (key[0], None)))
    return None


def _opening(plan: Planned) -> int:
    return plan.on(plan.opens)


def _again(patient: Patient, given: Given, days: int) -> Given:
    """The same dose once more, so many days later."""
    patient.labelled = False
    lasts = (given.end or given.at) - given.at
    at = given.at + days * DAY
    extra = replace(given, key=(given.key[0], 99), at=at, end=at + lasts, more=_later(given, days))
    patient.doses.append(extra)
    if given.weighed and not patient.baseline:
        patient.weighings[given.day + days] = given.grams
    return extra


def uncounted(world: World, rng: Random) -> Case | None:
    """A dose more, so soon after another that it does not count: the next one is still due, and counts from it."""
    patient = world.live()
    for key in world.doses(rng, first=True):
        given, after = patient.dose(key), patient.planned.get((key[0], key[1] + 1))
        if after is None or after.line is not given.line or patient.events:
            continue
        limit = next((x for x in after.line.part.limits if x.from_.previous and x.valid_from and x.opens), None)
        if limit is None or limit.valid_from is None or limit.opens is None:
            continue
        later = patient.dose(after.key)
        most = min(limit.valid_from.days - 1, later.day - limit.opens.days - given.day)
        if most < 1:
            continue
        _again(patient, given, rng.randint(1, most))
        return Case(patient, one("dose_not_counted", (key[0], None)))
    return None


def _nothing(plan: Planned) -> None:
    return None


def after_stop(world: World, rng: Random) -> Case | None:
    """A dose after the day on which all treatment was discontinued; no other is given from then on."""
    perfect = world.perfect
    planned = perfect.planned
    if (
        perfect.milestones
        or perfect.events
        or any(d.line is not None and d.line.course for d in perfect.doses)
        or world.protocol.cycles
    ):
        return None
    for key in world.doses(rng):
        given = perfect.dose(key)
        if key not in planned or planned[key].at is not None:
            continue
        for before in range(1, 4):
            end = given.day - before
            left = [d for d in perfect.doses if d.day > end and d.key != key]
            waited = any(planned[d.key].due <= end or (d.key[0] == key[0] and d.key < key) for d in left)
            undone = [d.key for d in left] + [k for k in planned if k[0] == key[0] and k >= key]
            if waited or any(counts_from(plan, k) for plan in planned.values() for k in undone):
                continue
            patient = world.live({d.key: _nothing for d in left})
            if patient.dose(key).day != given.day or len(patient.doses) != len(perfect.doses) - len(left):
                continue
            patient.milestones.append(("discontinuation", end * DAY + 540))
            plan = patient.planned[key]
            on_grid = plan.line.part.late == "keep" and plan.line.part.missed == "skip" and plan.base is not None
            placed = key[1] if (plan.grid_opens if on_grid else plan.opens) <= end else None
            return Case(patient, one("dose_after_stop", (key[0], placed)))
    return None
