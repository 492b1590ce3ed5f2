"""Holds that nobody closed as occasions: one row per hold, whatever doses depend on its end."""

from __future__ import annotations

import numpy as np
import polars as pl

from rules.arrays import NONE, Ints
from rules.happened.records import NOT_GIVEN
from rules.happened.spells import HOLD
from rules.match.frame import Array, occasions_frame
from rules.occasions import schema
from rules.timing.grid import Laid


def hold_occasions(laid: Laid) -> pl.DataFrame:
    """One row per hold on record without an end, and whether treatment went on or should have."""
    held = [s for states in laid.states.by_treatment.values() for s in states if s.kind == HOLD and s.open.any()]
    if not held:
        return pl.DataFrame(schema=schema("holds"))
    row, first = np.unique(np.concatenate([state.row for state in held]), return_index=True)
    n = len(row)
    columns: dict[str, Array | pl.Series] = {
        "s": np.concatenate([state.s for state in held])[first],
        "part": np.full(n, NONE, np.int32),
        "row": row,
        "occurrence": np.full(n, NONE, np.int32),
        "held_since": np.concatenate([state.start for state in held])[first],
        "went_on": np.isin(row, _asked(laid)),
    }
    return occasions_frame("holds", columns)


def _asked(laid: Laid) -> Ints:
    """The holds without an end after which a dose was given, or in which one was due that has no record."""
    found, r = [np.zeros(0, np.int32)], laid.doses
    given = (r.status != NOT_GIVEN) & ~r.duplicate
    for activity, states in laid.states.by_treatment.items():
        if not any(state.kind == HOLD and state.open.any() for state in states):
            continue
        rows = np.flatnonzero(given & (r.activity == r.names.index(activity)))
        # On the day of the hold the dose may have come first.
        found.append(laid.states.unclosed(activity, r.s[rows], r.day[rows] - 1)[0])
        for grid in laid.grids:
            for c in grid.arm.columns(activity):
                last = np.where(grid.closes[:, c] != NONE, grid.closes[:, c], grid.due[:, c])
                due = (grid.expected[:, c] == 1) & (grid.record[:, c] < 0) & (last < laid.evidence.horizon)
                row, doubt = laid.states.unclosed(activity, grid.s, grid.due[:, c])
                found.append(row[due & doubt])
    return np.concatenate(found)
