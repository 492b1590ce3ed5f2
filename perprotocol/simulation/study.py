"""A synthetic study: perfect participants, some with one fault each, and the list of what was injected."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random

import polars as pl

from perprotocol.simulation.faults import KINDS, Case, World
from perprotocol.simulation.patient import Patient, Row
from perprotocol.simulation.people import Cast
from perprotocol.simulation.tables import frames_of, tables_of
from protocol import Fault, Protocol, StudyError

TRIES = 80
"""Participants looked at for room for one fault."""
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
) -> Simulated:
    """A study of n participants, so many of them with a fault of each kind; the same seed gives the same study."""
    wanted = dict(faults or {})
    _check(wanted, n)
    cast = Cast(protocol, seed)
    cases, no_room = _cases(cast, n, wanted)
    patients: list[Patient] = []
    for i in range(n):
        patients.append(cases[i][1].patient if i in cases else cast.live(i))
        if progress is not None and i % 100 == 99:
            progress(i + 1, n)
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


def _cases(cast: Cast, n: int, wanted: Mapping[str, int]) -> tuple[dict[int, tuple[str, Case]], Counter[str]]:
    """Participants with a fault, each of one kind; kinds for which no participant has room are counted."""
    rng = Random(cast.seed)
    free = list(range(n))
    rng.shuffle(free)
    cases: dict[int, tuple[str, Case]] = {}
    no_room: Counter[str] = Counter()
    for kind, number in wanted.items():
        for _ in range(number):
            found = next(
                ((i, c) for i in free[:TRIES] if (c := KINDS[kind].put(World(cast, i), Random(rng.random())))), None
            )
            if found is None:
                no_room[kind] = number - sum(k == kind for k, _ in cases.values())
                break
            free.remove(found[0])
            cases[found[0]] = kind, found[1]
    return cases, no_room


def _injected(cases: Mapping[int, tuple[str, Case]]) -> pl.DataFrame:
    rows = []
    for i in sorted(cases):
        kind, case = cases[i]
        for place, ((code, activity, occurrence), times) in enumerate(case.expected.items()):
            row = (case.patient.subject, kind, code, activity, occurrence, place > 0)
            rows += [row] * times
    return pl.DataFrame(rows, schema=INJECTED, orient="row")
