"""Clinic closures: they may move a target inside its window, and never a window; and working days are the others.

No verdict on a window in days depends on them: what is judged is the window. An occurrence whose whole window is closed
is named. What the protocol counts in working days is counted on the days on which the site is not closed.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from rules.arrays import NONE, Flags, Ints
from rules.door.closures import Closures
from rules.happened.evidence import Evidence
from rules.timing.grid import Laid

FARTHEST = 28
"""Days by which a closure may move a target at most."""


def around_closures(e: Evidence, s: Ints, due: Ints, opens: Ints, closes: Ints) -> tuple[Ints, Flags]:
    """Targets on the nearest open day of their windows, the later of two; and whose whole window is closed."""
    moved, shut = due.copy(), np.zeros(len(due), np.bool_)
    if not e.closed:
        return moved, shut
    for own, closures in _of_sites(e, s):
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


def add_working(e: Evidence, s: Ints, day: Ints, number: int) -> Ints:
    """The working day that many after (before) a day; `NONE` where the site's closed days are not stated."""
    if not number:
        return day
    found = np.full(len(day), NONE, np.int32)
    for own, closures in _of_sites(e, s):
        rows = np.flatnonzero(own & (day != NONE))
        if not len(rows):
            continue
        reach = 7 * abs(number) + len(closures.days) + 7
        every = np.arange(day[rows].min() - reach, day[rows].max() + reach + 1, dtype=np.int32)
        open_ = every[~_closed(closures, every)]
        at = np.searchsorted(open_, day[rows], side="right" if number > 0 else "left")
        at = at + (number - 1 if number > 0 else number)
        there = (at >= 0) & (at < len(open_))
        found[rows[there]] = open_[at[there]]
    return found


def without_calendar(e: Evidence, s: Ints) -> Flags:
    """Participants at whose site nobody stated which days are closed."""
    stated = np.zeros(len(s), np.bool_)
    for own, _ in _of_sites(e, s):
        stated |= own
    return ~stated


def doses_without_calendar(laid: Laid) -> Flags:
    """Dose records of what is counted in working days, where nobody stated which days are closed."""
    counted = laid.plan.in_working_days
    mine = np.array([name in counted for name in laid.doses.names] + [False] * 3)[laid.doses.activity]
    uncounted: Flags = mine & without_calendar(laid.evidence, laid.doses.s) if mine.any() else mine
    return uncounted


def _of_sites(e: Evidence, s: Ints) -> Iterator[tuple[Flags, Closures]]:
    """Of each stated calendar the participants for whom it holds: their site's own, else the one without a name."""
    site = e.frames["subjects"]["site"].fill_null("").to_numpy()[s] if e.closed else np.zeros(len(s), np.str_)
    for name, closures in e.closed.items():
        yield (site == name) if name else ~np.isin(site, [other for other in e.closed if other]), closures


def _closed(closures: Closures, day: Ints) -> Flags:
    """Of each day whether the clinic is closed; 1970-01-01 was a Thursday."""
    closed: Flags = np.isin((day + 3) % 7, list(closures.weekdays)) | np.isin(day, list(closures.days))
    return closed
