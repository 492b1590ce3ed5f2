"""Courses as occasions: begun when, with which gaps, until when, and which share of their doses was taken."""

from __future__ import annotations

import numpy as np
import polars as pl

from protocol.quantity import Range
from rules.arrays import NONE, Flags, Ints, Longs
from rules.course.change import Altered
from rules.course.exposure import series_of
from rules.course.stretch import Course
from rules.course.taken import Spans, Taken, joined
from rules.happened.records import NOT_GIVEN
from rules.happened.spells import FOREVER
from rules.match.exposures import SCALE
from rules.match.frame import Array, flag, occasions_frame
from rules.occasions import schema
from rules.timing.grid import Laid

_DAYS = ("opens", "closes", "last", "until", "gap_from", "gap_to")
"""Days that the sentences name and no rule reads."""


def course_occasions(laid: Laid, taken: Taken) -> pl.DataFrame:
    """One row per participant and course of their arm."""
    pieces = [_course(laid, taken, course) for course in taken.courses]
    if not pieces:
        return pl.DataFrame(schema=schema("courses") | dict.fromkeys(_DAYS, pl.Date()))
    columns: dict[str, Array | pl.Series] = {c: np.concatenate([p[c] for p in pieces]) for c in pieces[0]}
    facts = pl.Series(["course-end", "data-cut", "hold-end", "stop-date"])
    columns["expected_fact"] = pl.Series(["condition", "stop-date"]).gather(pl.Series(columns["expected_fact"]))
    columns["short_fact"] = facts.gather(pl.Series(columns["short_fact"]))
    others = {name: columns[name] for name in _DAYS}
    return occasions_frame("courses", columns, **others).with_columns(pl.col(_DAYS).cast(pl.Date))


def _course(laid: Laid, taken: Taken, course: Course) -> dict[str, Array]:
    """The columns of one course."""
    e, x = laid.evidence, taken.exposures
    number = laid.doses.names.index(course.activity)
    element = course.stretches[0].element
    planned = np.zeros(e.n, np.bool_)
    for grid in laid.grids:
        planned[grid.s] = bool(grid.arm.columns(course.activity))
    s = np.flatnonzero(planned).astype(np.int32)
    mine = np.flatnonzero(x.activity == number).astype(np.int32)
    begun = course.begun[s] != NONE
    due, closes = course.due[s], course.closes[s]
    closing = np.where(closes != NONE, closes, due)
    limit = element.gap.days if element.gap is not None else 0
    gaps = _Gaps(taken, mine)
    row = np.full(e.n, NONE, np.int32)
    heads = mine[::-1]
    row[x.s[heads]] = e.frames["administrations"]["row"].to_numpy()[laid.doses.place[x.head[heads]]]
    denied = np.zeros(e.n, np.bool_)
    denied[laid.doses.s[(laid.doses.activity == number) & (laid.doses.status == NOT_GIVEN)]] = True
    n = len(s)
    first, last = laid.states.end("treatment", course.activity, s)
    return {
        "s": s,
        "part": np.full(n, course.stretches[0].part.code, np.int32),
        "row": row[s],
        "occurrence": np.full(n, NONE, np.int32),
        "expected": course.expected[s],
        "expected_fact": ((first != last) & (due != NONE) & (due >= first)).astype(np.int32),
        "begun": begun,
        "denied": denied[s],
        "over": (closing != NONE) & (closing < e.horizon),
        "final": flag(e.final, n),
        "day": course.begun[s],
        "due": due,
        "opens": course.opens[s],
        "closes": closes,
        "spaced": begun & (element.gap is not None),
        "gap_limit": np.full(n, limit, np.int32),
        **gaps.longest(s),
        **_end(laid, taken, course, s, mine, limit, gaps),
    }


class _Gaps:
    """The days between exposures of one course on which nothing was taken, holds left out."""

    def __init__(self, taken: Taken, mine: Ints) -> None:
        x = taken.exposures
        self.taken, self.n = taken, len(mine)
        series, first = x.series[mine], x.first[mine]
        covered = np.where(x.single[mine] | (x.times[mine] > 0), x.last[mine] + x.days[mine] - 1, x.last[mine])
        upto = (
            (np.maximum.accumulate((series << 20) + covered) - (series << 20)).astype(np.int32) if len(mine) else first
        )
        self.covered = upto
        self.s, self.series = x.s[mine], series
        follows = np.flatnonzero(series[1:] == series[:-1])
        self.at, self.start, self.end = x.s[mine][follows], upto[follows] + 1, first[follows + 1]
        keys = series[follows]
        length = self.end - self.start
        self.days = np.maximum(length - taken.holds.days_between(keys, self.start, self.end), 0)
        possible = np.maximum(length - taken.possible_holds.days_between(keys, self.start, self.end), 0)
        self.unsure: Flags = possible < self.days
        self.least = possible

    def longest(self, s: Ints) -> dict[str, Array]:
        """The longest gap of each participant, `NONE` where a hold without end leaves it open."""
        most = int(self.s.max(initial=0)) + 1
        size = max(most, int(s.max(initial=0)) + 1)
        gap, start, end = (np.zeros(size, np.int32) for _ in range(3))
        order = np.argsort(self.days, kind="stable")
        gap[self.at[order]] = self.days[order]
        start[self.at[order]], end[self.at[order]] = self.start[order], self.end[order] - 1
        doubtful = np.zeros(size, np.bool_)
        doubtful[self.at[self.unsure & (self.days > 0)]] = True
        return {
            "gap": np.where(doubtful[s], NONE, gap[s]).astype(np.int32),
            "gap_from": np.where(gap[s] > 0, start[s], NONE).astype(np.int32),
            "gap_to": np.where(gap[s] > 0, end[s], NONE).astype(np.int32),
        }

    def beyond(self, limit: int) -> Spans:
        """The gaps longer than the protocol allows."""
        long = self.days > limit
        follows = np.flatnonzero(self.series[1:] == self.series[:-1])
        return joined(self.series[follows][long], self.start[long], self.end[long])


def _end(laid: Laid, taken: Taken, course: Course, s: Ints, mine: Ints, limit: int, gaps: _Gaps) -> dict[str, Array]:
    """How the course ended, and the share of its doses that was taken until then."""
    e, x, n = laid.evidence, taken.exposures, len(s)
    series = series_of(s, np.full(n, laid.doses.names.index(course.activity), np.int32))
    last = np.full(e.n, NONE, np.int32)
    last[x.s[mine]] = gaps.covered
    closing = mine[np.append(np.flatnonzero(np.diff(x.s[mine])), len(mine) - 1)] if len(mine) else mine
    single, open_ = np.zeros(e.n, np.bool_), np.zeros(e.n, np.bool_)
    single[x.s[closing]], open_[x.s[closing]] = x.single[closing], x.open[closing]
    single, open_, last = single[s], open_[s], last[s]
    first_left, last_left = laid.states.end("treatment", course.activity, s)
    stop, planned = taken.leaves[course.activity][s], course.end[s]
    wanted = np.where(planned == NONE, FOREVER, planned)
    for end in (np.where(last_left == NONE, NONE, last_left + 1), stop):
        wanted = np.where(end == NONE, wanted, np.minimum(wanted, end))
    upto = np.minimum(wanted, e.horizon + 1)
    resumed, possibly = (h.covering_end(series, last + 1) for h in (taken.holds, taken.possible_holds))
    slack = np.where(wanted <= e.horizon + 1, max(limit, _optional(course)), max(limit, _usual_days(course)))
    begun, told = course.begun[s] != NONE, planned != FOREVER
    short, maybe = (np.maximum(upto - end - slack, 0) for end in (resumed, possibly))
    unsure = (first_left != NONE) & (first_left != last_left)
    without_cut = open_ & ~flag(e.cut, n) & (wanted > e.horizon + 1)
    no_end = single & ~flag(e.final, n) & (short > 0)
    reasons = [without_cut, (maybe == 0) & (short > 0), unsure & (short > 0), no_end]
    fact = np.select(reasons, [1, 2, 3, 0], 0)
    short = np.where(np.any(reasons, axis=0), NONE, np.where(begun, short, 0)).astype(np.int32)
    until = np.where(short > 0, np.minimum(upto, resumed), upto).astype(np.int32)
    found = gaps.beyond(limit if course.stretches[0].element.gap is not None else FOREVER)
    over = begun & told & ((wanted <= e.horizon + 1) | (short > 0)) & ~(short == NONE)
    return {
        "closed": begun & told,
        "short": short,
        "short_fact": fact.astype(np.int32),
        "last": last,
        "until": np.where(wanted == FOREVER, NONE, wanted - 1).astype(np.int32),
        **_share(laid, taken, course, s, mine, over, until, found),
    }


def _optional(course: Course) -> int:
    """Days at the end of a course that need no dose: the day of the visit up to which it is taken."""
    to = course.stretches[-1].element.to
    anchored = to is not None and any(i.anchor is not None and i.anchor.name for i in to.alternatives)
    return int(anchored)


def _usual_days(course: Course) -> int:
    frequency = course.stretches[-1].element.often()
    return frequency.days if frequency is not None else 1


def _share(
    laid: Laid, taken: Taken, course: Course, s: Ints, mine: Ints, over: Flags, until: Ints, gaps: Spans
) -> dict[str, Array]:
    """Doses wanted up to a day, and doses taken, in parts of a dose; intervals count by their days."""
    x, element, n = taken.exposures, course.stretches[0].element, len(s)
    # Once a modification may have changed how often it is taken, doses are counted no further.
    until = np.minimum(until, Altered(laid, course.activity).otherwise_often()[s]).astype(np.int32)
    number = laid.doses.names.index(course.activity)
    series = series_of(s, np.full(n, number, np.int32))
    whole = mine[~x.single[mine]]
    covered = joined(x.series[whole], x.first[whole], x.last[whole] + 1)
    wanted, taken_doses = np.zeros(n, np.int64), np.zeros(n, np.int64)
    for stretch in course.stretches:
        frequency = stretch.element.often()
        if frequency is None:
            continue
        first = np.where(
            stretch is course.stretches[0], np.maximum(stretch.start[s], course.begun[s]), stretch.start[s]
        )
        end = np.minimum(stretch.end[s], until)
        there = (stretch.start[s] != NONE) & (end > first)
        rate = frequency.times * SCALE // frequency.days
        missing = taken.holds.days_between(series, first, end) + gaps.days_between(series, first, end)
        due = np.where(there, np.maximum(end - first - missing, 0), 0)
        wanted += due * rate
        # Days taken in a hold are a finding of their own, and no more doses than were due.
        taken_doses += np.minimum(due, covered.days_between(series, first, end)) * rate
    taken_doses += _singles(laid, taken, s, mine, until)
    bounds = _bounds(element.adherence)
    return {
        "counted": over & flag(element.adherence is not None, n),
        "taken": taken_doses,
        "wanted": wanted,
        "low_share": np.full(n, bounds[0], np.int32),
        "high_share": np.full(n, bounds[1], np.int32),
    }


def _singles(laid: Laid, taken: Taken, s: Ints, mine: Ints, until: Ints) -> Longs:
    """Doses recorded one by one, up to a day."""
    x = taken.exposures
    ends = np.full(laid.evidence.n, NONE, np.int32)
    ends[s] = until
    rows = mine[x.single[mine]]
    last = np.minimum(x.last[rows], ends[x.s[rows]] - 1)
    rounds = np.where(last >= x.first[rows], (last - x.first[rows]) // x.days[rows] + 1, 0)
    found = np.zeros(laid.evidence.n, np.int64)
    np.add.at(found, x.s[rows], rounds * x.times[rows].astype(np.int64) * SCALE)
    return found[s]


def _bounds(adherence: Range | None) -> tuple[int, int]:
    """The range of the share of doses taken, in hundredths of a percent."""
    return (int(adherence.low.base), int(adherence.high.base)) if adherence is not None else (0, 0)
