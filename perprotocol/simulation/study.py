"""A synthetic study: perfect participants, some with one fault each, and the list of what was injected."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from random import Random

import polars as pl

from perprotocol.simulation.faults import KINDS, Case, World
from perprotocol.simulation.patient import Patient, Row
from perprotocol.simulation.people import Cast, subject
from perprotocol.simulation.tables import frames_of, tables_of
from protocol import Fault, Protocol, StudyError

TRIES = 80
"""Participants looked at for room for one fault."""
KEPT = 500
"""Participants kept in mind while others are looked at."""
INJECTED = {
    "subject": pl.String, "kind": pl.String, "code": pl.String, "activity": pl.String, "occurrence": pl.Int64,
    "follows": pl.Boolean,
}  # fmt: skip
"""What is listed of each fault: whom, of which kind, what must be found; `follows` marks its consequences."""


@dataclass(frozen=True)
class Simulated:
    """The tables of a study, what was injected, and kinds of fault for which the protocol leaves no room."""

    protocol: Protocol
    tables: dict[str, list[Row]]
    injected: pl.DataFrame
    no_room: Counter[str] = field(default_factory=Counter)

    @property
    def frames(self) -> dict[str, pl.DataFrame]:
        """The tables as frames."""
        return frames_of(self.tables)


def simulate(
    protocol: Protocol,
    n: int,
    seed: int = 1,
    faults: Mapping[str, int] | None = None,
    progress: Callable[[int, int], None] | None = None,
    first: int = 0,
) -> Simulated:
    """A study of n participants, so many of them with a fault of each kind; the same seed gives the same study.

    `first` is how many participants of the trial come before them.
    """
    wanted = dict(faults or {})
    _check(wanted, n)
    cast = Cast(protocol, seed)
    cases, no_room = _cases(cast, range(first, first + n), wanted)
    faulty = {patient.subject: patient for _, case in cases for patient, _ in case.everybody}
    patients: list[Patient] = []
    for done, i in enumerate(range(first, first + n), 1):
        patients.append(faulty.get(subject(i)) or cast.live(i))
        if progress is not None and done % 100 == 0:
            progress(done, n)
    return Simulated(protocol, tables_of(protocol, patients), _injected(cases), no_room)


def _check(wanted: Mapping[str, int], n: int) -> None:
    faults = [
        Fault("--faults", None, None, "", kind, "is no kind of fault", "write one of: " + ", ".join(KINDS))
        for kind in wanted
        if kind not in KINDS
    ]
    if sum(wanted.values()) > n:
        why = f"are more faults than the {n} participants: each has at most one"
        faults.append(Fault("--faults", None, None, "", str(sum(wanted.values())), why, "simulate more with -n"))
    if faults:
        raise StudyError(faults)


def _cases(
    cast: Cast, participants: Iterable[int], wanted: Mapping[str, int]
) -> tuple[list[tuple[str, Case]], Counter[str]]:
    """Participants with a fault, each of one kind; kinds for which no participant has room are counted."""
    rng = Random(cast.seed)
    free = {subject(i): i for i in participants}
    world = lru_cache(KEPT)(partial(World, cast))
    cases: list[tuple[str, Case]] = []
    no_room: Counter[str] = Counter()
    for kind, number in wanted.items():
        for _ in range(number):
            looked_at = rng.sample(list(free.values()), min(TRIES, len(free)))
            tried = (KINDS[kind].put(world(i), Random(rng.random())) for i in looked_at)
            found = next((case for case in tried if case is not None and _all_in(case, free)), None)
            if found is None:
                no_room[kind] = number - sum(k == kind for k, _ in cases)
                break
            for patient, _ in found.everybody:
                del free[patient.subject]
            cases.append((kind, found))
    return cases, no_room


def _all_in(case: Case, free: Mapping[str, int]) -> bool:
    """Whether everybody with a part in a fault is in the study, and in no other fault."""
    return all(patient.subject in free for patient, _ in case.everybody)


def _injected(cases: Iterable[tuple[str, Case]]) -> pl.DataFrame:
    rows = []
    for kind, case in cases:
        expected = [(patient, *found) for patient, all_of in case.everybody for found in all_of.items()]
        for place, (patient, (code, activity, occurrence), times) in enumerate(expected):
            row = (patient.subject, kind, code, activity, occurrence, place > 0)
            rows += [row] * times
    return pl.DataFrame(rows, schema=INJECTED, orient="row").sort("subject", maintain_order=True)
