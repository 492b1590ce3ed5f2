"""Sound resources to change, and the command that imports them: what the tests of FHIR share."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

from perprotocol.formats.fhir import codes
from tests.command import run

Body = dict[str, Any]

PATIENT = {"resourceType": "Patient", "id": "101", "gender": "female", "birthDate": "2019-05"}
DOSE = {
    "resourceType": "MedicationAdministration",
    "id": "a1",
    "status": "completed",
    "medicationCodeableConcept": {"text": "atg"},
    "subject": {"reference": "Patient/101"},
    "effectiveDateTime": "2024-03-15T10:20:00+08:00",
    "dosage": {"dose": {"value": 55.0, "unit": "mg", "system": codes.UCUM, "code": "mg"}},
}
WEIGHT = {
    "resourceType": "Observation",
    "id": "w1",
    "status": "final",
    "code": {"coding": [{"system": codes.LOINC, "code": "29463-7"}]},
    "subject": {"reference": "Patient/101"},
    "effectiveDateTime": "2024-03-14",
    "valueQuantity": {"value": 16.20, "unit": "kg", "system": codes.UCUM, "code": "kg"},
}


def changed(body: Body, **changes: object) -> Body:
    """A resource with elements changed; None removes one."""
    return {key: value for key, value in (body | changes).items() if value is not None}


def write(*resources: Body, name: str = "in.ndjson") -> None:
    """Write resources as NDJSON, numbers as Python has them."""
    Path(name).write_text("".join(json.dumps(body) + "\n" for body in resources), "utf-8")


def take(*resources: Body, options: str = "") -> list[dict[str, Any]]:
    """The report of an import of these resources."""
    write(*resources)
    status, out, err = run(f"import fhir in.ndjson -o study --format json {options}")
    assert status == 0, err
    report: list[dict[str, Any]] = json.loads(out)
    return report


def rows(table: str) -> list[dict[str, str]]:
    """A table of the study folder that was made."""
    with Path("study", f"{table}.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))
