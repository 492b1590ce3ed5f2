"""The value of a measure at a time: recorded, or worked out by the first of its cases that holds.

A value counts inside the window. Where several days of it have values, the day nearest to the target decides by which
all that the cases read is there, the later of two as near; without such a day the nearest on which the answer can be
told. After death there are no values: only what a case says of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from protocol.conditions import All, Any, AtLeast, Compare, Condition, Inside, Named, NoneOf, leaves
from protocol.model import Endpoint, Measure
from protocol.timing import Duration
from rules.arrays import MISSING, NONE, Flags, Ints, Points, points
from rules.endpoints.days import Days
from rules.happened.evidence import Evidence
from rules.happened.truth import all_of

_BUILT_IN = ("weight", "height")
UNTOLD = -1


@dataclass(frozen=True)
class Responses:
    """Of every participant the place of the value among `words` (`UNTOLD` where open), and the day that decides.

    `number` is the value of a measure that is one, in the parts of its unit that the evidence counts.
    """

    words: tuple[str, ...]
    place: Ints
    number: pl.Series
    day: Ints


def words_of(measure: Measure) -> tuple[str, ...]:
    """The values a measure can have, none where it is a number."""
    return tuple(measure.cases) or measure.values


def respond(e: Evidence, endpoint: Endpoint, days: Days) -> Responses:
    """The responses of a partition."""
    name = str(endpoint.measure)
    measure = e.protocol.measures[name]
    dead, undead = _dead(e, days.due)
    words = words_of(measure)
    if not words:
        place, number, day = _nearest_value(e.measure(name), days, ~dead & ~undead)
        return Responses((), place, number, day)
    said, said_on = _recorded(e, name, words, days, ~dead & ~undead)
    if not measure.cases:
        return Responses(words, said, _no_number(e.n), said_on)
    worked, worked_on = _worked_out(e, measure, days, dead, undead)
    place = np.where(worked == UNTOLD, said, worked).astype(np.int32)
    day = np.where(worked == UNTOLD, np.where(said == UNTOLD, days.due, said_on), worked_on).astype(np.int32)
    return Responses(words, place, _no_number(e.n), day)


def _no_number(n: int) -> pl.Series:
    return pl.Series([None], dtype=pl.Float64).new_from_index(0, n)


def _dead(e: Evidence, due: Ints) -> tuple[Flags, Flags]:
    """Who had died by that day, and of whom that cannot be told."""
    death = e.milestone("death")
    known = (death.last != NONE) & (due != NONE)
    dead = known & (death.last <= due)
    return dead, known & ~dead & (death.first <= due)


# --- values on record ---------------------------------------------------------------------------------------------


def inside(values: Points, days: Days, judged: Flags) -> Ints:
    """The points inside the windows, of each participant the nearest to the target first, the later of two as near."""
    s, day = values.s, values.day
    index = np.flatnonzero((days.due[s] != NONE) & (day >= days.opens[s]) & (day <= days.closes[s]) & judged[s])
    away = np.abs(day[index] - days.due[s[index]])
    return index[np.lexsort((-day[index], away, s[index]))].astype(np.int32)


def _first_of_each(s: Ints) -> Ints:
    return np.unique(s, return_index=True)[1].astype(np.int32)


def _nearest_value(values: Points, days: Days, judged: Flags) -> tuple[Ints, pl.Series, Ints]:
    """The number nearest to the target: 0 where there is one, itself, and its day."""
    n = len(days.due)
    place, day, number = np.full(n, UNTOLD, np.int32), days.due.copy(), np.full(n, np.nan)
    index = inside(values, days, judged)
    index = index[(values.value[index] != MISSING) & (values.value[index] == values.most[index])]
    index = index[_first_of_each(values.s[index])]
    place[values.s[index]], day[values.s[index]] = 0, values.day[index]
    number[values.s[index]] = values.value[index]
    return place, pl.Series(number).fill_nan(None), day


def _recorded(e: Evidence, name: str, words: Sequence[str], days: Days, judged: Flags) -> tuple[Ints, Ints]:
    """The place of the recorded word nearest to the target, and its day."""
    frame = e.samples(name)
    places = {word.lower(): at for at, word in enumerate(words)}
    of = frame["word"].fill_null(frame["value"].cast(pl.Int64).cast(pl.String)).str.to_lowercase()
    code = of.replace_strict(places, default=int(MISSING), return_dtype=pl.Int64).fill_null(int(MISSING)).to_numpy()
    values = points(frame, code)
    index = inside(values, days, judged)
    index = index[values.value[index] != MISSING]
    index = index[_first_of_each(values.s[index])]
    place, day = np.full(e.n, UNTOLD, np.int32), days.due.copy()
    place[values.s[index]], day[values.s[index]] = values.value[index], values.day[index]
    return place, day


# --- worked out ---------------------------------------------------------------------------------------------------


def _worked_out(e: Evidence, measure: Measure, days: Days, dead: Flags, undead: Flags) -> tuple[Ints, Ints]:
    """The place of the first case that holds, on the day nearest to the target on which that can be told."""
    place, when = np.full(e.n, UNTOLD, np.int32), days.due.copy()
    s, day = _candidates(e, measure, days, ~dead & ~undead)
    answer = _by_span(e, measure, s, day, day - days.opens[s])
    whole = _complete(e, measure, s, day, days)
    rank = np.where(whole, 0, np.where(answer != UNTOLD, 1, 2))
    order = np.lexsort((-day, np.abs(day - days.due[s]), rank, s))
    first = order[_first_of_each(s[order])]
    place[s[first]], when[s[first]] = answer[first], day[first]
    passed = (days.due != NONE) & (days.due <= e.horizon)
    seen = np.zeros(e.n, np.bool_)
    seen[s] = True
    left = np.flatnonzero(passed & ~seen & ~undead).astype(np.int32)
    # The window has no value, or the participant had died: what holds without any.
    place[left] = _case(e, measure, left, days.due[left], -1)
    return place, when


def _candidates(e: Evidence, measure: Measure, days: Days, judged: Flags) -> tuple[Ints, Ints]:
    """Every day of a window on which something that the cases read is on record, by participant."""
    found = [e.measure(name) for name in read_by(e, measure)]
    pairs = [np.stack([values.s[at], values.day[at]]) for values in found for at in (inside(values, days, judged),)]
    both = np.unique(np.concatenate([np.zeros((2, 0), np.int32), *pairs], axis=1), axis=1)
    return both[0].astype(np.int32), both[1].astype(np.int32)


def _complete(e: Evidence, measure: Measure, s: Ints, day: Ints, days: Days) -> Flags:
    """Whether by that day the window has a value of everything that the cases read."""
    whole = np.ones(len(s), np.bool_)
    for name in read_by(e, measure):
        values = e.measure(name)
        at, there = values.before(s, day)
        whole &= (there & (values.day[at] >= days.opens[s]) & (values.value[at] != MISSING)) if len(values.s) else False
    return whole


def read_by(e: Evidence, measure: Measure) -> list[str]:
    """The measures that the cases of a measure read on the day itself, in order."""
    names: dict[str, None] = {}
    _read([condition for case in measure.cases.values() for condition in case], e, names, set())
    return list(names)


def _read(conditions: Iterable[Condition], e: Evidence, names: dict[str, None], known: set[str]) -> None:
    for leaf in leaves(conditions):
        if isinstance(leaf, Compare | Inside) and (leaf.name in e.protocol.measures or leaf.name in _BUILT_IN):
            if not (isinstance(leaf, Compare) and leaf.baseline):
                names[leaf.name] = None
        elif isinstance(leaf, Named) and leaf.criterion not in known and leaf.criterion in e.protocol.criteria:
            known.add(leaf.criterion)
            _read([e.protocol.criteria[leaf.criterion].condition], e, names, known)


def _by_span(e: Evidence, measure: Measure, s: Ints, day: Ints, span: Ints) -> Ints:
    """The case of each participant and day, from values at most so many days old."""
    answer = np.full(len(s), UNTOLD, np.int32)
    for length in np.unique(span):
        mine = np.flatnonzero(span == length)
        answer[mine] = _case(e, measure, s[mine], day[mine], int(length))
    return answer


def _case(e: Evidence, measure: Measure, s: Ints, day: Ints, span: int) -> Ints:
    """The place of the first case that holds; open where one before it cannot be told. No value counts at span -1."""
    place, undecided = np.full(len(s), UNTOLD, np.int32), np.ones(len(s), np.bool_)
    for at, conditions in enumerate(measure.cases.values()):
        holds = all_of([_fresh(condition, e, span) for condition in conditions], e, s, day)
        place[undecided & (holds == 1)] = at
        undecided &= holds == 0
    return place


def _fresh(condition: Condition, e: Evidence, span: int) -> Condition:
    """The condition with every value at most so many days old, baselines apart."""
    match condition:
        case All(of=of):
            return All(tuple(_fresh(part, e, span) for part in of))
        case Any(of=of):
            return Any(tuple(_fresh(part, e, span) for part in of))
        case NoneOf(of=of):
            return NoneOf(tuple(_fresh(part, e, span) for part in of))
        case AtLeast(least=least, of=of):
            return AtLeast(least, tuple(_fresh(part, e, span) for part in of))
        case Named(criterion=criterion, negated=negated) if criterion in e.protocol.criteria:
            inner = _fresh(e.protocol.criteria[criterion].condition, e, span)
            return NoneOf((inner,)) if negated else inner
        case Compare(name=name, baseline=False) if name in e.protocol.measures or name in _BUILT_IN:
            within = condition.within.days if condition.within is not None else span
            return replace(condition, within=_days(min(span, within)))
        case Inside(text=text, name=name, range=limits):
            ends = Compare(text, name, ">=", limits.low), Compare(text, name, "<=", limits.high)
            return _fresh(All(ends), e, span)
    return condition


def _days(number: int) -> Duration:
    return Duration(f"{number} d", 0, number, 0, clock=False)
