"""A folder of SDTM datasets: found, checked, and laid out as Parquet of texts, so that any part of it can be read.

Transport files, Dataset-JSON (also NDJSON), CSV and Parquet may stand side by side, one file a dataset; split datasets
(lbch, lbhe) are parts of their domain. Nothing larger than a chunk is in memory at once.
"""

from __future__ import annotations

from codecs import getincrementaldecoder
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from perprotocol.formats.dataset_json import read_dataset_json
from perprotocol.formats.xpt import CHUNK, read_xpt
from protocol.errors import Fault, StudyError

BESIDE = "beside"
"""The folder of what SDTM has no place for, written and read beside the datasets."""
SUBJECT_LEVEL = ("DM", "EX", "EC", "SV", "VS", "LB", "AE", "CE", "CM", "DS", "DV", "MH", "IE", "XF")
DESIGN = ("TA", "TE", "TV", "TS", "TI")
_READERS: Mapping[str, Callable[[Path], Iterator[pl.DataFrame]]] = {
    ".xpt": read_xpt, ".json": read_dataset_json, ".ndjson": read_dataset_json,
}  # fmt: skip
SUFFIXES = (*_READERS, ".csv", ".parquet")
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Staged:
    """The datasets by name, each a folder of Parquet files with every cell as text, and the files that are none."""

    place: Path
    rows: Mapping[str, int]
    others: tuple[str, ...]
    beside: Path | None

    def __contains__(self, name: str) -> bool:
        return name in self.rows

    def scan(self, name: str) -> pl.LazyFrame:
        """The dataset; without rows and columns where there is none."""
        if name not in self.rows:
            return pl.LazyFrame()
        return pl.concat(
            [pl.scan_parquet(path) for path in sorted((self.place / name).glob("*.parquet"))], how="diagonal"
        )

    def columns(self, name: str) -> list[str]:
        """The variables of a dataset."""
        return self.scan(name).collect_schema().names()


def stage(folder: Path, place: Path, progress: Progress | None = None) -> Staged:
    """The datasets of a folder under `place`; StudyError with everything that is wrong with its files."""
    if not folder.is_dir():
        why = "is a file: a folder of datasets is read" if folder.is_file() else "is not there"
        raise StudyError([_fault(str(folder), why, "give the folder that holds dm.xpt, ex.xpt, …")])
    found, others, faults = _datasets(folder)
    rows: dict[str, int] = {}
    for n, (path, name) in enumerate(found):
        try:
            rows[name] = rows.get(name, 0) + _stage_file(path, place / name)
        except StudyError as error:
            faults.extend(error.faults)
        if progress is not None:
            progress(n + 1, len(found))
    if not faults and "DM" not in rows:
        there = ", ".join(path.name for path, _ in found) or ", ".join(others) or "nothing"
        why = f"has no dataset DM (dm.xpt, dm.json, dm.csv or dm.parquet); there is {there}"
        faults.append(_fault(folder.name, why, "give the folder with all datasets of the study"))
    beside = folder / BESIDE
    staged = Staged(place, rows, tuple(others), beside if beside.is_dir() else None)
    faults.extend(_incomplete(staged) if not faults else [])
    if faults:
        raise StudyError(faults)
    return staged


def _datasets(folder: Path) -> tuple[list[tuple[Path, str]], list[str], list[Fault]]:
    """The files with the dataset of each, all other files, and a fault where a dataset is there twice."""
    found, others, faults, seen = [], [], [], dict[str, str]()
    for path in sorted(folder.iterdir()):
        if path.is_dir() or path.name.startswith("."):
            continue
        name = _name_of(path) if path.suffix.lower() in SUFFIXES else None
        if name is None:
            others.append(path.name)
        elif (before := seen.setdefault(path.stem.lower(), path.name)) != path.name:
            faults.append(_fault(path.name, f"is a second form of {before}", "keep one of the two"))
        else:
            found.append((path, name))
    return found, others, faults


def _name_of(path: Path) -> str | None:
    """The dataset of a file by its name: `lbch` is part of LB, `supplbch` of SUPPLB; None for no dataset of SDTM."""
    name = path.stem.upper()
    if not name.isalnum():
        return None
    if name.startswith("SUPP"):
        return name[:6] if len(name) in (6, 8) else None
    if name in DESIGN or name in ("RELREC", "ADDV", "CO", "SE"):
        return name
    return name[:2] if len(name) == 2 or (len(name) == 4 and name[:2] in SUBJECT_LEVEL) else None


def _stage_file(path: Path, place: Path) -> int:
    """The rows of one file as Parquet; their number."""
    place.mkdir(parents=True, exist_ok=True)
    rows = 0
    for n, chunk in enumerate(_chunks(path, place)):
        names = [column.strip().upper() for column in chunk.columns]
        if len({*names}) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise StudyError([_fault(path.name, f"has the variable {twice} twice", "name each variable once")])
        texts = [as_text(chunk[old]).alias(new) for old, new in zip(chunk.columns, names, strict=True)]
        pl.DataFrame(texts).write_parquet(place / f"{path.stem.lower()}-{n:04}.parquet", compression_level=1)
        rows += len(chunk)
    return rows


def _chunks(path: Path, place: Path) -> Iterator[pl.DataFrame]:
    if (reader := _READERS.get(path.suffix.lower())) is not None:
        yield from reader(path)
        return
    source = path
    try:
        if path.suffix.lower() == ".csv":
            _check_utf8(path)
            source = place.with_name(f"{path.stem}.read")
            pl.scan_csv(path, infer_schema=False, null_values="").sink_parquet(source)
        total = pl.scan_parquet(source).select(pl.len()).collect().item()
        for start in range(0, max(total, 1), CHUNK):
            yield pl.scan_parquet(source).slice(start, CHUNK).collect()
    except (pl.exceptions.PolarsError, UnicodeDecodeError) as error:
        why = f"is no {path.suffix[1:].upper()}: {str(error).splitlines()[0]}"
        raise StudyError([_fault(path.name, why, "save it again, CSV as UTF-8 with commas")]) from error


def _check_utf8(path: Path) -> None:
    """UnicodeDecodeError where a text is in another encoding; nothing larger than a piece of it is in memory."""
    decoder = getincrementaldecoder("utf-8")()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            decoder.decode(piece)
    decoder.decode(b"", final=True)


def as_text(series: pl.Series) -> pl.Series:
    """Every cell as it would be written: numbers with at most 15 digits, no blanks around, null where it is empty."""
    dtype = series.dtype
    if dtype.is_float() or dtype.is_decimal():
        distinct = series.cast(pl.Float64).unique().drop_nulls().drop_nans()
        words = {value: format(value, ".15g") for value in distinct}
        return series.cast(pl.Float64).replace_strict(words, default=None, return_dtype=pl.String)
    if isinstance(dtype, pl.Datetime):
        return series.dt.to_string("%Y-%m-%dT%H:%M")
    text = series.cast(pl.String).str.strip_chars()
    return text.set((text == "").fill_null(value=False), None)


def _incomplete(staged: Staged) -> list[Fault]:
    """What no dataset may lack: its variables that identify a record; and of DM, one row a subject."""
    faults = []
    for name in staged.rows:
        there = staged.columns(name)
        wanted = ("USUBJID",) if name in SUBJECT_LEVEL else ()
        faults += [
            _fault(name, f"has no variable {v}", f"add {v}; there is {', '.join(there[:12])}")
            for v in wanted
            if v not in there
        ]
    if faults:
        return faults
    if "STUDYID" in staged.columns("DM"):
        studies = (
            staged.scan("DM").select(pl.col("STUDYID").drop_nulls().unique().sort()).collect()["STUDYID"].to_list()
        )
        if len(studies) > 1:
            why = f"holds several studies: {', '.join(studies[:5])}"
            faults.append(_fault("DM", why, "give the datasets of one study"))
    people = staged.scan("DM").group_by("USUBJID").len().filter((pl.col("len") > 1) | pl.col("USUBJID").is_null())
    for subject, rows in people.sort("USUBJID").head(20).collect().rows():
        why = f"the subject {subject} has {rows} rows" if subject else f"{rows} rows have no USUBJID"
        faults.append(_fault("DM", why, "DM has one row a subject"))
    if not staged.rows["DM"]:
        faults.append(_fault("DM", "has no rows", "DM has one row a subject"))
    return faults


def _fault(file: str, why: str, remedy: str) -> Fault:
    return Fault(file, None, None, "", "", why, remedy)
