"""Clinic closures: they may move a target inside its window, and never a window.

No verdict depends on them: what is judged is the window. An occurrence whose whole window is closed is named.
"""

from __future__ import annotations

import numpy as np

from rules.assignment import NONE
from rules.door.closures import Closures
from rules.evidence import Evidence, Flags, Ints

FARTHEST = 28
"""Days by which a closure may move a target at most."""


def around_closures(e: Evidence, s: Ints, due: Ints, opens: Ints, closes: Ints) -> tuple[Ints, Flags]:
    """Targets on the nearest open day of their windows, the later of two; and whose whole window is closed."""
    moved, shut = due.copy(), np.zeros(len(due), np.bool_)
    if not e.closed:
        return moved, shut
    site = e.frames["subjects"]["site"].fill_null("").to_numpy()[s]
    for name, closures in e.closed.items():
        own = (site == name) if name else ~np.isin(site, [other for other in e.closed if other])
        rows = np.flatnonzero(own & (due != NONE) & _closed(closures, due))
        first = np.where(opens[rows] == NONE, due[rows], opens[rows])
        last = np.where(closes[rows] == NONE, due[rows], closes[rows])
        found = due[rows].copy()
        waiting = np.ones(len(rows), np.bool_)
        for step in range(1, FARTHEST + 1):
            for day in (due[rows] + step, due[rows] - step):
                fits = waiting & (first <= day) & (day <= last) & ~_closed(closures, day)
                found[fits] = day[fits]
                waiting &= ~fits
        moved[rows] = found
        shut[rows] = waiting
    return moved, shut


def _closed(closures: Closures, day: Ints) -> Flags:
    """Of each day whether the clinic is closed; 1970-01-01 was a Thursday."""
    closed: Flags = np.isin((day + 3) % 7, list(closures.weekdays)) | np.isin(day, list(closures.days))
    return closed
