"""What was taken beside what was planned: every exposure cut at the stretches of its course, with its limits.

Amounts are compared as they were taken in so many days, never divided: amount × frequency against limit × days.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from protocol.dosing import Dose
from protocol.model import Treatment
from protocol.quantity import Range
from rules.arrays import NONE, Flags, Ints, Longs
from rules.course.change import Altered, changes_at, is_fixed, often_at, without_sizes
from rules.course.exposure import Exposures, series_of
from rules.course.stretch import Course, Stretch
from rules.dose import COARSE
from rules.dosing.given import FACTS, Codes
from rules.dosing.intended import FIXED, NO_CEILING, UNKNOWN, Intended, intend, intend_share, needs, rate, surface
from rules.dosing.weighing import weigh
from rules.happened.spells import FOREVER
from rules.happened.truth import all_of
from rules.timing.grid import Laid

AFTER = -1
"""The part of pieces after the last day of their course."""


@dataclass
class Pieces:
    """Days of one exposure in one stretch: `x` its row, `part` of the plan (`AFTER`: none), first and last day.

    `given` was taken; `least` to `most` were right for the same days or doses, `UNKNOWN` where `fact` is missing; `low`
    is what was intended, in thousandths. All of them are `per` times the amount of a day (`daily`) or of one dose.
    `dosed`: the protocol fixes the dose here. `times` in `days` is how often the protocol gives it. `changed`:
    modifications change it here, to so many levels above its own (`level`).
    """

    x: Ints
    part: Ints
    first: Ints
    last: Ints
    dosed: Flags
    given: Longs
    least: Longs
    most: Longs
    low: Longs
    per: Longs
    daily: Flags
    times: Ints
    days: Ints
    rate: Longs
    weight: Longs
    weight_day: Longs
    weight_row: Longs
    fact: Codes
    level: Ints
    changed: Flags

    @property
    def n(self) -> int:
        """How many there are."""
        return len(self.x)


def cut(laid: Laid, exposures: Exposures, courses: list[Course]) -> Pieces:
    """The exposures of every course cut at its stretches, and their limits."""
    found = [_blank(np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0, np.int32), 0)]
    for course in courses:
        mine = np.flatnonzero(exposures.activity == laid.doses.names.index(course.activity)).astype(np.int32)
        if len(mine):
            found += _of_course(laid, exposures, course, mine)
    columns = Pieces.__dataclass_fields__
    together = {name: np.concatenate([getattr(p, name) for p in found]) for name in columns}
    order = np.lexsort((together["first"], together["x"]))
    return Pieces(**{name: values[order] for name, values in together.items()})


def _of_course(laid: Laid, x: Exposures, course: Course, mine: Ints) -> list[Pieces]:
    s, first, last = x.s[mine], x.first[mine], x.last[mine]
    found, target = [], _targets(course)
    altered = Altered(laid, course.activity) if laid.levels.touches(course.activity) else None
    begins = np.min([np.where(k.start == NONE, FOREVER, k.start) for k in course.stretches], axis=0)[s]
    for k, stretch in enumerate(course.stretches):
        start, end = stretch.start[s], stretch.end[s]
        # On the days on which the dose may change, the one before it is still right.
        later = np.maximum(first, start + max(_window(course, k)[1], 0) + 1)
        since = np.where(start == begins, first, later)
        upto = np.where(end == FOREVER, last, np.minimum(last, end - 1 + min(_window(course, k + 1)[0], 0)))
        # A course of one dose can be judged before its days are known.
        lost = (start == NONE) & course.possible[s] & (len(course.stretches) == 1)
        since, upto = np.where(lost, first, since), np.where(lost, last, upto)
        rows = np.flatnonzero(((start != NONE) | lost) & (since <= upto))
        if not len(rows):
            continue
        if altered is None or not altered.any:
            piece = _blank(mine[rows], since[rows], upto[rows], stretch.part.code)
            found.append(_limited(laid, x, course, stretch, piece, stretch.element.doses(), target))
            continue
        days_of = altered.cut(s[rows], since[rows], upto[rows])
        piece = _blank(mine[rows][days_of.row], days_of.first, days_of.last, stretch.part.code)
        before = course.stretches[k - 1].element.level if k else None
        found.append(_modified(laid, x, course, stretch, piece, altered, before, target))
    end = course.end[s]
    told = ~(x.open[mine] & (x.times[mine] == 0))
    after = np.flatnonzero(told & (end != NONE) & (end != FOREVER) & (last >= end) & course.ended[s])
    if len(after):
        found.append(_blank(mine[after], np.maximum(first, end)[after], last[after], AFTER))
    return found


def _modified(
    laid: Laid, x: Exposures, course: Course, stretch: Stretch, p: Pieces, altered: Altered, before: int | None,
    target: list[int],
) -> Pieces:  # fmt: skip
    """The pieces of one stretch with the dose that modifications leave of its own; of several that are right the one
    that lies nearest to what was taken.
    """
    element, fixed = stretch.element, is_fixed(stretch.element)
    force = altered.force(element, before, x.s[p.x], p.first)
    force = force if fixed else without_sizes(force)
    known = np.full(p.n, fixed)
    for each in force.stated:
        known |= each.sure > 0
    open_ = altered.open(x.s[p.x], p.first) & known
    heads = np.flatnonzero(changes_at(p.x, force, open_))
    force, open_, lasts = force.take(heads), open_[heads], p.last[np.append(heads[1:], p.n) - 1]
    p = _blank(p.x[heads], p.first[heads], lasts, stretch.part.code)
    p.changed[:] = force.changed
    p.dosed[:], p.fact[:] = True, np.where(force.open, FACTS.index("condition"), FACTS.index("level"))
    away = np.full((2, p.n), np.iinfo(np.int64).max)
    level = element.level or 0
    for option in force.options(lambda by: element.doses_at(level + by) if element.level is not None else element.dose):
        if element.level is not None and level + option.level not in element.levels:
            continue
        rows = option.rows.astype(np.int32)
        piece = _taken(p, rows)
        piece.level[:] = option.level
        shares = (option.least, option.most) if fixed else None
        piece = _limited(laid, x, course, stretch, piece, option.doses, target, shares)
        far = np.stack([_away(piece), (piece.times * x.days[piece.x] != x.times[piece.x] * piece.days)])
        better = np.flatnonzero((far[0] < away[0][rows]) | ((far[0] == away[0][rows]) & (far[1] < away[1][rows])))
        away[:, rows[better]] = far[:, better]
        for name in _CHOSEN:
            getattr(p, name)[rows[better]] = getattr(piece, name)[better]
    p.dosed &= ~open_
    p.changed |= open_
    return p


def _away(p: Pieces) -> Longs:
    """How far what was taken lies outside what is right; 0 inside, or where either is unknown."""
    told = (p.given != UNKNOWN) & (p.least != UNKNOWN) & (p.most != UNKNOWN)
    away = np.maximum(np.maximum(p.least - p.given, p.given - p.most), 0) // p.per
    return np.where(told, away, 0)


def _taken(p: Pieces, rows: Ints) -> Pieces:
    return Pieces(**{name: getattr(p, name)[rows] for name in Pieces.__dataclass_fields__})


def _window(course: Course, k: int) -> tuple[int, int]:
    """Days around the beginning of a stretch on which its window lets the dose change."""
    window = course.stretches[k].element.window if k < len(course.stretches) else None
    return (window.low.days, window.high.days) if window is not None and not window.low.clock else (0, 0)


def _blank(x: Ints, first: Ints, last: Ints, part: int) -> Pieces:
    n = len(x)
    unknown = {name: np.full(n, UNKNOWN, np.int64) for name in _AMOUNTS}
    return Pieces(
        x=x.astype(np.int32),
        part=np.full(n, part, np.int32),
        first=first.astype(np.int32),
        last=last.astype(np.int32),
        dosed=np.zeros(n, np.bool_),
        per=np.ones(n, np.int64),
        daily=np.zeros(n, np.bool_),
        times=np.zeros(n, np.int32),
        days=np.ones(n, np.int32),
        level=np.zeros(n, np.int32),
        changed=np.zeros(n, np.bool_),
        fact=np.full(n, FACTS.index("amount"), np.uint8),
        **unknown,
    )


_CHOSEN = (
    "dosed", "given", "least", "most", "low", "per", "daily", "times", "days", "rate", "weight", "weight_day",
    "weight_row", "fact", "level",
)  # fmt: skip
"""What the dose that is right says of a piece."""
_AMOUNTS = ("given", "least", "most", "low", "rate", "weight", "weight_day", "weight_row")


# --- limits -------------------------------------------------------------------------------------------------------


def _limited(
    laid: Laid, x: Exposures, course: Course, stretch: Stretch, p: Pieces, doses: tuple[Dose, ...], target: list[int],
    shares: tuple[Longs, Longs] | None = None,
) -> Pieces:  # fmt: skip
    """The pieces of one stretch, all at one level, with the dose that is right in them; `shares` are what modifications
    leave of it.
    """
    frequency = often_at(stretch.element, int(p.level[0]) if p.n else 0)
    if frequency is not None:
        p.times[:], p.days[:] = frequency.times, frequency.days
    head = _first_of_series(x, p.x)
    left = np.ones(p.n, np.bool_)
    for dose in doses:
        s = x.s[p.x]
        answer = all_of(dose.if_, laid.evidence, s, np.minimum(p.first, laid.evidence.horizon).astype(np.int32))
        p.fact[left & (answer < 0)] = FACTS.index("condition")
        p.dosed |= left & (answer < 0)
        rows = np.flatnonzero(left & (answer == 1)).astype(np.int32)
        left &= answer == 0
        titrated = dose.amount is None and dose.start is not None
        if dose.formula is not None or not len(rows) or (dose.amount is None and dose.start is None):
            continue
        _one(laid, x, course, p, dose, rows, shares)
        if titrated:
            # Only the first dose is fixed: afterwards what a modification asks for counts, and the ceiling.
            later = rows[~head[rows]]
            ceiling = dose.max is not None
            p.dosed[later] = ceiling
            p.least[later] = np.where(p.most[later] == UNKNOWN, UNKNOWN, 0)
            p.low[later] = UNKNOWN
    _without_tolerance(laid, x, doses, p, target)
    p.dosed &= ~x.clashing[p.x]
    unheld = stretch.held[x.s[p.x]] < 0
    p.fact[unheld] = FACTS.index("condition")
    for values in (p.least, p.most):
        values[unheld] = UNKNOWN
    return p


def _first_of_series(x: Exposures, rows: Ints) -> Flags:
    series = x.series
    first = np.concatenate(([True], series[1:] != series[:-1])) if len(series) else np.zeros(0, np.bool_)
    return first[rows]


def _one(
    laid: Laid, x: Exposures, course: Course, p: Pieces, dose: Dose, rows: Ints, shares: tuple[Longs, Longs] | None
) -> None:
    """The limits of the pieces that one dose governs, for the days and doses that each piece counts."""
    own = () if shares is None else (shares[0][rows], shares[1][rows])
    found, fact = _intended(laid, x, course, p, dose, rows, own)
    at = p.x[rows]
    amount, times, days = x.amount[at], x.times[at].astype(np.int64), x.days[at].astype(np.int64)
    due_times, due_days = p.times[rows].astype(np.int64), p.days[rows].astype(np.int64)
    if dose.daily:
        # Single doses are compared as the share of a day that they are, so that a missed one makes no low dose.
        by_dose = x.single[at]
        factor = np.where(by_dose, due_days * times, days)
        given = np.where(amount == UNKNOWN, UNKNOWN, amount * np.where(by_dose, due_times, 1))
    else:
        factor, given = times, amount
    told = (times > 0) | (amount == UNKNOWN)
    p.dosed[rows], p.per[rows], p.daily[rows] = True, np.maximum(factor, 1), dose.daily
    p.fact[rows] = np.where(amount == UNKNOWN, x.fact[at], np.where(told, fact, FACTS.index("frequency")))
    p.given[rows] = np.where(told, given, UNKNOWN)
    for name in ("least", "most", "low"):
        values = getattr(found, name)
        far = np.where(values == UNKNOWN, UNKNOWN, np.where(values == NO_CEILING, values, values * factor))
        getattr(p, name)[rows] = far
    if dose.start is not None and dose.amount is None:
        top = np.where(found.ceiling == NO_CEILING, UNKNOWN, found.ceiling)
        later = ~_first_of_series(x, at)
        p.most[rows] = np.where(later, np.where(top == UNKNOWN, UNKNOWN, top * factor), p.most[rows])


def _intended(
    laid: Laid, x: Exposures, course: Course, p: Pieces, dose: Dose, rows: Ints, shares: tuple[Longs, ...]
) -> tuple[Intended, Codes]:
    """What was intended of each piece, and what is missing where it cannot be worked out."""
    at, fact = p.x[rows], np.full(len(rows), FACTS.index("amount"), np.uint8)
    amount = dose.amount or dose.start
    if amount is not None and (amount.low if isinstance(amount, Range) else amount).dimension == "percent":
        fact[:] = FACTS.index("dose")
        return intend_share(dose, _in_force(x, course, at)), fact
    by = needs(dose)
    if not by:
        return intend(dose, np.full(len(rows), FIXED, np.int64), *shares), fact
    records, e = laid.doses, laid.evidence
    head = x.head[at]
    used = e.frames["administrations"]["weight_used"].fill_null(UNKNOWN).to_numpy()[records.place[head]]
    policy = dose.weight or laid.plan.protocol.weight
    found = weigh(e, policy, x.s[at], x.first[at], records.minute[head], used)
    fact[:] = np.where(found.implausible, FACTS.index("weight-implausible"), FACTS.index("weight"))
    p.weight[rows], p.weight_day[rows], p.weight_row[rows] = found.grams, found.day, found.row
    p.rate[rows] = rate(dose)
    measure = found.grams
    if by == "surface":
        measure, there = surface(e, dose, x.s[at], x.first[at], measure)
        fact[~there] = FACTS.index("height")
    return intend(dose, measure, *shares), fact


def _in_force(x: Exposures, course: Course, at: Ints) -> Longs:
    """The dose of a day, in thousandths, that each participant took last before the dose became a share of it."""
    tapering = [k for k in course.stretches if _is_share(k.element)]
    begins = np.min([np.where(k.start == NONE, FOREVER, k.start) for k in tapering], axis=0)[x.s[at]]
    keys = (x.series << 20) + x.first + (1 << 19)
    wanted = (series_of(x.s[at], x.activity[at]) << 20) + begins + (1 << 19)
    before = np.maximum(np.searchsorted(keys, wanted, side="left") - 1, 0)
    there = (x.series[before] == x.series[at]) & (x.first[before] < begins) & (x.times[before] > 0)
    amount = np.where(there, x.amount[before], UNKNOWN)
    return np.where(amount == UNKNOWN, UNKNOWN, amount * 1000 // np.maximum(x.days[before], 1))


def _is_share(element: Treatment) -> bool:
    amounts = [d.amount for d in element.dose if d.amount is not None]
    return any((a.low if isinstance(a, Range) else a).dimension == "percent" for a in amounts)


def _targets(course: Course) -> list[int]:
    """The fixed single doses of a course's stretches, in base units."""
    doses = [d.amount for stretch in course.stretches for d in stretch.element.doses()]
    return [int(a.base) for a in doses if a is not None and not isinstance(a, Range) and "/" not in a.dimension]


def _without_tolerance(laid: Laid, x: Exposures, doses: tuple[Dose, ...], p: Pieces, target: list[int]) -> None:
    """Without a tolerance amounts are compared at the recorded precision; what then differs cannot be told.

    The dose of another stretch is off for certain: it is another level, not an inexact one (decision 12).
    """
    if not any(d.tolerance is None and not isinstance(d.amount, Range) for d in doses):
        return
    step = laid.evidence.frames["administrations"]["step"].fill_null(1).to_numpy()
    step = step[laid.doses.place[x.head[p.x]]] * np.maximum(x.times[p.x], 1)
    told = p.dosed & (p.low != UNKNOWN) & (p.given != UNKNOWN)
    step = np.where(step * 1000 * COARSE > p.low, 1, step)
    near = told & (np.abs(p.given * 1000 - p.low) <= step * 500)
    p.least = np.where(near, np.minimum(p.least, p.given), p.least)
    p.most = np.where(near, np.maximum(p.most, p.given), p.most)
    other = np.zeros(p.n, np.bool_)
    for dose in target:
        other |= p.given == dose * p.per
    open_ = told & ~near & ~other
    p.fact[open_] = FACTS.index("tolerance")
    p.least[open_], p.most[open_] = UNKNOWN, UNKNOWN
