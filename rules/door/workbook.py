"""A workbook as tables: a sheet for each, a sheet `study` for its settings; what a sheet would lose is a fault."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from zipfile import ZipFile

import polars as pl

from protocol.errors import Fault
from rules.door.reading import Recorded, column_key, from_records
from rules.door.settings import Line
from rules.door.tables import SCHEMAS

SETTINGS = "study"
"""The sheet that says what study.yaml says of a folder."""

_MISSING_READER = "install the extra that reads workbooks, pip install 'perprotocol[excel]', or save the sheets as CSV"
_DAY = r"^(\d{4}-\d\d-\d\d) 00:00:00$"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell [^>]*?ref="([A-Z0-9:]+)"')
_CELL = re.compile(rb"<(?:\w+:)?c ([^>]*[^/>])>(.*?)</(?:\w+:)?c>", re.DOTALL)
_PLACE = re.compile(rb'\br="([A-Z]+[0-9]+)"')
_FORMULA = re.compile(rb"<(?:\w+:)?f[ />]")
_VALUE = re.compile(rb"<(?:\w+:)?v>([^<]+)</")


@dataclass(frozen=True)
class Book:
    """What a workbook holds: its tables, the lines of its settings with the sheet they stand in, and its faults."""

    tables: list[Recorded] = field(default_factory=list)
    settings: list[Line] = field(default_factory=list)
    sheet: str = ""
    faults: list[Fault] = field(default_factory=list)


def read_workbook(path: Path, file: str) -> Book:
    """The tables of a workbook, one for each sheet that has the name of a table; other sheets are left alone."""

    def refused(why: str, remedy: str) -> Book:
        return Book(faults=[Fault(file, None, None, "", "", why, remedy)])

    try:
        import fastexcel  # noqa: PLC0415  an extra: only who keeps workbooks needs it
    except ImportError:
        return refused("is a workbook, which needs fastexcel", _MISSING_READER)
    try:
        book = fastexcel.read_excel(path)
    except fastexcel.FastExcelError as error:
        return refused(f"is no workbook: {str(error).splitlines()[0]}", "save it as .xlsx again")
    found = Book(sheet=f"{file}[{SETTINGS}]")
    places = _places(path)
    for sheet in book.sheet_names:
        name, place = column_key(sheet), f"{file}[{sheet}]"
        if name in SCHEMAS:
            table = from_records(_rows(book, sheet), name, place, {})
            known = [column in SCHEMAS[name].names for column in table.frame.columns]
            found.tables.append(table)
            found.faults.extend(_lost(path, places[sheet], place, known))
        elif name == SETTINGS:
            found.settings.extend(_lines(_rows(book, sheet)))
            found.faults.extend(_lost(path, places[sheet], found.sheet, [True, True]))
    return found


def _rows(book: Any, sheet: str) -> Iterator[tuple[int, list[str | None]]]:
    """Every row of a sheet with its number; a cell as text, a midnight as the day that it is to Excel."""
    cells = book.load_sheet(sheet, header_row=None, skip_rows=0, dtypes="string").to_polars()
    cells = cells.with_columns(pl.all().str.replace(_DAY, "$1"))
    return ((number, list(row)) for number, row in enumerate(cells.iter_rows(), start=1))


def _lines(rows: Iterator[tuple[int, list[str | None]]]) -> Iterator[Line]:
    """The settings: a key in the first column and its value in the second; the header is none."""
    for number, cells in rows:
        key, value = ((cell or "").strip() for cell in (*cells, None)[:2])
        if key and (key, value) != ("setting", "value"):
            yield Line(key, value, number, 1, number, 2)


def _places(path: Path) -> dict[str, str]:
    """Of each sheet the file inside the workbook that holds its cells."""
    with ZipFile(path) as book:
        parts = [ElementTree.parse(book.open(part)) for part in ("xl/_rels/workbook.xml.rels", "xl/workbook.xml")]
    targets = {relation.get("Id"): relation.get("Target", "") for relation in parts[0].iter()}
    sheets = [element for element in parts[1].iter() if element.tag.endswith("}sheet")]
    found = {str(sheet.get("name")): targets.get(sheet.get(_RELATION)) or "" for sheet in sheets}
    return {name: target.lstrip("/") if target.startswith("/") else f"xl/{target}" for name, target in found.items()}


def _lost(path: Path, place: str, file: str, known: Sequence[bool]) -> Iterator[Fault]:
    """What a reader of values alone passes over in silence: merged cells, errors, formulas that were never calculated.

    `known` says of each column whether anybody reads it; in the others nothing is lost.
    """
    with ZipFile(path) as book:
        text = book.read(place)
    for found in _MERGED.finditer(text):
        cells = found[1].decode()
        first, last = (_column(cell) for cell in cells.split(":"))
        if any(known[first : last + 1]):
            line = int(re.sub(r"^[A-Z]+|:.*", "", cells))
            why = f"is merged ({cells}): only its first cell holds a value"
            yield Fault(file, line, cells.partition(":")[0], "", "", why, "unmerge it, and fill in each of its cells")
    if b't="e"' not in text and b"<f" not in text and b":f>" not in text:
        return
    for found in _CELL.finditer(text):
        at, value = _PLACE.search(found[1]), _VALUE.search(found[2])
        cell = at[1].decode() if at is not None else "A0"
        if not any(known[_column(cell) :][:1]):
            continue
        where = (file, int(re.sub("[A-Z]+", "", cell)), cell, "")
        if b't="e"' in found[1]:
            said = value[1].decode() if value is not None else ""
            yield Fault(*where, said, "is what a formula failed with", "correct it, or empty the cell")
        elif value is None and _FORMULA.search(found[2]):
            remedy = "open the workbook in a spreadsheet and save it, or write the value"
            yield Fault(*where, "", "is a formula that was never calculated", remedy)


def _column(cell: str) -> int:
    """The place of a cell's column, from 0: B7 is 1, AA1 is 26."""
    place = 0
    for letter in re.sub("[0-9]+", "", cell):
        place = place * 26 + ord(letter) - ord("A") + 1
    return place - 1
