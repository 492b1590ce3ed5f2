"""The folder of a run: what it holds is whole, says of which run it is, and is kept when that run goes on.

While a run is under way `running.json` says what determines it; at its end that becomes `manifest.json`.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import polars as pl

from protocol import Fault, StudyError
from rules.manifest import Manifest, manifest_hash, run_of

RUNNING, DONE = "running.json", "manifest.json"
RESULTS = ("findings", "queries", "departures", "counts")
_MARKS = "parts"


class Run:
    """A run whose results go to a folder, part by part."""

    def __init__(self, folder: Path, determined: Manifest) -> None:
        """The folder is there and is this run's; StudyError where it holds something else."""
        self.folder, self.determined, self.hash = folder, determined, manifest_hash(determined)
        known = _hash_in(folder / RUNNING) or _hash_in(folder / DONE)
        if known is None and folder.is_dir() and any(folder.iterdir()):
            raise _taken(folder, "holds files that are no results of a run")
        if known not in (None, self.hash):
            raise _taken(folder, "holds the results of another run: of another study, protocol, day, option or version")
        if known is None:
            folder.mkdir(parents=True, exist_ok=True)
            self._note(RUNNING, {**determined, "hash": self.hash, "run": run_of()})

    @property
    def complete(self) -> bool:
        """Nothing is left to do."""
        return (self.folder / DONE).is_file()

    def is_done(self, number: int) -> bool:
        """Whether a part was written to its end."""
        return self._mark("counts", number).is_file()

    def finish(self, number: int, counts: pl.DataFrame, gaps: pl.DataFrame) -> None:
        """A part is written to its end: its counts, and the queries of it that are about the protocol alone."""
        put(gaps, self._mark("gaps", number))
        put(counts, self._mark("counts", number))

    def close(self, parts: int) -> pl.DataFrame:
        """The run is complete: its counts are returned, and beside its files stands the manifest with their hashes."""
        marks = [
            (pl.read_parquet(self._mark("counts", n)), pl.read_parquet(self._mark("gaps", n))) for n in range(parts)
        ]
        total, gaps = summed([counts for counts, _ in marks], [gap for _, gap in marks])
        put(gaps, self.folder / "queries" / f"part-{parts:05}.parquet")
        put(total, self.folder / "counts" / "part-00000.parquet")
        files = sorted(path for name in RESULTS for path in (self.folder / name).glob("*.parquet"))
        results = {path.relative_to(self.folder).as_posix(): _sha256(path) for path in files}
        noted = json.loads((self.folder / RUNNING).read_text("utf-8"))
        self._note(DONE, {**noted, "results": results})
        (self.folder / RUNNING).unlink()
        shutil.rmtree(self.folder / _MARKS)
        return total

    def counts(self) -> pl.DataFrame:
        """The counts of a complete run."""
        return pl.read_parquet(self.folder / "counts" / "part-00000.parquet")

    def _mark(self, name: str, number: int) -> Path:
        return self.folder / _MARKS / f"{name}-{number:05}.parquet"

    def _note(self, name: str, manifest: Manifest) -> None:
        place = self.folder / name
        text = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
        place.with_suffix(".tmp").write_text(text, encoding="utf-8", newline="\n")
        place.with_suffix(".tmp").replace(place)


def summed(counts: list[pl.DataFrame], gaps: list[pl.DataFrame]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The counts of all parts by rule, and the queries about the protocol, each once with its occasions added up."""
    both = pl.concat(gaps)
    told = both.group_by("id", maintain_order=True).agg(
        *(pl.col(c).sum() if c == "measure" else pl.col(c).first() for c in both.columns if c != "id")
    )
    added = pl.concat(counts).group_by("rule").agg(pl.all().sum())
    return counts[0].select("rule").join(added, on="rule", maintain_order="left"), told.select(both.columns)


def put(frame: pl.DataFrame, place: Path) -> None:
    """The frame stands in a Parquet file, whole or not at all."""
    place.parent.mkdir(parents=True, exist_ok=True)
    frame.write_parquet(place.with_suffix(".tmp"), compression_level=1)
    place.with_suffix(".tmp").replace(place)


def _hash_in(place: Path) -> str | None:
    """The hash of the run that a file of ours names."""
    try:
        said = json.loads(place.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return str(said.get("hash")) if isinstance(said, dict) else None


def _taken(folder: Path, why: str) -> StudyError:
    return StudyError([Fault("-o", None, None, "", str(folder), why, "name a new folder, or remove this one")])


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
