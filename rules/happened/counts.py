"""What conditions count: delays of cycles, omissions in a row, doses, amounts, resumptions, the time between two days.

A count follows from what is scheduled and matched, and may change what is scheduled: so everything is laid out once
without counts, and once more with them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from protocol.conditions import Count
from protocol.timing import Anchor, Duration, MonthsPolicy
from rules.arrays import NONE, Flags, Ints, Longs, key
from rules.happened.evidence import Counter, Evidence
from rules.happened.holds import targets
from rules.happened.records import NOT_GIVEN
from rules.happened.spells import HOLD, STOP
from rules.happened.truth import counted_as
from rules.planning.slots import Plan
from rules.timing.calendar import add_span
from rules.timing.cycles import CycleDays
from rules.timing.grid import Grid, Laid


def counts_of(plan: Plan) -> dict[str, Count]:
    """The counts that any condition of the protocol reads, by name."""
    return {counted_as(leaf): leaf for leaf in plan.counts}


def count(laid: Laid, counts: dict[str, Count]) -> dict[str, Counter]:
    """The counters of these counts over what is laid out; levels are counted where doses are worked out."""
    found: dict[str, Counter] = {}
    for name, leaf in counts.items():
        if leaf.kind == "delay":
            limits = {c.value.days for c in counts.values() if c.kind == "delay" and isinstance(c.value, Duration)}
            found[name] = Delays(laid.evidence.n, leaf.name, tuple(laid.grids), tuple(sorted(limits)))
        elif leaf.kind == "time" and leaf.start is not None and leaf.end is not None:
            found[name] = Times(_day_of(laid, leaf.start), _day_of(laid, leaf.end), laid.plan.protocol.months)
        elif leaf.kind in ("omissions", "doses", "total", "resumptions"):
            names = targets(laid.plan.protocol, leaf.name)
            steps = {"omissions": _omissions, "doses": _doses, "total": _total, "resumptions": _resumptions}
            found[name] = steps[leaf.kind](laid, names)
    return found


@dataclass(frozen=True)
class Steps:
    """A count that changes on certain days: sorted participants and days, and the count from each day on."""

    s: Ints
    day: Ints
    value: Longs

    def at(self, s: Ints, day: Ints) -> tuple[Longs, Flags]:
        """The count on a day, 0 before it first changes."""
        told = np.ones(len(s), np.bool_)
        if not len(self.s):
            return np.zeros(len(s), np.int64), told
        found = np.searchsorted(key(self.s, self.day), key(s, day), side="right") - 1
        index = np.maximum(found, 0)
        mine = (found >= 0) & (self.s[index] == s)
        return np.where(mine, self.value[index], 0), told & (day != NONE)

    def limit(self, s: Ints, months: int, days: int) -> Longs:
        """Days."""
        return np.full(len(s), days, np.int64)

    def changes(self, horizon: int) -> tuple[Ints, Ints]:
        """The days on which it changes."""
        return self.s, self.day


def _steps(s: Ints, day: Ints, value: Longs) -> Steps:
    order = np.lexsort((value, key(s, day)))
    return Steps(s[order], day[order], value[order])


@dataclass(frozen=True)
class Delays:
    """By how many days the cycle due last began late, or is late by now."""

    n: int
    cycle: str
    grids: tuple[Grid, ...]
    limits: tuple[int, ...]

    def at(self, s: Ints, day: Ints) -> tuple[Longs, Flags]:
        """The delay on a day of each participant; unknown where no cycle was due."""
        value, told = np.zeros(len(s), np.int64), np.zeros(len(s), np.bool_)
        for days, local in self._cycles():
            rows = np.flatnonzero((local[s] >= 0) & (day != NONE))
            value[rows], told[rows] = days.delay(local[s[rows]], day[rows])
        return value, told

    def limit(self, s: Ints, months: int, days: int) -> Longs:
        """Days."""
        return np.full(len(s), days, np.int64)

    def changes(self, horizon: int) -> tuple[Ints, Ints]:
        """Day 1 of every cycle as due and as it began, and the days on which a delay passes a limit."""
        found = [(np.zeros(0, np.int32), np.zeros(0, np.int32))]
        for (cycles, _), grid in zip(self._cycles(), self._grids(), strict=True):
            who = np.broadcast_to(grid.s[:, None], cycles.due.shape)
            planned = np.where(cycles.due == NONE, NONE, cycles.due - cycles.waited)
            moments = [planned, cycles.start]
            moments += [
                np.where(planned == NONE, NONE, planned + limit + more) for limit in self.limits for more in (0, 1)
            ]
            for moment in moments:
                there = (moment != NONE) & (moment <= horizon)
                found.append((who[there].astype(np.int32), moment[there].astype(np.int32)))
        s, day = (np.concatenate(column) for column in zip(*found, strict=True))
        return s, day

    def _grids(self) -> list[Grid]:
        return [grid for grid in self.grids if self.cycle in grid.cycles]

    def _cycles(self) -> list[tuple[CycleDays, Ints]]:
        found = []
        for grid in self._grids():
            local = np.full(self.n, -1, np.int32)
            local[grid.s] = np.arange(len(grid.s), dtype=np.int32)
            found.append((grid.cycles[self.cycle], local))
        return found


@dataclass(frozen=True)
class Times:
    """The time from one day to another, unknown until both are there."""

    start: Ints
    end: Ints
    months: MonthsPolicy

    def at(self, s: Ints, day: Ints) -> tuple[Longs, Flags]:
        """The day on which the time ends, which `limit` is compared with."""
        told = (self.start[s] != NONE) & (self.end[s] != NONE)
        return self.end[s].astype(np.int64), told

    def limit(self, s: Ints, months: int, days: int) -> Longs:
        """The day on which a span from its beginning ends."""
        return add_span(self.start[s], months, days, self.months).astype(np.int64)

    def changes(self, horizon: int) -> tuple[Ints, Ints]:
        """The day on which it ends."""
        there = np.flatnonzero(self.end != NONE).astype(np.int32)
        return there, self.end[there]


def _columns(laid: Laid, names: list[str]) -> list[tuple[Grid, list[int]]]:
    """The slots of these treatments, in order of their occurrences."""
    found = [(grid, [c for name in names for c in grid.arm.columns(name)]) for grid in laid.grids]
    return [(grid, columns) for grid, columns in found if columns]


def _omissions(laid: Laid, names: list[str]) -> Steps:
    """Doses in a row that were not given, each from the day on which it was due; a dose given begins anew."""
    pieces = []
    for grid, columns in _columns(laid, names):
        given, due = grid.actual[:, columns] != NONE, grid.due[:, columns]
        past = (grid.expected[:, columns] == 1) & (due != NONE) & (due <= laid.evidence.horizon)
        past &= np.stack([_begun(grid, c) for c in columns], axis=1) & (grid.excuse[:, columns] != STOP)
        told = (
            given | (past & (grid.record[:, columns] >= 0)) | (past & (grid.closes[:, columns] < laid.evidence.horizon))
        )
        missed = np.cumsum(told & ~given, axis=1)
        run = missed - np.maximum.accumulate(np.where(given, missed, 0), axis=1)
        # What an omission leads to begins on the day after it.
        day = np.where(given, grid.actual[:, columns], due + 1)
        who = np.broadcast_to(grid.s[:, None], told.shape)
        pieces.append((who[told], day[told], run[told].astype(np.int64)))
    return _together(pieces)


def _begun(grid: Grid, c: int) -> Flags:
    """Whether the cycle of an occurrence began; of one outside cycles always."""
    name, number = grid.arm.cycle_of(c)
    if not number:
        return np.ones(len(grid.s), np.bool_)
    begun: Flags = grid.cycles[name].start[:, number - 1] != NONE
    return begun


def _together(pieces: list[tuple[Ints, Ints, Longs]]) -> Steps:
    nothing = (np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0, np.int64))
    return _steps(*(np.concatenate(column) for column in zip(nothing, *pieces, strict=True)))


def given_rows(laid: Laid, names: list[str]) -> Ints:
    """The doses given of these treatments, by participant and time."""
    r = laid.doses
    mine = np.isin(r.activity, [r.names.index(name) for name in names])
    mine &= (r.status != NOT_GIVEN) & (r.day != NONE) & ~(r.duplicate | r.misfiled)
    rows = np.flatnonzero(mine).astype(np.int32)
    return rows[np.lexsort((r.minute[rows], key(r.s[rows], r.day[rows])))]


def running(s: Ints, amounts: Longs) -> Longs:
    """The sum of amounts up to each row, begun anew with each participant; exact, whatever went before."""
    total = np.cumsum(amounts)
    first = np.concatenate(([True], s[1:] != s[:-1])) if len(s) else np.zeros(0, np.bool_)
    before = (total - amounts)[first]
    return total - before[np.cumsum(first) - 1] if len(s) else total


def _doses(laid: Laid, names: list[str]) -> Steps:
    rows = given_rows(laid, names)
    s = laid.doses.s[rows]
    return _steps(s, laid.doses.day[rows], running(s, np.ones(len(rows), np.int64)))


def _total(laid: Laid, names: list[str]) -> Steps:
    rows = given_rows(laid, names)
    s = laid.doses.s[rows]
    return _steps(s, laid.doses.day[rows], running(s, np.maximum(laid.doses.amount[rows], 0)))


def _resumptions(laid: Laid, names: list[str]) -> Steps:
    """Holds after which a dose was given again, from the day of that dose."""
    rows = given_rows(laid, names)
    s, day = laid.doses.s[rows], laid.doses.day[rows]
    who, when = [np.zeros(0, np.int32)], [np.zeros(0, np.int32)]
    for state in (x for name in names for x in laid.states.by_treatment[name] if x.kind == HOLD):
        at = np.searchsorted(key(s, day), key(state.s, state.end))
        there = at < len(s)
        there[there] = s[at[there]] == state.s[there]
        who.append(s[at[there]])
        when.append(day[at[there]])
    s, day = np.unique(np.stack([np.concatenate(who), np.concatenate(when)]), axis=1)
    return _steps(s, day, running(s, np.ones(len(s), np.int64)))


def _day_of(laid: Laid, anchor: Anchor) -> Ints:
    """The day of an anchor of every participant: of an occurrence that took place, or a milestone."""
    e: Evidence = laid.evidence
    day = np.full(e.n, NONE, np.int32)
    if anchor.name is None:
        return day
    if anchor.name not in laid.plan.protocol.treatments and anchor.name not in laid.plan.protocol.visits:
        return e.milestone(anchor.name).day
    for grid in laid.grids:
        columns = grid.arm.columns(anchor.name)[(anchor.number or 1) - 1 :][:1]
        if columns:
            day[grid.s] = grid.actual[:, columns[0]]
    return day
