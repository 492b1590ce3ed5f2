"""The elements of one resource, read with care: what is wrong with one is one more fault, and reads as absent."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from typing import Any
from zoneinfo import ZoneInfo

from perprotocol.formats.fhir.codes import OURS, UCUM, same_unit, unit_of_code
from perprotocol.formats.fhir.reading.source import Number, Resource
from protocol.errors import Fault, ScalarError
from protocol.quantity import known_unit
from rules.door.cells import parse_date

_DATE = re.compile(r"[0-9]{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?")
_TIME = re.compile(
    r"(?P<local>[0-9]{4}-[01][0-9]-[0-3][0-9]T([01][0-9]|2[0-3]):[0-5][0-9](:([0-5][0-9]|60)(\.[0-9]+)?)?)"
    r"(?P<zone>Z|[+-][0-9]{2}:[0-9]{2})?"
)


@dataclass(frozen=True)
class Concept:
    """A CodeableConcept: its codings as (system, code, display), and its text."""

    codings: tuple[tuple[str, str, str], ...] = ()
    text: str = ""

    @property
    def words(self) -> tuple[str, ...]:
        """All that it is called, the words for people first."""
        displays, codes = [d for _, _, d in self.codings], [c for _, c, _ in self.codings]
        full = [f"{system}|{code}" for system, code, _ in self.codings if system and code]
        return tuple(dict.fromkeys(word for word in (self.text, *displays, *full, *codes) if word))


@dataclass(frozen=True)
class Amount:
    """A Quantity: its number as written, its unit in a word of ours where there is one, and `<` or `>` where said."""

    value: str | None
    unit: str | None
    comparator: str = ""


@dataclass
class Clock:
    """Local time of the site: moved to `zone` where that is known, else as each time was written; `zones` are seen."""

    zone: ZoneInfo | None = None

    def __post_init__(self) -> None:
        self.zones: set[str] = set()

    def local(self, time: re.Match[str]) -> str | None:
        """The local day and time; None for a time of UTC at a site of unknown zone, whose day nobody knows."""
        written, offset = time["local"], time["zone"]
        self.zones.add(offset or "")
        if offset is None:
            return _short(written)
        if self.zone is None:
            return None if offset == "Z" else _short(written)
        whole = written.partition(".")[0].replace(":60", ":59")
        moved = datetime.fromisoformat(whole + ("+00:00" if offset == "Z" else offset)).astimezone(self.zone)
        return _short(moved.replace(tzinfo=None).isoformat())


class Elements:
    """One resource on its way in: `faults` grows with everything that is wrong with what is read of it."""

    __slots__ = ("body", "clock", "faults", "resource")

    def __init__(self, resource: Resource, clock: Clock, faults: list[Fault]) -> None:
        self.resource, self.clock, self.faults = resource, clock, faults
        self.body = resource.body

    def fault(self, path: str, value: object, why: str, remedy: str) -> None:
        """One more fault, at an element."""
        self.faults.append(self.resource.fault(path, value, why, remedy))

    def check_understood(self) -> None:
        """What FHIR forbids to pass over: elements that change the meaning of all others."""
        for key, why in (
            ("modifierExtension", "may change the meaning of all it says, and is not known here"),
            ("implicitRules", "names rules that are not known here"),
        ):
            if self.body.get(key):
                self.fault(key, self.body[key], why, "settle it at the source, and export without it")

    def map(self, path: str, value: object) -> Mapping[str, Any]:
        """An element that holds elements; nothing where it is absent or no map."""
        if value is None:
            return {}
        if isinstance(value, dict) and value:
            return value
        why = "is a list where one is due" if isinstance(value, list) else "is not what is due here"
        self.fault(path, value, why, 'write {"...": ...}')
        return {}

    def maps(self, path: str, value: object) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """The elements of a list, each with its path."""
        if value is None:
            return
        if not isinstance(value, list):
            self.fault(path, value, "is no list", "write [...]")
            return
        for number, element in enumerate(value):
            if found := self.map(f"{path}[{number}]", element):
                yield f"{path}[{number}]", found

    def text(self, path: str, value: object) -> str:
        """A text, empty where it is absent."""
        if value is None:
            return ""
        if isinstance(value, str) and not isinstance(value, Number) and value.strip():
            return value.strip()
        self.fault(path, value, "is no text", "write a text, or leave it out")
        return ""

    def code(self, name: str, known: Collection[str], *, required: bool = True) -> str | None:
        """A code of a value set; a fault for one that is none of it, and for none where one is required."""
        value = self.body.get(name)
        if isinstance(value, str) and not isinstance(value, Number) and value in known:
            return value
        if value is not None:
            near = get_close_matches(str(value).lower(), known, n=1)
            remedy = f"write {near[0]} if that is meant" if near else f"write one of {', '.join(known)}"
            self.fault(name, value, "is no code of its value set", remedy)
        elif required:
            self.missing(name, f"write one of {', '.join(known)}")
        return None

    def missing(self, path: str, remedy: str) -> None:
        """An element that must be there is not."""
        self.fault(path, None, "is missing", remedy)

    def concept(self, path: str, value: object) -> Concept:
        """A CodeableConcept; empty where it is absent."""
        found = self.map(path, value)
        codings = tuple(
            tuple(self.text(f"{at}.{part}", coding.get(part)) for part in ("system", "code", "display"))
            for at, coding in self.maps(f"{path}.coding", found.get("coding"))
        )
        return Concept(codings, self.text(f"{path}.text", found.get("text")))  # type: ignore[arg-type]

    def number(self, path: str, value: object) -> str | None:
        """A number as it was written."""
        if value is None or isinstance(value, Number):
            return value
        self.fault(path, value, "is no number", "write the number without quotes, such as 16.2")
        return None

    def quantity(self, path: str, value: object) -> Amount:
        """A Quantity; its unit is said twice, as text and as code, and a fault where the two differ."""
        found = self.map(path, value)
        number = self.number(f"{path}.value", found.get("value"))
        said, code = (self.text(f"{path}.{part}", found.get(part)) for part in ("unit", "code"))
        coded = unit_of_code(code) if code and found.get("system", UCUM) == UCUM else ""
        if said and coded and known_unit(said) and known_unit(coded) and not same_unit(said, coded):
            self.fault(f"{path}.unit", said, f"is not what its code {code} says", "write the unit that was meant twice")
        unit = said if known_unit(said) else coded if known_unit(coded) else said or coded or code
        return Amount(number, unit or None, self.text(f"{path}.comparator", found.get("comparator")))

    def moment(self, path: str, value: object) -> str | None:
        """A date, or a date and time in local time of the site."""
        text = self.text(path, value)
        if not text:
            return None
        time = None if _DATE.fullmatch(text) else _TIME.fullmatch(text)
        if not _DATE.fullmatch(text) and time is None:
            self.fault(path, text, *_no_moment(text))
            return None
        local = text if time is None else self.clock.local(time)
        if local is None:
            self.fault(path, text, "is in UTC, and the day at the site is not known", "give --time-zone Asia/Shanghai")
            return None
        try:
            parse_date(local)
        except ScalarError as error:
            self.fault(path, text, error.why, error.remedy)
            return None
        return local

    def period(self, path: str, value: object) -> tuple[str | None, str | None]:
        """Start and end of a Period."""
        found = self.map(path, value)
        return tuple(self.moment(f"{path}.{end}", found.get(end)) for end in ("start", "end"))  # type: ignore[return-value]

    def reference(self, path: str, value: object) -> str | None:
        """What a Reference names: the text of it, or its logical identifier."""
        found = self.map(path, value)
        if name := self.text(f"{path}.reference", found.get("reference")):
            return name
        identifier = self.map(f"{path}.identifier", found.get("identifier"))
        if name := self.text(f"{path}.identifier.value", identifier.get("value")):
            return f"identifier:{name}"
        return None

    def ours(self) -> dict[str, str]:
        """Columns of the study folder that FHIR has no place for, from the extensions that our export writes."""
        told = {}
        for at, extension in self.maps("extension", self.body.get("extension")):
            url = extension.get("url")
            if isinstance(url, str) and url.startswith(f"{OURS}:column:"):
                told[url.rpartition(":")[2]] = self.text(f"{at}.valueString", extension.get("valueString"))
        return told


def _short(time: str) -> str:
    """The time without seconds of naught, which FHIR wants and nobody has measured."""
    return re.sub(r"(T\d\d:\d\d):00(\.0+)?$", r"\1", time)


def _no_moment(text: str) -> tuple[str, str]:
    """Why a text is no date of FHIR, and what to write."""
    try:
        day = parse_date(text).first
    except ScalarError as error:
        return error.why, error.remedy
    return "is not written as FHIR writes dates", f"write {day}"
