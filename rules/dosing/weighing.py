"""The body weight that a dose counts with: the protocol's, or the one on the order where both are allowed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from protocol.model import WeightPolicy
from rules.arrays import DAY_BITS, NONE, Flags, Ints, Longs, Points, key
from rules.dosing.intended import UNKNOWN
from rules.happened.evidence import Evidence


@dataclass(frozen=True)
class Weighed:
    """Of each dose the weight in force: grams, its day and its record, `UNKNOWN` where there is none.

    `implausible`: the weight cannot be that of a child of that age. `measured`: the weight that the order names, if it
    names one, is on record.
    """

    grams: Longs
    day: Longs
    row: Longs
    implausible: Flags
    measured: Flags


@dataclass(frozen=True)
class Recalculated:
    """Of each dose the weighing it counts with where the dose follows the weight, and the one before the last change.

    Both are the same before the first change that counts.
    """

    now: Ints
    before: Ints


def recalculations(e: Evidence, policy: WeightPolicy | None, s: Ints, day: Ints, minute: Ints) -> Recalculated | None:
    """The weighings that doses follow, where the protocol says from which change on; else None."""
    if policy is None or policy.use != "baseline" or policy.recalculate is None or not len(e.weights.s):
        return None
    return _recalculate(e, round(policy.recalculate.value * 100), s, day, minute)


def _recalculate(e: Evidence, percent: int, s: Ints, day: Ints, minute: Ints) -> Recalculated:
    """From the baseline weight on a new one counts once it differs by so many basis points from the one last used."""
    weights, n = e.weights, len(s)
    now, _ = weights.before(s, day, minute=minute)
    first, there = weights.before(s, e.milestone("first-dose").day[s])
    before = first.copy()
    order = np.lexsort((minute, day, s))
    begins = np.concatenate(([True], s[order][1:] != s[order][:-1])) if n else np.zeros(0, np.bool_)
    rank = np.arange(n) - np.maximum.accumulate(np.where(begins, np.arange(n), 0))
    last = np.zeros(e.n, np.int32)
    last[s] = first
    replaced = last.copy()
    for turn in range(int(rank.max(initial=-1)) + 1):
        rows = order[rank == turn]
        who = s[rows]
        old, new = weights.value[last[who]], weights.value[now[rows]]
        stays = (np.abs(new - old) * 10_000 < percent * old) | ~there[rows]
        replaced[who] = np.where(stays, replaced[who], last[who])
        now[rows] = last[who] = np.where(stays, last[who], now[rows])
        before[rows] = replaced[who]
    return Recalculated(now, before)


def weigh(
    e: Evidence,
    policy: WeightPolicy | None,
    s: Ints,
    day: Ints,
    minute: Ints,
    used: Longs,
    recalculated: Ints | None = None,
) -> Weighed:
    """The weight in force for doses of `s` at `day` and `minute`; `used` is the weight on the order or `UNKNOWN`.

    `recalculated` are the weighings that the doses count with where the protocol lets them follow the weight.
    """
    weighed, n = e.weighed(policy.of if policy is not None else None), len(s)
    weights = weighed.at
    if not len(weights.s):
        nothing = np.full(n, UNKNOWN, np.int64)
        return Weighed(nothing, nothing, nothing, np.zeros(n, np.bool_), used == UNKNOWN)
    baseline = policy is not None and policy.use == "baseline"
    upto = e.milestone("first-dose").day[s] if baseline else day
    at, there = weights.before(s, upto, minute=None if baseline else minute)
    at = at if recalculated is None else recalculated
    named, measured = at, np.zeros(n, np.bool_)
    if (used != UNKNOWN).any():
        named, measured = _named(weights, s, day, used)
    told = ~weighed.twin[at]
    if not baseline:
        within = policy.within.days if policy is not None and policy.within is not None else None
        allowed = measured if within is None else measured & (day - weights.day[named] <= within)
        at = np.where(allowed, named, at)
        told |= allowed
    grams, weighed_on = weights.value[at], weights.day[at]
    odd = there & weighed.doubtful[at]
    return Weighed(
        np.where(there & told & ~odd, grams, UNKNOWN),
        np.where(there, weighed_on, UNKNOWN),
        np.where(there, weights.row[at], UNKNOWN),
        odd,
        measured | (used == UNKNOWN),
    )


def _named(weights: Points, s: Ints, day: Ints, used: Longs) -> tuple[Ints, Flags]:
    """The last weighing on or before a day that gave exactly the weight on the order, and whether there is one."""
    by_value = np.lexsort((weights.key, weights.value))
    keys = _with_grams(weights.key, weights.value)[by_value]
    wanted = _with_grams(key(s, day), np.where(used == UNKNOWN, 0, used))
    found = np.searchsorted(keys, wanted, side="right") - 1
    at = by_value[np.maximum(found, 0)].astype(np.int32)
    same = (found >= 0) & (weights.s[at] == s) & (weights.value[at] == used)
    return at, same & (day != NONE)


def _with_grams(keys: Longs, grams: Longs) -> Longs:
    """Keys of participant and day, ordered by weight first."""
    return (grams << (2 * DAY_BITS)) + keys
