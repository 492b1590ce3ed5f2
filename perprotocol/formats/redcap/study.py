"""An export as a study: its rows through the same door as any other, and each fault at the line that it comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl
import yaml

from perprotocol.formats.excel import write_study
from perprotocol.formats.redcap.dictionary import Field
from perprotocol.formats.redcap.export import LINE, Export, check_keys
from perprotocol.formats.redcap.mapping import Mapping as MappingFile
from perprotocol.formats.redcap.rows import RULE, Made, make_rows, read_as
from perprotocol.output import whole
from protocol import Fault, StudyError
from rules.door.reading import from_frame
from rules.door.settings import settings_of
from rules.door.tables import SCHEMAS
from rules.facts import Found, Study, examine_tables

LEFT_OUT = {
    "file": pl.String, "line": pl.Int32, "column": pl.String, "table": pl.String, "value": pl.String, "why": pl.String,
}  # fmt: skip
"""A row that did not come in, and why."""


@dataclass(frozen=True)
class Imported:
    """The study that an export gives, what each of its columns is read as, and the rows that were left out.

    `nothing`: the kinds of rows of the mapping that no line of the export gave.
    """

    study: Study
    columns: pl.DataFrame
    left_out: pl.DataFrame
    nothing: list[str]


def import_study(
    export: Export, mapping: MappingFile, dictionary: Mapping[str, Field], *, partial: bool = False
) -> Imported:
    """The study; StudyError with every fault. With `partial` rows with a fault of their own are left out and listed."""
    if not mapping.checked:
        remedy = "read every line of it, and then write checked: yes"
        raise StudyError([Fault(mapping.file, None, None, "checked", "", "is a draft that nobody has checked", remedy)])
    made = make_rows(export, mapping, dictionary)
    if mapping.subject in export.lines.columns:
        made.faults[:0] = check_keys(export, mapping.subject)
    if made.faults:
        raise StudyError(made.faults)
    settings = settings_of(mapping.settings, mapping.file, Path(export.file).stem)
    left: list[tuple[object, ...]] = []
    while True:
        tables = {name: made.tables[name] for name in SCHEMAS if name in made.tables}
        recorded = [from_frame(_recorded(export, frame), name, name) for name, frame in tables.items()]
        found = examine_tables(Found(recorded, faults=list(settings.faults)), settings, {})
        if found.study is not None:
            left_out = pl.DataFrame(left, schema=LEFT_OUT, orient="row")
            nothing = [
                f"{mapping.file}:{rows.line}: no line of {export.file} gives such {rows.table}" for rows in made.none
            ]
            return Imported(found.study, read_as(export, mapping, dictionary), left_out, nothing)
        own = [fault for fault in found.faults if fault.file in tables and fault.line is not None]
        others = [fault for fault in found.faults if fault not in own and fault.file not in tables]
        if others or not partial or not own:
            raise StudyError(_at_line(fault, made, export, mapping) for fault in found.faults)
        for fault in own:
            told = _at_line(fault, made, export, mapping)
            left.append((told.file, told.line, told.column, fault.file, told.value, told.why))
        for name, table in tables.items():
            rows = {fault.line - 1 for fault in own if fault.file == name and fault.line is not None}
            kept = [n not in rows for n in range(len(table))]
            made.tables[name] = table.filter(pl.Series(kept, dtype=pl.Boolean))


def _recorded(export: Export, frame: pl.DataFrame) -> pl.DataFrame:
    """The rows as a study records them, each with the line that it comes from."""
    source = pl.format("{}:{}", pl.lit(export.file), LINE).alias("source")
    return frame.with_columns(*([] if "source" in frame.columns else [source])).drop(LINE, RULE)


def _at_line(fault: Fault, made: Made, export: Export, mapping: MappingFile) -> Fault:
    """The fault of a row at the line and field of the export that it comes from."""
    if fault.file not in made.tables or fault.line is None:
        return fault
    row = made.tables[fault.file].row(fault.line - 1, named=True)
    cell = mapping.rows[row[RULE]].columns.get(str(fault.column)) if mapping.rows else None
    column = (cell.field or fault.column) if cell is not None else fault.column
    remedy = fault.remedy
    if cell is not None and cell.constant is None and not cell.event and not fault.value:
        remedy += f"; where it stands on the event's own line: {fault.column}: {{field: {cell.field}, event: same}}"
    path = f"{fault.file}.{fault.column}"
    return replace(fault, file=export.file, line=row[LINE], column=column, path=path, remedy=remedy)


def write_imported(imported: Imported, output: Path, mapping: MappingFile) -> list[str]:
    """The study stands at `output`, a folder or one workbook; the names of what was written."""
    study = imported.study
    if output.suffix.lower() == ".xlsx":
        write_study(study, output)
        return [output.name]
    with whole(output) as folder:
        folder.mkdir()
        files = {f"{name}.csv": table.raw.write_csv() for name, table in study.tables.items()}
        texts = {"name": study.name, **{line.key: line.value for line in mapping.settings}}
        files["study.yaml"] = yaml.safe_dump(texts, allow_unicode=True, sort_keys=False)
        if len(imported.left_out):
            files["left-out.csv"] = imported.left_out.write_csv()
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8", newline="\n")
    return list(files)
