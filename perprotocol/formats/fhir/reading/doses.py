"""Doses as FHIR has them: MedicationAdministration, and the Medication it names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from perprotocol.formats.fhir.codes import ADMINISTERED
from perprotocol.formats.fhir.reading.elements import Amount, Concept, Elements
from perprotocol.formats.fhir.reading.naming import LEAVE_OUT
from perprotocol.formats.fhir.reading.taken import Medication, Taken, record_of, source_of, when_of

_STU3 = ("notGiven", "wasNotGiven", "reasonNotGiven")


def take_administration(taken: Taken, e: Elements) -> None:
    """A dose given, partly given or not given; one entered in error is none."""
    body = e.body
    for key in _STU3:
        if key in body:
            e.fault(key, body[key], "is of FHIR DSTU2 or STU3", "export it as R4 or R5")
    status = e.code("status", ADMINISTERED)
    if status == "entered-in-error":
        taken.leave(e.resource, "entered in error")
        return
    person = taken.person(e, "subject")
    medication = _medication(taken, e)
    start, end, dated = when_of(e, ("effective", "occurence"), required=True)
    if status is None or person is None or medication is None:
        return
    given = ADMINISTERED[status]
    if start is None and given in ("given", "partly given"):
        if dated:
            taken.leave(e.resource, "no date")
        return
    dosage = e.map("dosage", body.get("dosage"))
    amount = e.quantity("dosage.dose", dosage.get("dose"))
    if given == "not given" and amount.value is not None:
        taken.leave(e.resource, "planned")
        amount = Amount(None, None)
    if amount.value is None and dosage and given != "not given" and not ({"dose", "route"} >= dosage.keys()):
        taken.leave(e.resource, "amount in words")
    row = {
        "person": person, "medication": medication, "path": e.resource.path, "start": start, "end": end,
        "amount": amount.value, "unit": amount.unit if amount.value is not None else None,
        "route": _route(taken, e, dosage), "status": given, "reason": _reason(e, status),
        "record": record_of(e), "source": source_of(e), "place": e.resource.place,
    }  # fmt: skip
    taken.administrations.add(e.ours() | {name: cell for name, cell in row.items() if cell is not None})


def _medication(taken: Taken, e: Elements) -> str | None:
    """What was given: the key of a Medication, or that of a concept kept beside them."""
    body, path = e.body, "medication"
    if isinstance(body.get("medication"), dict):  # R5 has one element for both
        inner = e.map(path, body["medication"])
        concept, reference = inner.get("concept"), inner.get("reference")
    else:
        concept, reference = body.get("medicationCodeableConcept"), body.get("medicationReference")
    if concept is not None:
        found = e.concept("medicationCodeableConcept", concept)
        return _kept(taken, e, Medication(found)) if found.words else _nothing(e)
    named = e.reference("medicationReference", reference)
    if named is None:
        return _nothing(e)
    if named.startswith("#"):
        for at, inside in e.maps("contained", body.get("contained")):
            if inside.get("id") == named[1:]:
                return _kept(taken, e, _read_medication(e, inside, f"{at}."))
        e.fault("medicationReference", named, "names nothing that is contained", "contain it, or name what is there")
        return None
    display = e.text("medicationReference.display", e.map("medicationReference", reference).get("display"))
    if display:
        taken.medications.setdefault(f"display:{named}", Medication(Concept((), display)))
    return named


def _nothing(e: Elements) -> str | None:
    """Nothing, which is a fault: a dose is of something."""
    e.missing("medication", 'say what was given, as {"text": "..."} in medicationCodeableConcept')
    return None


def _kept(taken: Taken, e: Elements, medication: Medication) -> str | None:
    """The key under which an unnamed medication is kept; the same one for the same."""
    if not medication.concept.words:
        return _nothing(e)
    if medication not in taken.unnamed:
        if taken.name(e, "medication", taken.names.treatment, medication.concept) is None:
            return None
        key = taken.unnamed[medication] = f"concept:{len(taken.unnamed)}"
        taken.medications[key] = medication
    return taken.unnamed[medication]


def _read_medication(e: Elements, body: Mapping[str, Any], path: str = "") -> Medication:
    batch = e.map(f"{path}batch", body.get("batch"))
    lot = e.text(f"{path}batch.lotNumber", batch.get("lotNumber"))
    expires = e.moment(f"{path}batch.expirationDate", batch.get("expirationDate"))
    return Medication(e.concept(f"{path}code", body.get("code")), lot or None, expires)


def _route(taken: Taken, e: Elements, dosage: Mapping[str, Any]) -> str | None:
    concept = e.concept("dosage.route", dosage.get("route"))
    name = taken.name(e, "dosage.route", taken.names.route, concept) if concept.words else None
    return name.word if name is not None and name.word != LEAVE_OUT else None


def _reason(e: Elements, status: str) -> str | None:
    """Why not, or only partly; where FHIR's status says more than ours, that word."""
    reasons = [e.concept(at, reason).words[:1] for at, reason in e.maps("statusReason", e.body.get("statusReason"))]
    said = "; ".join(word for words in reasons for word in words)
    return said or (status if status in ("on-hold", "in-progress") else None)


def take_medication(taken: Taken, e: Elements) -> None:
    """What references to a Medication mean."""
    found = _read_medication(e, e.body)
    if taken.medications.get(e.resource.key, found) != found:
        e.fault("", None, "is there twice, and not the same", "keep one of the two")
    if not found.concept.words:
        e.missing("code", 'say what it is, as {"text": "..."}')
        return
    if taken.name(e, "code", taken.names.treatment, found.concept) is not None:
        taken.medications[e.resource.key] = found
