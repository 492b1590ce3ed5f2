"""All about the courses of a partition: what was taken, what was planned, both beside each other, and the holds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rules.arrays import NONE, Ints, Longs
from rules.course.exposure import NOTHING_TAKEN, Exposures, read_exposures, series_of
from rules.course.pieces import Pieces, cut
from rules.course.stretch import Course, read_courses
from rules.happened.spells import FOREVER, HOLD, STOP
from rules.timing.grid import Laid


@dataclass(frozen=True)
class Spans:
    """Days that do not overlap, by participant and treatment, sorted; `end` is the first day after."""

    series: Longs
    start: Ints
    end: Ints
    before: Longs
    """Days of all spans of the table that lie before each span."""

    def days_before(self, series: Longs, day: Ints) -> Longs:
        """How many days of the spans of all series up to this one lie before a day: differences count days between."""
        if not len(self.series):
            return np.zeros(len(series), np.int64)
        at = np.searchsorted(_place(self.series, self.start), _place(series, day), side="left") - 1
        index = np.maximum(at, 0)
        own = (at >= 0) & (self.series[index] == series)
        inside = np.where(own, np.clip(day - self.start[index], 0, self.end[index] - self.start[index]), 0)
        length = (self.end[index] - self.start[index]).astype(np.int64)
        return np.where(at < 0, 0, self.before[index] + np.where(own, inside, length))

    def days_between(self, series: Longs, first: Ints, end: Ints) -> Longs:
        """Days of a series' spans from `first` up to `end` (not included)."""
        days: Longs = np.maximum(self.days_before(series, end) - self.days_before(series, first), 0)
        return days

    def later(self) -> Spans:
        """The same spans without their first day, on which a dose may have come before what began them."""
        return joined(self.series, self.start + 1, self.end)

    def covering_end(self, series: Longs, day: Ints) -> Ints:
        """The end of the span that a day lies in; the day itself where it lies in none."""
        if not len(self.series):
            return day
        at = np.maximum(np.searchsorted(_place(self.series, self.start), _place(series, day), side="right") - 1, 0)
        inside = (self.series[at] == series) & (self.start[at] <= day) & (day < self.end[at])
        return np.where(inside, self.end[at], day).astype(np.int32)


@dataclass(frozen=True)
class Taken:
    """Courses of a partition: `holds` whose end is known, `possible_holds` with those whose end nobody recorded.

    `stops`: by treatment, the day from which the protocol wants it no more, `NONE` where it does; `leaves` the day from
    which it need not be taken any more.
    """

    courses: list[Course]
    exposures: Exposures
    pieces: Pieces
    holds: Spans
    possible_holds: Spans
    stops: dict[str, Ints]
    leaves: dict[str, Ints]


def read_taken(laid: Laid, part: Ints) -> Taken:
    """What was taken of the protocol's courses, empty where it has none; `part` is the plan's part of each dose."""
    courses = read_courses(laid)
    exposures = read_exposures(laid, part) if courses else NOTHING_TAKEN
    holds, possible = (_holds(laid, courses, unended=unended) for unended in (False, True))
    names = [course.activity for course in courses]
    stops, leaves = ({name: _stopped(laid, name, allowed=a) for name in names} for a in (False, True))
    return Taken(courses, exposures, cut(laid, exposures, courses), holds, possible, stops, leaves)


def _holds(laid: Laid, courses: list[Course], *, unended: bool) -> Spans:
    """The holds of every course, joined where they overlap; those without an end on record only where asked for."""
    series, start, end = [np.zeros(0, np.int64)], [np.zeros(0, np.int32)], [np.zeros(0, np.int32)]
    for course in courses:
        number = laid.doses.names.index(course.activity)
        for state in laid.states.by_treatment.get(course.activity, []):
            rows = np.flatnonzero(unended | ~state.open) if state.kind == HOLD else np.zeros(0, np.int64)
            series.append(series_of(state.s[rows], np.full(len(rows), number, np.int32)))
            start.append(state.start[rows])
            end.append(np.minimum(state.end[rows], FOREVER))
    return joined(np.concatenate(series), np.concatenate(start), np.concatenate(end))


def joined(series: Longs, start: Ints, end: Ints) -> Spans:
    """Spans from `start` up to `end` (not included), joined where they touch."""
    some = end > start
    series, start, end = series[some], start[some], end[some]
    order = np.lexsort((end, start, series))
    series, start, end = series[order], start[order], end[order]
    if not len(series):
        return Spans(series, start, end, np.zeros(0, np.int64))
    reach = np.maximum.accumulate((series << 20) + end)
    begins = np.concatenate(([True], (series << 20)[1:] + start[1:] > reach[:-1]))
    head = np.flatnonzero(begins)
    last = np.append(head[1:], len(series)) - 1
    ends = (reach[last] - (series[head] << 20)).astype(np.int32)
    length = (ends - start[head]).astype(np.int64)
    return Spans(series[head], start[head], ends, np.cumsum(length) - length)


def _stopped(laid: Laid, activity: str, *, allowed: bool) -> Ints:
    """The day after a condition stopped the treatment: one that orders the stop, or also one that allows it."""
    stop = np.full(laid.evidence.n, FOREVER, np.int32)
    for state in laid.states.by_treatment.get(activity, []):
        if state.kind == STOP and len(state.s) and (allowed or state.must):
            np.minimum.at(stop, state.s, state.start + 1)
    return np.where(stop == FOREVER, NONE, stop).astype(np.int32)


def _place(series: Longs, day: Ints) -> Longs:
    return (series << 20) + np.clip(day, -(1 << 19), (1 << 19) - 1) + (1 << 19)
