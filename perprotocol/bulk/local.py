"""A study part by part from Parquet to Parquet, each in a process; memory does not grow with the study."""

from __future__ import annotations

from datetime import date
from functools import partial
from pathlib import Path

import polars as pl

from perprotocol.bulk.audit import Task, task_of
from perprotocol.bulk.processes import cores, in_processes
from perprotocol.bulk.run import Run, put
from protocol import Protocol
from rules.audit import schedule
from rules.happened.versions import Promised
from rules.partitions import PARTITION, Progress
from rules.parts import Part, study_parts


def audit_to_parquet(
    protocol: Promised,
    folder: Path,
    out: Path,
    *,
    as_of: date | None = None,
    lang: str = "en",
    progress: Progress | None = None,
    workers: int | None = None,
) -> pl.DataFrame:
    """Findings, queries and departures stand in folders of Parquet files under `out`; the counts are returned."""
    return run_task(task_of(protocol, folder, as_of, lang), out, progress=progress, workers=workers)


def run_task(
    task: Task, out: Path, *, progress: Progress | None = None, workers: int | None = None, size: int | None = None
) -> pl.DataFrame:
    """The audit stands under `out`, with its manifest; parts that an earlier, broken run finished are kept."""
    parts = task.parts(size)
    run = Run(out, task.determined(parts))
    if run.complete:
        return run.counts()
    left = [(n, part) for n, part in enumerate(parts) if not run.is_done(n)]
    for done, _ in enumerate(in_processes(partial(audit_part, task=task, run=run), left, workers), 1):
        if progress is not None:
            progress(len(parts) - len(left) + done, len(parts))
    return run.close(len(parts))


def audit_part(numbered: tuple[int, Part], *, task: Task, run: Run) -> None:
    """What is found in one part is written, its counts last: then it is done."""
    number, part = numbered
    found = task.of_part(number, part)
    for name in ("findings", "queries", "departures"):
        put(found[name], run.folder / name / f"part-{number:05}.parquet")
    run.finish(number, found["counts"], found["gaps"])


__all__ = ["audit_part", "audit_to_parquet", "cores", "part_size", "run_task", "schedule_to_parquet"]

MEMORY_A_ROW = 1_100
"""Bytes that a row of the study costs while its part is judged, all tables counted (measured, bench/README.md)."""
MEMORY_A_PROCESS = 250_000_000
"""Bytes of a process before it reads anything."""


def part_size(folder: Path, gigabytes: float, workers: int) -> int:
    """How many participants a part may have for so many processes to stay inside a memory, at least 1 000."""
    rows = [pl.scan_parquet(path).select(pl.len()).collect().item() for path in folder.glob("*.parquet")]
    people = pl.scan_parquet(folder / "subjects.parquet").select(pl.len()).collect().item()
    room = gigabytes * 1e9 / workers - MEMORY_A_PROCESS
    return min(PARTITION, max(1_000, int(room / MEMORY_A_ROW / max(sum(rows) / max(people, 1), 1))))


def schedule_to_parquet(
    protocol: Protocol, folder: Path, out: Path, *, as_of: date | None = None, workers: int | None = None
) -> int:
    """The calendar stands in a folder of Parquet files; the number of its rows is returned."""
    one = partial(_schedule_part, protocol=protocol, out=out, as_of=as_of)
    return sum(in_processes(one, list(enumerate(study_parts(folder))), workers))


def _schedule_part(part: tuple[int, Part], *, protocol: Protocol, out: Path, as_of: date | None) -> int:
    number, of = part
    calendar = schedule(protocol, of.read(), as_of=as_of)
    put(calendar, out / f"part-{number:05}.parquet")
    return len(calendar)
