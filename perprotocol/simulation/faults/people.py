"""Participants who should not have been enrolled, or not yet."""

from __future__ import annotations

from random import Random

from perprotocol.simulation.faults.case import Case, World, one


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
    return Case(patient, one("procedure_before_consent", ("procedure", None)))
