"""People of a study as Patient, ResearchStudy and ResearchSubject, with their arms and milestones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from perprotocol.formats.fhir.codes import OURS
from perprotocol.formats.fhir.reading.people import PROGRESS
from perprotocol.formats.fhir.writing.elements import (
    Body,
    coding,
    columns,
    concept,
    filled,
    id_of,
    identifier,
    reference,
    text,
)
from perprotocol.formats.fhir.writing.records import Records
from protocol.model import Protocol

_SEX = {"m": "male", "male": "male", "男": "male", "f": "female", "female": "female", "女": "female"}
_OWN = ("sex", "site", "screening_outcome", "screened_as", "day_zero", "entered", "changed", "source")


def write_people(records: Records, trial: Protocol, arms: Mapping[str, str]) -> Iterator[Body]:
    """The study, and everyone in it; `arms` have the titles of those that may be told."""
    yield _study(records, trial, arms)
    milestones: dict[str, list[Mapping[str, Any]]] = {}
    for row in records.rows("milestones"):
        milestones.setdefault(row["subject"], []).append(row)
    for row in records.rows("subjects"):
        mine = milestones.get(row["subject"], [])
        yield _patient(records, row, mine)
        yield _participant(records, trial, row, mine, arms)


def _study(records: Records, trial: Protocol, arms: Mapping[str, str]) -> Body:
    newer = records.release.newer
    groups = [
        {"linkId": id_of(arm), "name": title} if newer else {"name": arm, "description": title}
        for arm, title in arms.items()
    ]
    registry = [{"value": trial.registry}] if trial.registry else []
    return filled({
        "resourceType": "ResearchStudy",
        "id": id_of(trial.protocol),
        "extension": _settings(records),
        "identifier": [*identifier("protocol", trial.protocol), *registry],
        "title": text(trial.title),
        "status": "active",
        "protocol": [reference("PlanDefinition", trial.protocol)],
        "comparisonGroup" if newer else "arm": groups,
    })  # fmt: skip


def _settings(records: Records) -> list[Body]:
    """What study.yaml says, except how its cells are written: those of an export are written in one way."""
    told = {key: text(value) for key, value in records.study.settings.items() if key not in ("dates", "decimal")}
    return [{"url": f"{OURS}:setting:{key}", "valueString": value} for key, value in told.items() if value]


def _patient(records: Records, row: Mapping[str, Any], milestones: list[Mapping[str, Any]]) -> Body:
    died = [records.moment(one, "date") for one in milestones if one["milestone"].lower() == "death"]
    sex = str(row.get("sex") or "").strip().lower()
    return filled({
        "resourceType": "Patient",
        "id": id_of(row["subject"]),
        "identifier": identifier("subject", row["subject"]),
        "gender": _SEX.get(sex),
        "birthDate": records.moment(row, "birth_date"),
        "deceasedDateTime": died[0] if died else None,
    })  # fmt: skip


def _participant(
    records: Records,
    trial: Protocol,
    row: Mapping[str, Any],
    milestones: list[Mapping[str, Any]],
    told: Mapping[str, str],
) -> Body:
    newer, pick = records.release.newer, records.release.pick
    reached = [_progress(records, one) for one in milestones if one["milestone"].lower() != "death"]
    assigned = {
        pick("assignedArm", "assignedComparisonGroup"): row.get("arm") if told else None,
        pick("actualArm", "actualComparisonGroup"): row.get("actual_arm") if told else None,
    }
    own = columns(row, _OWN)
    enrolled = records.moment(row, "enrolled")
    return filled({
        "resourceType": "ResearchSubject",
        "id": id_of(row["subject"]),
        "extension": own if newer else [*own, *(_extension(*one) for one in reached)],
        "identifier": identifier("subject", row["subject"]),
        "status": "active" if newer else _state(row, milestones),
        "progress": [{"milestone": what, "startDate": since} for what, since in reached] if newer else None,
        "period": {"start": enrolled} if enrolled else None,
        "study": reference("ResearchStudy", trial.protocol),
        pick("individual", "subject"): reference("Patient", row["subject"]),
        **{name: id_of(arm) if newer else text(arm) for name, arm in assigned.items() if arm},
    })  # fmt: skip


def _state(row: Mapping[str, Any], milestones: list[Mapping[str, Any]]) -> str:
    """The state of a participant, as R4 wants it."""
    reached = {one["milestone"].lower() for one in milestones}
    if "withdrawal" in reached:
        return "withdrawn"
    if reached & {"completion", "death"}:
        return "off-study"
    return "ineligible" if "fail" in str(row.get("screening_outcome") or "").lower() else "on-study"


def _progress(records: Records, row: Mapping[str, Any]) -> tuple[Body, str | None]:
    """A milestone and its day; which one of several stands as a coding."""
    nth = row.get("occurrence")
    which = coding(f"{OURS}:occurrence", str(nth)) if nth else None
    return concept(row["milestone"], which), records.moment(row, "date")


def _extension(milestone: Body, start: str | None) -> Body:
    """A milestone as R4 carries it."""
    parts = [{"url": "milestone", "valueCodeableConcept": milestone}]
    return {"url": PROGRESS, "extension": [*parts, {"url": "startDate", "valueDateTime": start}]}
