"""What a version judges: the occurrences that belong to it, and the records of days on which it is in force."""

from __future__ import annotations

import numpy as np
import polars as pl

from rules.arrays import NONE, Flags, Ints
from rules.occasions import TABLES
from rules.timing.grid import Laid


def keep_in_force(laid: Laid, tables: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """The occasions of a layout that its version judges; all of them where the protocol has one version."""
    if laid.carried is None:
        return tables
    return {name: table.filter(pl.Series(judged_here(laid, name, table))) for name, table in tables.items()}


def judged_here(laid: Laid, name: str, table: pl.DataFrame) -> Flags:
    """Of each row of an occasions table whether this layout judges it: its version is in force.

    What is of no participant belongs to the oldest version, a consent form to the version that asks for it.
    """
    if laid.carried is None:
        return np.ones(len(table), np.bool_)
    if name == "reconsents":
        return np.ones(len(table), np.bool_)
    here: Flags = version_of(laid, name, table) == laid.carried.version
    return here


def version_of(laid: Laid, name: str, table: pl.DataFrame) -> Ints:
    """The place of the version in force for each row of an occasions table."""
    carried = laid.carried
    if carried is None or not len(table) or name == "amendments":
        return np.zeros(len(table), np.int32)
    s = table["s"].to_numpy()
    if name != "planned":
        day = pl.coalesce(*(pl.col(c).cast(pl.Int32).cast(pl.Date) for c in TABLES[name].day))
        return carried.found.at(s, table.select(day.cast(pl.Int32).fill_null(NONE)).to_series().to_numpy())
    versions, column = np.zeros(len(table), np.int32), table["column"].to_numpy()
    for grid in laid.grids:
        local = np.full(laid.evidence.n, -1, np.int32)
        local[grid.s] = np.arange(len(grid.s), dtype=np.int32)
        mine = np.flatnonzero(local[s] >= 0)
        versions[mine] = carried.owned(grid)[local[s[mine]], column[mine]]
    return versions
