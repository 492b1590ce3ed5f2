"""A study read again at the same door: some of its participants, with cells said otherwise; rows keep their lines."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from zoneinfo import ZoneInfo

import polars as pl

from rules.door.reading import Recorded
from rules.door.settings import Settings, written_as
from rules.facts import Examination, Found, Study, Table, examine_tables

Change = Callable[[pl.DataFrame, pl.Series], tuple[pl.DataFrame, pl.Series]]
"""What a recorded table says instead, and the lines of its rows, from the table and the lines of its rows."""


def read_again(
    study: Study, *, subjects: pl.Series | None = None, changes: Mapping[str, Change] | None = None
) -> Examination:
    """The study of `subjects` (all by default), its recorded tables changed first; faults where a change cannot be."""
    numbers = None if subjects is None else study.subjects.filter(pl.col("subject").is_in(subjects.implode()))["s"]
    tables = [_recorded(table, numbers, (changes or {}).get(name)) for name, table in study.tables.items()]
    zone = study.settings.get("time_zone")
    settings = Settings(
        study.name,
        "",
        study.data_cut,
        study.final,
        ZoneInfo(zone) if zone else None,
        **written_as(study.settings),
        texts=study.settings,
    )
    return examine_tables(Found(tables), settings, {})


def _recorded(table: Table, numbers: pl.Series | None, change: Change | None) -> Recorded:
    raw, lines = table.raw, table.lines
    if numbers is not None and "s" in table.data.columns:
        kept = lines.is_in(table.data.filter(pl.col("s").is_in(numbers.implode()))["row"].implode())
        raw, lines = raw.filter(kept), lines.filter(kept)
    if change is not None:
        raw, lines = change(raw, lines)
    return Recorded(table.name, table.file, raw, lines)
