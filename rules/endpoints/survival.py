"""The time from a beginning to the first of some events, or to the last day on which it had not happened.

Without the event a participant is observed up to the last record of any kind, or up to what ends the observation
(`censor`). A day known only in part leaves the time open, and so does an event before the beginning.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from protocol.model import Endpoint
from rules.arrays import NONE, Flags, Ints, days
from rules.endpoints.days import Days
from rules.happened.evidence import Evidence, event_words

_FAR = np.int32(1 << 24)
_NOT_DONE = ("not done", "not given")
_LAST_SEEN = (
    ("visits", ("date",)),
    ("observations", ("at",)),
    ("administrations", ("start", "end")),
    ("events", ("start",)),
    ("milestones", ("date",)),
)
"""Tables and columns that show that a participant was still observed on a day."""


@dataclass(frozen=True)
class First:
    """The first of some events of each participant: earliest and latest possible day, and which one it was."""

    first: Ints
    last: Ints
    which: Ints


@dataclass(frozen=True)
class Times:
    """Days from the beginning to the event (`happened`) or to the end of observation; `told` where both are known."""

    days: Ints
    happened: Flags
    told: Flags
    end: Ints
    which: Ints


def first_of(e: Evidence, names: Sequence[str], since: Ints) -> First:
    """The first of these events and milestones on or after a day."""
    first, last = np.full(e.n, _FAR, np.int32), np.full(e.n, _FAR, np.int32)
    which = np.full(e.n, -1, np.int32)
    for at, name in enumerate(names):
        for s, early, late in _happenings(e, name):
            kept = (early != NONE) & ((since[s] == NONE) | (late >= since[s]))
            own = np.full(e.n, _FAR, np.int32)
            np.minimum.at(own, s[kept], early[kept])
            which[own < first] = at
            first = np.minimum(first, own)
            np.minimum.at(last, s[kept], late[kept])
    never = first == _FAR
    return First(np.where(never, NONE, first).astype(np.int32), np.where(never, NONE, last).astype(np.int32), which)


def _happenings(e: Evidence, name: str) -> list[tuple[Ints, Ints, Ints]]:
    """Participants with the earliest and the latest possible day of each event of that name."""
    if name not in e.protocol.events:
        milestone = e.milestone(name)
        return [(e.everyone, milestone.first, milestone.last)]
    spells = e.events(event_words(e.protocol, name))
    frame = e.frames["events"]
    ends = dict(zip(frame["row"].to_list(), days(frame, "start_last").tolist(), strict=True)) if len(frame) else {}
    late = np.array([ends[row] for row in spells.row.tolist()], np.int32)
    return [(spells.s, spells.start, late)]


def is_recorded(e: Evidence, names: Sequence[str]) -> bool:
    """Whether the study has the tables in which these events would stand."""
    wanted = {"events" if name in e.protocol.events else "milestones" for name in names}
    return wanted <= e.tables


def last_seen(e: Evidence) -> Ints:
    """The last day on which anything of each participant is on record, `NONE` without a record."""
    seen = np.full(e.n, NONE, np.int32)
    for table, columns in _LAST_SEEN:
        frame = e.frames[table]
        if "status" in frame.columns:
            frame = frame.filter(~pl.col("status").is_in(_NOT_DONE).fill_null(value=False))
        for column in columns if len(frame) else ():
            day = days(frame, column)
            np.maximum.at(seen, frame["s"].to_numpy(), np.where(day <= e.horizon, day, NONE).astype(np.int32))
    return seen


def times_of(e: Evidence, endpoint: Endpoint, begins: Days) -> Times:
    """The times of one endpoint."""
    origin = np.where(begins.begun, begins.due, NONE).astype(np.int32)
    event = first_of(e, endpoint.event, origin)
    stop = first_of(e, endpoint.censor, origin) if endpoint.censor else None
    seen = last_seen(e)
    ends, sure = seen, np.ones(e.n, np.bool_)
    if stop is not None:
        ends = np.where((stop.first != NONE) & (stop.first < ends), stop.first, ends).astype(np.int32)
        sure = (stop.first == stop.last) | (stop.first > seen)
    happened = (event.first != NONE) & (event.first <= e.horizon)
    if stop is not None:
        happened &= (stop.first == NONE) | (event.first <= stop.first)
    sure &= ~happened | (event.first == event.last)
    end = np.where(happened, event.first, ends).astype(np.int32)
    told = (origin != NONE) & (end != NONE) & (end >= origin) & sure & is_recorded(e, endpoint.event)
    return Times(np.where(told, end - origin, NONE).astype(np.int32), happened, told, end, event.which)
