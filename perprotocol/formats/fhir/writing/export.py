"""What an export consists of, in order: the plan, people and records, schedules, issues; and where it is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import rules
from perprotocol.formats.fhir.writing.care import requests, write_care
from perprotocol.formats.fhir.writing.elements import Body, Release
from perprotocol.formats.fhir.writing.files import dump, write_bundle, write_folder
from perprotocol.formats.fhir.writing.issues import write_issues
from perprotocol.formats.fhir.writing.people import write_people
from perprotocol.formats.fhir.writing.plan import write_plan
from perprotocol.formats.fhir.writing.records import Records, write_doses, write_values
from perprotocol.formats.fhir.writing.rest import write_rest
from protocol.errors import Fault, StudyError
from protocol.model import Protocol
from rules.blinding import BLINDED, sighted
from rules.facts import Study
from rules.review.again import read_again

PARTS = ("plan", "records", "schedule", "issues")


@dataclass(frozen=True)
class Export:
    """What is exported, for whom and how."""

    versions: Sequence[Protocol]
    study: Study | None
    release: Release
    lang: str = "en"
    as_of: date | None = None
    zone: ZoneInfo | None = None
    subject: str | None = None
    blinded: bool | None = None


def write(export: Export, parts: Sequence[str], place: Path) -> Counter[str]:
    """The resources are at the place, a file .json or a folder; how many of each kind."""
    resources = write_resources(export, parts)
    if place.suffix.lower() != ".json":
        return write_folder(resources, place)
    if export.study is not None:
        return write_bundle(resources, place)
    plan = next(resources)
    place.write_text(dump(plan, indent=2) + "\n", encoding="utf-8", newline="\n")
    return Counter({plan["resourceType"]: 1})


def write_resources(export: Export, parts: Sequence[str]) -> Iterator[Body]:
    """Every resource of the parts wanted."""
    if "plan" in parts or export.study is None:
        yield write_plan(export.versions[-1], export.release, export.lang)
    if export.study is None:
        return
    versions, study, seen = sighted(export.versions, _of(export.study, export.subject), export.blinded)
    records = Records(study, export.release, export.zone)
    if "records" in parts:
        arms = (
            {}
            if seen == BLINDED
            else {a: d.title.in_(export.lang) if d.title else a for a, d in versions[-1].arms.items()}
        )
        yield from write_people(records, export.versions[-1], arms)
        yield from write_doses(records)
        yield from write_values(records)
        yield from write_rest(records)
    planned: Mapping[tuple[str, str, int], Body] = {}
    if "schedule" in parts:
        rows = rules.schedule(versions, study, as_of=export.as_of)
        planned = requests(rows)
        yield from write_care(records, versions, rows, export.lang)
    if "issues" in parts:
        report = rules.audit(versions, study, as_of=export.as_of, lang=export.lang)
        yield from write_issues(records, report.findings, planned, report.as_of, recorded="records" in parts)


def _of(study: Study, subject: str | None) -> Study:
    """The study, or one participant of it."""
    if subject is None:
        return study
    if subject not in set(study.subjects["subject"]):
        raise StudyError([Fault("--subject", None, None, "", subject, "is nobody in the study", "name a participant")])
    return read_again(study, subjects=study.subjects["subject"].filter(study.subjects["subject"] == subject)).get()
