"""What has been read so far: rows of the tables of a study folder, people and medications still by their references."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import polars as pl

from perprotocol.formats.fhir.codes import OURS
from perprotocol.formats.fhir.reading.elements import Clock, Concept, Elements
from perprotocol.formats.fhir.reading.naming import Ambiguous, Name, Names
from perprotocol.formats.fhir.reading.source import Resource
from protocol.errors import Fault
from rules.door.tables import SCHEMAS

_BATCH = 20_000
"""Rows kept as maps before they become columns, which take a twentieth of the room."""

_NOBODY = (
    "Group/",
    "Device/",
    "Location/",
    "Organization/",
    "Procedure/",
    "Practitioner/",
    "Medication/",
    "Substance/",
)
"""What else may be the subject of a record."""
ABOUT = ("person", "path", "place")
"""What rows have beside the cells of their table: whom they are about, and where they stand."""
_OF_DOSES = ("medication", "start", "end", "status", "lot", "expires", "record", "source")


@dataclass
class Rows:
    """Rows of one table as columns of text; `always` are columns that are there though nobody filled them."""

    table: str
    always: tuple[str, ...]
    _parts: list[pl.DataFrame] = field(default_factory=list)
    _rows: list[Mapping[str, str | None]] = field(default_factory=list)

    def add(self, row: Mapping[str, str | None]) -> None:
        """One more row."""
        self._rows.append(row)
        if len(self._rows) >= _BATCH:
            self._pack()

    def frame(self) -> pl.DataFrame:
        """All rows, in the order in which they came; of the columns of the table those that somebody filled."""
        self._pack()
        needed = dict.fromkeys((*self.always, *SCHEMAS[self.table].required), pl.String())
        return pl.concat([pl.DataFrame(schema=needed), *self._parts], how="diagonal")

    def _pack(self) -> None:
        known = (*self.always, *SCHEMAS[self.table].names)
        filled = {name for row in self._rows for name, cell in row.items() if cell is not None}
        schema = {name: pl.String() for name in dict.fromkeys(known) if name in filled}
        self._parts.append(pl.DataFrame(self._rows, schema=schema))
        self._rows = []


@dataclass(frozen=True)
class Medication:
    """A Medication: what it is, and the lot it is from."""

    concept: Concept
    lot: str | None = None
    expires: str | None = None


@dataclass(frozen=True)
class Person:
    """A Patient or a ResearchSubject: cells of the table of subjects, and identifiers by their systems."""

    resource: Resource
    cells: Mapping[str, str | None]
    identifiers: Mapping[str, str]


@dataclass
class Taken:
    """Everything that was read, and what was left out with the place of the first of each kind."""

    names: Names
    clock: Clock
    faults: list[Fault] = field(default_factory=list)
    """What is wrong with single resources, which may be left out."""
    fatal: list[Fault] = field(default_factory=list)
    """What is wrong with files, or with all resources together."""
    faulty: set[str] = field(default_factory=set)
    """Places of the resources with faults."""
    administrations: Rows = field(default_factory=lambda: Rows("administrations", (*_OF_DOSES, *ABOUT)))
    observations: Rows = field(default_factory=lambda: Rows("observations", ABOUT))
    milestones: Rows = field(default_factory=lambda: Rows("milestones", ABOUT))
    rest: dict[str, Rows] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)
    participants: dict[str, Person] = field(default_factory=dict)
    medications: dict[str, Medication] = field(default_factory=dict)
    unnamed: dict[Medication, str] = field(default_factory=dict)
    addresses: dict[str, str] = field(default_factory=dict)
    read: dict[str, int] = field(default_factory=dict)
    left_out: dict[tuple[str, str], tuple[int, str]] = field(default_factory=dict)
    replaced: dict[str, str] = field(default_factory=dict)
    studies: dict[str, Resource] = field(default_factory=dict)

    def leave(self, resource: Resource, why: str) -> None:
        """Count it as left out."""
        number, first = self.left_out.get((resource.kind, why), (0, resource.place))
        self.left_out[resource.kind, why] = number + 1, first

    def name(self, e: Elements, path: str, find: Callable[[Concept], Name], concept: Concept) -> Name | None:
        """The name of a concept; None, with a fault, where the mapping file contradicts itself."""
        try:
            return find(concept)
        except Ambiguous as error:
            words = ", ".join(concept.words)
            e.fault(path, words, f"is {error} by the mapping file", "map only one of its words")
            return None

    def person(self, e: Elements, name: str) -> str | None:
        """The participant of a record; None for a group or a thing, and, with a fault, where none is named."""
        person = e.reference(name, e.body.get(name))
        if person is None:
            e.missing(name, 'name the participant, as {"reference": "Patient/101"}')
        elif person.startswith(_NOBODY):
            self.leave(e.resource, "nobody")
            return None
        return person


def record_of(e: Elements) -> str | None:
    """The id of the record: the one in our own identifier, else that of the resource."""
    for at, identifier in e.maps("identifier", e.body.get("identifier")):
        if identifier.get("system") == f"{OURS}:record":
            return e.text(f"{at}.value", identifier.get("value"))
    return e.text("id", e.body.get("id")) or None


def source_of(e: Elements) -> str | None:
    """The system that a resource comes from; two that say one dose are told apart by it.

    A request of that system, which servers add behind a `#`, is none.
    """
    source = e.text("meta.source", e.map("meta", e.body.get("meta")).get("source"))
    return source.partition("#")[0] or None


def when_of(e: Elements, names: tuple[str, ...], *, required: bool) -> tuple[str | None, str | None, bool]:
    """Start and end, and whether the resource has a date or says why it has none."""
    there = [f"{name}{form}" for name in names for form in ("DateTime", "Period", "Instant", "Timing")]
    there = [key for key in there if key in e.body]
    if len(there) > 1:
        e.fault(there[1], e.body[there[1]], f"stands beside {there[0]}", "keep one of the two")
    if not there:
        absent = any(f"_{name}DateTime" in e.body or f"_{name}Period" in e.body for name in names)
        if required and not absent:
            e.missing(f"{names[0]}DateTime", "write when it was, such as 2024-03-15T10:20:00+08:00")
        return None, None, absent
    key = there[0]
    if key.endswith("Period"):
        return *e.period(key, e.body[key]), True
    if key.endswith("Timing"):
        e.fault(key, e.body[key], "says how often and not when", "export each administration by itself")
        return None, None, False
    return e.moment(key, e.body[key]), None, True
