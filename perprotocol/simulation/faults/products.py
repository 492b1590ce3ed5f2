"""What was given: another product or route, an expired or recalled lot, a bag that was somebody else's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from random import Random

from perprotocol.simulation.days import DAY, written
from perprotocol.simulation.faults.case import Case, World, counts_from, goes_with, one
from perprotocol.simulation.patient import Given, Patient, Row
from perprotocol.simulation.supply import PERCENT, product_of, result, volume, worth
from protocol.conditions import Compare, Inside, Recent
from protocol.model import Product
from protocol.quantity import Quantity


def supplied(world: World, rng: Random) -> Iterator[tuple[Patient, Given]]:
    """Doses of which the lot is on record."""
    patient = world.live()
    for key in world.doses(rng, first=True):
        given = patient.dose(key)
        if "lot" in given.more:
            yield patient, given


def wrong_route(world: World, rng: Random) -> Case | None:
    """A dose by another route than the protocol's."""
    patient = world.live()
    for key in world.doses(rng, first=True):
        given = patient.dose(key)
        route = given.line.treatment.route if given.line is not None else None
        if route is not None:
            given.more["route"] = "intravenous" if route == "oral" else "oral"
            return Case(patient, one("wrong_route", key))
    return None


def wrong_brand(world: World, rng: Random) -> Case | None:
    """A brand that is not the protocol's product; its amount is then not judged."""
    for patient, given in supplied(world, rng):
        if "brand" in given.more:
            given.more["brand"] = "Another Brand"
            return Case(patient, one("wrong_product", given.key))
    return None


def expired(world: World, rng: Random) -> Case | None:
    """A lot that expired on the day before."""
    for patient, given in supplied(world, rng):
        given.more["expires"] = written(given.day - rng.randint(1, 30))
        return Case(patient, one("product_expired", given.key))
    return None


def _fact(given: Given, measure: str, **more: object) -> Row:
    """Something known of the lot of a dose."""
    return {"lot": given.more["lot"], "measure": measure} | more


def recalled(world: World, rng: Random) -> Case | None:
    """A lot that had been recalled."""
    for patient, given in supplied(world, rng):
        patient.lots.append(_fact(given, "recall", known=given.at - rng.randint(1, 9) * DAY))
        return Case(patient, one("product_out_of_specification", given.key))
    return None


def recalled_later(world: World, rng: Random) -> Case | None:
    """A lot recalled some days after it was given."""
    for patient, given in supplied(world, rng):
        patient.lots.append(_fact(given, "recall", known=given.at + rng.randint(2, 20) * DAY))
        return Case(patient, one("product_failed_later", given.key))
    return None


def excursion_unassessed(world: World, rng: Random) -> Case | None:
    """A lot that had been too warm; whether that was acceptable nobody had said, or said it only afterwards."""
    for patient, given in supplied(world, rng):
        said = rng.choice(({}, {"value": "acceptable", "known": given.at + 3 * DAY}))
        patient.lots.append(_fact(given, "excursion", at=given.at - 5 * DAY, **said))
        return Case(patient, one("excursion_unassessed", given.key))
    return None


def excursion_rejected(world: World, rng: Random) -> Case | None:
    """A lot used although an excursion had been found not acceptable."""
    for patient, given in supplied(world, rng):
        said = {"value": "not acceptable", "known": given.at - 3 * DAY}
        patient.lots.append(_fact(given, "excursion", at=given.at - 5 * DAY, **said))
        return Case(patient, one("excursion_unacceptable", given.key))
    return None


def _required(world: World, given: Given) -> Product | None:
    assert given.line is not None
    return world.protocol.products.get(product_of(given.line.treatment, given.key[0], world.perfect.arm))


def off_specification(world: World, rng: Random) -> Case | None:
    """A product that does not fulfil one of its requirements when it is given."""
    for patient, given in supplied(world, rng):
        product = _required(world, given)
        if product is not None and product.requires:
            condition = rng.choice(product.requires)
            if isinstance(condition, Recent):
                most = condition.within.minutes or (condition.within.days + 1) * DAY
                given.more[condition.name] = (given.end or given.at) - most - rng.randint(1, 30)
            elif isinstance(condition, Compare | Inside):
                _worsen(patient, given, product, condition)
            return Case(patient, one("product_out_of_specification", given.key))
    return None


def _worsen(patient: Patient, given: Given, product: Product, condition: Compare | Inside) -> None:
    limit = condition.value if isinstance(condition, Compare) else None
    if isinstance(condition, Compare) and isinstance(limit, Quantity) and limit.dimension.endswith("/weight"):
        given.more["volume"] = str(volume(product, condition, given.grams, Fraction(11, 10)))
        return
    value, unit = worth(condition, right=False)
    if condition.name in PERCENT:
        given.more[condition.name] = value
        return
    for fact in patient.lots:
        if fact["lot"] == given.more["lot"] and fact["measure"] == condition.name:
            fact |= {"value": value, "unit": unit or None}


def failed_later(world: World, rng: Random) -> Case | None:
    """A result of a lot that fails its requirement, and is known only after the lot was given."""
    for patient, given in supplied(world, rng):
        product = _required(world, given)
        required = [c for c in product.requires if isinstance(c, Compare | Inside)] if product is not None else []
        tested = {fact["measure"] for fact in patient.lots if fact["lot"] == given.more["lot"]}
        of_lot = [condition for condition in required if condition.name in tested]
        if of_lot:
            condition = rng.choice(of_lot)
            late = result(given, condition.name, *worth(condition, right=False), given.at + 9 * DAY)
            patient.lots.append(late)
            return Case(patient, one("product_failed_later", given.key))
    return None


def _partners(world: World, rng: Random) -> Iterator[tuple[Patient, Given, Patient, Given]]:
    """Doses of a bag, each with the same dose of the next participant of the arm."""
    partner = world.partner()
    for patient, given in supplied(world, rng):
        theirs = next((d for d in partner.doses if d.key == given.key and not d.status), None)
        if theirs is not None and "bag" in given.more:
            yield patient, given, partner, theirs


def shared_bag(world: World, rng: Random) -> Case | None:
    """A bag on record of two participants, released for nobody; the question is put at the first of them."""
    for patient, given, partner, theirs in _partners(world, rng):
        bags = {given.more["bag"], theirs.more["bag"]}
        theirs.more |= {name: given.more[name] for name in ("lot", "bag")}
        given.more["expires"] = theirs.more["expires"] = written(max(given.day, theirs.day) + 90)
        for who in (patient, partner):
            who.lots = [fact for fact in who.lots if fact.get("bag") not in bags]
        return Case(patient, one("bag_of_several", given.key), ((partner, Counter()),))
    return None


def misfiled_bag(world: World, rng: Random) -> Case | None:
    """The dose of another participant, of a bag released for that one, on record of this one beside the own dose."""
    for patient, given, partner, theirs in _partners(world, rng):
        if any(goes_with(plan, theirs.key) or counts_from(plan, theirs.key) for plan in partner.planned.values()):
            continue
        partner.doses.remove(theirs)
        patient.doses.append(theirs)
        return Case(patient, one("bag_of_another", (given.key[0], None)), ((partner, Counter()),))
    return None
