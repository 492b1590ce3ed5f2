"""Where the protocol says neither what follows a late dose nor whether a missed one is made up: which readings differ?

A dose that is missing, and one too many after it, may be one missed and one unplanned, or one late and the rest after
it. Without a stated policy both are asked about (situation S22); a label on the record settles it.
"""

from __future__ import annotations

import numpy as np

from rules.arrays import NONE, Flags, Ints
from rules.planning.slots import Part


def is_silent(part: Part) -> bool:
    """Whether the protocol writes neither `late` nor `missed` for a treatment."""
    element = part.element
    return part.kind == "treatment" and element.written("late") is None and element.written("missed") is None


def both_readings(planned: Ints, days: Ints, labels: Ints, place: Ints) -> tuple[Flags, Flags]:
    """Of occurrences [S, P] and records [S, R]: those that depend on the policy, by the records' place on the grid."""
    filled = np.zeros(planned.shape, np.bool_)
    who, record = np.nonzero(place >= 0)
    filled[who, place[who, record]] = True
    gap = (planned != NONE) & ~filled
    first = gap.argmax(axis=1)[:, None]
    since = np.take_along_axis(planned, first, axis=1)
    later = gap.any(axis=1)[:, None] & (days != NONE) & (days > since)
    asked = (later & (place < 0)).any(axis=1) & ~(later & (labels != NONE)).any(axis=1)
    following = (planned != NONE) & (np.arange(planned.shape[1]) >= first)
    return asked[:, None] & following, asked[:, None] & later
