"""A study part by part from Parquet to Parquet, two parts at a time; memory does not grow with the study.

Each part is written under another name first and then renamed: a file that is there is whole.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl

from protocol import Protocol
from rules import Study
from rules.audit import audit, schedule
from rules.partitions import Progress, in_turn
from rules.parts import study_parts

Parts = list[tuple[int, Callable[[], Study]]]


def audit_to_parquet(
    protocol: Protocol,
    folder: Path,
    out: Path,
    *,
    as_of: date | None = None,
    lang: str = "en",
    progress: Progress | None = None,
) -> pl.DataFrame:
    """Findings, queries and departures stand in folders of Parquet files under `out`; the counts are returned."""
    parts: Parts = list(enumerate(study_parts(folder)))

    def one(part: tuple[int, Callable[[], Study]]) -> tuple[pl.DataFrame, pl.DataFrame]:
        report = audit(protocol, part[1](), as_of=as_of, lang=lang)
        gaps = report.queries.filter(pl.col("subject").is_null())
        own = report.queries.filter(pl.col("subject").is_not_null())
        # What is of no participant, such as an amendment, is in every part: it is told once.
        found = report.findings.filter(pl.col("subject").is_not_null() | (part[0] == 0))
        for name, frame in (("findings", found), ("queries", own), ("departures", report.departures)):
            _write(frame, out / name, part[0])
        return report.counts, gaps

    counts, gaps = [], []
    for done, (count, gap) in enumerate(in_turn(one, parts), 1):
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


def schedule_to_parquet(protocol: Protocol, folder: Path, out: Path, *, as_of: date | None = None) -> int:
    """The calendar stands in a folder of Parquet files; the number of its rows is returned."""
    parts: Parts = list(enumerate(study_parts(folder)))

    def one(part: tuple[int, Callable[[], Study]]) -> int:
        calendar = schedule(protocol, part[1](), as_of=as_of)
        _write(calendar, out, part[0])
        return len(calendar)

    return sum(in_turn(one, parts))


def _write(frame: pl.DataFrame, folder: Path, number: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    place = folder / f"part-{number:05}.parquet"
    frame.write_parquet(place.with_suffix(".tmp"), compression_level=1)
    place.with_suffix(".tmp").rename(place)
