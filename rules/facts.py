"""The door for a study folder: tables as recorded come in, typed facts or all their faults at once go out."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from types import MappingProxyType
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from protocol.errors import Fault, StudyError
from rules.door.amounts import read_administrations, read_lots, read_observations
from rules.door.entry import Balance, Entry
from rules.door.reading import SUFFIXES, Recorded, column_key, from_frame, read_table
from rules.door.settings import Settings, read_settings, settings_of, written_as
from rules.door.starting import init_study
from rules.door.tables import SCHEMAS
from rules.door.workbook import Book, read_workbook
from rules.happened.across import Across

__all__ = ["Balance", "Examination", "Study", "Table", "examine_study", "from_frames", "init_study", "read_study"]


@dataclass(frozen=True)
class Table:
    """One table of a study: `data` typed, in the order of the file, and `raw` as recorded with every row and column.

    `lines` has the place of each row of `raw`: the line of a CSV file, the row of a sheet, the number from 1 otherwise.
    """

    name: str
    file: str
    data: pl.DataFrame
    raw: pl.DataFrame
    lines: pl.Series
    balance: Balance
    unmapped: tuple[str, ...] = ()

    def recorded(self, rows: pl.Series | Sequence[int]) -> pl.DataFrame:
        """Those rows of `raw`, in the order asked for; `rows` as in `data`. KeyError if the table lacks one of them."""
        wanted = pl.Series("row", rows, pl.Int32())
        found = pl.Series(self.lines.search_sorted(wanted), dtype=pl.UInt32())
        there = self.lines.extend_constant(-1, 1).gather(found) == wanted
        if not there.all():
            raise KeyError(f"{self.file} has no row {wanted.filter(~there)[0]}")
        return self.raw[found]


@dataclass(frozen=True)
class Study:
    """The facts of a study. `subjects` is sorted by subject, and `s` in every other table is a row of it."""

    name: str
    tables: Mapping[str, Table]
    data_cut: date | None = None
    final: bool = False
    settings: Mapping[str, str] = field(default_factory=dict)
    hashes: Mapping[str, str] = field(default_factory=dict)
    unread: tuple[str, ...] = ()
    across: Across | None = None
    """What the whole study says of bags and lots, where this is a part of one; None: this is the whole."""

    def data(self, name: str) -> pl.DataFrame:
        """The typed table of that name; empty with the right columns where the study has none."""
        if name in self.tables:
            return self.tables[name].data
        return _empty(name)

    @property
    def columns(self) -> frozenset[str]:
        """Every column that the study records, as `administrations.route`."""
        return frozenset(f"{name}.{column}" for name, table in self.tables.items() for column in table.raw.columns)

    @property
    def subjects(self) -> pl.DataFrame:
        """Everyone screened, sorted by subject, with `s` = 0, 1, ..."""
        return self.data("subjects")

    @property
    def sites(self) -> pl.DataFrame:
        """Where each subject belongs from which day on."""
        return self.data("sites")

    @property
    def consents(self) -> pl.DataFrame:
        """Consent forms signed and withdrawn."""
        return self.data("consents")

    @property
    def milestones(self) -> pl.DataFrame:
        """Dates others count from, and the ends."""
        return self.data("milestones")

    @property
    def observations(self) -> pl.DataFrame:
        """What was measured; weights in grams, heights in mm."""
        return self.data("observations")

    @property
    def administrations(self) -> pl.DataFrame:
        """Doses given or not; `base` is the amount in base units of `dimension`."""
        return self.data("administrations")

    @property
    def lots(self) -> pl.DataFrame:
        """What is known of lots and bags of what is given."""
        return self.data("lots")

    @property
    def visits(self) -> pl.DataFrame:
        """Visits done and missed."""
        return self.data("visits")

    @property
    def events(self) -> pl.DataFrame:
        """Holds, adverse events, other drugs."""
        return self.data("events")

    @property
    def deviation_log(self) -> pl.DataFrame:
        """The site's own log."""
        return self.data("deviation_log")

    @property
    def decisions(self) -> pl.DataFrame:
        """What responsible people decided."""
        return self.data("decisions")

    @property
    def amendments(self) -> pl.DataFrame:
        """Which version is in force where, from when."""
        return self.data("amendments")

    @property
    def corrections(self) -> pl.DataFrame:
        """What cells said before."""
        return self.data("corrections")


@cache
def _empty(name: str) -> pl.DataFrame:
    return pl.DataFrame(schema=SCHEMAS[name].typed())


@dataclass(frozen=True)
class Examination:
    """What the door found: every fault, the balance of every table, and the study if there is no fault."""

    study: Study | None
    faults: tuple[Fault, ...]
    balances: Mapping[str, Balance]

    def get(self) -> Study:
        """The study; StudyError with all faults if there are any."""
        if self.study is None:
            raise StudyError(self.faults)
        return self.study


def read_study(folder: str | Path, *, data_cut: date | None = None) -> Study:
    """The study in a folder, or in one workbook; StudyError with the faults of all its files at once.

    A `data_cut` given here goes before the one in study.yaml.
    """
    return examine_study(folder, data_cut=data_cut).get()


def examine_study(folder: str | Path, *, data_cut: date | None = None) -> Examination:
    """The study in a folder with its faults and balances; raises nothing for bad input."""
    place = Path(folder)
    if fault := _no_study(place):
        return Examination(None, (fault,), {})
    home = (place if place.is_dir() else place.parent).resolve()
    name = home.name if place.is_dir() else place.stem
    settings = read_settings(home / "study.yaml", f"{home.name}/study.yaml", name)
    found = _read_files(sorted(home.iterdir()) if place.is_dir() else [home / place.name], home.name)
    settings = _with_sheet(settings, found, name)
    files = {table.file.partition("[")[0] for table in found.tables}
    files |= {settings.file.partition("[")[0]} if settings.read else set()
    hashes = {file: sha256_of(home.parent / file) for file in sorted(files)}
    found.faults.extend(settings.faults)
    nothing_read = not found.tables and bool(found.faults)
    if not nothing_read and not any(table.name == "subjects" for table in found.tables):
        found.faults.append(_no_subjects(home, found))
    return examine_tables(found, replace(settings, data_cut=data_cut or settings.data_cut), hashes)


def from_frames(
    name: str,
    tables: Mapping[str, pl.DataFrame | Sequence[Mapping[str, object]]],
    *,
    data_cut: date | None = None,
    final: bool = False,
    time_zone: str = "",
    dates: str = "",
    decimal: str = "",
    settings: Mapping[str, str] | None = None,
) -> Study:
    """The study of tables in memory, with the same checks; the file of a table is its name, its rows count from 1.

    `settings` are the lines that study.yaml would have, such as `closed`.
    """
    found = Found()
    for table, rows in tables.items():
        frame = rows.clone() if isinstance(rows, pl.DataFrame) else _frame(rows)
        if table not in SCHEMAS:
            found.faults.append(_fault(table, "is no table of a study", f"name one of {', '.join(SCHEMAS)}"))
        elif frame.width or table == "subjects":
            found.tables.append(from_frame(frame, table, table))
    if "subjects" not in tables:
        found.faults.append(_fault("subjects", "is missing", "give a table subjects with a column subject"))
    typed = {key: value for key, value in (("time_zone", time_zone), ("dates", dates), ("decimal", decimal)) if value}
    texts = {**(settings or {}), **typed}
    zone = ZoneInfo(texts["time_zone"]) if texts.get("time_zone") else None
    said = Settings(name, "", data_cut, final, zone, **written_as(texts), texts=texts)
    return examine_tables(found, said, {}).get()


@dataclass(frozen=True)
class Found:
    """What files hold: the tables of the study, the files that are none, what is wrong with them, the workbooks."""

    tables: list[Recorded] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    books: list[Book] = field(default_factory=list)


def examine_tables(found: Found, settings: Settings, hashes: Mapping[str, str]) -> Examination:
    """Every table typed and checked, subjects first, since the others point to them."""
    entries = {
        table.name: Entry(table, settings.zone, dates=settings.dates, comma=settings.comma) for table in found.tables
    }
    index = _subject_index(entries.get("subjects"))
    for entry in entries.values():
        admit(entry, index)
    faults = [*found.faults, *(fault for entry in entries.values() for fault in entry.faults)]
    balances = {name: entry.balance() for name, entry in entries.items()}
    if faults:
        return Examination(None, tuple(sorted(faults, key=_place)), balances)
    tables = MappingProxyType({name: _table(entries[name], balances[name]) for name in SCHEMAS if name in entries})
    said = (settings.name, tables, settings.data_cut, settings.final, settings.texts)
    return Examination(Study(*said, MappingProxyType(dict(hashes)), tuple(found.others)), (), balances)


def admit(entry: Entry, index: pl.DataFrame | None) -> None:
    """The table is typed, and its rows that cannot be used are refused; `index` has subject and `s` of everybody."""
    entry.read_plain_columns()
    if entry.schema.name == "observations":
        read_observations(entry)
    elif entry.schema.name == "administrations":
        read_administrations(entry)
    elif entry.schema.name == "lots":
        read_lots(entry)
    entry.check_filled()
    entry.check_spans()
    if entry.schema.name == "subjects":
        entry.check_once("subject")
    if entry.schema.name != "corrections":
        entry.check_once("record")
    if index is not None and entry.schema.of_subjects:
        entry.assign_subjects(index)


def _subject_index(entry: Entry | None) -> pl.DataFrame | None:
    """Every subject id on record, sorted, with its number `s`; None where there is no column to take it from."""
    if entry is None or "subject" not in entry:
        return None
    ids = entry.cells["subject"].unique().sort()
    ids = ids.drop_nulls() if ids.null_count() else ids
    return pl.DataFrame({"s": np.arange(len(ids), dtype=np.int32), "subject": ids})


def _table(entry: Entry, balance: Balance) -> Table:
    data = entry.used()
    if entry.schema.name == "subjects":
        data = data if data["s"].is_sorted() else data.sort("s")
    recorded = entry.recorded
    return Table(recorded.name, recorded.file, data, recorded.frame, recorded.lines, balance, entry.unmapped)


def _place(fault: Fault) -> tuple[str, int, str]:
    return fault.file, fault.line if fault.line is not None else 1 << 31, str(fault.column or "")


# --- the folder ---------------------------------------------------------------------------------------------------


def _no_study(place: Path) -> Fault | None:
    """Why there is no study at the place, if there is none."""
    if place.is_dir() or (place.is_file() and place.suffix.lower() == ".xlsx"):
        return None
    if place.is_file():
        remedy = "give the folder that holds it, or a workbook (.xlsx)"
        return _fault(str(place), "is a file, and a study is a folder of tables", remedy)
    beside = [each.name for each in place.parent.iterdir() if each.is_dir()] if place.parent.is_dir() else []
    near = get_close_matches(place.name, beside, n=1)
    remedy = f"give {place.with_name(near[0])} if that is meant, or " if near else ""
    why = "is not there: a folder with a table subjects (subjects.csv, subjects.parquet or a workbook) was looked for"
    return _fault(str(place), why, f"{remedy}begin one with: perprotocol init {place}")


def _fault(file: str, why: str, remedy: str) -> Fault:
    return Fault(file, None, None, "", "", why, remedy)


def _no_subjects(home: Path, found: Found) -> Fault:
    there = ", ".join([*(table.file for table in found.tables), *found.others][:12]) or "nothing"
    why = "has no table subjects: subjects.csv, subjects.parquet and a sheet 'subjects' of a workbook were looked for"
    return _fault(home.name, f"{why}; there is {there}", "add it, with one row a subject")


def _with_sheet(settings: Settings, found: Found, name: str) -> Settings:
    """The settings that stand in study.yaml, or in the sheet of a workbook; a fault where they stand in two places."""
    for book in found.books:
        if book.settings and settings.read:
            why = f"holds settings, and so does {settings.file}"
            found.faults.append(_fault(book.sheet, why, "keep one of the two"))
        elif book.settings:
            settings = settings_of(book.settings, book.sheet, name)
    return settings


def _read_files(paths: Sequence[Path], folder: str) -> Found:
    """The tables of the files; a name that is almost a table's, or a table that is there twice, is a fault."""
    found = Found()
    for path in paths:
        suffix, name, file = path.suffix.lower(), column_key(path.stem), f"{folder}/{path.name}"
        if path.name.startswith((".", "~$")) or path.name.lower() == "study.yaml" or path.is_dir():
            continue
        if suffix == ".xlsx":
            book = read_workbook(path, file)
            found.books.append(book)
            found.tables.extend(book.tables)
            found.faults.extend(book.faults)
        elif suffix in SUFFIXES and name in SCHEMAS:
            found.tables.append(read_table(path, name, file))
        elif suffix in SUFFIXES and (near := get_close_matches(name, SCHEMAS, n=1, cutoff=0.8)):
            why = f"is no table of a study, and '{near[0]}' is one"
            found.faults.append(_fault(file, why, f"rename it to {near[0]}{suffix}"))
        else:
            found.others.append(file)
    first: dict[str, str] = {}
    for table in found.tables:
        if (before := first.setdefault(table.name, table.file)) != table.file:
            why = f"is a second table {table.name} beside {before}"
            found.faults.append(_fault(table.file, why, "keep one of the two"))
    return found


def sha256_of(path: Path) -> str:
    """The hash by which a manifest names a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _frame(rows: Sequence[Mapping[str, object]]) -> pl.DataFrame:
    """Rows typed in, as text: what a CSV file of them would hold."""
    names = dict.fromkeys(name for row in rows for name in row)
    return pl.DataFrame({name: pl.Series(name, [_text(row.get(name)) for row in rows], pl.String()) for name in names})


def _text(value: object) -> str | None:
    match value:
        case None:
            return None
        case datetime():
            return value.isoformat(" ")
        case float():
            return f"{value:.15g}"
        case _:
            return str(value)
