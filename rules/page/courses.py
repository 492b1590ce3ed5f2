"""What is drawn of each participant, gathered by column for the few that are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import polars as pl

from rules.arrays import NONE
from rules.audit import Report
from rules.facts import Study
from rules.happened.evidence import Evidence
from rules.happened.records import STATUS, Records, read_doses, read_visits
from rules.page.timeline import Course

_TABLES = ("subjects", "administrations", "visits")
_WORDS = {"given": "done", "partly given": "done", "not given": "not given", "unknown": "unknown"}


def read_courses(report: Report, calendar: pl.DataFrame, subjects: Sequence[str]) -> dict[str, Course]:
    """The course of each of these participants. Assessments, and what is not expected, are left out."""
    chosen = pl.Series("subject", subjects, dtype=pl.String)
    planned = calendar.filter(
        pl.col("subject").is_in(chosen.implode())
        & (pl.col("kind") != "assessment")
        & (pl.col("status") != "not expected")
    ).with_columns(pl.col("opens", "closes").fill_null(pl.col("due")))
    frames = (planned, read_records(report, chosen), report.findings, report.queries, report.departures)
    split = [_by_subject(frame, chosen) for frame in frames]
    return {
        s: Course(*(part.get(s, frame.clear()) for part, frame in zip(split, frames, strict=True))) for s in subjects
    }


def _by_subject(frame: pl.DataFrame, chosen: pl.Series) -> dict[str, pl.DataFrame]:
    mine = frame.filter(pl.col("subject").is_in(chosen.implode()))
    return {str(key[0]): part for key, part in mine.partition_by("subject", as_dict=True, maintain_order=True).items()}


def read_records(report: Report, chosen: pl.Series) -> pl.DataFrame:
    """Doses and visits on record with a full date, bags joined and named as the engine does.

    Columns: subject, visit (whether it is one), activity (null: none of the arm), word, day, status, record.
    """
    study = report.study
    numbers = (
        study.subjects.filter(pl.col("subject").is_in(chosen.implode())).select("s", "subject").with_row_index("place")
    )
    frames = {}
    for name in _TABLES:
        mine = (
            study.data(name)
            .join(numbers.select("s", "place"), on="s", maintain_order="left")
            .sort("place", maintain_order=True)
        )
        frames[name] = mine.with_columns(s=pl.col("place").cast(pl.Int32)).drop("place")
    evidence = Evidence(report.protocol, frames, frozenset(study.tables), len(numbers), _day(report.as_of), study.final)
    doses = _table(read_doses(evidence), evidence, study, "administrations", "treatment")
    visits = _table(read_visits(evidence), evidence, study, "visits", "visit")
    return pl.concat([doses, visits])


def _table(records: Records, evidence: Evidence, study: Study, table: str, word: str) -> pl.DataFrame:
    frame = evidence.frames[table]
    names = pl.Series([*records.names, None], dtype=pl.String)
    words = {number: _WORDS.get(name, name) for name, number in STATUS.items() if name in _WORDS}
    file = study.tables[table].file if table in study.tables else table
    at = pl.Series(records.place, dtype=pl.UInt32)
    rows = pl.DataFrame({
        "subject": evidence.frames["subjects"]["subject"].gather(records.s),
        "visit": pl.Series([table == "visits"]).new_from_index(0, len(records.s)),
        "activity": names.gather(np.where(records.activity < 0, len(records.names), records.activity)),
        "word": frame[word].gather(at),
        "day": pl.Series(np.where(records.day == records.last, records.day, NONE), dtype=pl.Int32),
        "status": pl.Series(records.status).replace_strict(words, return_dtype=pl.String),
        "record": pl.select(pl.format("{}:{}", pl.lit(file), frame["row"].gather(at))).to_series(),
    })  # fmt: skip
    return rows.filter(pl.col("day") != NONE).with_columns(pl.col("day").cast(pl.Date))


def _day(day: date) -> int:
    return (day - date(1970, 1, 1)).days
