"""Which dose is in force: the level, and the share of the dose, that the protocol's modifications leave of it.

Every reduction, increase, amount set and resumption counts from the moment at which its condition became true. What it
orders is a single dose; what it permits beside that (to raise again once `until` holds, a day on which the order of
dose and value is not told, the time `within` which it must be seen) makes it a span of doses, all of them right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import NamedTuple

import numpy as np

from protocol.actions import Action
from protocol.conditions import Count
from protocol.dosing import Dose
from protocol.model import Modification
from protocol.quantity import Quantity, Range
from rules.arrays import NONE, Flags, Index, Ints, Longs
from rules.dosing.changed import is_stated, redosed
from rules.happened.evidence import Counter, Evidence
from rules.happened.holds import targets
from rules.happened.spells import DAY, DOSE, HOLD, State, moment_of, place_of_moment, spells_of
from rules.happened.truth import Truth, all_of
from rules.timing.cycles import CycleDays

WHOLE = 10_000
"""A share of 100 % in basis points."""
CHANGES = ("reduce", "raise", "set")
"""Actions on the amount of a dose."""
ANY = 10 * WHOLE
"""As large a share as an increase without a stated size may reach."""


@dataclass(frozen=True)
class Force:
    """Of each dose what modifications make of it: levels below (or above) its own, and shares in basis points.

    Right is every level from `low` to `high` and every share from `least` to `most`. `open`: a condition that decides
    it cannot be told. `stated` are changes in amounts of the drug.
    """

    low: Longs
    high: Longs
    least: Longs
    most: Longs
    open: Flags
    stated: list[Stated] = field(default_factory=list)

    @property
    def changed(self) -> Flags:
        """Doses of which some modification is in force."""
        found: Flags = (self.low != 0) | (self.high != 0) | (self.least != WHOLE) | (self.most != WHOLE) | self.open
        for each in self.stated:
            found |= each.maybe > 0
        return found

    def take(self, rows: Index) -> Force:
        """What is in force for these doses alone."""
        stated = [Stated(each.action, each.sure[rows], each.maybe[rows], each.last[rows]) for each in self.stated]
        return Force(self.low[rows], self.high[rows], self.least[rows], self.most[rows], self.open[rows], stated)

    def options(self, dose_at: Callable[[int], tuple[Dose, ...]]) -> Iterator[Option]:
        """Every dose that is right for some of them; `dose_at` states the dose so many levels above their own."""
        for level in range(int(self.low.min(initial=0)), int(self.high.max(initial=0)) + 1):
            rows = np.flatnonzero((self.low <= level) & (level <= self.high) & ~self.open)
            if not self.stated:
                yield Option(rows, dose_at(level), level, self.least[rows], self.most[rows])
                continue
            yield from self._restated(rows, dose_at(level), level)

    def _restated(self, rows: Index, doses: tuple[Dose, ...], level: int) -> Iterator[Option]:
        counts = np.stack([side[rows] for each in self.stated for side in (each.sure, each.maybe)])
        for counted in np.unique(counts, axis=1).T:
            mine = rows[(counts == counted[:, None]).all(axis=0)]
            spans = [range(int(low), int(high) + 1) for low, high in zip(counted[::2], counted[1::2], strict=True)]
            for times in product(*spans):
                made = list(zip([each.action for each in self.stated], times, strict=True))
                stated = redosed(doses, made)
                yield Option(mine, stated, level, self.least[mine], self.most[mine])
                if any(action.to is not None and n for action, n in made):
                    # An amount that was set is no share of another, unless it was reduced after that.
                    whole = np.full(len(mine), WHOLE, np.int64)
                    yield Option(mine, stated, level, whole, whole)


class Stated(NamedTuple):
    """A change in an amount of the drug: of each dose how often it is due, how often it may have been made, and the
    moment at which it was last due.
    """

    action: Action
    sure: Longs
    maybe: Longs
    last: Longs


class Option(NamedTuple):
    """Rows, the dose that is right for them, the level it is of, and the shares of it, least and most."""

    rows: Index
    doses: tuple[Dose, ...]
    level: int
    least: Longs
    most: Longs


@dataclass(frozen=True)
class Change:
    """One action on the dose of one treatment, and the spells in which its condition lasts."""

    action: Action
    modification: Modification
    state: State
    cycles: tuple[Ints, Ints] | None = None
    """With `scope: next cycle`: participants, and the cycles in which the condition became true."""

    @property
    def span(self) -> tuple[int, int, int]:
        """Levels by which it changes the dose, and the shares it leaves of it, least and most, in basis points."""
        a, up = self.action, self.action.verb == "raise"
        sign = 1 if up else -1
        if is_stated(a):
            return 0, WHOLE, WHOLE
        if a.levels is not None:
            return sign * a.levels, WHOLE, WHOLE
        if a.to is not None:
            return 0, *_points(a.to)
        if a.by is None:
            return (0, WHOLE + 1, ANY) if up else (0, 0, WHOLE - 1)
        low, high = _points(a.by)
        return (0, WHOLE + low, WHOLE + high) if up else (0, WHOLE - high, WHOLE - low)

    def begun(self, s: Ints, moment: Longs, number: Ints, *, sure: bool) -> Longs:
        """How often its condition had become true by a moment; with `next cycle` in how many of the cycles before."""
        if self.modification.scope == "next cycle" and self.cycles is not None:
            who, cycle = self.cycles
            return _before(who, cycle, s, number)
        begins = self.state.begins
        if not sure:
            # A value without a time may have been known from the beginning of its day.
            untimed = begins == (self.state.start.astype(np.int64) + 1) * DAY
            begins = np.where(untimed, begins - DAY, begins)
        return _before(self.state.s, begins, s, moment + 1)

    def last(self, s: Ints, moment: Longs) -> Longs:
        """The last moment up to this one at which its condition had become true; 0 before the first."""
        count = _before(self.state.s, self.state.begins, s, moment + 1)
        place = np.searchsorted(self.state.s, s) + count - 1
        return np.where(count > 0, self.state.begins[np.maximum(place, 0)] if len(self.state.s) else 0, 0)

    def ended(self, s: Ints, moment: Longs) -> Longs:
        """How often the condition of `until` had become true again by a moment."""
        return _before(self.state.s, self.state.ends, s, moment + 1)


def _points(amount: Quantity | Range) -> tuple[int, int]:
    low, high = (amount.low, amount.high) if isinstance(amount, Range) else (amount, amount)
    return round(low.value * 100), round(high.value * 100)


def _before(who: Ints, when: Ints | Longs, s: Ints, limit: Ints | Longs) -> Longs:
    """How many of a participant's moments lie before a limit; `who` and `when` are sorted."""
    place = place_of_moment(who, when.astype(np.int64))
    first = np.searchsorted(place, place_of_moment(s, np.full(len(s), -(1 << 31), np.int64)))
    found: Longs = np.searchsorted(place, place_of_moment(s, limit.astype(np.int64))) - first
    return found


@dataclass(frozen=True)
class Levels:
    """Everything that changes the dose of a treatment, by treatment."""

    evidence: Evidence
    changes: dict[str, list[Change]] = field(default_factory=dict)
    resumed: dict[str, list[Change]] = field(default_factory=dict)
    begun: tuple[tuple[Ints, CycleDays], ...] = ()
    """The cycles of each grid, with the participants of the grid."""

    def touches(self, treatment: str) -> bool:
        """Whether anything changes the dose of a treatment."""
        return bool(self.changes.get(treatment) or self.resumed.get(treatment))

    def cycle(self, s: Ints, day: Ints) -> Ints:
        """The cycle in which a day of each participant falls, 0 for none."""
        number = np.zeros(len(s), np.int32)
        for who, cycles in self.begun:
            local = np.searchsorted(who, s)
            mine = np.flatnonzero((local < len(who)) & (who[np.minimum(local, len(who) - 1)] == s))
            number[mine] = cycles.begun(day[mine], local[mine])
        return number

    def in_force(self, treatment: str, level: int, s: Ints, day: Ints, minute: Ints, number: Ints, at: Ints) -> Force:
        """What is in force for doses planned at a level, in cycles of that number on that day (0: in no cycle)."""
        n, timed = len(s), minute != NONE
        low, high = np.zeros(n, np.int64), np.zeros(n, np.int64)
        least, most = np.full(n, WHOLE, np.int64), np.full(n, WHOLE, np.int64)
        force = Force(low, high, least, most, np.zeros(n, np.bool_))
        late = moment_of(day, np.where(timed, minute, DAY - 1).astype(np.int32), 0)
        early = moment_of(day, np.where(timed, minute, 0).astype(np.int32), 0)
        for change in self.changes.get(treatment, []):
            if change.modification.scope == "this dose":
                self._this_dose(change, force, s, day, number, at)
            else:
                _lasting(change, force, s, (early, late), number)
        _supersede(force)
        for change in self.resumed.get(treatment, []):
            _resume(change, force, level, s, late)
        return force

    def names(self, treatment: str, s: Ints, day: Ints, number: Ints) -> list[str]:
        """The modifications in force for doses of a treatment on a day, by name."""
        names: list[list[str]] = [[] for _ in s]
        late = moment_of(day, np.full(len(s), DAY - 1, np.int32), 0)
        for change in self.changes.get(treatment, []):
            if change.modification.scope == "this dose":
                found = all_of(change.modification.if_, self.evidence, s, day) == 1
            else:
                found = change.begun(s, late, number, sure=False) > 0
            for at in np.flatnonzero(found):
                names[at].append(change.state.name)
        for change in self.resumed.get(treatment, []):
            for at in np.flatnonzero(change.ended(s, late) > 0):
                names[at].append(change.state.name)
        return [", ".join(dict.fromkeys(of)) for of in names]

    def _this_dose(self, change: Change, force: Force, s: Ints, day: Ints, number: Ints, at: Ints) -> None:
        """A change of the doses alone on whose day its condition holds."""
        concerned = change.state.includes(number) & ((change.state.at is None) | (at == (change.state.at or 0)))
        answer: Truth = np.where(concerned, all_of(change.modification.if_, self.evidence, s, day), 0).astype(np.int8)
        made = (answer == 1).astype(np.int64)
        _apply(change, force, made, made, moment_of(day, np.zeros(len(s), np.int32), 0))
        force.open[:] |= answer < 0

    def counters(self, counts: dict[str, Count]) -> dict[str, Counter]:
        """The counts of levels, by name."""
        return {name: _Level(self, leaf.name) for name, leaf in counts.items() if leaf.kind == "level"}


def _lasting(change: Change, force: Force, s: Ints, moments: tuple[Longs, Longs], number: Ints) -> None:
    """A change of all doses from then on; once `until` holds it may be taken back."""
    early, late = moments
    within = change.modification.within
    grace = early - (within.days * DAY + within.minutes if within is not None else 0)
    maybe = change.begun(s, late, number, sure=False)
    sure = change.begun(s, grace, number, sure=True)
    if change.modification.until:
        sure = sure - np.minimum(sure, change.ended(s, late))
    if not change.state.must:
        sure = np.zeros(len(s), np.int64)
    _apply(change, force, sure, maybe, change.last(s, late))


def _apply(change: Change, force: Force, sure: Longs, maybe: Longs, last: Longs) -> None:
    """So many changes that are due, of those that may have been made; `last` is the moment of the last of them."""
    if is_stated(change.action):
        most_often = 1 if change.action.to is not None else int(maybe.max(initial=0))
        sure, maybe = np.minimum(np.minimum(sure, maybe), most_often), np.minimum(maybe, most_often)
        force.stated.append(Stated(change.action, sure, maybe, last))
        return
    levels, least, most = change.span
    few, many = np.minimum(sure, maybe) * levels, np.maximum(sure, maybe) * levels
    force.low[:] += np.minimum(few, many)
    force.high[:] += np.maximum(few, many)
    if (least, most) == (WHOLE, WHOLE):
        return
    once = change.action.to is not None
    shares = [np.full(len(sure), WHOLE, np.int64), np.full(len(sure), WHOLE, np.int64)]
    for n in range(1, min(int(maybe.max(initial=0)), 1 if once else 64) + 1):
        down = least < WHOLE
        for side, share in enumerate((least, most)):
            reached = (maybe if (side == 0) == down else sure) >= n
            shares[side] = np.where(reached, np.minimum(shares[side] * share // WHOLE, ANY), shares[side])
    force.least[:] = force.least * shares[0] // WHOLE
    force.most[:] = np.minimum(force.most * shares[1] // WHOLE, ANY)


def _supersede(force: Force) -> None:
    """Of two amounts that were set the later one counts."""
    fixed = [each for each in force.stated if each.action.to is not None]
    for earlier in fixed:
        for later in fixed:
            over = (later.sure > 0) & (later.last > earlier.last)
            earlier.sure[over], earlier.maybe[over] = 0, 0


def _resume(change: Change, force: Force, level: int, s: Ints, late: Longs) -> None:
    """The dose with which a treatment begins again after a hold: a share of the one before, or at most a level."""
    resume = change.modification.resume
    again = change.ended(s, late)
    if resume is not None and resume.level is not None:
        most = np.where(again > 0, resume.level - level, ANY)
        force.low[:], force.high[:] = np.minimum(force.low, most), np.minimum(force.high, most)
    if resume is not None and resume.share is not None:
        share = round(resume.share.value * 100)
        for n in range(1, int(again.max(initial=0)) + 1):
            force.least[:] = np.where(again >= n, force.least * share // WHOLE, force.least)
            force.most[:] = np.where(again >= n, force.most * share // WHOLE, force.most)


@dataclass(frozen=True)
class _Level:
    """The level of a treatment; unknown where several are right."""

    levels: Levels
    treatment: str

    def at(self, s: Ints, day: Ints) -> tuple[Longs, Flags]:
        """The level on a day of each participant, beginning with that of the first step."""
        protocol = self.levels.evidence.protocol
        base = next((part.level for part in protocol.treatments[self.treatment].parts() if part.level is not None), 0)
        nothing = np.full(len(s), NONE, np.int32)
        number, at = self.levels.cycle(s, day), np.zeros(len(s), np.int32)
        force = self.levels.in_force(self.treatment, base, s, day, nothing, number, at)
        return base + force.low, (force.low == force.high) & ~force.open

    def limit(self, s: Ints, months: int, days: int) -> Longs:
        """Days."""
        return np.full(len(s), days, np.int64)

    def changes(self, horizon: int) -> tuple[Ints, Ints]:
        """The days on which a change begins."""
        states = [change.state for change in self.levels.changes.get(self.treatment, [])]
        s = np.concatenate([np.zeros(0, np.int32), *(state.s for state in states)])
        return s, np.concatenate([np.zeros(0, np.int32), *(state.start for state in states)])


def read_levels(e: Evidence, begun: Sequence[tuple[Ints, CycleDays]] = ()) -> Levels:
    """What changes the dose of each treatment in one partition; `begun` are the cycles by participants."""
    levels = Levels(e, {}, {}, tuple(begun))
    for name, m in e.protocol.modifications.items():
        for action in (*m.then, *m.may):
            if action.verb in CHANGES:
                state = spells_of(e, name, m, DOSE, must=action in m.then)
                cycles = _cycles(levels, state) if m.scope == "next cycle" else None
                for treatment in targets(e.protocol, action.target):
                    levels.changes.setdefault(treatment, []).append(Change(action, m, state, cycles))
            elif action.verb == "hold" and m.resume is not None:
                state = spells_of(e, name, m, HOLD)
                for treatment in targets(e.protocol, action.target):
                    levels.resumed.setdefault(treatment, []).append(Change(action, m, state))
    return levels


def _cycles(levels: Levels, state: State) -> tuple[Ints, Ints]:
    """The cycles in which spells began, each once; what began before the first cycle belongs to the first."""
    number = np.maximum(levels.cycle(state.s, state.start), 1)
    s, cycle = np.unique(np.stack([state.s, number]), axis=1)
    return s.astype(np.int32), cycle.astype(np.int32)
