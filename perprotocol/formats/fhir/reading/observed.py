"""Measurements as FHIR has them: Observation, with its components."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from perprotocol.formats.fhir.codes import OBSERVED
from perprotocol.formats.fhir.reading.elements import Elements
from perprotocol.formats.fhir.reading.naming import LEAVE_OUT
from perprotocol.formats.fhir.reading.taken import Taken, record_of, source_of, when_of


def take_observation(taken: Taken, e: Elements) -> None:
    """One row for the value and for each component that has one."""
    status = e.code("status", OBSERVED)
    if status is None:
        return
    if not OBSERVED[status]:
        taken.leave(e.resource, {"entered-in-error": "entered in error"}.get(status, "no result yet"))
        return
    person = taken.person(e, "subject")
    at, end, dated = when_of(e, ("effective",), required=False)
    if person is None:
        return
    if not dated or at is None or (end is not None and end[:10] != at[:10]):
        taken.leave(e.resource, "period" if dated and at is not None else "no date")
        return
    ours = e.ours()
    issued = e.moment("issued", e.body.get("issued"))
    shared = {"reported": issued, "source": source_of(e)} | ours
    shared |= {"person": person, "path": e.resource.path, "place": e.resource.place, "at": at}
    record, told = record_of(e), False
    parts = [("", e.body), *e.maps("component", e.body.get("component"))]
    for number, (path, part) in enumerate(parts):
        row = _value(taken, e, path, part)
        told = told or row is not None
        if row:
            own = f"{record}#{number}" if record and number else record
            taken.observations.add(shared | row | {"record": own})
    if not told:
        taken.leave(e.resource, "no value")


def _value(taken: Taken, e: Elements, path: str, part: Mapping[str, Any]) -> dict[str, str | None] | None:
    """What one part of an observation says: None without a value that a table can hold, empty where not wanted."""
    lead = f"{path}." if path else ""
    concept = e.concept(f"{lead}code", part.get("code"))
    if not concept.words:
        e.missing(f"{lead}code", 'say what was measured, as {"text": "weight"}')
        return None
    name = taken.name(e, f"{lead}code", taken.names.measure, concept)
    if name is None:
        return None
    if name.word == LEAVE_OUT:
        taken.leave(e.resource, "mapping")
        return {}
    unit = None
    if "valueQuantity" in part:
        amount = e.quantity(f"{lead}valueQuantity", part["valueQuantity"])
        value, unit = amount.value, amount.unit
        value = f"{amount.comparator}{value}" if value is not None else None
    elif "valueCodeableConcept" in part:
        value = next(iter(e.concept(f"{lead}valueCodeableConcept", part["valueCodeableConcept"]).words), None)
    elif "valueString" in part:
        value = e.text(f"{lead}valueString", part["valueString"]) or None
    elif "valueInteger" in part:
        value = e.number(f"{lead}valueInteger", part["valueInteger"])
    elif isinstance(part.get("valueBoolean"), bool):
        value = "yes" if part["valueBoolean"] else "no"
    else:
        value = _absent(e, lead, part)
    if value is None:
        return None
    low, high = _limits(e, lead, part, unit)
    method = next(iter(e.concept(f"{lead}method", part.get("method")).words), name.method)
    return {"measure": name.word, "value": value, "unit": unit, "low": low, "high": high, "method": method}


def _absent(e: Elements, lead: str, part: Mapping[str, Any]) -> str | None:
    """The word for a value that was not to be had; None where nothing is said."""
    reason = e.concept(f"{lead}dataAbsentReason", part.get("dataAbsentReason"))
    codes = {code for _, code, _ in reason.codings}
    return "not done" if codes & {"not-performed"} else "not analysable" if codes & {"error", "unsupported"} else None


def _limits(e: Elements, lead: str, part: Mapping[str, Any], unit: str | None) -> tuple[str | None, str | None]:
    """The reference limits, where there is one pair of them in the unit of the value."""
    ranges = list(e.maps(f"{lead}referenceRange", part.get("referenceRange")))
    if len(ranges) != 1:
        return None, None
    at, only = ranges[0]
    ends = [e.quantity(f"{at}.{end}", only.get(end)) for end in ("low", "high")]
    low, high = (end.value if end.unit in (None, unit) else None for end in ends)
    return low, high
