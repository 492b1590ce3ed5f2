"""A study part by part from Parquet to Parquet, each in a process; memory does not grow with the study.

Each part is written under another name first and then renamed: a file that is there is whole.
"""

from __future__ import annotations

from datetime import date
from functools import partial
from pathlib import Path

import polars as pl

from perprotocol.bulk.processes import in_processes
from protocol import Protocol
from rules.audit import audit, schedule
from rules.partitions import Progress
from rules.parts import Part, study_parts


def audit_to_parquet(
    protocol: Protocol,
    folder: Path,
    out: Path,
    *,
    as_of: date | None = None,
    lang: str = "en",
    progress: Progress | None = None,
    workers: int | None = None,
) -> pl.DataFrame:
    """Findings, queries and departures stand in folders of Parquet files under `out`; the counts are returned."""
    parts = list(enumerate(study_parts(folder)))
    one = partial(_audit_part, protocol=protocol, out=out, as_of=as_of, lang=lang)
    counts, gaps = [], []
    for done, (count, gap) in enumerate(in_processes(one, parts, workers), 1):
        counts.append(count)
        gaps.append(gap)
        if progress is not None:
            progress(done, len(parts))
    of_protocol = pl.concat(gaps)
    summed = of_protocol.group_by("id", maintain_order=True).agg(
        *(pl.col(c).sum() if c == "measure" else pl.col(c).first() for c in of_protocol.columns if c != "id")
    )
    _write(summed.select(of_protocol.columns), out / "queries", len(parts))
    order = counts[0].select("rule")
    total = order.join(pl.concat(counts).group_by("rule").agg(pl.all().sum()), on="rule", maintain_order="left")
    _write(total, out / "counts", 0)
    return total


def _audit_part(
    part: tuple[int, Part], *, protocol: Protocol, out: Path, as_of: date | None, lang: str
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Write what is found in one part; its counts, and the queries that are about the protocol alone."""
    number, of = part
    report = audit(protocol, of.read(), as_of=as_of, lang=lang)
    gaps = report.queries.filter(pl.col("subject").is_null())
    own = report.queries.filter(pl.col("subject").is_not_null())
    # What is of no participant, such as an amendment, is in every part: it is told once.
    found = report.findings.filter(pl.col("subject").is_not_null() | (number == 0))
    for name, frame in (("findings", found), ("queries", own), ("departures", report.departures)):
        _write(frame, out / name, number)
    return report.counts, gaps


def schedule_to_parquet(
    protocol: Protocol, folder: Path, out: Path, *, as_of: date | None = None, workers: int | None = None
) -> int:
    """The calendar stands in a folder of Parquet files; the number of its rows is returned."""
    one = partial(_schedule_part, protocol=protocol, out=out, as_of=as_of)
    return sum(in_processes(one, list(enumerate(study_parts(folder))), workers))


def _schedule_part(part: tuple[int, Part], *, protocol: Protocol, out: Path, as_of: date | None) -> int:
    number, of = part
    calendar = schedule(protocol, of.read(), as_of=as_of)
    _write(calendar, out, number)
    return len(calendar)


def _write(frame: pl.DataFrame, folder: Path, number: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    place = folder / f"part-{number:05}.parquet"
    frame.write_parquet(place.with_suffix(".tmp"), compression_level=1)
    place.with_suffix(".tmp").rename(place)
