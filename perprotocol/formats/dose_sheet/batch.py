"""Which sheets are made: one planned dose, or every infusion that is due between two days."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl

import protocol as promised
import rules
from perprotocol.formats.dose_sheet.sheet import Order, Sheet, fill_in
from perprotocol.typed_in import only_of
from protocol import Fault, Protocol, StudyError
from rules.ahead import WAITING, worklist
from rules.blinding import BLINDED, OPEN, read_facts, sighted
from rules.facts import Study
from rules.partitions import DATED
from rules.review.again import Change, read_again

MOST = 200
"""Sheets of one file."""


@dataclass(frozen=True)
class Chosen:
    """What was asked for: one planned dose, or what is due between two days."""

    subject: str | None
    activity: str | None
    occurrence: int | None
    first: date | None
    last: date | None


@dataclass(frozen=True)
class Batch:
    """The sheets of one file, and what stands at the foot of each."""

    sheets: list[Sheet]
    foot: dict[str, Any]


def sheets_of(
    protocol_file: str, folder: Path, chosen: Chosen, order: Order, as_of: date, blinded: bool | None
) -> Batch:
    """The sheets asked for; StudyError where there are none, or an option does not fit what was asked for."""
    read = promised.read_versions(protocol_file)
    facts = read_facts(folder, read[-1], blinded)
    versions, study, seen = sighted(read, _known_on(facts, as_of), blinded)
    _check_options(chosen, order, versions[-1])
    calendar = only_of(rules.schedule(versions, study, as_of=as_of, blinded=False), study, chosen.subject)
    rows = _rows(calendar, chosen, versions[-1], as_of)
    by_version = {version.version: version for version in versions}
    sheets = [
        fill_in(by_version[row["version"]], study, row, order, as_of, blinded=seen == BLINDED)
        for row in rows.iter_rows(named=True)
    ]  # fmt: skip
    marks = ([] if all(version.approved for version in read) else ["draft"]) + ([] if seen == OPEN else [seen])
    content = json.dumps([sheet.page for sheet in sheets], ensure_ascii=False, sort_keys=True)
    digest = hashlib.sha256(content.encode()).hexdigest()[:12]
    # The PDF says when it was made: the as-of day, so that the same sheets are the same bytes.
    made = (as_of - date(1970, 1, 1)).days * 86400
    return Batch(sheets, {"text": f"perprotocol · {study.name} · {as_of} · {digest}", "marks": marks, "made": made})


def _known_on(study: Study, as_of: date) -> Study:
    """The study without what is dated later: a sheet for a day ahead must not use what nobody knew."""

    def until(name: str) -> Change:
        dated = study.data(name)
        later = dated.filter(pl.col(DATED[name]) > as_of)["row"]

        def change(raw: pl.DataFrame, lines: pl.Series) -> tuple[pl.DataFrame, pl.Series]:
            kept = ~lines.is_in(later.implode())
            return raw.filter(kept), lines.filter(kept)

        return change

    return read_again(study, changes={name: until(name) for name in DATED if name in study.tables}).get()


def _fault(option: str, value: object, why: str, remedy: str) -> StudyError:
    return StudyError([Fault(option, None, None, "", str(value), why, remedy)])


def _check_options(chosen: Chosen, order: Order, trial: Protocol) -> None:
    one = chosen.subject is not None and chosen.activity is not None and chosen.occurrence is not None
    treatments = ", ".join(trial.treatments)
    if chosen.activity is not None and chosen.activity not in trial.treatments:
        raise _fault(
            "--activity", chosen.activity, f"is no treatment of {trial.protocol}", f"write one of {treatments}"
        )
    if chosen.activity is not None and any(p.often() for p in trial.treatments[chosen.activity].parts()):
        remedy = "write a treatment that is given one dose at a time"
        raise _fault("--activity", chosen.activity, "is taken by days, and a sheet is for one infusion", remedy)
    if not one and chosen.first is None:
        remedy = "write --subject, --activity and --occurrence, or --from and --to"
        raise _fault("dose-sheet", "", "does not say which dose is meant", remedy)
    for option, value in (("--on", order.on), ("--amount", order.amount), ("--weight", order.weight)):
        if value is not None and not one:
            remedy = "add --subject, --activity and --occurrence"
            raise _fault(option, value, "is of one dose, and several are asked for", remedy)


def _rows(calendar: pl.DataFrame, chosen: Chosen, trial: Protocol, as_of: date) -> pl.DataFrame:
    """The rows of the calendar that sheets are made of."""
    by_days = [name for name, t in trial.treatments.items() if any(part.often() for part in t.parts())]
    mine = calendar.filter((pl.col("kind") == "treatment") & ~pl.col("activity").is_in(by_days))
    if chosen.activity is not None:
        mine = mine.filter(pl.col("activity") == chosen.activity)
    if chosen.occurrence is not None:
        mine = mine.filter(pl.col("occurrence") == chosen.occurrence)
    if chosen.first is not None:
        last = chosen.last or chosen.first + timedelta(days=6)
        due = worklist(trial, mine, chosen.first, last)
        mine = due.filter(pl.col("due").is_between(chosen.first, last) | (pl.col("status") == "overdue"))
    elif len(mine) and mine["status"][0] not in WAITING:
        row = mine.row(0, named=True)
        why, remedy = f"is {row['status']} already, as of {as_of}", "write one that is still to come"
        if row["status"] == "not expected":
            why, remedy = f"is not expected as of {as_of}", "see perprotocol schedule and audit for what ended it"
        raise _fault("--occurrence", f"{row['activity']} {row['occurrence']}", why, remedy)
    if not len(mine):
        raise _fault("dose-sheet", "", "there is no such infusion in the calendar", "see perprotocol schedule, or due")
    if len(mine) > MOST:
        raise _fault(
            "dose-sheet", "", f"{len(mine)} sheets are asked for, and a file holds {MOST}", "ask for fewer days"
        )
    return mine
