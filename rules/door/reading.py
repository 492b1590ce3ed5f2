"""Files of a study folder read as recorded: every cell as it stands, every row with its line, only the form judged.

CSV (UTF-8 with or without BOM, UTF-16, GB18030; comma, semicolon or tab) and Parquet.
"""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl

from protocol.errors import Fault
from rules.door.tables import SCHEMAS

SUFFIXES = (".csv", ".tsv", ".parquet", ".xlsx")


@dataclass(frozen=True)
class Recorded:
    """A table as recorded: `frame` has the columns of the file in lower case, `lines` the place of each of its rows.

    `misshapen` are the lines with more cells than the header; a table that is not `usable` has no header to go by.
    """

    name: str
    file: str
    frame: pl.DataFrame
    lines: pl.Series
    faults: tuple[Fault, ...] = ()
    notes: dict[str, int] = field(default_factory=dict)
    misshapen: tuple[int, ...] = ()
    usable: bool = True


def column_key(header: object) -> str:
    """The name of a column as the tables know it: lower case, blanks and hyphens as underscores."""
    return re.sub(r"[\s\-]+", "_", str(header if header is not None else "").strip().lower())


def read_table(path: Path, name: str, file: str) -> Recorded:
    """The table in a CSV, TSV or Parquet file; what is wrong with its form stands in `faults`."""
    if path.suffix.lower() == ".parquet":
        return _read_parquet(path, name, file)
    data = path.read_bytes()
    text, encoding = decoded(data)
    if text is None:
        return _nothing(name, file, "is neither UTF-8 nor GB18030 text", "save it as CSV UTF-8")
    notes = {} if encoding == "UTF-8" else {f"read as {encoding}": 1}
    return _read_text(text, name, file, notes)


def _nothing(name: str, file: str, why: str, remedy: str, line: int | None = None) -> Recorded:
    fault = Fault(file, line, None, "", "", why, remedy)
    return Recorded(name, file, pl.DataFrame(), pl.Series("row", [], pl.Int32), (fault,), usable=False)


def _empty(name: str, file: str) -> Recorded:
    columns = ",".join(SCHEMAS[name].required)
    return _nothing(name, file, "is empty", f"write a header line such as {columns}, or remove the file", line=1)


def _read_parquet(path: Path, name: str, file: str) -> Recorded:
    try:
        frame = pl.read_parquet(path)
    except pl.exceptions.PolarsError as error:
        return _nothing(name, file, f"is no Parquet file: {str(error).splitlines()[0]}", "write it again")
    return from_frame(frame, name, file)


def from_frame(frame: pl.DataFrame, name: str, file: str) -> Recorded:
    """A table from a frame as recorded; its rows are numbered from 1."""
    if not frame.width:
        return _empty(name, file)
    header, faults = _header(list(frame.columns), file)
    frame.columns = header
    lines = pl.Series("row", np.arange(1, frame.height + 1, dtype=np.int32))
    return Recorded(name, file, frame, lines, tuple(faults), usable=not faults)


def decoded(data: bytes) -> tuple[str | None, str]:
    """The text of a file and how it was encoded; None where no encoding fits."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        trials = (("utf-16", "UTF-16"),)
    else:
        trials = (("utf-8-sig", "UTF-8"), ("gb18030", "GB18030"))  # type: ignore[assignment]
    for codec, shown in trials:
        try:
            text = data.decode(codec)
        except UnicodeDecodeError:
            continue
        return (None, "") if "\0" in text else (text, shown)
    return None, ""


def _read_text(text: str, name: str, file: str, notes: dict[str, int]) -> Recorded:
    if "\n" not in text:
        text = text.replace("\r", "\n")
    # Excel's own word for the separator is no header; the line stays, so that rows keep their lines.
    said = re.match(r"sep=([,;\t])\r?(?=\n)", text, re.IGNORECASE)
    text = text[said.end() :] if said else text
    if not text.strip():
        return _empty(name, file)
    first, _, rest = text.partition("\n")
    header = re.search(r"\S[^\n]*", text)
    separator = said[1] if said else max(",;\t", key=header[0].count) if header else ","
    frame = _read_plain(first, rest, separator, file) if first.strip() else None
    if frame is not None:
        lines = pl.int_range(2, frame.height + 2, dtype=pl.Int32, eager=True).alias("row")
        return Recorded(name, file, frame, lines, (), notes)
    return from_records(records(text, separator), name, file, notes)


def _read_plain(first: str, rest: str, separator: str, file: str) -> pl.DataFrame | None:
    """The frame, where every line is one row and nothing needs a word; None where a closer look is needed."""
    if not rest or first.count('"') % 2:
        return None
    header, faults = _header(next(csv.reader([first.rstrip("\r")], delimiter=separator)), file)
    if faults:
        return None
    schema = dict.fromkeys(header, pl.String())
    try:
        frame = pl.read_csv(
            rest.encode(), has_header=False, schema=schema, separator=separator, infer_schema=False, null_values=""
        )
    except pl.exceptions.PolarsError:
        return None
    lines = rest.count("\n") + (not rest.endswith("\n"))
    return frame if frame.height == lines else None


def records(text: str, separator: str) -> Iterator[tuple[int, list[str | None]]]:
    """Each record of a CSV text with the line it begins on; csv.Error, with that line, where a quote is not closed."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    begins = 1
    try:
        for record in reader:
            yield begins, list(record)
            begins = reader.line_num + 1
    except csv.Error as error:
        raise csv.Error(begins, str(error)) from error


def from_records(
    records: Iterator[tuple[int, list[str | None]]], name: str, file: str, notes: dict[str, int]
) -> Recorded:
    """The table of records read one by one; the first one with a cell is the header."""
    try:
        read = list(records)
    except csv.Error as error:
        line, why = error.args
        return _nothing(name, file, f"has a quote out of place ({why})", 'write "" for a quote inside a cell', line)
    while read and _blank(read[0][1]):
        read.pop(0)
    if not read:
        return _empty(name, file)
    header, faults = _header(read[0][1], file, read[0][0])
    usable, width, misshapen = not faults, len(header), []
    for line, cells in read[1:]:
        if not _blank(cells[width:]):
            extra = ", ".join(repr(cell) for cell in cells[width:] if cell)
            why = f"has {len(cells)} cells where the header has {width}: {extra} belongs to no column"
            faults.append(Fault(file, line, None, "", "", why, 'put a cell that holds a separator in "..."'))
            misshapen.append(line)
    rows = [[cell or None for cell in cells[:width]] for _, cells in read[1:]]
    filled = [row + [None] * (width - len(row)) for row in rows]
    frame = pl.DataFrame(filled, schema=dict.fromkeys(header, pl.String()), orient="row")
    lines = pl.Series("row", [line for line, _ in read[1:]], pl.Int32)
    return Recorded(name, file, frame, lines, tuple(faults), notes, tuple(misshapen), usable)


def _blank(cells: Sequence[str | None]) -> bool:
    return not any((cell or "").strip() for cell in cells)


def _header(cells: Sequence[str | None], file: str, line: int = 1) -> tuple[list[str], list[Fault]]:
    """The keys of the columns, each once, and a fault for every column that stands there twice."""
    keys: list[str] = []
    faults = []
    for number, cell in enumerate(cells, start=1):
        key = column_key(cell) or f"column_{number}"
        if key in keys:
            why = f"stands twice in the header, in columns {keys.index(key) + 1} and {number}"
            faults.append(Fault(file, line, number, "", str(cell), why, "name each column once"))
            key = f"{key}_{number}"
        keys.append(key)
    return keys, faults
