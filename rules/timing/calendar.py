"""Days and months in arrays: the site's calendar, whole local days."""

from __future__ import annotations

from typing import Literal

import numpy as np

from rules.arrays import NONE, Ints


def add_span(day: Ints, months: int, days: int, policy: Literal["clamp", "roll"] = "clamp") -> Ints:
    """Days moved by calendar months at once, then by days; `NONE` stays `NONE`.

    A day that the month does not have becomes its last day (`clamp`) or the first of the next month (`roll`).
    """
    known = day != NONE
    start = np.where(known, day, 0)
    if months:
        date = start.astype("datetime64[D]")
        month = date.astype("datetime64[M]")
        within = (date - month.astype("datetime64[D]")).astype(np.int32)
        target = month + np.timedelta64(months, "M")
        first = target.astype("datetime64[D]").astype(np.int32)
        following = (target + np.timedelta64(1, "M")).astype("datetime64[D]").astype(np.int32)
        start = np.minimum(first + within, following if policy == "roll" else following - 1)
    return np.where(known, start + days, NONE).astype(np.int32)
