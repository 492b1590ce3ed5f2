"""What another version of a protocol changes for the participants of a study: occurrences that move, findings that come
and go. The study is scheduled and audited with each version, and the two results are laid beside each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import polars as pl

from protocol.errors import Fault, StudyError
from protocol.model import Protocol
from rules.audit import Report, audit, schedule
from rules.blinding import BLINDED
from rules.diff.calendars import differing
from rules.facts import Study, from_frames
from rules.happened.records import check_words
from rules.partitions import Progress
from rules.review.compare import Run, as_texts, compare

SAID = ("version", "source", "basis")
"""Fields of a finding that every change of the version changes."""
_ALWAYS = date(1900, 1, 1)


@dataclass(frozen=True)
class Effects:
    """What differs for the participants: occurrences (`OCCURRENCES`), findings and queries (`COMPARED`)."""

    participants: int
    occurrences: pl.DataFrame
    findings: pl.DataFrame


def effects(
    old: Protocol,
    new: Protocol,
    study: Study,
    *,
    as_of: date | None = None,
    active: date | None = None,
    lang: str = "en",
    blinded: bool | None = None,
    progress: Progress | None = None,
) -> Effects:
    """What differs between the study under the old version and under the new one, as if that had always been in force.

    With `active` the new version is in force at every site from that day on, for whom its transition rule says. The
    study is seen blinded where either version is.
    """
    blinded = either_blinded(old, new, blinded)
    versions: Sequence[Protocol] = (new,)
    if active is not None or not _known(new, study):
        versions = (old, _after(old, new, active))
        study = activated(study, versions[1], active or _ALWAYS)
    both: tuple[Sequence[Protocol], ...] = ((old,), versions)
    calendars = [schedule(v, study, as_of=as_of, blinded=blinded) for v in both]
    reports = [audit(v, study, as_of=as_of, lang=lang, blinded=blinded, progress=progress) for v in both]
    return Effects(len(study.subjects), differing(*calendars, lang=lang), findings_of(*reports))


def either_blinded(old: Protocol, new: Protocol, blinded: bool | None) -> bool | None:
    """How a study is seen: as it was asked for, else blinded where either version is."""
    return True if blinded is None and BLINDED in (old.blinding, new.blinding) else blinded


def findings_of(old: Report, new: Report) -> pl.DataFrame:
    """The findings and queries that differ, each with its sentence."""
    runs = [Run(as_texts(report.rows), {}) for report in (old, new)]
    told = compare(*runs, ignored=SAID).filter(pl.col("change") != "unchanged").drop("caused_by", "detail")
    sentences = pl.concat([new.rows, old.rows]).select("id", "message").unique("id", keep="first", maintain_order=True)
    return told.join(sentences, on="id", how="left", maintain_order="left")


# --- the new version in force -------------------------------------------------------------------------------------


def _known(new: Protocol, study: Study) -> bool:
    """Whether the new version knows every treatment and arm on record."""
    try:
        check_words((new,), study)
    except StudyError:
        return False
    return True


def _after(old: Protocol, new: Protocol, active: date | None) -> Protocol:
    """The new version as the one that follows the old, from a day on or as if always."""
    if active is not None and new.transition is None:
        why = f"does not say to whom version {new.version} applies from {active} on"
        raise StudyError(
            [Fault(new.protocol, None, None, "transition", "", why, "write transition in the new version")]
        )
    version = new.version if new.version != old.version else f"{new.version} (new)"
    follows = {"protocol": old.protocol, "version": version, "replaces": old.version}
    return new.model_copy(update=follows | ({} if active is not None else {"transition": "at once"}))


def activated(study: Study, version: Protocol, day: date) -> Study:
    """The study with a version approved and active at every site from that day on; who has no site is at one of all."""
    subjects = study.tables["subjects"]
    filled = replace(subjects, data=subjects.data.with_columns(pl.col("site").fill_null("-")))
    sites = {*filled.data["site"], *study.sites["site"].drop_nulls()}
    rows = [{"site": s, "version": version.version, "approved": str(day), "active": str(day)} for s in sorted(sites)]
    table = from_frames("amendments", {"subjects": [{"subject": "-"}], "amendments": rows}).tables["amendments"]
    return replace(study, tables={**study.tables, "subjects": filled, "amendments": table})
