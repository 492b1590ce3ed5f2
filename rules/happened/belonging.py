"""To which site a participant belongs on a day: the site of the last transfer, before the first that of enrolment."""

from __future__ import annotations

import numpy as np
import polars as pl

from rules.arrays import NONE, days, key
from rules.happened.evidence import Evidence


def site_on(e: Evidence, s: pl.Series, day: pl.Series) -> pl.Series:
    """The site of each participant on a day; where the day is unknown that of enrolment."""
    enrolled = e.frames["subjects"]["site"].gather(s)
    if not len(e.frames["sites"]) or not len(s):
        return enrolled
    moves = e.frames["sites"].drop_nulls(["site", "from"])
    if not len(moves):
        return enrolled
    moves = moves.sort("s", "from", "row")
    at = days(pl.DataFrame({"day": day}), "day")
    keys = key(moves["s"].to_numpy(), days(moves, "from"))
    place = np.searchsorted(keys, key(s.to_numpy(), at), side="right") - 1
    last = np.maximum(place, 0)
    moved = (place >= 0) & (moves["s"].to_numpy()[last] == s.to_numpy()) & (at != NONE)
    return moves["site"].gather(pl.Series(last)).zip_with(pl.Series(moved), enrolled)
