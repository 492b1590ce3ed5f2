"""A study larger than memory, read in parts of whole participants from Parquet files sorted by subject."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import polars as pl

from rules.door.reading import Recorded, column_key
from rules.door.settings import Settings, read_settings
from rules.door.tables import SCHEMAS
from rules.facts import Found, Study, examine_tables, read_study, sha256_of
from rules.partitions import PARTITION


def is_sliceable(folder: Path) -> bool:
    """Whether every table of the folder is a Parquet file sorted by subject, with more subjects than one part holds."""
    files = _files(folder)
    if "subjects" not in files or any(
        p.suffix != ".parquet" for p in folder.iterdir() if column_key(p.stem) in SCHEMAS
    ):
        return False
    if pl.scan_parquet(files["subjects"]).select(pl.len()).collect().item() <= PARTITION:
        return False
    return all(_subjects(path).is_sorted() for path in files.values() if _has_subject(path))


@dataclass(frozen=True)
class Part:
    """Some whole participants of a study folder, not read yet: the rows of each table that are theirs."""

    folder: Path
    settings: Settings
    hashes: Mapping[str, str]
    rows: Mapping[str, tuple[int, int]]
    """By table the first row and the number of rows; without any, the part is the whole folder."""

    def read(self) -> Study:
        """The part, checked at the same door as a whole study; rows keep the numbers they have in the file."""
        if not self.rows:
            return read_study(self.folder, data_cut=self.settings.data_cut)
        files = _files(self.folder)
        tables = [_slice(files[name], name, self.folder.name, *rows) for name, rows in self.rows.items()]
        return examine_tables(Found(tables, [], list(self.settings.faults)), self.settings, self.hashes).get()


def study_parts(folder: Path, *, data_cut: date | None = None) -> list[Part]:
    """The parts of a study folder, in the order of participants.

    A folder that cannot be cut (CSV, a workbook, files not sorted by subject, few subjects) is one part.
    """
    home = folder.resolve()
    if not is_sliceable(folder):
        return [Part(folder, Settings(home.name, "", data_cut), {}, {})]
    files = _files(folder)
    settings = read_settings(home / "study.yaml", f"{home.name}/study.yaml", home.name)
    settings = replace(settings, data_cut=data_cut or settings.data_cut, texts=dict(settings.texts))
    hashes = {f"{home.name}/{path.name}": sha256_of(path) for path in files.values()}
    firsts = _subjects(files["subjects"]).gather_every(PARTITION)
    cuts = {name: _cuts(path, firsts) for name, path in files.items()}
    return [Part(home, settings, hashes, {name: cuts[name][n] for name in files}) for n in range(len(firsts))]


def _files(folder: Path) -> dict[str, Path]:
    found = {column_key(path.stem): path for path in sorted(folder.iterdir()) if path.suffix == ".parquet"}
    return {name: path for name, path in found.items() if name in SCHEMAS}


def _has_subject(path: Path) -> bool:
    return "subject" in pl.read_parquet_schema(path)


def _subjects(path: Path) -> pl.Series:
    return pl.scan_parquet(path).select("subject").collect().to_series()


def _cuts(path: Path, firsts: pl.Series) -> list[tuple[int, int]]:
    """First row and number of rows of each part: a part reaches to the first subject of the next one."""
    if not _has_subject(path):
        return [(0, 1 << 62)] * len(firsts)
    subjects = _subjects(path)
    starts = [0, *(int(n) for n in subjects.search_sorted(firsts[1:]))] if len(firsts) > 1 else [0]
    ends = [*starts[1:], len(subjects)]
    return [(start, end - start) for start, end in zip(starts, ends, strict=True)]


def _slice(path: Path, name: str, folder: str, start: int, length: int) -> Recorded:
    frame = pl.scan_parquet(path).slice(start, length).collect()
    lines = pl.int_range(start + 1, start + frame.height + 1, dtype=pl.Int32, eager=True).alias("row")
    return Recorded(name, f"{folder}/{path.name}", frame, lines)
