"""Drugs that accompany another dose and are on record as concomitant medication over several days."""

from __future__ import annotations

import numpy as np
import polars as pl

from protocol.model import Protocol, Treatment
from rules.arrays import NONE, Flags, days, key
from rules.happened.records import treatment_words
from rules.timing.grid import Grid, Laid

_CONCOMITANT = ("concomitant medication", "concomitant", "conmed", "合并用药")


def covered_doses(laid: Laid, grid: Grid) -> Flags:
    """Of each occurrence of a drug that accompanies another whether a line of concomitant medication covers its day."""
    found = np.zeros(grid.due.shape, np.bool_)
    columns = [c for c, slot in enumerate(grid.arm.slots) if slot.follows and isinstance(slot.part.element, Treatment)]
    events = laid.evidence.frames["events"]
    if not columns or not len(events):
        return found
    lines = events.filter(pl.col("event").str.to_lowercase().is_in(_CONCOMITANT) & pl.col("start").is_not_null())
    said = [_named(laid.plan.protocol, str(d)) for d in lines["detail"].fill_null("")]
    for activity in {grid.arm.slots[c].part.activity for c in columns}:
        mine = lines.filter(pl.Series([activity in named for named in said], dtype=pl.Boolean))
        s, start, end = mine["s"].to_numpy(), days(mine, "start"), days(mine, "end_last")
        # While it goes on a line has no end.
        end = np.where(end == NONE, laid.evidence.horizon, end).astype(np.int32)
        order = np.lexsort((end, key(s, start)))
        keys, s, end = key(s, start)[order], s[order], end[order]
        for c in (c for c in columns if grid.arm.slots[c].part.activity == activity and len(keys)):
            due = grid.due[:, c]
            at = np.maximum(np.searchsorted(keys, key(grid.s, due), side="right") - 1, 0)
            found[:, c] = (keys[at] <= key(grid.s, due)) & (s[at] == grid.s) & (due <= end[at]) & (due != NONE)
    return found


def _named(protocol: Protocol, detail: str) -> tuple[str, ...]:
    """The treatments whose names stand in a line: `methylprednisolone 2 mg/kg/day` names methylprednisolone."""
    words = detail.replace(",", " ").replace("，", " ").split()
    spans = (" ".join(words[:n]) for n in range(len(words), 0, -1))
    return next((found for span in spans if (found := treatment_words(protocol, span))), ())
