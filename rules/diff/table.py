"""An amendment as one table: what the two versions say, which occurrences differ, which findings come and go."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl

from protocol.model import Protocol
from rules.diff.changes import changes
from rules.diff.effects import Effects, effects
from rules.diff.said import Speaker
from rules.facts import Study
from rules.partitions import Progress

DIFF: dict[str, pl.DataType] = {
    "part": pl.String(), "change": pl.String(), "path": pl.String(), "subject": pl.String(), "site": pl.String(),
    "activity": pl.String(), "occurrence": pl.Int32(), "date": pl.Date(), "code": pl.String(), "id": pl.String(),
    "fields": pl.String(), "was": pl.String(), "now": pl.String(), "message": pl.String(),
}  # fmt: skip
"""One difference: of the protocol, of an occurrence or of a finding; what it was, what it is now, and in a sentence."""
PARTS = ("protocol", "occurrence", "finding")


def diff(
    old: Protocol,
    new: Protocol,
    study: Study | None = None,
    *,
    as_of: date | None = None,
    active: date | None = None,
    lang: str = "en",
    blinded: bool | None = None,
    progress: Progress | None = None,
) -> pl.DataFrame:
    """What differs between two versions (`DIFF`), and with a study what that changes for its participants."""
    parts = [of_protocol(old, new, lang)]
    if study is not None:
        seen = effects(old, new, study, as_of=as_of, active=active, lang=lang, blinded=blinded, progress=progress)
        parts.append(of_study(seen))
    return pl.concat(parts)


def of_protocol(old: Protocol, new: Protocol, lang: str) -> pl.DataFrame:
    """The differences of two documents, each in a sentence."""
    speaker = Speaker(old, new, lang)
    rows: list[dict[str, Any]] = []
    for change in changes(old, new):
        values = {name: None if value is None else speaker.told(value) for name, value in change.sides()}
        path = ".".join(map(str, change.path))
        fields = ", ".join(change.fields) or None
        said = {"change": change.kind, "path": path, "fields": fields, "message": speaker.sentence(change)}
        rows.append({"part": "protocol", **said, **values})
    return pl.DataFrame(rows, schema=DIFF)


def of_study(found: Effects) -> pl.DataFrame:
    """What differs for the participants, occurrences before findings."""
    calendar, told = found.occurrences, found.findings
    parts = (calendar.with_columns(part=pl.lit("occurrence")), told.with_columns(part=pl.lit("finding")))
    return pl.concat([_shaped(part) for part in parts])


def _shaped(rows: pl.DataFrame) -> pl.DataFrame:
    present = [pl.col(c) if c in rows.columns else pl.lit(None).alias(c) for c in DIFF]
    return rows.select(present).cast(DIFF)  # type: ignore[arg-type]
