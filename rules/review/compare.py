"""Two runs beside each other: what is new, unchanged, changed and gone, and what caused it.

A run is the file that `audit -o` wrote (JSON, CSV or Parquet) with its manifest beside it. What differs between the
manifests can be the cause; with both studies at hand a difference in facts is told cell by cell, and only of
participants whose facts differ.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from protocol.errors import Fault, StudyError
from rules.facts import Study
from rules.page.labels import Labels
from rules.review.assessed import FIELDS

COMPARED: dict[str, pl.DataType] = {
    "change": pl.String(), "id": pl.String(), "code": pl.String(), "subject": pl.String(), "site": pl.String(),
    "activity": pl.String(), "occurrence": pl.Int32(), "date": pl.Date(), "fields": pl.String(), "was": pl.String(),
    "now": pl.String(), "caused_by": pl.String(), "detail": pl.String(),
}  # fmt: skip
"""A finding or a query of either run: what became of it, which fields changed from what to what, and why."""

CHANGES = ("new", "changed", "gone", "unchanged")

FACTS, PROTOCOL, RULES, DAY, OPTIONS, LIBRARIES, UNEXPLAINED = (
    "facts", "protocol", "rules", "day of judgement", "options", "libraries", "nothing that the manifests name",
)  # fmt: skip

_IGNORED = ("id", "record", "detected")
"""Fields that differ without anything having changed: the line of a record, the day of the run."""

_FROM = {
    "decision": ("decisions", "corrections"), "state": ("decisions", "corrections"),
    "serious_breach": ("decisions",), "excluded_from": ("decisions",), "logged": ("deviation_log",),
    "site_aware": ("deviation_log",), "sponsor_aware": ("deviation_log",),
}  # fmt: skip
"""Fields that only these tables of the study can change."""

_SUFFIXES = (".json", ".csv", ".parquet")
_MOST = 5


@dataclass(frozen=True)
class Run:
    """The rows of a run, its manifest, and the study it was made of where that is at hand."""

    rows: pl.DataFrame
    manifest: Mapping[str, Any]
    study: Study | None = None


def read_run(place: Path, study: Study | None = None) -> Run:
    """The run in a result file, or in a folder that holds one; StudyError where there is none with a manifest."""
    path = _result_in(place) if place.is_dir() else place
    beside = path.with_name(f"{path.name}.manifest.json")
    if path.suffix not in _SUFFIXES or not path.is_file():
        raise _fault(place, "is no result of an audit", "give a file that audit -o wrote as json, csv or parquet")
    if not beside.is_file():
        raise _fault(place, f"has no manifest {beside.name} beside it", "keep the two files together")
    try:
        manifest = json.loads(beside.read_text("utf-8"))
        rows = _read_rows(path)
    except (ValueError, pl.exceptions.PolarsError) as error:
        raise _fault(place, f"cannot be read: {str(error).splitlines()[0]}", "run the audit again") from None
    if "id" not in rows.columns:
        raise _fault(place, "holds no findings: it has no column id", "give the result of an audit")
    return Run(as_texts(rows), manifest, study)


def _result_in(folder: Path) -> Path:
    found = sorted(p for p in folder.iterdir() if p.with_name(f"{p.name}.manifest.json").is_file())
    if len(found) != 1:
        raise _fault(folder, f"holds {len(found)} results with a manifest", "give the file itself")
    return found[0]


def _fault(place: Path, why: str, remedy: str) -> StudyError:
    return StudyError([Fault(str(place), None, None, "", "", why, remedy)])


def _read_rows(path: Path) -> pl.DataFrame:
    match path.suffix:
        case ".parquet":
            return pl.read_parquet(path)
        case ".csv":
            frame = pl.read_csv(path, infer_schema=False)
            return frame.with_columns(pl.all().str.replace(r"^'([=+\-@\t\r\n＝＋－＠])", "$1"))
        case _:
            rows = json.loads(path.read_text("utf-8"))
            names = list(rows[0]) if rows else list(FIELDS)
            texts = [[None if row.get(name) is None else str(row[name]) for name in names] for row in rows]
            return pl.DataFrame(texts, schema=dict.fromkeys(names, pl.String()), orient="row")


def as_texts(rows: pl.DataFrame) -> pl.DataFrame:
    """Every field as text, written alike whatever the format was; null where an older run had no such field."""
    there = [c for c in FIELDS if c in rows.columns]
    numbers = [pl.col(c).cast(FIELDS[c]) for c in there if FIELDS[c].is_numeric()]
    absent = [pl.lit(None, pl.String).alias(c) for c in FIELDS if c not in there]
    return rows.with_columns(*numbers, *absent).select(pl.col(c).cast(pl.String) for c in FIELDS)


def compare(old: Run, new: Run, *, ignored: tuple[str, ...] = ()) -> pl.DataFrame:
    """Every finding and query of either run (`COMPARED`), what differs first; fields that are `ignored` may differ."""
    both = old.rows.join(new.rows, on="id", how="full", coalesce=True, suffix=" now", maintain_order="right_left")
    fields = [name for name in FIELDS if name not in (*_IGNORED, *ignored)]
    was, now = pl.col("code").is_not_null(), pl.col("code now").is_not_null()
    differs = [pl.when(pl.col(f).ne_missing(pl.col(f"{f} now"))).then(pl.lit(f)) for f in fields]
    both = both.with_columns(changed=pl.concat_list(differs).list.drop_nulls())
    change = (
        pl.when(~was).then(pl.lit("new")).when(~now).then(pl.lit("gone"))
        .when(pl.col("changed").list.len() > 0).then(pl.lit("changed")).otherwise(pl.lit("unchanged"))
    )  # fmt: skip
    both = both.with_columns(change=change)
    either = [
        pl.coalesce(f"{c} now", c).alias(c) for c in ("code", "subject", "site", "activity", "occurrence", "date")
    ]
    told = both.select("change", "id", *either, *_told(fields), "changed")
    rank = pl.col("change").replace_strict({c: n for n, c in enumerate(CHANGES)}, return_dtype=pl.Int8)
    told = _caused(told, old, new).sort(rank, "subject", "date", "id", nulls_last=True)
    typed = told.with_columns(pl.col("date").str.to_date("%Y-%m-%d"))
    return typed.select(pl.col(c).cast(t) for c, t in COMPARED.items())


def counted(told: pl.DataFrame, lang: str) -> str:
    """How many of each change, in a line."""
    labels = Labels(lang)
    return labels("comma").join(f"{labels.value(change)} {(told['change'] == change).sum()}" for change in CHANGES)


def _told(fields: list[str]) -> list[pl.Expr]:
    """The names of the changed fields, and their values before and now."""
    moved = pl.col("change") == "changed"
    values = []
    for name, suffix in (("was", ""), ("now", " now")):
        each = [
            pl.when(pl.col("changed").list.contains(f)).then(
                pl.format("{}: {}", pl.lit(f), pl.col(f + suffix).fill_null("-"))
            )
            for f in fields
        ]
        whole = pl.concat_str(each, separator="; ", ignore_nulls=True)
        there = pl.col(f"message{suffix}")
        values.append(pl.when(moved).then(whole).when(pl.col("change") != "unchanged").then(there).alias(name))
    names = pl.when(moved).then(pl.col("changed").list.join(", ")).alias("fields")
    return [names, *values]


# --- causes -------------------------------------------------------------------------------------------------------


def _caused(told: pl.DataFrame, old: Run, new: Run) -> pl.DataFrame:
    """The rows with what can have caused each difference, and where."""
    differing = _differences(old.manifest, new.manifest)
    versions = _versions(old.manifest, new.manifest)
    cells = _cells(old.study, new.study, told) if old.study is not None and new.study is not None else None
    causes, details = [], []
    for row in told.iter_rows(named=True):
        found = {} if row["change"] == "unchanged" else _of_row(row, differing, cells)
        if RULES in found and row["code"] in versions:
            found[RULES] = f"{row['code']} {versions[row['code']]}"
        causes.append("; ".join(found) or None)
        details.append("; ".join(filter(None, found.values())) or None)
    return told.with_columns(caused_by=pl.Series(causes, dtype=pl.String), detail=pl.Series(details, dtype=pl.String))


def _differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, str]:
    """What differs between two manifests: the kind of cause and where it is."""
    found: dict[str, str] = {}
    before, after = old.get("inputs", {}), new.get("inputs", {})
    if files := [name for name in sorted({*before, *after}) if before.get(name) != after.get(name)]:
        found[FACTS] = ", ".join(files)
    for cause, keys in (
        (PROTOCOL, ("protocol", "protocol version", "protocol hash")),
        (RULES, ("version", "build")),
        (DAY, ("as of", "data cut", "data final")),
        (OPTIONS, ("language", "blinding", "options")),
        (LIBRARIES, ("python", "libraries")),
    ):
        differing = [key for key in keys if old.get(key) != new.get(key)]
        parts = [f"{key} {_short(old.get(key))} -> {_short(new.get(key))}" for key in differing]
        if parts:
            found[cause] = ", ".join(parts)
    return found


def _versions(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, str]:
    """The rules whose own versions differ between two manifests, with both; none where a manifest names no versions."""
    before, after = old.get("rules"), new.get("rules")
    if not before or not after:
        return {}
    changed = [code for code in sorted({*before, *after}) if before.get(code) != after.get(code)]
    return {code: f"{before.get(code, '-')} -> {after.get(code, '-')}" for code in changed}


def _short(value: object) -> str:
    text = "-" if value is None else str(value)
    return text[:12] if len(text) == 64 else text


def _of_row(row: Mapping[str, Any], differing: Mapping[str, str], cells: Mapping[str, str] | None) -> dict[str, str]:
    """The causes that this row can have, of all that differ between the runs."""
    tables = {table for field in row["changed"] for table in _FROM.get(field, ("",))}
    if row["change"] == "changed" and "" not in tables and FACTS in differing:
        files = [name for name in differing[FACTS].split(", ") if any(table in name for table in tables)]
        if files:
            return {FACTS: ", ".join(files)}
    found = dict(differing)
    if cells is not None and FACTS in found and row["subject"] is not None:
        del found[FACTS]
        if row["subject"] in cells:
            return {FACTS: cells[row["subject"]]} | {c: d for c, d in found.items() if c != LIBRARIES}
    if len(found) > 1:
        found.pop(LIBRARIES, None)
    return found or {UNEXPLAINED: ""}


def _cells(old: Study, new: Study, told: pl.DataFrame) -> dict[str, str]:
    """Of every participant with a difference the cells that differ between two studies, in a text."""
    wanted = set(told.filter(pl.col("change") != "unchanged")["subject"].drop_nulls())
    found: dict[str, list[str]] = {}
    for name in dict.fromkeys((*old.tables, *new.tables)):
        for subject, said in _table_cells(name, old, new, wanted):
            found.setdefault(subject, []).append(said)
    more = {s: f" (+{len(said) - _MOST})" if len(said) > _MOST else "" for s, said in found.items()}
    return {s: ", ".join(said[:_MOST]) + more[s] for s, said in found.items()}


def _table_cells(name: str, old: Study, new: Study, wanted: set[str]) -> Iterator[tuple[str, str]]:
    before, after = _rows_of(old, name, wanted), _rows_of(new, name, wanted)
    for subject in sorted({*before, *after}):
        was, now = before.get(subject, []), after.get(subject, [])
        gone = [row for row in was if row[1] not in [r for _, r in now]]
        come = [row for row in now if row[1] not in [r for _, r in was]]
        for (_, one), (place, two) in list(zip(gone, come, strict=False)):
            for column in dict.fromkeys((*one, *two)):
                if one.get(column) != two.get(column):
                    yield subject, f"{place} {column} {one.get(column, '-')} -> {two.get(column, '-')}"
        for place, row in come[len(gone) :]:
            yield subject, f"{place} added: {_said(row)}"
        for place, row in gone[len(come) :]:
            yield subject, f"{place} removed: {_said(row)}"


def _said(row: Mapping[str, str]) -> str:
    return " ".join(value for key, value in row.items() if key != "subject")


def _rows_of(study: Study, name: str, wanted: set[str]) -> dict[str, list[tuple[str, dict[str, str]]]]:
    """The filled cells of every row of these participants as recorded, with its place."""
    table = study.tables.get(name)
    if table is None or "s" not in table.data.columns:
        return {}
    names = study.subjects.select("s", "subject").filter(pl.col("subject").is_in(sorted(wanted)))
    mine = table.data.select("row", "s").join(names, on="s", maintain_order="left")
    recorded = table.recorded(mine["row"]).select(pl.all().cast(pl.String).str.strip_chars())
    rows: dict[str, list[tuple[str, dict[str, str]]]] = {}
    for subject, line, cells in zip(mine["subject"], mine["row"], recorded.iter_rows(named=True), strict=True):
        filled = {key: value for key, value in cells.items() if value}
        rows.setdefault(subject, []).append((f"{table.file}:{line}", filled))
    return rows
