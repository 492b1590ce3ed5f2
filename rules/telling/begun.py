"""The records with which a hold or a stop began: what the evidence of a dose given all the same must show."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from rules.arrays import NONE, days
from rules.happened.spells import HOLD, STOP

if TYPE_CHECKING:
    from rules.telling.wording import Wording

_BEGINNINGS = (("events", "start"), ("milestones", "date"))
"""Tables whose rows can begin a hold or a stop, and their day."""


def begun_by(w: Wording, hits: pl.DataFrame) -> pl.Series:
    """The events and milestones of the day on which the hold or stop in force began, as recorded; else nothing."""
    since = _since(w, hits)
    said = [""] * len(hits)
    for table, column in _BEGINNINGS:
        frame = w.laid.evidence.frames[table]
        if not len(frame):
            continue
        begun = pl.DataFrame({"s": frame["s"], "day": days(frame, column), "row": frame["row"]})
        wanted = pl.DataFrame({"s": hits["s"], "day": since}).with_row_index("at").filter(pl.col("day") != NONE)
        found = wanted.join(begun, on=["s", "day"], maintain_order="left")
        recorded = w.raw(table, found["row"]).select(pl.all().cast(pl.String).str.strip_chars())
        for at, line, cells in zip(found["at"], found["row"], recorded.iter_rows(named=True), strict=True):
            filled = ", ".join(f"{name} {cell}" for name, cell in cells.items() if cell and name != "subject")
            said[at] += w.phrases["begun_by"].replace("#", f"{table}:{line} {filled}")
    return pl.Series(said, dtype=pl.String)


def unclosed_holds(w: Wording, hits: pl.DataFrame) -> pl.Series:
    """The record of the hold without an end that each row depends on: the last of its treatment; null for none."""
    row = np.full(len(hits), NONE, np.int32)
    for part in hits["part"].unique().drop_nulls():
        mine = np.flatnonzero((hits["part"] == part).to_numpy())
        s, day = hits["s"].to_numpy()[mine].astype(np.int32), np.full(len(mine), w.laid.evidence.horizon, np.int32)
        for column in ("day", "due"):
            if column in hits.columns:
                told = days(hits, column)[mine]
                day = np.where(told != NONE, told, day).astype(np.int32)
                break
        row[mine] = w.laid.states.unclosed(w.laid.plan.parts[part].activity, s, day)[0]
    return pl.Series(row, dtype=pl.Int32).replace(NONE, None)


def _since(w: Wording, hits: pl.DataFrame) -> pl.Series:
    """The day on which the hold or stop that was in force on the day of each dose began; `NONE` where none was."""
    names = w.laid.doses.names
    found = np.full(len(hits), NONE, np.int32)
    for activity in hits["activity"].unique():
        rows = np.flatnonzero((hits["activity"] == activity).to_numpy()) if activity is not None else np.array([], int)
        s, day = hits["s"].to_numpy()[rows], hits["day"].cast(pl.Int32).fill_null(NONE).to_numpy()[rows]
        for state in (
            w.laid.states.by_treatment.get(names[activity], []) if activity is not None and activity >= 0 else []
        ):
            if state.kind in (HOLD, STOP) and len(state.s):
                at, there = state.spell(s.astype(np.int32), day.astype(np.int32))
                inside = there & (day < state.end[at])
                found[rows] = np.where(inside, np.maximum(found[rows], state.start[at]), found[rows])
    return pl.Series(found, dtype=pl.Int32)
