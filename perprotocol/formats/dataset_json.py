"""CDISC Dataset-JSON 1.1: one dataset read in chunks and written; also as NDJSON, a row a line.

A file without `rows` is read as metadata on the first line and a row on each of the others (NDJSON).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl

from protocol.errors import Fault, StudyError

CHUNK = 200_000
"""Rows read at a time."""
VERSION = "1.1.0"
_TYPES = {"string", "integer", "decimal", "float", "double", "boolean", "datetime", "date", "time", "URI"}
_WRITTEN: tuple[tuple[type[pl.DataType], str], ...] = (
    (pl.String, "string"), (pl.Int64, "integer"), (pl.Float64, "double"), (pl.Date, "date"),
)  # fmt: skip


@dataclass(frozen=True)
class About:
    """What stands in a file beside its rows: of which study it is, when it was made, and by which system."""

    study: str
    made: str
    system: str
    version: str


def read_dataset_json(path: Path, chunk: int = CHUNK) -> Iterator[pl.DataFrame]:
    """The rows in chunks, at least one, perhaps empty; StudyError with what is wrong with the file."""
    with path.open("rb") as file:
        first = file.readline()
        lines = path.suffix.lower() == ".ndjson"
        head = _parsed(path, first if lines else first + file.read(), 1)
        columns = _columns(path, head)
        rows = (_parsed(path, line, n) for n, line in enumerate(file, 2) if line.strip()) if lines else None
        given = iter(head["rows"]) if rows is None else rows
        read, promised = 0, head.get("records")
        while True:
            some = list(islice(given, chunk))
            if some or not read:
                yield _frame(path, columns, some, read)
            read += len(some)
            if len(some) < chunk:
                break
    if isinstance(promised, int) and promised != read:
        why = f"says that it has {promised} records and has {read}: rows were lost or added"
        raise _unusable(path, why, "ask for the file again")


def write_dataset_json(
    frame: pl.DataFrame, path: Path, name: str, label: str, labels: Mapping[str, str], keys: Mapping[str, int],
    about: About,
) -> None:  # fmt: skip
    """The file holds the dataset."""
    columns = []
    for column, dtype in frame.schema.items():
        said: dict[str, Any] = {"itemOID": f"IT.{name}.{column}", "name": column, "label": labels.get(column, column)}
        said["dataType"] = next(word for kind, word in _WRITTEN if dtype == kind)
        if dtype == pl.Date:
            said |= {"targetDataType": "integer", "displayFormat": "DATE9."}
        if dtype == pl.String:
            said["length"] = max(frame.select(pl.col(column).str.len_bytes().max()).item() or 1, 1)
        if column in keys:
            said["keySequence"] = keys[column]
        columns.append(said)
    data = {
        "datasetJSONCreationDateTime": about.made, "datasetJSONVersion": VERSION,
        "fileOID": f"{about.study}.{name}", "studyOID": about.study, "metaDataVersionOID": f"MDV.{about.study}",
        "itemGroupOID": f"IG.{name}", "originator": about.system,
        "sourceSystem": {"name": about.system, "version": about.version},
        "records": len(frame), "name": name, "label": label, "columns": columns,
    }  # fmt: skip
    texts = frame.with_columns(pl.col(pl.Date).cast(pl.String))
    beside = path.with_name(path.name + ".tmp")
    with beside.open("w", encoding="utf-8") as file:
        file.write(json.dumps(data, ensure_ascii=False, indent=1).removesuffix("\n}") + ',\n "rows": [')
        for n, row in enumerate(texts.iter_rows()):
            file.write(("" if n == 0 else ",") + "\n  " + json.dumps(row, ensure_ascii=False))
        file.write("\n ]\n}\n")
    beside.replace(path)


def _parsed(path: Path, text: bytes, line: int) -> Any:
    try:
        return json.loads(text)
    except UnicodeDecodeError as error:
        raise _unusable(path, f"is not UTF-8 at byte {error.start}", "save it as UTF-8") from error
    except json.JSONDecodeError as error:
        why = f"is no JSON: {error.msg}"
        remedy = "it may be cut off: ask for the file again" if error.pos >= len(text.strip()) - 1 else "correct it"
        raise _unusable(path, why, remedy, line + error.lineno - 1, error.colno) from error


def _columns(path: Path, head: Any) -> list[str]:
    """The names of the columns; StudyError where the file is no Dataset-JSON 1.1."""
    if not isinstance(head, dict):
        raise _unusable(path, "is no Dataset-JSON: it holds no object", "give a file of one dataset")
    if "clinicalData" in head or "referenceData" in head or str(head.get("datasetJSONVersion", "")).startswith("1.0"):
        raise _unusable(path, "is Dataset-JSON 1.0", "save it as version 1.1, or as XPT")
    if not isinstance(head.get("columns"), list) or (path.suffix.lower() != ".ndjson" and "rows" not in head):
        why = "is no Dataset-JSON 1.1: 'columns' or 'rows' is missing"
        raise _unusable(path, why, "give a file with datasetJSONVersion, columns and rows")
    names = []
    for n, column in enumerate(head["columns"], 1):
        name, kind = (column.get("name"), column.get("dataType")) if isinstance(column, dict) else (None, None)
        if not isinstance(name, str) or not name or kind not in _TYPES:
            why = f"has no name, or the data type {kind!r}, which Dataset-JSON 1.1 does not know"
            raise _unusable(path, f"column {n} {why}", "write name and one of " + ", ".join(sorted(_TYPES)))
        names.append(name)
    return names


def _frame(path: Path, columns: list[str], rows: list[Any], before: int) -> pl.DataFrame:
    """The rows as a frame; a column of numbers is one, any other is text."""
    for n, row in enumerate(rows, before + 1):
        if not isinstance(row, list) or len(row) != len(columns):
            has = len(row) if isinstance(row, list) else "no"
            raise _unusable(path, f"row {n} has {has} cells and the file {len(columns)} columns", "correct the row")
    cells = zip(*rows, strict=True) if rows else ([] for _ in columns)
    return pl.DataFrame([_series(name, list(column)) for name, column in zip(columns, cells, strict=True)])


def _series(name: str, cells: list[Any]) -> pl.Series:
    if all(cell is None or (isinstance(cell, int | float) and not isinstance(cell, bool)) for cell in cells):
        return pl.Series(name, cells, dtype=pl.Float64, strict=False)
    return pl.Series(name, [None if cell is None else str(cell) for cell in cells], dtype=pl.String)


def _unusable(path: Path, why: str, remedy: str, line: int | None = None, column: int | None = None) -> StudyError:
    return StudyError([Fault(path.name, line, column, "", "", why, remedy)])
