"""A study as one workbook: a sheet for each table as recorded, and its settings in the sheet `study`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date, datetime
from pathlib import Path

from perprotocol.formats.sheets import Heading, new_workbook
from rules.door.settings import KEYS
from rules.door.tables import SCHEMAS, Column, Schema
from rules.door.workbook import SETTINGS
from rules.facts import Study, Table

_NUMBERS = frozenset({"number", "integer", "percent", "value", "weight", "amount", "concentration"})
_POINT = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d))?)?", re.ASCII)
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d*[1-9])?", re.ASCII)
_FIRST_YEAR = 1901
"""Excel counts days from 1900, in which it knows a 29 February."""


def write_study(study: Study, path: Path, progress: Callable[[int, int], None] = lambda done, total: None) -> int:
    """The workbook stands at `path`, and read as a study it gives the same facts; how many sheets it has."""
    with new_workbook(path, study.name) as book:
        texts = {key: text for key, text in study.settings.items() if text}
        texts = {"name": study.name, **({"data_cut": str(study.data_cut)} if study.data_cut else {}), **texts}
        book.add(SETTINGS, _SETTINGS_HEAD, ((key, kept(text, "date"), KEYS.get(key)) for key, text in texts.items()))
        for number, (name, table) in enumerate(study.tables.items()):
            book.add(name, [_heading(SCHEMAS[name], column) for column in table.raw.columns], _rows(table))
            progress(number + 1, len(study.tables))
    return len(study.tables) + 1


def write_empty(path: Path) -> int:
    """An empty study as a workbook to be filled in: every table with its columns, what each means and may say."""
    with new_workbook(path) as book:
        rows = [(key, path.stem if key == "name" else None, meaning) for key, meaning in KEYS.items()]
        book.add(SETTINGS, _SETTINGS_HEAD, rows)
        for name, schema in SCHEMAS.items():
            book.add(name, [_heading(schema, column) for column in schema.names], ())
    return len(SCHEMAS) + 1


_SETTINGS_HEAD = (
    Heading("setting", form="text", width=18), Heading("value", form="text", width=30), Heading("meaning", width=100),
)  # fmt: skip


def _heading(schema: Schema, name: str) -> Heading:
    if name not in schema.names:
        return Heading(name, form="text")
    column = schema[name]
    note = column.meaning + (f", in {column.unit}" if column.unit else "") + (" (required)" if column.required else "")
    forms = {"date": "day", "datetime": "time"} | dict.fromkeys(("text", "id", "enum"), "text")
    width = 18 if column.kind == "datetime" else 0
    return Heading(name, note, column.vocabulary, forms.get(column.kind, ""), width)


def _rows(table: Table) -> Iterator[list[object]]:
    columns: dict[str, Column] = {column.name: column for column in SCHEMAS[table.name].columns}
    kinds = [columns[name].kind if name in columns else "text" for name in table.raw.columns]
    for row in table.raw.iter_rows():
        yield [kept(value, kind) for value, kind in zip(row, kinds, strict=True)]


def kept(value: object, kind: str) -> object:
    """A recorded cell as a workbook keeps it: a full day or time as one, a number as one where nothing is lost.

    1.62e7 and 16.20 stay texts, since Excel forgets how precisely a number was written; so do 2024-03 and midnight,
    which Excel cannot tell from the day.
    """
    if not isinstance(value, str):
        return value if isinstance(value, (date, datetime, int, float)) or value is None else str(value)
    if kind in _NUMBERS and _NUMBER.fullmatch(value) and f"{float(value):.15g}" == value:
        return float(value)
    if kind in ("date", "datetime") and (point := _POINT.fullmatch(value)):
        year, month, day, hour, minute, second = (int(part) if part is not None else None for part in point.groups())
        try:
            if hour is None or minute is None:
                return date(year or 0, month or 0, day or 0) if (year or 0) >= _FIRST_YEAR else value
            at = datetime(year or 0, month or 0, day or 0, hour, minute, second or 0)
        except ValueError:
            return value
        return at if at.year >= _FIRST_YEAR and at.time() != at.time().min else value
    return value
