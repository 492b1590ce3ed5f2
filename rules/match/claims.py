"""Planned doses that another record may be: of a bag for this participant, or one whose place is not told."""

from __future__ import annotations

import numpy as np

from rules.arrays import NONE, Flags, days
from rules.happened.records import treatment_words
from rules.timing.grid import Grid, Laid


def claimed_doses(laid: Laid, grid: Grid) -> Flags:
    """Of each occurrence whether a dose recorded for somebody else, of a bag for this participant, fits its days."""
    found = np.zeros(grid.due.shape, np.bool_)
    claims = laid.evidence.frames.get("claims")
    if claims is None or not len(claims):
        return found
    who = np.full(laid.evidence.n, -1, np.int32)
    who[grid.s] = np.arange(len(grid.s), dtype=np.int32)
    words = [str(w) for w in claims["treatment"].unique().sort()]
    of = {word: treatment_words(laid.plan.protocol, word) for word in words}
    for c, slot in enumerate(grid.arm.slots):
        named = [word for word in words if slot.part.kind == "treatment" and slot.part.activity in of[word]]
        mine = claims.filter(claims["treatment"].is_in(named))
        row, day = who[mine["s"].to_numpy()], days(mine, "start")
        row, day = row[row >= 0], day[row >= 0]
        opens, closes, due = grid.opens[row, c], grid.closes[row, c], grid.due[row, c]
        inside = (opens != NONE) & (closes != NONE) & (opens <= day) & (day <= closes)
        found[row[inside | (due == day)], c] = True
    return found


def untold_doses(laid: Laid, grid: Grid) -> Flags:
    """Of each occurrence without a record whether a dose beside it may be it: nobody can tell which one that is."""
    found = np.zeros(grid.due.shape, np.bool_)
    if not (laid.identity.margin == 0).any():
        return found
    for activity in dict.fromkeys(slot.part.activity for slot in grid.arm.slots if slot.part.kind == "treatment"):
        columns = grid.arm.columns(activity)
        record = grid.record[:, columns]
        untold = (record >= 0) & (laid.identity.margin[record] == 0)
        beside = np.zeros(untold.shape, np.bool_)
        beside[:, 1:] |= untold[:, :-1]
        beside[:, :-1] |= untold[:, 1:]
        found[:, columns] = beside & (record < 0)
    return found
