"""What was taken of every course: exposure intervals, and single doses joined to intervals. Arrays, never days.

A record with an end, or with a frequency, is an interval; one with neither is a single dose. Single doses count on
their days: one after midnight that would be too many on its day, after a day with too few, belongs to the day before.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from protocol.model import Treatment
from rules.arrays import NONE, Flags, Ints, Longs, days
from rules.course.frequency import read_frequencies
from rules.dosing.given import FACTS, Codes, amounts_given
from rules.dosing.intended import UNKNOWN
from rules.happened.records import NOT_GIVEN
from rules.timing.grid import Laid

NIGHT = 6 * 60
"""Minutes after midnight in which a dose may still be that of the day before. A tool default."""


@dataclass(frozen=True)
class Exposures:
    """Intervals of drug taken, sorted by participant, treatment and first day; `last` is inside.

    `amount` was taken in each `days` days, in `times` doses (0: nobody says how often); `UNKNOWN` where no amount is
    told, and `fact` says why. `single`: joined from single doses, `doses` of them. `open`: no end is on record, it is
    taken to last until the data cut. `clashing`: another record covers some of its days.
    `head`: the dose record it begins with (a row of `Laid.doses`); `of`: of each dose record its interval, -1 for none.
    """

    s: Ints
    activity: Ints
    first: Ints
    last: Ints
    amount: Longs
    times: Ints
    days: Ints
    single: Flags
    open: Flags
    clashing: Flags
    head: Ints
    fact: Codes
    of: Ints

    @property
    def series(self) -> Longs:
        """One number for participant and treatment."""
        return series_of(self.s, self.activity)


_NOBODY, _NO_FLAG = np.zeros(0, np.int32), np.zeros(0, np.bool_)
NOTHING_TAKEN = Exposures(
    _NOBODY, _NOBODY, _NOBODY, _NOBODY, np.zeros(0, np.int64), _NOBODY, _NOBODY, _NO_FLAG, _NO_FLAG, _NO_FLAG, _NOBODY,
    np.zeros(0, np.uint8), _NOBODY,
)  # fmt: skip


def series_of(s: Ints, activity: Ints) -> Longs:
    """One number for participant and treatment; ascending with both."""
    return (s.astype(np.int64) << 12) + activity


def read_exposures(laid: Laid, part: Ints) -> Exposures:
    """The exposures of all courses of a partition; `part` is the plan's part of each dose record."""
    r = laid.doses
    usual = _usual(laid)
    taken = (usual[r.activity, 0] > 0) & (r.activity >= 0) & (r.status != NOT_GIVEN) & (r.day != NONE)
    rows = np.flatnonzero(taken).astype(np.int32)
    if not len(rows):
        return replace(NOTHING_TAKEN, of=np.full(len(r.s), -1, np.int32))
    order = np.lexsort((rows, r.minute[rows], r.day[rows], series_of(r.s[rows], r.activity[rows])))
    rows = rows[order]
    frame = laid.evidence.frames["administrations"][r.place[rows]]
    times, per = (column.to_numpy() for column in read_frequencies(frame["frequency"]))
    series, first = series_of(r.s[rows], r.activity[rows]), r.day[rows]
    said_end = days(frame, "end_last")
    # A lone record with neither end nor frequency may be one dose or the beginning of many: nobody says how often.
    _, inverse, count = np.unique(series, return_inverse=True, return_counts=True)
    alone = count[inverse] == 1
    unsaid = frame["frequency"].is_null().to_numpy() & ((said_end == NONE) | (said_end == first))
    lone = alone & unsaid & (said_end == NONE) & (first < laid.evidence.horizon) & (r.minute[rows] == NONE)
    single = unsaid & ~lone
    open_ = ~single & (said_end == NONE)
    last = np.where(single, first, np.where(open_, laid.evidence.horizon, said_end)).astype(np.int32)
    given = amounts_given(laid, part)
    amount = given.amount[rows]
    fact = given.fact[rows]
    last, clashing = _apart(series, first, last, open_, single)
    last = np.where(open_, np.minimum(last, _left(laid, r.s[rows], r.activity[rows])), last)
    last = np.maximum(first, np.minimum(last, laid.evidence.horizon)).astype(np.int32)
    per_course = usual[r.activity[rows], 1]
    whole = ~single
    amount = np.where(whole & (amount != UNKNOWN) & (times > 0), amount * times, amount)
    every = np.where(whole & (times > 0), per, per_course).astype(np.int32)
    found = Exposures(
        r.s[rows], r.activity[rows], first, last, amount, np.where(whole, times, 1).astype(np.int32), every,
        single, open_, clashing, rows, fact, np.full(len(r.s), -1, np.int32),
    )  # fmt: skip
    return _joined(found, r.minute[rows], usual)


def _usual(laid: Laid) -> Ints:
    """Of each treatment, and last of none, how often its course is taken at first: times, days; 0 where it is none."""
    usual = np.zeros((len(laid.doses.names) + 3, 2), np.int32)
    for part in reversed(laid.plan.parts):
        if part.course and isinstance(part.element, Treatment) and part.activity in laid.doses.names:
            frequency = part.element.often()
            row = (frequency.times, frequency.days) if frequency is not None else (1, 1)
            usual[laid.doses.names.index(part.activity)] = row
    return usual


def _apart(series: Longs, first: Ints, last: Ints, open_: Flags, single: Flags) -> tuple[Ints, Flags]:
    """Last days that reach no further than the next interval where the records allow it, and which ones clash.

    An interval without an end lasts until the next one begins; one that ends on the day the next begins gives it that
    day. What overlaps further clashes.
    """
    n = len(first)
    clashing = np.zeros(n, np.bool_)
    if n < 2:
        return last, clashing
    same = series[1:] == series[:-1]
    following = np.concatenate((np.where(same, first[1:], NONE), [NONE])).astype(np.int32)
    yields = (following != NONE) & (following > first) & ~single
    last = np.where(yields & (open_ | (last == following)), np.minimum(last, following - 1), last).astype(np.int32)
    reach = np.zeros(n, np.int64)
    # Days ascend inside a series: with the series in front a running maximum never leaves it.
    reach[:] = np.maximum.accumulate((series << 20) + np.where(single, 0, last + (1 << 19)))
    over = same & (reach[:-1] >> 20 == series[1:]) & ((reach[:-1] & ((1 << 20) - 1)) >= first[1:] + (1 << 19))
    clashing[1:] |= over
    clashing[:-1] |= over & (last[:-1] >= first[1:]) & ~single[:-1]
    return last, clashing


def _left(laid: Laid, s: Ints, activity: Ints) -> Ints:
    """The last day on which a record without an end may still last: that of leaving the treatment or the trial."""
    ends = np.full(len(s), laid.evidence.horizon, np.int32)
    for n in np.unique(activity):
        rows = np.flatnonzero(activity == n)
        end = laid.states.end("treatment", laid.doses.names[n], s[rows])[1]
        ends[rows] = np.where(end == NONE, laid.evidence.horizon, end)
    return ends


def _joined(x: Exposures, minute: Ints, usual: Ints) -> Exposures:
    """Single doses of one day summed, and equal days in a row joined to one interval."""
    day = _treatment_day(x, minute, usual)
    n = len(x.s)
    if not n:
        return x
    series = x.series
    same_day = np.concatenate(([False], (series[1:] == series[:-1]) & (day[1:] == day[:-1])))
    same_day &= x.single & np.concatenate(([False], x.single[:-1]))
    group = np.cumsum(~same_day) - 1
    heads = np.flatnonzero(~same_day)
    amount = np.zeros(len(heads), np.int64)
    np.add.at(amount, group, np.where(x.amount == UNKNOWN, 0, x.amount))
    unknown = np.zeros(len(heads), np.bool_)
    np.logical_or.at(unknown, group, x.amount == UNKNOWN)
    amount = np.where(unknown, UNKNOWN, amount)
    times = np.where(x.single[heads], np.bincount(group), x.times[heads]).astype(np.int32)
    first, single, every = day[heads], x.single[heads], x.days[heads]
    run = (series[heads][1:] == series[heads][:-1]) & single[1:] & single[:-1] & (amount[1:] == amount[:-1])
    run &= (times[1:] == times[:-1]) & (first[1:] - first[:-1] <= every[1:]) & (first[1:] - first[:-1] > 0)
    begins = np.concatenate(([True], ~run))
    piece = np.cumsum(begins) - 1
    start = np.flatnonzero(begins)
    ends = np.append(start[1:], len(heads)) - 1
    last = np.where(single[ends], first[ends], x.last[heads][ends]).astype(np.int32)
    of = x.of.copy()
    of[x.head] = piece[group]
    at = heads[start]
    fact = np.where(amount[start] == UNKNOWN, x.fact[at], FACTS.index("amount")).astype(np.uint8)
    return Exposures(
        x.s[at], x.activity[at], first[start].astype(np.int32), last, amount[start], times[start], every[start],
        single[start], x.open[at], x.clashing[at], x.head[at], fact, of,
    )  # fmt: skip


def _treatment_day(x: Exposures, minute: Ints, usual: Ints) -> Ints:
    """The day on which each single dose counts: the day before for one after midnight that is too many on its own."""
    day = x.first.copy()
    if not x.single.any():
        return day
    series = x.series
    place = (series << 20) + day + (1 << 19)
    due = usual[x.activity, 0]
    lowest, highest = np.searchsorted(place, place, side="left"), np.searchsorted(place, place, side="right")
    before = np.searchsorted(place, place - 1, side="right") - np.searchsorted(place, place - 1, side="left")
    night = x.single & (minute != NONE) & (minute < NIGHT) & (lowest == np.arange(len(place)))
    known_before = np.concatenate(([False], series[1:] == series[:-1]))
    moved = night & known_before & (highest - lowest > due) & (before < due)
    return np.where(moved, day - 1, day).astype(np.int32)
