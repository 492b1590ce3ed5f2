"""How a dose was given: too fast or too slow, out of order, without what must come before it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container
from dataclasses import replace
from decimal import Decimal
from random import Random

from perprotocol.simulation.days import DAY
from perprotocol.simulation.dosed import fastest
from perprotocol.simulation.faults.case import Case, Found, World, one
from perprotocol.simulation.patient import Given, Patient
from perprotocol.simulation.shown import names
from perprotocol.simulation.supply import product_of
from protocol.activities import Part
from protocol.conditions import Compare, Recent, Words


def _least(part: Part, given: Given) -> int | None:
    """The fewest minutes in which a dose may run; of a single stated time half of it."""
    if part.rate and given.amount:
        return fastest(part, given.amount) - 2
    if part.over is not None:
        low, high = part.over.low.minutes, part.over.high.minutes
        return low if low < high else -(-low // 2)
    return None


def _timed(world: World, key: tuple[str, int | None]) -> bool:
    """Something counts from the end of a dose."""
    lines = world.cast.scripts[world.perfect.arm].lines
    anchors = [s.anchor for line in lines if line.kind != "assessment" for starts in line.starts for s in starts]
    return any(anchor.edge == "end" and anchor.name == key[0] for anchor in anchors)


def infusion_fast(world: World, rng: Random) -> Case | None:
    """An infusion that ran for some minutes less than it must."""
    patient = world.live()
    for key in world.doses(rng, first=True):
        given = patient.dose(key)
        least = _least(given.line.treatment, given) if given.line is not None else None
        if least is not None and least > 2 and not _timed(world, key):
            given.end = given.at + rng.randint(max(1, least // 2), least - 1)
            return Case(patient, one("infusion_too_fast", key))
    return None


def infusion_slow(world: World, rng: Random) -> Case | None:
    """An infusion that ran for longer than it may."""
    patient = world.live()
    for key in world.doses(rng, first=True):
        given = patient.dose(key)
        over = given.line.treatment.over if given.line is not None else None
        if over is not None and not _timed(world, key) and not _followed(patient, given):
            low, high = over.low.minutes, over.high.minutes
            end = given.at + (high if low < high else 2 * high) + rng.randint(1, 60)
            if end // DAY == (given.end or given.at) // DAY:
                given.end = end
                return Case(patient, one("infusion_too_slow", key) + _too_old(world, given))
    return None


def infusion_interrupted(world: World, rng: Random) -> Case | None:
    """An infusion that stood still for longer than it may, and went on with the same bag."""
    patient = world.live()
    for key in world.doses(rng, first=True):
        given = patient.dose(key)
        stated = given.line.treatment.interruption if given.line is not None else None
        if stated is None or stated.longest is None or given.end is None or given.end - given.at < 2:
            continue
        stops, still = given.at + rng.randint(1, given.end - given.at - 1), stated.longest.minutes + rng.randint(1, 30)
        end = given.end + still
        if "bag" not in given.more or _timed(world, key) or _followed(patient, given) or end // DAY != given.day:
            continue
        amount, volume = given.amount, given.more.get("volume")
        half = {"volume": str(Decimal(str(volume)) / 2)} if volume is not None else {}
        given.more |= half
        rest = replace(given, at=stops + still, end=end, amount=amount // 2 if amount is not None else None)
        given.end, given.amount = stops, amount - amount // 2 if amount is not None else None
        patient.doses.append(rest)
        return Case(patient, one("infusion_interrupted", key) + _too_old(world, rest))
    return None


def _too_old(world: World, given: Given) -> Counter[Found]:
    """What follows where a product that was thawed in time is no longer so at the end."""
    assert given.line is not None and given.end is not None
    product = world.protocol.products.get(product_of(given.line.treatment, given.key[0], world.perfect.arm))
    for condition in product.requires if product is not None else ():
        began = given.more.get(condition.name) if isinstance(condition, Recent) else None
        most = condition.within.minutes or condition.within.days * DAY if isinstance(condition, Recent) else 0
        if isinstance(began, int) and given.end - began > most:
            return one("product_out_of_specification", given.key)
    return Counter()


def _followed(patient: Patient, given: Given) -> list[Given]:
    """Doses of the day that must come after one."""
    names = {given.key[0], product_of(given.line.treatment, given.key[0], patient.arm)} if given.line else set()
    same_day = [d for d in patient.doses if d.line is not None and d.day == given.day and not d.status]
    return [d for d in same_day if d.line is not None and names & set(d.line.treatment.after)]


def order_reversed(world: World, rng: Random) -> Case | None:
    """What must come first on a day begins after what follows it."""
    patient = world.live()
    for key in world.doses(rng, first=True):
        given = patient.dose(key)
        after = [d for d in _followed(patient, given) if d.line is not None and not d.line.course]
        if not after or world.perfect.planned[key].at is not None or _timed(world, key):
            continue
        lasts = (given.end or given.at) - given.at
        begins = max(d.at for d in after) + 10
        if (begins + lasts) // DAY != given.day:
            continue
        given.at, given.end = begins, begins + lasts
        expected: Counter[Found] = Counter()
        for dose in after:
            expected += one("order_reversed", dose.key)
        return Case(patient, expected)
    return None


def unprepared(world: World, rng: Random) -> Case | None:
    """What a dose requires was shown not to be so before it; found at every dose that rests on that."""
    patient = world.live()
    for key in world.doses(rng, first=True):
        given = patient.dose(key)
        for condition in given.line.treatment.requires if given.line is not None else ():
            if not isinstance(condition, Compare) or not isinstance(condition.value, Words):
                continue
            values = sorted((s for s in patient.seen if s.measure == condition.name), key=lambda s: s.at)
            shown = next((s for s in reversed(values) if s.at <= given.at), None)
            other = [w for w in world.protocol.measures[condition.name].values if w not in condition.value.words]
            if shown is None or not other or condition.name in _read_elsewhere(world):
                continue
            later = next((s.at for s in values if s.at > shown.at), 1 << 40)
            shown.value = rng.choice(other)
            resting = [d for d in patient.doses if d.line is not None and condition in d.line.treatment.requires]
            expected: Counter[Found] = Counter()
            for dose in resting:
                if shown.at <= dose.at < later and not dose.status:
                    expected += one("prerequisite_missing", dose.key)
            return Case(patient, expected)
    return None


def _read_elsewhere(world: World) -> frozenset[str]:
    """Measures that decide more than what a dose requires: who may take part, and what changes the treatment."""
    protocol = world.protocol
    conditions = [c for m in protocol.modifications.values() for c in (*m.if_, *m.until)]
    for criteria in (protocol.eligibility.include, protocol.eligibility.exclude):
        conditions += [criterion.condition for criterion in criteria.values()]
    parts = [part for treatment in protocol.treatments.values() for part in treatment.parts()]
    return names(protocol, [*conditions, *(c for part in parts for c in (*part.if_, *part.may_if))])


def as_medication(world: World, rng: Random) -> Case | None:
    """What accompanies the doses of another drug stands on record as one medication over their days, without hours."""
    patient = world.live()
    drugs, script = world.protocol.treatments, world.cast.scripts[patient.arm]
    lines = [line for line in script.lines if line.kind == "treatment" and _accompanies(line.part, drugs)]
    rng.shuffle(lines)
    for line in lines:
        mine = [d for d in patient.doses if d.key[0] == line.activity and not d.status]
        if not mine or patient.events:
            continue
        for dose in mine:
            patient.doses.remove(dose)
        first, last = min(d.day for d in mine), max(d.day for d in mine)
        patient.events.append({"event": "concomitant medication", "start": first * DAY, "end": (last + 1) * DAY - 1,
                               "detail": line.activity})  # fmt: skip
        return Case(patient, one("hour", (line.activity, 1)))
    return None


def _accompanies(part: object, treatments: Container[str | None]) -> bool:
    assert isinstance(part, Part)
    anchors = [i.anchor for moment in part.due for i in moment.alternatives if i.anchor is not None]
    return any(anchor.which == "each" and anchor.name in treatments for anchor in anchors)


def misnumbered(world: World, rng: Random) -> Case | None:
    """A dose that bears the number of the first one."""
    patient = world.live()
    patient.labelled = True
    for key in world.doses(rng):
        if key[1] > 2 and key[0] not in patient.numbered:
            patient.dose(key).more["occurrence"] = 1
            return Case(patient, one("out_of_order", key))
    return None
