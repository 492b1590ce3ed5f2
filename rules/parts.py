"""A study larger than memory, read in parts of whole participants from Parquet files sorted by subject."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from rules.door.reading import Recorded, column_key
from rules.door.settings import Settings, read_settings
from rules.door.tables import SCHEMAS
from rules.facts import Found, Study, examine_tables, read_study, sha256_of
from rules.happened.across import Across, look_across
from rules.partitions import PARTITION, known_frames


def is_sliceable(folder: Path, size: int | None = None) -> bool:
    """Whether all tables are Parquet files sorted by subject, with plain names, and of more subjects than one part."""
    files = _files(folder)
    if "subjects" not in files or any(
        p.suffix != ".parquet" for p in folder.iterdir() if column_key(p.stem) in SCHEMAS
    ):
        return False
    if _height(files["subjects"]) <= (size or PARTITION):
        return False
    plain = all(column_key(c) == c for path in files.values() for c in pl.read_parquet_schema(path))
    return plain and all(_in_order(path) for path in files.values() if _has_subject(path))


@dataclass(frozen=True)
class Part:
    """Some whole participants of a study folder, not read yet: the rows of each table that are theirs."""

    folder: Path
    settings: Settings
    hashes: Mapping[str, str]
    rows: Mapping[str, tuple[int, int]]
    """By table the first row and the number of rows; without any, the part is the whole folder."""
    across: Across | None = None
    """What the whole folder says of bags and lots."""

    def read(self) -> Study:
        """The part, checked at the same door as a whole study; rows keep the numbers they have in the file."""
        if not self.rows:
            return read_study(self.folder, data_cut=self.settings.data_cut)
        files = _files(self.folder)
        tables = [_slice(files[name], name, self.folder.name, *rows) for name, rows in self.rows.items()]
        part = examine_tables(Found(tables, [], list(self.settings.faults)), self.settings, self.hashes).get()
        return replace(part, across=self.across)


def study_parts(
    folder: Path, *, data_cut: date | None = None, as_of: date | None = None, size: int | None = None
) -> list[Part]:
    """The parts of a study folder, in the order of participants; `size` participants each (default: `PARTITION`).

    A folder that cannot be cut (CSV, a workbook, files not sorted by subject, few subjects) is one part.
    """
    size = size or PARTITION
    home = folder.resolve()
    if not is_sliceable(folder, size):
        settings, hashes = Settings(home.stem, "", data_cut), {}
        if folder.is_dir():
            hashes = {f"{home.name}/{p.name}": sha256_of(p) for p in sorted(home.iterdir()) if p.is_file()}
            settings = read_settings(home / "study.yaml", f"{home.name}/study.yaml", home.name)
        elif folder.is_file():
            hashes = {home.name: sha256_of(home)}
        settings = replace(settings, data_cut=data_cut or settings.data_cut, texts=dict(settings.texts))
        return [Part(folder, settings, hashes, {})]
    files = _files(folder)
    settings = read_settings(home / "study.yaml", f"{home.name}/study.yaml", home.name)
    settings = replace(settings, data_cut=data_cut or settings.data_cut, texts=dict(settings.texts))
    hashes = {f"{home.name}/{path.name}": sha256_of(path) for path in files.values()}
    firsts = pl.scan_parquet(files["subjects"]).select(pl.col("subject").gather_every(size)).collect().to_series()
    cuts = {name: _cuts(path, firsts) for name, path in files.items()}
    across = _across(home, files, settings, as_of)
    return [Part(home, settings, hashes, {name: cuts[name][n] for name in files}, across) for n in range(len(firsts))]


def _across(home: Path, files: Mapping[str, Path], settings: Settings, as_of: date | None) -> Across:
    """What the whole folder says of bags, lots and people with two numbers, from the rows alone that say so."""
    people, of_people = _numbered(files["subjects"])
    named = people.filter(pl.col("screened_as").is_not_null()) if "screened_as" in of_people else people.clear()
    who = [frame[name] for frame in [named.collect()] for name in ("subject", "screened_as") if name in frame]
    tables = _of_bags(files)
    who += [frame[name] for frame in tables.values() for name in ("subject", "for_subject") if name in frame]
    everyone = pl.concat([ids.cast(pl.String) for ids in who]).unique()
    if not len(everyone):
        return Across()
    tables["subjects"] = people.filter(pl.col("subject").is_in(everyone.implode())).collect()
    found = [
        _recorded(files[name], name, home.name, frame.drop("line"), frame["line"]) for name, frame in tables.items()
    ]
    few = examine_tables(Found(found, [], []), settings, {}).study
    # What is wrong with these rows is told with all other faults, part by part.
    return look_across(known_frames(few, as_of)) if few is not None else Across()


def _of_bags(files: Mapping[str, Path]) -> dict[str, pl.DataFrame]:
    """The doses that share a bag or that a lot names, and the lots."""
    if "administrations" not in files:
        return {}
    doses, columns = _numbered(files["administrations"])
    lots, of_lots = _numbered(files["lots"]) if "lots" in files else (None, set())
    asked = []
    for name in sorted(columns & {"bag", "lot"}):
        filled = doses.filter(pl.col(name).is_not_null())
        if name == "bag":
            several = filled.group_by(name).agg(pl.col("subject").n_unique().alias("n")).filter(pl.col("n") > 1)
            asked.append(filled.join(several, on=name, how="semi"))
        if lots is not None and name in of_lots:
            asked.append(filled.join(lots, on=name, how="semi"))
    rows = pl.concat(asked).unique("line").sort("line").collect() if asked else pl.DataFrame()
    if not len(rows):
        return {}
    return {"administrations": rows, **({"lots": lots.collect()} if lots is not None else {})}


def _numbered(path: Path) -> tuple[pl.LazyFrame, set[str]]:
    """A table with the lines of its rows, names as texts, and its columns."""
    frame = pl.scan_parquet(path)
    columns = set(frame.collect_schema().names())
    texts = columns & {"subject", "screened_as", "for_subject", "bag", "lot"}
    return frame.with_row_index("line", offset=1).with_columns(pl.col(*texts).cast(pl.String)), columns


def _files(folder: Path) -> dict[str, Path]:
    found = {column_key(path.stem): path for path in sorted(folder.iterdir()) if path.suffix == ".parquet"}
    return {name: path for name, path in found.items() if name in SCHEMAS}


def _has_subject(path: Path) -> bool:
    return "subject" in pl.read_parquet_schema(path)


STRETCH = 4_000_000
"""Rows of which the subjects are looked at together."""


def _subjects(path: Path) -> Iterator[pl.Series]:
    """The subjects of a table's rows, stretch by stretch: of a large study not even this column is held at once."""
    subjects = pl.scan_parquet(path).select("subject")
    for first in range(0, _height(path), STRETCH):
        yield subjects.slice(first, STRETCH).collect().to_series()


def _height(path: Path) -> int:
    rows: int = pl.scan_parquet(path).select(pl.len()).collect().item()
    return rows


def _in_order(path: Path) -> bool:
    """Whether the rows of a table are sorted by subject."""
    last = None
    for subjects in _subjects(path):
        if subjects.null_count() or not subjects.is_sorted() or (last is not None and last > subjects[0]):
            return False
        last = subjects[-1]
    return True


def _cuts(path: Path, firsts: pl.Series) -> list[tuple[int, int]]:
    """First row and number of rows of each part: a part reaches to the first subject of the next one."""
    height = _height(path)
    if not _has_subject(path):
        return [(0, height)] * len(firsts)
    # Of a sorted table as many rows lie before a subject as are less than it in all stretches together.
    before = sum(
        (subjects.search_sorted(firsts[1:], "left").to_numpy() for subjects in _subjects(path)),
        np.zeros(len(firsts) - 1, np.int64),
    )
    starts = [0, *before.tolist()]
    ends = [*starts[1:], height]
    return [(start, end - start) for start, end in zip(starts, ends, strict=True)]


def _slice(path: Path, name: str, folder: str, start: int, length: int) -> Recorded:
    frame = pl.scan_parquet(path).slice(start, length).collect()
    return _recorded(path, name, folder, frame, pl.int_range(start + 1, start + frame.height + 1, eager=True))


def _recorded(path: Path, name: str, folder: str, frame: pl.DataFrame, lines: pl.Series) -> Recorded:
    return Recorded(name, f"{folder}/{path.name}", frame, lines.cast(pl.Int32).alias("row"))
