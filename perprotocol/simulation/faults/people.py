"""Participants who should not have been enrolled, or not yet, and who stayed away."""

from __future__ import annotations

from collections import Counter
from random import Random

from perprotocol.simulation.days import DAY
from perprotocol.simulation.faults.case import Case, Found, World, one
from perprotocol.simulation.patient import Patient
from perprotocol.simulation.tables import own_from


def ineligible(world: World, rng: Random) -> Case | None:
    """Values that keep people out, by one criterion."""
    failing = world.cast.story.ineligible
    if not failing or not world.judged:
        return None
    criterion, shown = rng.choice(failing)
    patient = world.live()
    for seen in patient.seen:
        if seen.at // 1440 <= patient.enrolled and seen.measure in shown:
            seen.value = str(shown[seen.measure])
    return Case(patient, one("criterion_not_met", (criterion, None)))


def before_consent(world: World, rng: Random) -> Case | None:
    """Consent on the day after the first procedure."""
    patient = world.live()
    days = [d.day for d in patient.doses] + [at // 1440 for at, _ in patient.visits.values()]
    if not world.judged or not days:
        return None
    first = min(days)
    patient.consent = first + 1
    own = sum(day <= first for day in own_from(world.protocol, patient))
    follows: Counter[Found] = Counter({("own_consent_missing", "own", None): own} if own else {})
    return Case(patient, one("procedure_before_consent", ("procedure", None)) + follows)


def unsigned(world: World, rng: Random) -> Case | None:
    """Somebody old enough to sign for whom the guardian alone signed."""
    patient = world.live()
    done = [d.day for d in patient.doses if not d.status] + [at // DAY for at, _ in patient.visits.values()]
    old = [day for day in own_from(world.protocol, patient) if day <= max(done, default=-1)]
    if not old or not world.judged:
        return None
    patient.signs = False
    return Case(patient, Counter({("own_consent_missing", "own", None): len(old)}))


def lost(world: World, rng: Random) -> Case | None:
    """Somebody of whom nothing is recorded from a day on, and who was declared lost when much had been due."""
    perfect = world.perfect
    apart = any(d.status or d.change or (d.line is not None and d.line.course) for d in perfect.doses)
    if not world.judged or apart or perfect.events or any(name != "randomised" for name, _ in perfect.milestones):
        return None
    done = {d.key: d.day for d in perfect.doses} | {key: at // DAY for key, (at, _) in perfect.visits.items()}
    done = {key: day for key, day in done.items() if key in perfect.planned}
    days = sorted({day for day in done.values() if day > perfect.zero})
    rng.shuffle(days)
    for last in days:
        due = [key for key, day in done.items() if day > last and perfect.planned[key].due > last]
        begun = all(day <= last for key, day in done.items() if perfect.planned[key].due <= last)
        if due and begun:
            patient = world.live()
            _forget(patient, last)
            declared = max(perfect.planned[key].due for key in due) + rng.randint(1, 30)
            patient.milestones.append(("lost-to-follow-up", declared * DAY + 600))
            return Case(patient, one("lost_to_follow_up", ("lost", None)))
    return None


def _forget(patient: Patient, last: int) -> None:
    """Nothing is on record after that day."""
    patient.doses = [d for d in patient.doses if d.day <= last]
    patient.visits = {key: (at, status) for key, (at, status) in patient.visits.items() if at // DAY <= last}
    patient.seen = [s for s in patient.seen if s.at // DAY <= last]
    patient.weighings = {day: grams for day, grams in patient.weighings.items() if day <= last}
