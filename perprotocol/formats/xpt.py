"""SAS transport files, version 5: a dataset read in chunks and written, its limits checked both ways.

pyreadstat reads and writes the rows. What it lets pass is checked here: a file that was cut off, and what is longer
than the format or SDTM allows (names of 8 signs, labels of 40, texts of 200 bytes).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Any

import polars as pl

from protocol.errors import Fault, StudyError

CHUNK = 200_000
"""Rows read at a time."""
MOST_BYTES, MOST_NAME, MOST_LABEL = 200, 8, 40
_RECORD, _NAMESTR = 80, 140
_MARK = b"HEADER RECORD*******"
_AGAIN = "ask for the file again, or send it another way: some mail and FTP programs change or cut binary files"


@dataclass(frozen=True)
class Layout:
    """Where the rows of a transport file begin, how long each is, and how many there are."""

    start: int
    width: int
    rows: int


def xpt_layout(path: Path) -> Layout:
    """The layout by the file's own headers; StudyError where it is no version 5 file, or where its end is missing."""
    size = path.stat().st_size
    with path.open("rb") as file:
        first = file.read(_RECORD)
        if not first.startswith(_MARK):
            raise _unusable(path, "is no SAS transport file: its first record is none", "save it as XPT version 5")
        if first[20:28] in (b"LIBV8   ", b"LIBV9   "):
            raise _unusable(path, "is a version 8 transport file", "save it as version 5, which regulators ask for")
        file.seek(3 * _RECORD)
        variables, start, widths = 0, 0, []
        while record := file.read(_RECORD):
            if record.startswith(_MARK + b"NAMESTR"):
                digits = record[54:58]
                variables = int(digits) if digits.isdigit() else 0
                described = file.read(-(-variables * _NAMESTR // _RECORD) * _RECORD)
                if len(described) < variables * _NAMESTR:
                    break
                widths = [
                    struct.unpack(">h", described[n * _NAMESTR + 4 : n * _NAMESTR + 6])[0] for n in range(variables)
                ]
            elif record.startswith(_MARK + b"OBS"):
                start = file.tell()
                break
        width = sum(widths)
        if not start or not width:
            why = f"is cut off: after {size} bytes the description of its variables is not complete"
            raise _unusable(path, why, _AGAIN)
        rows, rest = divmod(size - start, width)
        file.seek(start + rows * width)
        left = file.read(rest)
    if size % _RECORD or (left.strip(b" ") and rest) or rest >= max(width, _RECORD):
        why = f"is cut off: after row {rows} stand {rest} of the {width} bytes of the next one"
        raise _unusable(path, why, _AGAIN)
    return Layout(start, width, rows)


def read_xpt(path: Path, chunk: int = CHUNK) -> Iterator[pl.DataFrame]:
    """The rows in chunks, at least one, perhaps empty; numbers as numbers, dates of SAS as numbers too.

    pyreadstat reads a file from its beginning whichever row is wanted: each chunk is given to it as a file of its own.
    """
    layout, reader = xpt_layout(path), _pyreadstat(path)
    with path.open("rb") as file:
        head = file.read(layout.start)
        for first in range(0, max(layout.rows, 1), chunk):
            rows = file.read(min(chunk, layout.rows - first) * layout.width)
            whole = head + rows.ljust(-(-len(rows) // _RECORD) * _RECORD)
            try:
                frame, _ = reader.read_xport(BytesIO(whole), output_format="polars", disable_datetime_conversion=True)
            except (reader.ReadstatError, UnicodeDecodeError) as error:
                remedy = "save it as XPT version 5, in UTF-8 or ASCII"
                raise _unusable(path, f"cannot be read: {error}", remedy) from error
            if first == 0 or len(frame):
                yield frame


def write_xpt(
    frame: pl.DataFrame, path: Path, name: str, label: str, labels: Mapping[str, str], made: date | None = None
) -> None:
    """The file holds the dataset; StudyError, and no file, where something is longer than allowed.

    It says that it was made on the day `made`, so that the same data are the same bytes.
    """
    if faults := too_long(frame, path.name, name, {name: label, **labels}):
        raise StudyError(faults)
    writer = _pyreadstat(path)
    beside = path.with_name(path.name + ".tmp")
    formats = {column: "DATE9" for column, dtype in frame.schema.items() if dtype == pl.Date}
    epoch = pl.date(1960, 1, 1)
    numbers = frame.with_columns((pl.col(c) - epoch).dt.total_days().cast(pl.Float64) for c in formats)
    writer.write_xport(
        numbers, str(beside), file_label=label, column_labels=dict(labels), table_name=name, file_format_version=5,
        variable_format=formats,
    )  # fmt: skip
    if made is not None:
        _stamp(beside, f"{made:%d%b%y}:00:00:00".upper().encode())
    beside.replace(path)


def _stamp(path: Path, when: bytes) -> None:
    """The file says that it, and its one dataset, were made and changed then (records 2, 3, 6 and 7 of the format)."""
    with path.open("r+b") as file:
        for place in (_RECORD + 64, 2 * _RECORD, 5 * _RECORD + 64, 6 * _RECORD):
            file.seek(place)
            file.write(when)


def too_long(frame: pl.DataFrame, file: str, name: str, labels: Mapping[str, str]) -> list[Fault]:
    """A fault for each name, label and variable that is longer than allowed, a text at its first row."""
    faults = []

    def add(column: str, value: str, why: str, remedy: str, line: int | None = None) -> None:
        faults.append(Fault(file, line, column, "", value[:40], why, remedy))

    for column in (name, *frame.columns):
        if len(column.encode()) > MOST_NAME:
            add(column, column, f"has more than the {MOST_NAME} signs that a name may have", "name it shorter")
    for column, label in labels.items():
        if len(label.encode()) > MOST_LABEL:
            add(column, label, f"has more than the {MOST_LABEL} bytes that a label may have", "write it shorter")
    for column, dtype in frame.schema.items():
        if dtype == pl.String:
            length = frame[column].str.len_bytes().fill_null(0)
            row = length.arg_max()
            if row is not None and length[row] > MOST_BYTES:
                why = f"has {length[row]} bytes, and SDTM allows {MOST_BYTES}"
                add(column, str(frame[column][row]), why, "write it shorter", row + 1)
    return faults


def _unusable(path: Path, why: str, remedy: str) -> StudyError:
    return StudyError([Fault(path.name, None, None, "", "", why, remedy)])


def _pyreadstat(path: Path) -> Any:
    """The library, an extra: only who uses transport files needs it."""
    try:
        import pyreadstat  # noqa: PLC0415
    except ImportError:
        raise _unusable(path, "needs pyreadstat", "install the extra: pip install 'perprotocol[sdtm]'") from None
    found: ModuleType = pyreadstat
    return found
