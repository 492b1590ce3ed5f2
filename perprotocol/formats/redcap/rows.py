"""Lines of an export as rows of a study, by a mapping; a word that the mapping lacks is a fault with its line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import polars as pl

from perprotocol.formats.redcap.dictionary import Field, box
from perprotocol.formats.redcap.export import EVENT, FORM, INSTANCE, LINE, OWN, Export
from perprotocol.formats.redcap.mapping import HERE, Cell, Rows
from perprotocol.formats.redcap.mapping import Mapping as MappingFile
from protocol import Fault

FILLED: Mapping[str, tuple[str, ...]] = {
    "sites": ("site", "from"), "consents": ("signed", "withdrawn"), "milestones": ("date",), "observations": ("value",),
    "administrations": ("start", "amount", "status"), "lots": ("value", "at"), "visits": ("date",),
    "events": ("event", "start"), "deviation_log": ("term",), "decisions": ("kind",), "amendments": ("active",),
    "corrections": ("table",),
}  # fmt: skip
"""A line gives a row where one of these comes from a field that says something."""

WHO = "participant of the line"
RULE = "kind of row"
"""The column with the place in the mapping's rows that each row was made by."""

_CHECKED = {"1": True, "checked": True, "0": False, "unchecked": False}


@dataclass
class Made:
    """The tables of a study, with `LINE` and `RULE` behind their columns; faults; kinds of rows that no line gave."""

    tables: dict[str, pl.DataFrame] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    none: list[Rows] = field(default_factory=list)


@dataclass(frozen=True)
class _Maker:
    """The export, the mapping and the dictionary together; `faults` fills while rows are made."""

    export: Export
    mapping: MappingFile
    dictionary: Mapping[str, Field]
    lines: pl.DataFrame
    faults: list[Fault]


def make_rows(export: Export, mapping: MappingFile, dictionary: Mapping[str, Field]) -> Made:
    """Every row that the mapping finds in the export."""
    made = Made(faults=_fields_missing(export, mapping))
    if made.faults:
        return made
    lines = _as_codes(export.lines, dictionary).with_columns(pl.col(mapping.subject).alias(WHO))
    maker = _Maker(export, mapping, dictionary, lines, made.faults)
    found: dict[str, list[pl.DataFrame]] = {}
    for number, rows in enumerate(mapping.rows):
        parts = [part.with_columns(pl.lit(number, pl.Int32).alias(RULE)) for part in _found(maker, rows)]
        found.setdefault(rows.table, []).extend(parts)
        made.none += [] if parts else [rows]
    for table, parts in found.items():
        if not parts:
            continue
        frame = pl.concat(parts, how="diagonal")
        made.tables[table] = _one_each(maker, frame) if table == "subjects" else frame
    if "subjects" not in made.tables:
        everyone = lines.group_by(pl.col(WHO).alias("subject"), maintain_order=True).agg(pl.col(LINE).first())
        made.tables["subjects"] = everyone.with_columns(pl.lit(0, pl.Int32).alias(RULE))
    return made


def columns_of(cell: Cell) -> tuple[str, ...]:
    """The columns of an export that a cell is read from."""
    boxes = tuple(box(cell.checkbox, code) for code in cell.codes) if cell.checkbox else ()
    return (*boxes, *(name for name in (cell.field, cell.time) if name))


def _fields_missing(export: Export, mapping: MappingFile) -> list[Fault]:
    """A fault for every field that the mapping names and the export lacks, or has twice."""
    there = set(export.lines.columns)
    wanted = [(0, mapping.subject)]
    wanted += [(c.line, name) for rows in mapping.rows for c in rows.columns.values() for name in columns_of(c)]
    wanted += [(rows.line, name) for rows in mapping.rows for name in rows.only]
    faults = []
    for line, name in dict.fromkeys(wanted):
        if name in export.twice:
            why = f"stands more than once at the head of {export.file}"
            faults.append(Fault(mapping.file, line or None, None, "", name, why, "export it with the names of fields"))
        elif name not in there:
            why = f"is no column of {export.file}"
            remedy = "correct the name; a header of labels needs --dictionary"
            faults.append(Fault(mapping.file, line or None, None, "", name, why, remedy))
    return faults


def _as_codes(lines: pl.DataFrame, dictionary: Mapping[str, Field]) -> pl.DataFrame:
    """Labels as their codes, where the export holds labels: some field says a label that is no code of it."""
    choosing = {
        n: f.choices for n, f in dictionary.items() if f.choices and f.kind != "checkbox" and n in lines.columns
    }
    said = {name: set(lines[name].drop_nulls().unique()) for name in choosing}
    if not any((said[name] - set(codes)) & set(codes.values()) for name, codes in choosing.items()):
        return lines
    labels = {name: {label: code for code, label in codes.items()} for name, codes in choosing.items()}
    return lines.with_columns(pl.col(name).replace(words) for name, words in labels.items())


def _found(maker: _Maker, rows: Rows) -> Iterator[pl.DataFrame]:
    """The rows of one kind; of a checkbox those of each box in turn."""
    lines = maker.lines
    if rows.form:
        lines = lines.filter(pl.col(FORM) == rows.form)
    if rows.on:
        lines = lines.filter(pl.col(EVENT).is_in(rows.on))
    for name, word in rows.only.items():
        lines = lines.filter(pl.col(name) == word)
    boxed = next(((name, cell) for name, cell in rows.columns.items() if cell.checkbox), None)
    if boxed is None:
        yield from _of_lines(maker, rows, lines)
        return
    name, cell = boxed
    for code, word in cell.codes.items():
        yield from _of_lines(maker, rows, lines.filter(_checked(maker, lines, cell, code)), {name: word})


def _of_lines(
    maker: _Maker, rows: Rows, lines: pl.DataFrame, boxed: Mapping[str, str] | None = None
) -> Iterator[pl.DataFrame]:
    """The rows of one kind that these lines give."""
    boxed = boxed or {}
    told = {
        name: _constant(boxed.get(name, cell.constant), lines) if name in boxed or cell.constant is not None
        else _read(maker, cell, lines)
        for name, cell in rows.columns.items()
    }  # fmt: skip
    frame = lines.select(pl.col(WHO).alias("subject"), LINE, *(series.alias(name) for name, series in told.items()))
    if rows.table in FILLED and not boxed:
        keys = [k for k in FILLED[rows.table] if k in told and rows.columns[k].constant is None]
        frame = frame.filter(pl.any_horizontal(pl.col(keys).is_not_null())) if keys else frame
    if len(frame):
        yield frame


def _constant(word: str | None, lines: pl.DataFrame) -> pl.Series:
    return pl.Series([word], dtype=pl.String).new_from_index(0, len(lines))


def _read(maker: _Maker, cell: Cell, lines: pl.DataFrame) -> pl.Series:
    """What a field says on each line, in the words of the study."""
    said = _words(maker, cell.field, cell, _taken(maker, cell.field, cell, lines), lines)
    if not cell.time:
        return said
    clock = _words(maker, cell.time, Cell(cell.line), _taken(maker, cell.time, cell, lines), lines)
    return pl.select(
        pl.when(clock.is_null()).then(said).otherwise(pl.concat_str(said, clock, separator="T"))
    ).to_series()


def _taken(maker: _Maker, name: str, cell: Cell, lines: pl.DataFrame) -> pl.Series:
    """The texts of a field: of the lines themselves, or of the own line of an event of the same record."""
    if not cell.event:
        return lines[name]
    own = maker.lines.filter(pl.col(FORM).is_null() & pl.col(name).is_not_null())
    if cell.event != HERE:
        own = own.filter(pl.col(EVENT) == cell.event)
    keys = [WHO, EVENT] if cell.event == HERE else [WHO]
    several = (
        own.group_by(keys, maintain_order=True)
        .agg(pl.col(name).n_unique().alias("n"), pl.col(LINE))
        .filter(pl.col("n") > 1)
    )
    for row in several.iter_rows(named=True):
        why = f"says different things on lines {', '.join(map(str, row[LINE]))} of one event"
        maker.faults.append(
            Fault(maker.export.file, row[LINE][0], name, "", row[WHO], why, "name the instance's own field")
        )
    once = own.unique(keys, keep="first", maintain_order=True).select(*keys, pl.col(name).alias("found"))
    return lines.select(keys).join(once, on=keys, how="left", maintain_order="left", nulls_equal=True)["found"]


def _words(maker: _Maker, name: str, cell: Cell, said: pl.Series, lines: pl.DataFrame) -> pl.Series:
    """Without the codes for what is missing, and as `codes`, or for events the visits, say; a fault for any other."""
    codes = maker.mapping.events if name == EVENT else cell.codes
    missing = [code for code in maker.mapping.missing if code not in codes]
    said = said.set(said.is_in(missing), None)
    if not codes and name != EVENT:
        return said
    unknown = pl.DataFrame({"said": said, LINE: lines[LINE]}).filter(~pl.col("said").is_in(list(codes)))
    for row in unknown.group_by("said", maintain_order=True).agg(pl.len(), pl.col(LINE).first()).iter_rows(named=True):
        count = f", on {row['len']} lines" if row["len"] > 1 else ""
        why = (
            f"is no event that {maker.mapping.file} names{count}"
            if name == EVENT
            else f"is none of the codes {', '.join(codes)}{count}"
        )
        remedy = (
            "add it to events"
            if name == EVENT
            else f"add it to codes on line {cell.line} of {maker.mapping.file}, or to missing"
        )
        maker.faults.append(Fault(maker.export.file, row[LINE], name, "", row["said"], why, remedy))
    return said.replace_strict(dict(codes), default=None, return_dtype=pl.String)


def _checked(maker: _Maker, lines: pl.DataFrame, cell: Cell, code: str) -> pl.Series:
    """The lines on which a box is checked: 1, Checked, or the label of the box."""
    name = box(cell.checkbox, code)
    known = maker.dictionary.get(cell.checkbox)
    words = _CHECKED | ({known.choices[code].lower(): True} if known is not None and code in known.choices else {})
    said = lines[name].set(lines[name].is_in(maker.mapping.missing), None).str.to_lowercase()
    odd = lines.filter(said.is_not_null() & ~said.is_in(list(words)))
    for row in odd.head(1).iter_rows(named=True):
        why = f"is neither checked nor unchecked, on {len(odd)} line{'s'[: len(odd) - 1]}"
        maker.faults.append(
            Fault(maker.export.file, row[LINE], name, "", row[name], why, "give the dictionary with --dictionary")
        )
    return said.replace_strict(words, default=False, return_dtype=pl.Boolean).fill_null(value=False)


def _one_each(maker: _Maker, frame: pl.DataFrame) -> pl.DataFrame:
    """One row for each participant; a fault where the lines of one say different things."""
    everyone = maker.lines.group_by(pl.col(WHO).alias("subject"), maintain_order=True).agg(pl.col(LINE).first())
    rule = frame.select(pl.col(RULE).first()).item()
    for name in frame.columns:
        if name in ("subject", LINE, RULE):
            continue
        told = (
            frame.select("subject", LINE, name)
            .drop_nulls()
            .unique(["subject", name], keep="first", maintain_order=True)
        )
        several = (
            told.group_by("subject", maintain_order=True)
            .agg(pl.col(LINE), pl.col(name))
            .filter(pl.col(LINE).list.len() > 1)
        )
        for row in several.iter_rows(named=True):
            said = " and ".join(f"'{text}' (line {line})" for text, line in zip(row[name], row[LINE], strict=True))
            where = next(
                c[name].field
                for c in (rows.columns for rows in maker.mapping.rows if rows.table == "subjects")
                if name in c
            )
            why = f"says {said} of {row['subject']}, who has one {name}"
            remedy = f"take it from one event, {name}: {{field: {where}, event: …}}, or correct it in REDCap"
            maker.faults.append(Fault(maker.export.file, row[LINE][1], where, "", "", why, remedy))
        first = told.unique("subject", keep="first", maintain_order=True).select("subject", name)
        everyone = everyone.join(first, on="subject", how="left", maintain_order="left")
    return everyone.with_columns(pl.lit(rule, pl.Int32).alias(RULE))


def read_as(export: Export, mapping: MappingFile, dictionary: Mapping[str, Field]) -> pl.DataFrame:
    """Every column of the export: its label, how many cells it fills, what it is read as; null where by nobody."""
    used: dict[str, list[str]] = {mapping.subject: ["subject"]}
    for rows in mapping.rows:
        for name, cell in rows.columns.items():
            for column in columns_of(cell):
                used.setdefault(column, []).append(f"{rows.table}.{name}")
        for column in rows.only:
            used.setdefault(column, []).append(f"{rows.table} (if)")
    labels = {name: label for known in dictionary.values() for name, label in known.columns().items()}
    own = (*OWN.values(), INSTANCE)
    told = [
        (
            c,
            labels.get(c),
            len(export.lines) - export.lines[c].null_count(),
            ", ".join(dict.fromkeys(used.get(c, ()))) or None,
        )
        for c in export.lines.columns
        if c != LINE and (c in used or c not in own)
    ]
    schema = {"column": pl.String, "label": pl.String, "filled": pl.Int64, "read_as": pl.String}
    return pl.DataFrame(told, schema=schema, orient="row")
