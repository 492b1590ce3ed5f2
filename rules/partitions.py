"""A study in partitions of whole participants: each is scheduled, matched and worked on by itself, two at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date
from typing import TypeVar

import numpy as np
import polars as pl

from rules.arrays import numbers
from rules.facts import Study
from rules.happened.across import look_across, with_across
from rules.happened.evidence import evidence_of
from rules.happened.records import check_words, read_doses, read_visits
from rules.happened.versions import versions_in_force
from rules.planning.slots import Plan
from rules.schedule import lay_out
from rules.telling.rows import Place
from rules.timing.carried import Carried, lay_versions
from rules.timing.grid import Laid

S = TypeVar("S")
T = TypeVar("T")
Progress = Callable[[int, int], None]

PARTITION = 50_000
"""Participants a partition: enough for columns to pay, few enough for memory to stay bounded."""

WORKERS = 2
"""Partitions under way at once; NumPy and Polars release the interpreter while they work."""

_FAR_FUTURE = date(2999, 1, 1)
_TABLES = (
    "subjects", "sites", "consents", "milestones", "observations", "administrations", "lots", "visits", "events",
    "decisions", "amendments",
)  # fmt: skip


def over_partitions(
    plans: Sequence[Plan], study: Study, as_of: date | None, work: Callable[[Laid], T], progress: Progress | None = None
) -> Iterator[T]:
    """What `work` makes of each partition, in the order of participants; only a few partitions are held at once.

    `plans` are those of the protocol's versions, oldest first. With several, a partition is laid out once for each
    version that is active at some site.
    """
    check_words([plan.protocol for plan in plans], study)
    known = known_frames(study, as_of)
    frames = with_across(known, look_across(known) if study.across is None else study.across)
    n = len(study.subjects)
    cut = as_of is not None or study.data_cut is not None
    day = (horizon(study, as_of) - date(1970, 1, 1)).days

    def lay(plan: Plan, first: int, carried: Carried | None = None) -> Laid:
        last = min(first + PARTITION, n)
        evidence = evidence_of(
            plan.protocol,
            frames,
            study.tables,
            first,
            last,
            day,
            final=study.final,
            settings=study.settings,
            columns=study.columns,
            cut=cut,
        )
        return lay_out(plan, evidence, read_doses(evidence), read_visits(evidence), carried)

    def one(first: int) -> list[T]:
        if len(plans) == 1:
            return [work(lay(plans[0], first))]
        last = min(first + PARTITION, n)
        whole = evidence_of(
            plans[0].protocol, frames, study.tables, first, last, day, final=study.final, columns=study.columns
        )
        found = versions_in_force([plan.protocol for plan in plans], whole, frames["amendments"])
        return [work(laid) for laid in lay_versions(found, lambda v, carried: lay(plans[v], first, carried))]

    for done, results in enumerate(in_turn(one, range(0, max(n, 1), PARTITION)), 1):
        if progress is not None:
            progress(min(done * PARTITION, n), n)
        yield from results


def known_frames(study: Study, as_of: date | None) -> dict[str, pl.DataFrame]:
    """The tables that are judged, by participant, without what is dated after the as-of day."""
    return {name: _sorted(_known(study.data(name), name, as_of)) for name in _TABLES}


def in_turn(one: Callable[[S], T], items: Sequence[S]) -> Iterator[T]:
    """What `one` makes of each item, in order, `WORKERS` under way; a single item needs no thread."""
    if len(items) < 2:
        yield from map(one, items)
        return
    with ThreadPoolExecutor(WORKERS) as pool:
        waiting: deque[Future[T]] = deque()
        for item in items:
            waiting.append(pool.submit(one, item))
            if len(waiting) > WORKERS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def horizon(study: Study, as_of: date | None) -> date:
    """The last day anything is known of: the earlier of data cut and as-of, else the study's own last record."""
    given = [d for d in (as_of, study.data_cut) if d is not None]
    return min(given) if given else _last_record(study)


def _last_record(study: Study) -> date:
    columns = (
        ("administrations", "start_last"),
        ("visits", "date_last"),
        ("observations", "at_last"),
        ("milestones", "date_last"),
    )
    found = [study.data(t)[c].max() for t, c in columns]
    return max((d for d in found if isinstance(d, date)), default=_FAR_FUTURE)


DATED = {
    "consents": "signed",
    "milestones": "date",
    "observations": "at",
    "administrations": "start",
    "lots": "known",
    "visits": "date",
    "events": "start",
    "decisions": "decided",
}
"""The day of each table's rows: what lies after the as-of day had not happened yet."""


def _known(frame: pl.DataFrame, table: str, as_of: date | None) -> pl.DataFrame:
    """The rows that are not dated after the as-of day."""
    if as_of is None or table not in DATED or not len(frame):
        return frame
    later = frame[DATED[table]] > as_of
    return frame.filter(~later.fill_null(value=False)) if later.any() else frame


def _sorted(frame: pl.DataFrame) -> pl.DataFrame:
    return frame if "s" not in frame.columns or frame["s"].is_sorted() else frame.sort("s", maintain_order=True)


def place_of(study: Study) -> Place:
    """How rows of the study are named and read."""
    given = study.tables.get("administrations")
    absent = frozenset(
        c for c in ("viable_or_total", "counted", "brand") if given is not None and c not in given.raw.columns
    )
    return Place(study.name, {name: table.file for name, table in study.tables.items()}, absent, _raw_reader(study))


def _raw_reader(study: Study) -> Callable[..., pl.DataFrame]:
    """Look up rows as recorded, by the line that the typed tables carry; all their cells, or those of some columns."""
    whole: dict[tuple[str, str], pl.Series] = {}

    def cells(table: str, column: str) -> pl.Series:
        # In one piece: to gather from the pieces of a Parquet file costs eight times as much.
        if (table, column) not in whole:
            whole[table, column] = study.tables[table].raw[column].rechunk()
        return whole[table, column]

    def read(table: str, rows: pl.Series, columns: Sequence[str] | None = None) -> pl.DataFrame:
        found = study.tables.get(table)
        shown = [c for c in found.raw.columns if columns is None or c in columns] if found is not None else []
        if found is None or not shown or not len(found.lines):
            return pl.DataFrame({"-": pl.Series([None] * len(rows), dtype=pl.String)})
        last, wanted = max(len(found.lines) - 1, 0), numbers(rows, 0)
        if len(found.lines) and found.lines[last] - found.lines[0] == last:
            at = np.clip(wanted - found.lines[0], 0, last)
        else:
            at = np.minimum(found.lines.search_sorted(wanted).to_numpy(), last)
        frame: pl.DataFrame = pl.DataFrame([cells(table, c) for c in shown])[at]
        return frame

    return read
