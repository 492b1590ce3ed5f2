"""Is a condition of the protocol true of a participant on a day? Three answers, in arrays: 1 true, 0 false, -1 unknown.

A value counts from its day on until a later one (decision 11: without a time, the same day counts as before). What
this version cannot work out (moments in hours) is unknown, never false.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from protocol.conditions import (
    All,
    Any,
    AtLeast,
    BaselinePlus,
    Compare,
    Condition,
    Count,
    Event,
    Given,
    Inside,
    Judged,
    Limit,
    Named,
    NoneOf,
    OfBaseline,
    Op,
    Reached,
    Words,
)
from protocol.quantity import UNITS, Quantity, known_unit
from protocol.timing import Duration
from rules.arrays import MISSING, NONE, SCALE, Flags, Ints, Longs, Points, key
from rules.happened.evidence import Evidence, event_words
from rules.timing.calendar import add_span

Truth: TypeAlias = npt.NDArray[np.int8]
GRAM = UNITS["g"][1]
DAY = UNITS["d"][1]


def both(a: Truth, b: Truth) -> Truth:
    """Kleene *and*."""
    return np.where((a == 0) | (b == 0), 0, np.where((a == 1) & (b == 1), 1, -1)).astype(np.int8)


def negate(a: Truth) -> Truth:
    """Kleene *not*."""
    return np.where(a < 0, a, 1 - a).astype(np.int8)


def known(flags: Flags, told: Flags | None = None) -> Truth:
    """Flags as answers, unknown where not told."""
    answers = flags.astype(np.int8)
    return answers if told is None else np.where(told, answers, -1).astype(np.int8)


def truth(condition: Condition, e: Evidence, s: Ints, day: Ints, name: str = "", minute: Ints | None = None) -> Truth:
    """The answer for each pair of participant and day; `name` is the id under which a judged sentence is recorded.

    With `minute` (`NONE`: any time of the day) values of that day that came later do not count.
    """
    match condition:
        case All(of=of):
            return all_of(of, e, s, day, name, minute)
        case Any(of=of):
            return negate(all_of_answers([negate(truth(c, e, s, day, name, minute)) for c in of], len(s)))
        case NoneOf(of=of):
            return all_of_answers([negate(truth(c, e, s, day, name, minute)) for c in of], len(s))
        case AtLeast(least=least, of=of):
            answers = np.array([truth(c, e, s, day, name, minute) for c in of])
            sure, possible = (answers == 1).sum(axis=0), (answers != 0).sum(axis=0)
            return np.where(sure >= least, 1, np.where(possible < least, 0, -1)).astype(np.int8)
        case Named(criterion=criterion, negated=negated):
            return _negated(named(criterion, e, s, day, minute), negated)
        case Judged():
            return _said(e.measure(name), s, day, minute)
        case Event() | Given() | Reached():
            return _happened(condition, e, s, day)
        case Inside() | Compare():
            return _measured(condition, e, s, day, minute)
        case Count():
            return _counted(condition, e, s, day)
        case _:
            return np.full(len(s), -1, np.int8)


def all_of(
    conditions: Sequence[Condition], e: Evidence, s: Ints, day: Ints, name: str = "", minute: Ints | None = None
) -> Truth:
    """True where all are; an empty list is true."""
    return all_of_answers([truth(c, e, s, day, name, minute) for c in conditions], len(s))


def all_of_answers(answers: Sequence[Truth], n: int) -> Truth:
    """Kleene *and* of several answers."""
    result = np.ones(n, np.int8)
    for answer in answers:
        result = both(result, answer)
    return result


def named(criterion: str, e: Evidence, s: Ints, day: Ints, minute: Ints | None = None) -> Truth:
    """A criterion by its id; an answer that a person recorded under the id settles what the records leave open."""
    found = e.protocol.criteria.get(criterion)
    found = found or e.protocol.eligibility.include.get(criterion) or e.protocol.eligibility.exclude.get(criterion)
    if found is None:
        return np.full(len(s), -1, np.int8)
    worked = truth(found.condition, e, s, day, criterion, minute)
    said = _said(e.measure(criterion), s, day, minute)
    return np.where(worked < 0, said, worked).astype(np.int8)


def _negated(answer: Truth, negated: bool) -> Truth:
    return negate(answer) if negated else answer


def _said(recorded: Points, s: Ints, day: Ints, minute: Ints | None) -> Truth:
    """A recorded yes (1) or no (0)."""
    at, there = recorded.before(s, day, minute=minute)
    if not len(recorded.s):
        return np.full(len(s), -1, np.int8)
    value = recorded.value[at]
    return known(value == SCALE, there & ((value == 0) | (value == SCALE)))


def _happened(condition: Event | Given | Reached, e: Evidence, s: Ints, day: Ints) -> Truth:
    match condition:
        case Reached(milestone=milestone, negated=negated):
            reached = e.milestone(milestone)
            first, last = reached.first[s], reached.last[s]
            answer = known((last != NONE) & (last <= day), (first == NONE) | (last <= day) | (first > day))
            return _negated(answer, negated)
        case Event(negated=negated):
            if "events" not in e.tables:
                return np.full(len(s), -1, np.int8)
            return _negated(known(_ongoing(condition, e, s, day)), negated)
        case _:
            return np.full(len(s), -1, np.int8)


def _ongoing(condition: Event, e: Evidence, s: Ints, day: Ints) -> Flags:
    """Whether an event lasts on a day: from its start to its recorded end, without one from then on.

    `within D`: it began, or lasted by its recorded end, in the last D days. `for D`: it lasted that long in all.
    """
    spells = e.events(event_words(e.protocol, condition.name))
    kept = np.ones(len(spells.s), np.bool_)
    if condition.grade is not None:
        op, grade = condition.grade
        kept &= compare(spells.grade.astype(np.int64), np.full(len(spells.s), grade, np.int64), op)
    if condition.lasting is not None:
        length = np.where(spells.end == NONE, e.horizon, spells.end) - spells.start
        kept &= length >= condition.lasting.days + (1 if condition.lasting_more else 0)
    who, start, end = spells.s[kept], spells.start[kept], spells.end[kept]
    if not len(who):
        return np.zeros(len(s), np.bool_)
    # Of all that began by then the one that ends last.
    unended = start if condition.within is not None else np.full(len(end), (1 << 18) - 1, np.int32)
    latest = np.maximum.accumulate(key(who, np.where(end == NONE, unended, end)))
    at = np.searchsorted(key(who, start), key(s, day), side="right") - 1
    since = day - condition.within.days if condition.within is not None else day
    lasts = latest[np.maximum(at, 0)] >= key(s, since.astype(np.int32))
    ongoing: Flags = lasts & (at >= 0) & (day != NONE) & (who[np.maximum(at, 0)] == s)
    return ongoing


def counted_as(count: Count) -> str:
    """Under which name a count is found: `delay of cycle`, `time from a 1 to a 2`."""
    return f"time from {count.start} to {count.end}" if count.kind == "time" else f"{count.kind} of {count.name}"


def _counted(count: Count, e: Evidence, s: Ints, day: Ints) -> Truth:
    counter = e.counted.get(counted_as(count))
    if counter is None:
        return np.full(len(s), -1, np.int8)
    value, told = counter.at(s, day)
    limit = count.value
    if isinstance(limit, Duration):
        wanted = counter.limit(s, limit.months, limit.days)
    else:
        wanted = np.full(len(s), int(limit.base) if isinstance(limit, Quantity) else limit, np.int64)
    return known(compare(value, wanted, count.op), told)


def compare(a: Longs, b: Longs, op: Op) -> Flags:
    """Whole numbers compared by one of the language's six operators."""
    table = {"<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b, "=": a == b, "!=": a != b}
    result: Flags = table[op]
    return result


def _measured(condition: Inside | Compare, e: Evidence, s: Ints, day: Ints, minute: Ints | None) -> Truth:
    if condition.name == "arm" and isinstance(condition, Compare) and isinstance(condition.value, Words):
        arms = np.array([a or "" for a in e.arm], dtype=object)[s]
        return _equal_words(condition.op, np.isin(arms, condition.value.words), arms != "")
    if condition.name == "age" and (spans := _spans(condition)):
        return all_of_answers([_age(op, months, days, e, s, day) for op, months, days in spans], len(s))
    if isinstance(condition, Compare) and condition.at is not None:
        return np.full(len(s), -1, np.int8)
    values = e.measure(condition.name)
    if not len(values.s):
        return np.full(len(s), -1, np.int8)
    holds, told = each_value(condition, e, values)
    at, there = values.before(s, day, minute=minute)
    if isinstance(condition, Compare) and condition.baseline:
        at, there = values.before(s, _baseline_day(e)[s], strictly=False)
    if isinstance(condition, Compare) and condition.within is not None:
        there &= day - values.day[at] <= condition.within.days
    answer = known(holds[at], there & told[at])
    if isinstance(condition, Compare) and condition.lasting is not None:
        run = _run_start(values, holds & told)
        span = condition.lasting.days + (1 if condition.lasting_more else 0)
        long = values.day[at] - run[at] >= span
        answer = np.where((answer == 1) & ~long, 0, answer).astype(np.int8)
    return answer


def each_value(condition: Inside | Compare, e: Evidence, values: Points) -> tuple[Flags, Flags]:
    """Of each recorded value: whether it fulfils the comparison, and whether that can be told."""
    told = values.value != MISSING
    if isinstance(condition, Inside):
        low, high = (_scaled(q, condition.name, e) for q in (condition.range.low, condition.range.high))
        inside = (values.value >= low) & (values.most <= high)
        return inside, told & (inside | (values.most < low) | (values.value > high))
    value = condition.value
    if isinstance(value, Words):
        places = _places(condition.name, e, value.words)
        if condition.op in ("=", "!="):
            return np.isin(values.value, places) == (condition.op == "="), told
        return compare(values.value, np.full(len(told), places[0], np.int64), condition.op), told
    limit, there = _limit(value, condition.name, e, values)
    least, most = compare(values.value, limit, condition.op), compare(values.most, limit, condition.op)
    if condition.op in ("=", "!="):
        told &= (values.value == values.most) | (limit < values.value) | (limit > values.most)
    return least, told & there & (least == most)


def _limit(value: object, name: str, e: Evidence, values: Points) -> tuple[Longs, Flags]:
    n = len(values.s)
    match value:
        case Quantity():
            return np.full(n, _scaled(value, name, e), np.int64), np.ones(n, np.bool_)
        case Limit(times=times, of=of):
            bound = values.high if of == "uln" else values.low
            return _share(bound, times), bound != MISSING
        case OfBaseline(percent=percent):
            base, there = _baseline(values, e)
            return _share(base, percent / 100), there
        case BaselinePlus(sign=sign, quantity=quantity):
            base, there = _baseline(values, e)
            return base + (sign * _scaled(quantity, name, e) if quantity is not None else 0), there
        case _:
            return np.zeros(n, np.int64), np.zeros(n, np.bool_)


def _share(values: Longs, times: Decimal) -> Longs:
    known_values = np.where(values == MISSING, 0, values)
    ratio = times.as_integer_ratio()
    return known_values * ratio[0] // ratio[1]


def _baseline(values: Points, e: Evidence) -> tuple[Longs, Flags]:
    """The last value before or on the day of the first dose, beside each value of the participant."""
    at, there = values.before(values.s, _baseline_day(e)[values.s])
    value = values.value[at]
    return value, there & (value != MISSING) & (value == values.most[at])


def _baseline_day(e: Evidence) -> Ints:
    return e.milestone("first-dose").day


def _scaled(quantity: Quantity, name: str, e: Evidence) -> int:
    """A quantity in millionths of the unit in which the measure's values stand; a body weight in grams."""
    if name == "weight":
        return round(quantity.base / GRAM)
    measure = e.protocol.measures.get(name)
    unit = known_unit(measure.unit) if measure is not None and measure.unit else None
    if unit is None or unit.dimension != quantity.dimension:
        return round(quantity.value * SCALE)
    return round(quantity.base / unit.factor * SCALE)


def _places(name: str, e: Evidence, words: Sequence[str]) -> list[int]:
    measure = e.protocol.measures.get(name)
    order = [str(v).lower() for v in (measure.values if measure is not None and measure.values else ("no", "yes"))]
    return [order.index(w.lower()) * SCALE for w in words if w.lower() in order] or [int(MISSING) + 1]


def _equal_words(op: Op, same: Flags, told: Flags) -> Truth:
    return known(same if op == "=" else ~same, told)


def _run_start(values: Points, holds: Flags) -> Ints:
    """The day since which every value of the participant has fulfilled the comparison, beside each value."""
    n = len(values.s)
    begins = holds & np.concatenate(([True], (values.s[1:] != values.s[:-1]) | ~holds[:-1]))
    since = np.maximum.accumulate(np.where(begins, np.arange(n), 0))
    return values.day[since]


def _spans(condition: Inside | Compare) -> list[tuple[Op, int, int]]:
    """What an age is compared with, in whole months and days; empty where that is no time."""
    if isinstance(condition, Compare):
        value = condition.value
        return [(condition.op, value.months, value.days)] if isinstance(value, Duration) else []
    ends: tuple[tuple[Op, Quantity], ...] = ((">=", condition.range.low), ("<=", condition.range.high))
    spans = [(op, *_span(end)) for op, end in ends]
    return spans if condition.range.dimension in ("calendar", "time") else []


def _span(quantity: Quantity) -> tuple[int, int]:
    """Months and days of an amount of time."""
    if quantity.dimension == "calendar":
        return int(quantity.base), 0
    return 0, int(quantity.base // DAY)


def _age(op: Op, months: int, days: int, e: Evidence, s: Ints, day: Ints) -> Truth:
    """Age against a birthday: the day on which the age is reached counts as reached."""
    first = add_span(e.birth.first[s], months, days, "roll")
    last = add_span(e.birth.last[s], months, days, "roll")
    told = (first != NONE) & (day != NONE)
    by_first = compare(day.astype(np.int64), first.astype(np.int64), op)
    by_last = compare(day.astype(np.int64), last.astype(np.int64), op)
    return known(by_first, told & (by_first == by_last))
