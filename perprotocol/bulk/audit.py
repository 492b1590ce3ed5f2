"""What an audit in parts is made of: the parts of a study, what determines the run, and what one part gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import polars as pl

from protocol import Protocol
from rules.audit import audit
from rules.blinding import BLINDED, OPEN, UNBLINDED, is_blinded, unseen
from rules.happened.versions import Promised, versions_of
from rules.manifest import Manifest, determining
from rules.parts import Part, study_parts


@dataclass(frozen=True)
class Task:
    """An audit of a study folder by the versions of a protocol, oldest first, in parts of whole participants."""

    versions: tuple[Protocol, ...]
    folder: Path
    as_of: date | None = None
    lang: str = "en"
    blinded: bool | None = None
    protocol_file: str | None = None
    options: Mapping[str, object] = field(default_factory=dict)

    def parts(self, size: int | None = None) -> list[Part]:
        """The parts of the study, `size` participants each."""
        return study_parts(self.folder, as_of=self.as_of, size=size)

    def determined(self, parts: list[Part]) -> Manifest:
        """What determines the result of the run, the cut into parts included."""
        first = parts[0]
        blind = is_blinded(self.versions[-1], None)
        seen = BLINDED if is_blinded(self.versions[-1], self.blinded) else UNBLINDED if blind else OPEN
        return determining(
            self.versions,
            first.settings,
            first.hashes,
            as_of=self.as_of,
            lang=self.lang,
            blinding=seen,
            options={**self.options, "parts": len(parts)},
            protocol_file=self.protocol_file,
        )

    def of_part(self, number: int, part: Part) -> dict[str, pl.DataFrame]:
        """Findings, queries, departures and counts of a part, and the queries that are about the protocol alone."""
        study = unseen(part.read, self.versions[-1], self.blinded)
        report = audit(self.versions, study, as_of=self.as_of, lang=self.lang, blinded=self.blinded)
        of_somebody = pl.col("subject").is_not_null()
        return {
            # What is of no participant, such as an amendment, is in every part: it is told once.
            "findings": report.findings.filter(of_somebody | (number == 0)),
            "queries": report.queries.filter(of_somebody),
            "departures": report.departures,
            "counts": report.counts,
            "gaps": report.queries.filter(~of_somebody),
        }


def task_of(protocol: Promised, folder: Path, as_of: date | None, lang: str) -> Task:
    """The audit of a folder, with nothing else said."""
    return Task(versions_of(protocol), folder, as_of, lang)
