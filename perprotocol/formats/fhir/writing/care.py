"""A participant's schedule: a CarePlan with one RequestGroup (R4) or RequestOrchestration (R5), one action each.

An action is one occurrence, and names the request that says what it is: a MedicationRequest for a dose, a
ServiceRequest for a visit or an assessment. All are plans: nobody has ordered anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import polars as pl

from perprotocol.formats.fhir.codes import OURS
from perprotocol.formats.fhir.writing.dosage import dosage
from perprotocol.formats.fhir.writing.elements import Body, coding, concept, filled, id_of, reference
from perprotocol.formats.fhir.writing.plan import canonical
from perprotocol.formats.fhir.writing.records import Records
from protocol.activities import Activity, Treatment
from protocol.model import Protocol
from rules.plan import compile_plan

Row = Mapping[str, Any]
_REQUEST = {"done": "completed", "not given": "cancelled", "not expected": "cancelled", "no record": "unknown"}
"""Where an occurrence stands -> status of its request; what is still to come is active."""


def requests(rows: pl.DataFrame) -> dict[tuple[str, str, int], Body]:
    """The reference to the request of every planned dose."""
    doses = rows.filter(pl.col("kind") == "treatment").select("subject", "activity", "occurrence").rows()
    return {key: reference("MedicationRequest", *key) for key in doses}


def write_care(records: Records, versions: Sequence[Protocol], rows: pl.DataFrame, lang: str) -> Iterator[Body]:
    """Of every participant of a schedule the requests, the group of them, and the plan."""
    parts = {version.version: _parts(version) for version in versions}
    trials = {version.version: version for version in versions}
    for (subject,), mine in rows.group_by("subject", maintain_order=True):
        actions = []
        for row in mine.iter_rows(named=True):
            trial = trials.get(row["version"], versions[-1])
            part = parts[trial.version].get((row["arm"], row["activity"], row["occurrence"]))
            title = _title(trial, row, lang)
            request = (
                _medication(records, row, part, title) if row["kind"] == "treatment" else _service(records, row, title)
            )
            yield request
            actions.append(_action(records, row, title, request, course=_is_course(part)))
        yield from _plan(records, versions[-1], str(subject), mine, actions)


def _parts(trial: Protocol) -> dict[tuple[str, str, int], Treatment]:
    """What is given in each occurrence of each arm."""
    found = {}
    for arm, plan in compile_plan(trial).arms.items():
        for slot in plan.slots:
            if isinstance(slot.part.element, Treatment):
                found[arm, slot.part.activity, slot.occurrence] = slot.part.element
    return found


def _title(trial: Protocol, row: Row, lang: str) -> str:
    activities: Mapping[str, Activity] = {**trial.treatments, **trial.visits, **trial.assessments}
    element = activities.get(row["activity"])
    return element.title.in_(lang) if element is not None and element.title else str(row["activity"])


def _of(row: Row) -> Body:
    return reference("Patient", row["subject"])


def _code(row: Row, title: str) -> Body:
    return concept(title, coding(f"{OURS}:activity", row["activity"]))


def _medication(records: Records, row: Row, part: Treatment | None, title: str) -> Body:
    """One planned dose, or one course: the protocol's amount per body, and the amount computed from it."""
    told = dosage(part, row) if part is not None else {}
    timing = _when(row, course=_is_course(part))
    if timing or "timing" in told:
        repeat = timing.get("repeat", {}) | told.get("timing", {}).get("repeat", {})
        told["timing"] = filled({"event": timing.get("event"), "repeat": repeat})
    return filled({
        "resourceType": "MedicationRequest",
        "id": id_of(row["subject"], row["activity"], row["occurrence"]),
        "status": _REQUEST.get(row["status"], "active"),
        "intent": "plan",
        **records.release.medication(_code(row, title)),
        "subject": _of(row),
        "basedOn": [reference("CarePlan", row["subject"])],
        "dosageInstruction": [told] if told else None,
    })  # fmt: skip


def _service(records: Records, row: Row, title: str) -> Body:
    """One planned visit or assessment."""
    code = _code(row, title)
    return filled({
        "resourceType": "ServiceRequest",
        "id": id_of(row["subject"], row["activity"], row["occurrence"]),
        "status": {"cancelled": "revoked"}.get(_REQUEST.get(row["status"], ""), _REQUEST.get(row["status"], "active")),
        "intent": "plan",
        "code": {"concept": code} if records.release.newer else code,
        "subject": _of(row),
        "basedOn": [reference("CarePlan", row["subject"])],
        "occurrenceTiming": _when(row),
    })  # fmt: skip


def _when(row: Row, *, course: bool = False) -> Body:
    """The due day as the event, the window as its bounds; of a course its first day, and the days it is taken."""
    event = [row["due"].isoformat()] if row["due"] is not None else None
    first, last = ("due", "valid_to") if course else ("opens", "closes")
    ends = {"start": _day(row[first]), "end": _day(row[last])}
    return filled({"event": event, "repeat": filled({"boundsPeriod": filled(ends)})})


def _day(day: date | None) -> str | None:
    return day.isoformat() if day is not None else None


def _is_course(part: Treatment | None) -> bool:
    return part is not None and part.often() is not None


def _action(records: Records, row: Row, title: str, request: Body, *, course: bool) -> Body:
    name = f"{row['activity']}.{row['occurrence']}"
    return filled({
        "linkId" if records.release.newer else "id": id_of(name),
        "prefix": str(row["occurrence"]),
        "title": title,
        "code": [_code(row, title)],
        "timingTiming": _when(row, course=course),
        "resource": reference(request["resourceType"], row["subject"], row["activity"], row["occurrence"]),
    })  # fmt: skip


def _plan(records: Records, trial: Protocol, subject: str, rows: pl.DataFrame, actions: list[Body]) -> Iterator[Body]:
    """The group of a participant's actions, and the plan that it carries out."""
    stands = {_REQUEST.get(status, "active") for status in rows["status"]}
    status = next((word for word in ("active", "unknown") if word in stands), "completed")
    kind = records.release.pick("RequestGroup", "RequestOrchestration")
    shared = {"status": status, "intent": "plan", "subject": reference("Patient", subject)}
    group = {"resourceType": kind, "id": id_of(subject), "instantiatesCanonical": [canonical(trial)], **shared}
    yield group | {"action": actions}
    days = rows["due"].drop_nulls()
    period = {"start": str(days.min()), "end": str(days.max())} if len(days) else None
    activity = {records.release.pick("reference", "plannedActivityReference"): reference(kind, subject)}
    plan = {"resourceType": "CarePlan", "id": id_of(subject), "instantiatesCanonical": [canonical(trial)], **shared}
    yield filled(plan | {"period": period, "activity": [activity]})
