"""Medication taken beside the treatments of the trial."""

from __future__ import annotations

from random import Random

from perprotocol.simulation.days import DAY
from perprotocol.simulation.faults.case import Case, World, one
from perprotocol.simulation.patient import Patient
from protocol.timing import Moment


def _takes(patient: Patient, what: str, day: int) -> None:
    patient.events.append(
        {"event": "concomitant medication", "start": day * DAY, "end": (day + 1) * DAY, "detail": what}
    )


def _from_zero(moment: Moment | None) -> bool:
    """Whether a prohibition begins with day zero, or at once."""
    anchors = [i.anchor for i in moment.alternatives] if moment is not None else []
    return all(a is not None and a.name == "day-zero" for a in anchors)


def prohibited_medication(world: World, rng: Random) -> Case | None:
    """A drug that the protocol prohibits, a day or two after day zero."""
    patient = world.live()
    stated = [(name, p) for name, p in world.protocol.prohibited.items() if _from_zero(p.from_) and p.terms]
    if not stated or patient.events:
        return None
    name, prohibited = rng.choice(stated)
    _takes(patient, rng.choice(prohibited.terms), patient.zero + rng.randint(1, 2))
    return Case(patient, one("prohibited_medication", (name, None)))


def non_trial_treatment(world: World, rng: Random) -> Case | None:
    """A treatment that only another arm gets, taken outside of the trial."""
    patient = world.live()
    treatments = world.protocol.treatments
    arms = {name: {arm for part in t.parts() for arm in part.arm} for name, t in treatments.items()}
    products = [str(t.product or name) for name, t in treatments.items()]
    others = [
        name
        for name, t in treatments.items()
        if arms[name] and patient.arm not in arms[name] and products.count(str(t.product or name)) == 1
    ]
    if not others or patient.events:
        return None
    name = rng.choice(others)
    _takes(patient, name, patient.zero + rng.randint(1, 9))
    return Case(patient, one("non_trial_treatment", (name, None)))
