"""The parts that resources are made of: ids, references, concepts, amounts, times; what is empty is left out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeAlias
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from perprotocol.formats.fhir.codes import LOINC, MEASURES, OURS, ROUTES, SNOMED, UCUM, code_of_unit
from protocol.errors import Fault, ScalarError, StudyError
from rules.door.cells import parse_number

Body: TypeAlias = dict[str, Any]
NAMESPACE = UUID("0d1d1f0a-6a55-5f3b-8d36-1f8c1a2f9f5e")
ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")


@dataclass(frozen=True)
class Release:
    """R4 or R5: where they have other names for the same."""

    name: str = "R4"

    @property
    def newer(self) -> bool:
        """Whether it is R5."""
        return self.name == "R5"

    def pick(self, older: str, newer: str) -> str:
        """The name of an element in this release."""
        return newer if self.newer else older

    def medication(self, medication: Body) -> Body:
        """What is given: a concept, or `#id` of a contained Medication."""
        if self.newer:
            inner = {"reference": medication} if "reference" in medication else {"concept": medication}
            return {"medication": inner}
        return {"medicationReference" if "reference" in medication else "medicationCodeableConcept": medication}


def id_of(*parts: object) -> str:
    """The id of a resource about these: themselves where FHIR allows it, else a name made of them."""
    text = ".".join(map(str, parts))
    return text if _ID.fullmatch(text) else str(uuid5(NAMESPACE, text))


def filled(body: Mapping[str, Any]) -> Body:
    """The elements that hold something: FHIR knows no empty element."""
    return {key: value for key, value in body.items() if value not in (None, "", [], {}, ())}


def text(value: object) -> str | None:
    """A text as FHIR takes it: without signs that control, None where nothing is left."""
    return _CONTROL.sub("", str(value)).strip() or None if value is not None else None


def concept(words: object, *codings: Body | None) -> Body:
    """A CodeableConcept."""
    return filled({"coding": [filled(coding) for coding in codings if coding], "text": text(words)})


def coding(system: str, code: str, display: str | None = None) -> Body:
    """A Coding."""
    return filled({"system": system, "code": code, "display": display})


def reference(kind: str, *parts: object) -> Body:
    """A Reference to a resource of this export."""
    return {"reference": f"{kind}/{id_of(*parts)}"}


def identifier(what: str, value: object) -> list[Body]:
    """Our own identifier of something."""
    return [{"system": f"{OURS}:{what}", "value": text(value)}] if text(value) else []


def columns(row: Mapping[str, Any], names: Sequence[str]) -> list[Body]:
    """Cells that FHIR has no place for, as extensions; `import fhir` reads them."""
    told = ((name, text(row.get(name))) for name in names)
    return [{"url": f"{OURS}:column:{name}", "valueString": value} for name, value in told if value]


def quantity(value: object, unit: object) -> Body:
    """A Quantity with every digit of its value, and a UCUM code where there is one."""
    words = text(unit)
    code = code_of_unit(words) if words else None
    return filled({"value": number(value), "unit": words, "system": UCUM if code else None, "code": code})


def number(value: object) -> Decimal | None:
    """A number with the digits that it was written with."""
    if value is None or isinstance(value, Decimal):
        return value
    try:
        read = parse_number(str(value).strip())
    except ScalarError:
        return None
    if _NUMBER.fullmatch(str(value).strip()):
        return Decimal(str(value).strip())
    return Decimal(str(read.value)).quantize(Decimal(1).scaleb(-read.decimals))


def plain(value: float | None) -> Decimal | None:
    """A computed number without an idle end: 13300000, 45.85."""
    if value is None:
        return None
    exact = Decimal(repr(value)).normalize()
    return exact.quantize(Decimal(1)) if exact == exact.to_integral_value() and abs(exact) < 10**15 else exact


def measured(name: str) -> Body:
    """What an observation measures: weight and height with their code of LOINC."""
    known = [
        code for (system, code), (word, how) in MEASURES.items() if system == LOINC and (word, how) == (name, None)
    ]
    return concept(name, *(coding(LOINC, code) for code in known))


def route(name: object) -> Body:
    """A route, with the code of SNOMED CT where the word is one of a protocol."""
    known = [code for (_, code), word in ROUTES.items() if word == str(name).strip().lower()]
    return concept(name, *(coding(SNOMED, code) for code in known))


def moment(day: date | None, last: date | None, minute: int | None, zone: ZoneInfo | None) -> str | None:
    """A dateTime: as exact as is known, with the offset of the zone where there is a time of day."""
    if day is None:
        return None
    if last is not None and last != day:
        whole = last.month == 12 and day.month == 1 and day.day == 1 and last.day == 31
        return f"{day:%Y}" if whole else f"{day:%Y-%m}"
    if minute is None:
        return day.isoformat()
    if zone is None:
        why, remedy = "is missing, and FHIR has no time of day without one", "write time_zone: Asia/Shanghai there"
        raise StudyError([Fault("study.yaml", None, None, "time_zone", "", why, f"{remedy}, or give --time-zone")])
    at = datetime(day.year, day.month, day.day) + timedelta(minutes=minute)
    return at.replace(tzinfo=zone).isoformat(timespec="seconds")
