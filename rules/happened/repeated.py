"""Rows that say a dose once more: the same dose from a second source system, and a dose given again after vomiting.

Of each row that follows another of its day: one of the answers below. Who is right, and whether giving again was
allowed, is no matter of identity: the rows are one dose all the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

from protocol.model import Protocol
from rules.arrays import NONE, Flags, Ints, days, whole
from rules.door.tables import SCHEMAS
from rules.happened.evidence import Evidence

if TYPE_CHECKING:
    from rules.happened.records import Records

Kinds: TypeAlias = npt.NDArray[np.uint8]

COUNTS, ECHO, CLASH, VOMITED, UNRULED = range(5)
"""A row counts; says the same dose as another; says it otherwise; was vomited and does not count; was given again where
the protocol says nothing of it."""
ASKED = {CLASH: "sources", UNRULED: "redose"}
"""What is asked about a dose with such a row."""
_VOMITING = ("vomit", "emesis", "呕吐")


def said_twice(r: Records, frame: pl.DataFrame, pair: Ints, twice: int) -> tuple[Flags, Flags]:
    """Of each pair of neighbours whether two source systems say one dose, and whether they differ about its amount."""
    before, after = frame[r.place[pair]], frame[r.place[pair + 1]]
    sources = (before["source"] != after["source"]).fill_null(value=False).to_numpy()
    other_bag = (before["bag"] != after["bag"]).fill_null(value=False).to_numpy()
    start, again = r.minute[pair], r.minute[pair + 1]
    timed = (start != NONE) & (again != NONE)
    echo: Flags = sources & ~other_bag & (~timed | (np.abs(again - start) <= twice))
    return echo, echo & (r.amount[pair] != r.amount[pair + 1])


def given_again(e: Evidence, r: Records, frame: pl.DataFrame, pair: Ints) -> Kinds:
    """Of each pair whether the first row was vomited and the second replaces it: VOMITED, UNRULED, or COUNTS if not.

    It was where vomiting is on record between the two, or is the reason of the first.
    """
    kinds = np.zeros(len(pair), np.uint8)
    events = e.frames.get("events", pl.DataFrame(schema=SCHEMAS["events"].typed()))
    said = pl.concat_str(pl.col("event", "detail").fill_null(""), separator=" ").str.to_lowercase()
    events = events.filter(said.str.contains_any(list(_VOMITING)))
    reasons = frame["reason"].gather(r.place[pair]).str.to_lowercase().str.contains_any(list(_VOMITING))
    named = reasons.fill_null(value=False).to_numpy()
    if not len(events) and not named.any():
        return kinds
    at = _first_after(events, r, pair)
    vomited = (at != NONE) & ((r.minute[pair + 1] == NONE) | (at <= r.minute[pair + 1]))
    allowed = _allowed(e.protocol, r)[r.activity[pair]]
    elapsed = np.where(vomited & (r.minute[pair] != NONE) & (at >= 0), at - r.minute[pair], NONE)
    kinds[vomited | named] = UNRULED
    kinds[(vomited | named) & (allowed != NONE) & (elapsed != NONE) & (elapsed <= allowed)] = VOMITED
    kinds[vomited & (allowed != NONE) & (elapsed != NONE) & (elapsed > allowed)] = COUNTS
    return kinds


def _first_after(events: pl.DataFrame, r: Records, pair: Ints) -> Ints:
    """The minute of the first vomiting on each row's day and not before it; -1 without a time, `NONE` for none."""
    place = (events["s"].to_numpy().astype(np.int64) << 32) + days(events, "start").astype(np.int64) * 2048
    minute = whole(events, "start_minute", -1)
    order = np.argsort(place + minute + 1, kind="stable")
    keys, minute = (place + minute + 1)[order], minute[order]
    day = (r.s[pair].astype(np.int64) << 32) + r.day[pair].astype(np.int64) * 2048
    found = np.searchsorted(keys, day + np.maximum(r.minute[pair], 0) + 1)
    untimed = np.searchsorted(keys, day)
    there = found < len(keys)
    here = np.minimum(found, max(len(keys) - 1, 0))
    bare = np.minimum(untimed, max(len(keys) - 1, 0))
    if not len(keys):
        return np.full(len(pair), NONE, np.int32)
    timed = there & (keys[here] < day + 2048)
    plain = (untimed < len(keys)) & (keys[bare] == day)
    return np.where(timed, minute[here], np.where(plain, -1, NONE)).astype(np.int32)


def _allowed(protocol: Protocol, r: Records) -> Ints:
    """By treatment: minutes after a dose within which it is given again when vomited, `NONE` where nothing is said."""
    spans = [[part.redose for part in protocol.treatments[name].parts() if part.redose] for name in r.names]
    minutes = [each[0].days * 1440 + each[0].minutes if each else NONE for each in spans]
    return np.array([*minutes, NONE, NONE, NONE], np.int32)
