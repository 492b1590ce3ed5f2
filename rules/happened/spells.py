"""Why a treatment is not given, or given otherwise: spells in which a condition of the protocol, or a hold, lasts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import polars as pl

from protocol.conditions import Condition, Count, Leaf, Named, leaves, names_of
from protocol.model import Modification
from protocol.timing import Cycles
from rules.arrays import NONE, Flags, Ints, Longs, days, key, whole
from rules.happened.evidence import Evidence, event_words
from rules.happened.truth import all_of, counted_as

HOLD, STOP, OMIT, DELAY, DOSE = 1, 2, 3, 4, 5
EXCUSES = {HOLD: "hold", STOP: "stop", OMIT: "omission", DELAY: "delay"}
FOREVER = 1 << 18
DAY = 24 * 60
_NO_DAY = np.zeros(0, np.int32)
_NO_MOMENT = np.zeros(0, np.int64)
_NO_SPELLS = (_NO_DAY, _NO_DAY, _NO_DAY, _NO_MOMENT, _NO_MOMENT, np.zeros(0, np.bool_), _NO_DAY)


@dataclass(frozen=True)
class State:
    """One reason why a treatment is not given: spells of participants, sorted; `end` is the first day without it.

    `begins` and `ends` are the same in minutes from 1970: from when on a dose is in it for certain, and when that ends.
    `open` marks spells whose end nobody recorded: whether they still last cannot be told. `must`: the protocol orders
    it, else it allows it. It concerns the doses `at` that day of the cycles `within`; of all where those are None.
    """

    kind: int
    name: str
    s: Ints
    start: Ints
    end: Ints
    begins: Longs
    ends: Longs
    open: Flags
    row: Ints
    up_to: int | None = None
    must: bool = True
    within: Cycles | None = None
    at: int | None = None
    conditions: tuple[Condition, ...] = ()

    def covers(self, s: Ints, day: Ints, minute: Ints) -> Flags:
        """Whether a dose lies in a spell; without both times what became true on its day counts as before it."""
        index, there = self.spell(s, day)
        if not len(self.s):
            return there
        moment = moment_of(day, minute, DAY - 1)
        before = np.where(minute == NONE, day < self.end[index], moment < self.ends[index])
        timed = (minute != NONE) & (self.begins[index] < (self.start[index].astype(np.int64) + 1) * DAY)
        inside: Flags = there & before & (~timed | (self.begins[index] <= moment))
        return inside

    def concerns(self, number: int, day: int) -> bool:
        """Whether it concerns a dose planned on that day of the cycle of that number (0: in no cycle)."""
        return (self.within is None or self.within.includes(number)) and self.at in (None, day)

    def includes(self, number: Ints) -> Flags:
        """Of doses in cycles of these numbers whether it concerns them."""
        if self.within is None:
            return np.ones(len(number), np.bool_)
        chosen: Flags = np.array([self.within.includes(n) for n in range(int(number.max(initial=0)) + 1)])[number]
        return chosen

    def on(self, s: Ints, day: Ints) -> tuple[Flags, Ints]:
        """Whether a day of each participant lies in a spell, and the first day without it (`NONE` outside)."""
        at, there = self.spell(s, day)
        if not len(self.s):
            return there, np.full(len(s), NONE, np.int32)
        inside = there & (day < self.end[at])
        return inside, np.where(inside, self.end[at], NONE).astype(np.int32)

    def spell(self, s: Ints, day: Ints) -> tuple[Ints, Flags]:
        """Index of the last spell begun on or before a day, and whether there is one."""
        if not len(self.s):
            return np.zeros(len(s), np.int32), np.zeros(len(s), np.bool_)
        at = np.searchsorted(key(self.s, self.start), key(s, day), side="right") - 1
        index = np.maximum(at, 0).astype(np.int32)
        return index, (at >= 0) & (self.s[index] == s) & (day != NONE)


def spells_of(
    e: Evidence, name: str, m: Modification, kind: int, up_to: int | None = None, *, must: bool = True
) -> State:
    """The spells of one modification: from the day its condition becomes true to the day `until` does."""
    at = m.at.alternatives[0].day if m.at is not None else None
    state = partial(State, kind, name, up_to=up_to, must=must, within=m.in_, at=at, conditions=m.if_)
    s, day, minute = _change_points(e, (*m.if_, *m.until))
    if not len(s):
        return state(*_NO_SPELLS)
    begins = all_of(m.if_, e, s, day) == 1
    if kind == STOP:
        ends = np.zeros(len(s), np.bool_)
    else:
        ends = (all_of(m.until, e, s, day) == 1) if m.until else (all_of(m.if_, e, s, day) == 0)
    on = _held(s, begins, ends & ~begins)
    before = np.concatenate(([False], on[:-1] & (s[1:] == s[:-1]))) if len(s) else on
    starts = np.flatnonzero(on & ~before)
    stop_day = np.full(len(starts), FOREVER, np.int32)
    off = np.flatnonzero(~on & before)
    following = np.searchsorted(off, starts)
    has = following < len(off)
    where = off[np.minimum(following, max(len(off) - 1, 0))] if len(off) else starts
    mine = has & (s[where] == s[starts]) if len(off) else np.zeros(len(starts), np.bool_)
    stop_day[mine] = day[where[mine]]
    rows = np.full(len(starts), NONE, np.int32)
    begins_at, ends_at = moment_of(day[starts], minute[starts], DAY), stop_day.astype(np.int64) * DAY
    never = np.zeros(len(starts), np.bool_)
    return state(s[starts], day[starts], stop_day, begins_at, ends_at, never, rows)


def becomes(e: Evidence, conditions: Sequence[Condition], s: Ints, since: Ints) -> tuple[Flags, Ints]:
    """Whether conditions are not true on a day of each participant, and the first day after it on which they are.

    That day is `FOREVER` where there is none.
    """
    who, day, _ = _change_points(e, conditions)
    true = all_of(conditions, e, who, day) == 1
    who, day = who[true], day[true]
    at = np.searchsorted(key(who, day), key(s, since), side="right")
    first = np.minimum(at, max(len(who) - 1, 0))
    there = (at < len(who)) & (who[first] == s) if len(who) else np.zeros(len(s), np.bool_)
    after = np.where(there, day[first], FOREVER) if len(who) else np.full(len(s), FOREVER)
    return all_of(conditions, e, s, since) != 1, after.astype(np.int32)


def moment_of(day: Ints, minute: Ints, missing: int) -> Longs:
    """Days and minutes of the day as minutes from 1970; `missing` stands for a minute that is not recorded."""
    return day.astype(np.int64) * DAY + np.where(minute == NONE, missing, minute)


def place_of_moment(s: Ints, moment: Longs) -> Longs:
    """One sortable number for (participant, moment)."""
    return (s.astype(np.int64) << 32) + moment


def _held(s: Ints, begins: Flags, ends: Flags) -> Flags:
    """At each change point whether the state is on: the last thing that happened to the participant decides."""
    n = len(s)
    if not n:
        return begins
    first = np.concatenate(([True], s[1:] != s[:-1]))
    marked = begins | ends | first
    last = np.maximum.accumulate(np.where(marked, np.arange(n), 0))
    return begins[last]


def _change_points(e: Evidence, conditions: Sequence[Condition]) -> tuple[Ints, Ints, Ints]:
    """The days on which anything that these conditions read may change, once per participant and day, and the minute.

    The minute is the last of the day, for the day's last values decide; `NONE` where one of them has no time.
    """
    found: list[tuple[Ints, Ints, Ints]] = []
    read = _resolved(e, conditions)
    for leaf in read:
        if isinstance(leaf, Count) and (counter := e.counted.get(counted_as(leaf))) is not None:
            who, when = counter.changes(e.horizon)
            found.append((who, when, np.full(len(who), NONE, np.int32)))
    for name in names_of(leaf for leaf in read if not isinstance(leaf, Count)):
        if name in e.protocol.events:
            spells = e.events(event_words(e.protocol, name))
            if not len(spells.s):
                continue
            ended = np.where(spells.end == NONE, NONE, spells.end + 1).astype(np.int32)
            found.append((spells.s, spells.start, _minutes(e.frames["events"], "start", spells.row)))
            found.append((spells.s, ended, np.full(len(ended), NONE, np.int32)))
        elif name in e.milestones:
            last = e.milestone(name).last
            there = np.flatnonzero(last != NONE).astype(np.int32)
            found.append((there, last[there], np.full(len(there), NONE, np.int32)))
        else:
            points = e.measure(name)
            if len(points.s):
                found.append((points.s, *known_at(e.frames["observations"], points.row, points.day)))
    found = [these for these in found if len(these[0])]
    if not found:
        return _NO_DAY, _NO_DAY, _NO_DAY
    s, day, minute = (np.concatenate(column).astype(np.int32) for column in zip(*found, strict=True))
    order = np.lexsort((minute, key(s, day)))
    order = order[day[order] != NONE]
    s, day, minute = s[order], day[order], minute[order]
    _, first, count = np.unique(key(s, day), return_index=True, return_counts=True)
    latest = np.where(minute[first] == NONE, NONE, minute[first + count - 1]).astype(np.int32)
    return s[first], day[first], latest


def _minutes(frame: pl.DataFrame, column: str, rows: Ints) -> Ints:
    """The minute of the day of these records, `NONE` where they have no time."""
    return whole(frame, f"{column}_minute").astype(np.int32)[_lines(frame, rows)]


def known_at(frame: pl.DataFrame, rows: Ints, day: Ints) -> tuple[Ints, Ints]:
    """The day and minute on which values were known: reported, else taken; the minute `NONE` where it is not told."""
    reported = days(frame, "reported")[_lines(frame, rows)]
    minute = np.where(reported == NONE, _minutes(frame, "at", rows), _minutes(frame, "reported", rows))
    return np.maximum(reported, day), minute.astype(np.int32)


def _lines(frame: pl.DataFrame, rows: Ints) -> Ints:
    """Where these rows of the study's table stand in the partition's slice of it."""
    row = frame["row"].to_numpy()
    order = np.argsort(row)
    return order[np.searchsorted(row, rows, sorter=order)].astype(np.int32)


def _resolved(e: Evidence, conditions: Sequence[Condition]) -> tuple[Leaf, ...]:
    """The leaves of conditions, criteria replaced by what they read; a judged sentence is recorded as its criterion."""
    found: list[Leaf] = []
    for leaf in leaves(conditions):
        criterion = e.protocol.criteria.get(leaf.criterion) if isinstance(leaf, Named) else None
        found += [leaf] if criterion is None else [leaf, *_resolved(e, [criterion.condition])]
    return tuple(found)
