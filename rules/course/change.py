"""What modifications make of the dose of a course: days that are cut where they change it, and the doses right on them.

Where the dose after a change can be worked out, the days after it are judged against that dose. Of an order that leaves
open how far, given with a time to do it in, the value is judged (see `rules.match.levels`), and the days after it are
not.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

from protocol.actions import Action
from protocol.dosing import Frequency
from protocol.model import Modification, Treatment
from protocol.quantity import Quantity, Range
from rules.arrays import NONE, Flags, Ints, Longs, key
from rules.dosing.changed import is_stated, movable
from rules.happened.levels import Change, Force, Levels
from rules.happened.spells import DAY, FOREVER
from rules.timing.grid import Laid


def is_fixed(element: Treatment) -> bool:
    """Whether a stretch states an amount: not a first dose to be followed by others, nor a share of another."""
    amounts = [d.amount for d in element.doses()]
    return all(a is not None and (a.low if isinstance(a, Range) else a).dimension != "percent" for a in amounts)


def worked_out(action: Action, parts: tuple[Treatment, ...]) -> bool:
    """Whether the dose of a course after an action can be worked out."""
    if is_stated(action) and action.to is not None:
        return True
    sized = action.levels is not None or is_stated(action) or isinstance(action.to or action.by, Quantity)
    doses = [dose for part in parts for dose in part.doses()]
    return sized and all(map(is_fixed, parts)) and (not is_stated(action) or movable(doses, action))


def judged_at_its_value(action: Action, m: Modification, parts: tuple[Treatment, ...]) -> bool:
    """Whether an order is judged by what followed each value in its time: nothing else says which dose is right."""
    ordered = action in m.then and m.within is not None and action.verb in ("raise", "reduce")
    return ordered and action.levels is None and not is_stated(action) and not worked_out(action, parts)


def judged(action: Action, m: Modification, parts: tuple[Treatment, ...]) -> bool:
    """Whether what an action makes of a course is judged at all."""
    if m.scope in ("this dose", "next cycle"):
        return False
    spanned = not is_stated(action) and action.levels is None and all(map(is_fixed, parts))
    return worked_out(action, parts) or judged_at_its_value(action, m, parts) or spanned


def often_at(element: Treatment, above: int) -> Frequency | None:
    """How often a stretch is taken so many levels above its own."""
    level = element.levels.get((element.level or 0) + above) if element.level is not None else None
    return level.frequency if level is not None and level.frequency is not None else element.frequency


class Cut(NamedTuple):
    """Rows cut into pieces: of each piece its row, its first and its last day."""

    row: Ints
    first: Ints
    last: Ints


class Altered:
    """The changes of one course in a partition."""

    def __init__(self, laid: Laid, activity: str) -> None:
        self.laid, self.activity = laid, activity
        self.parts = laid.plan.protocol.treatments[activity].parts()
        known: list[Change] = []
        loose: list[Change] = []
        for change in laid.levels.changes.get(activity, []):
            at_value = judged_at_its_value(change.action, change.modification, self.parts)
            (loose if at_value else known).append(change)
        resumed = laid.levels.resumed.get(activity, [])
        self.changes, self.loose = [*known, *resumed], loose
        self.levels = Levels(laid.levels.evidence, {activity: known}, {activity: resumed}, laid.levels.begun)

    @property
    def any(self) -> bool:
        """Whether anything changed the dose of anybody."""
        return any(len(change.state.s) for change in (*self.changes, *self.loose))

    @cached_property
    def _points(self) -> Longs:
        """The days on which the dose that is right may become another, by participant: keys, sorted."""
        who, day = [np.zeros(0, np.int32)], [np.zeros(0, np.int32)]
        for change in (*self.changes, *self.loose):
            state, within = change.state, change.modification.within
            grace = within.days * DAY + within.minutes if within is not None else 0
            for when in (state.start, -(-state.begins // DAY), -(-(state.begins + grace) // DAY), state.end):
                who.append(state.s)
                day.append(when.astype(np.int32))
        found: Longs = np.unique(key(np.concatenate(who), np.concatenate(day)))
        return found

    def cut(self, s: Ints, first: Ints, last: Ints) -> Cut:
        """Days of participants cut wherever the dose that is right may change."""
        keys = self._points
        since = np.searchsorted(keys, key(s, first), side="right")
        count = np.maximum(np.searchsorted(keys, key(s, last), side="right") - since, 0) + 1
        row = np.repeat(np.arange(len(s), dtype=np.int32), count)
        nth = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count)
        found = np.minimum(since[row] + nth - 1, max(len(keys) - 1, 0))
        base = key(s, np.zeros(len(s), np.int32))[row]
        begins = np.where(nth == 0, first[row], (keys[found] - base) if len(keys) else 0).astype(np.int32)
        ends = np.append(begins[1:] - 1, 0)
        ends = np.where(nth == count[row] - 1, last[row], ends).astype(np.int32)
        return Cut(row, begins, ends)

    def force(self, element: Treatment, before: int | None, s: Ints, day: Ints) -> Force:
        """What is in force on these days; `before` is the level of the stretch before.

        While a reduction lasts the next stretch raises nobody.
        """
        nothing, number = np.full(len(s), NONE, np.int32), np.zeros(len(s), np.int32)
        level = element.level or 0
        force = self.levels.in_force(self.activity, level, s, day, nothing, number, number)
        if element.level is not None and before is not None and before < element.level:
            sure, maybe = self._lowered(s, day)
            force.high[sure] -= element.level - before
            force.low[maybe] -= element.level - before
        return force

    def _lowered(self, s: Ints, day: Ints) -> tuple[Flags, Flags]:
        """Whether a reduction by levels that lasts until something holds is due, and whether it may have been made."""
        sure, maybe = np.zeros(len(s), np.bool_), np.zeros(len(s), np.bool_)
        for change in self.levels.changes[self.activity]:
            if change.action.verb == "reduce" and change.action.levels is not None and change.modification.until:
                late, early = (day.astype(np.int64) * DAY + minute for minute in (DAY - 1, 0))
                begun = change.begun(s, early, s, sure=True)
                sure |= change.state.must & (begun > change.ended(s, late))
                maybe |= change.begun(s, late, s, sure=False) > 0
        return sure, maybe

    def open(self, s: Ints, day: Ints) -> Flags:
        """Whether an order that leaves open how far has changed the dose by then."""
        first = np.full(self.laid.evidence.n, FOREVER, np.int32)
        for change in self.loose:
            np.minimum.at(first, change.state.s, change.state.start)
        opened: Flags = day >= first[s]
        return opened

    def otherwise_often(self) -> Ints:
        """The first day of each participant on which the drug may be taken more or less often than its steps say."""
        first = np.full(self.laid.evidence.n, FOREVER, np.int32)
        if len({level.frequency for part in self.parts for level in part.levels.values()}) < 2:
            return first
        for change in self.levels.changes[self.activity]:
            if change.action.levels is not None:
                np.minimum.at(first, change.state.s, change.state.start)
        for change in self.levels.resumed[self.activity]:
            if change.modification.resume is not None and change.modification.resume.level is not None:
                np.minimum.at(first, change.state.s, change.state.end)
        return first


def without_sizes(force: Force) -> Force:
    """The same without its levels and shares: of a dose that follows others only an amount that is set is known."""
    n = len(force.low)
    whole, none = np.full(n, 10_000, np.int64), np.zeros(n, np.int64)
    return replace(force, low=none, high=none, least=whole, most=whole, open=np.zeros(n, np.bool_))


def changes_at(x: Ints, force: Force, open_: Flags) -> Flags:
    """Pieces, of exposures `x` in order of time, on which something else is in force than on the piece before."""
    told = [force.low, force.high, force.least, force.most, force.open, open_]
    told += [side for each in force.stated for side in (each.sure, each.maybe)]
    other = np.ones(len(x), np.bool_)
    other[1:] = x[1:] != x[:-1]
    for values in told:
        other[1:] |= values[1:] != values[:-1]
    return other
