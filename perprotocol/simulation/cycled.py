"""Cycles in a participant's life: day 1 of each counts from the actual day 1 before it, all else from its day 1."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from perprotocol.simulation.days import DAY, move, span
from perprotocol.simulation.draws import draw
from perprotocol.simulation.life import FOREVER, Due, Life
from perprotocol.simulation.patient import Planned
from perprotocol.simulation.script import Line, Start, in_cycle
from protocol.activities import Cycle


class Opening(NamedTuple):
    """A cycle that is about to begin."""

    name: str
    cycle: Cycle
    number: int
    due: int


class Cycled(Life):
    """A life with cycles."""

    def before_cycle(self, o: Opening, drugs: frozenset[str]) -> int | None:
        """The day on which a cycle with these drugs on day 1 begins, None for never."""
        return o.due

    def begin(self) -> None:
        """The first cycle of each kind is looked at before it is due."""
        for name in self.protocol.cycles:
            self._await_cycle(name)

    def _await_cycle(self, name: str) -> None:
        cycle = self.protocol.cycles[name]
        start = self.script.moment(cycle.from_, next(iter(self.protocol.treatments.values())))[0]
        for base in self._bases(start.anchor) or []:
            day = move(base // DAY, start.offset[0], start.offset[1], self._policy)
            self._await_day(Opening(name, cycle, 1, day))

    def _await_day(self, o: Opening) -> None:
        """A cycle is looked at on the day before the first thing that belongs to it: before day 1, or early."""
        mine = [(line, s) for line in self.script.lines if in_cycle(line, o.number) for s in self._cycle_starts(line)]
        lows = [(start.window or line.window or (0, 0))[0] + day for line, (start, day) in mine]
        self.later((o.due + min([0, *lows]) - 1) * DAY, partial(self._open, o))

    def _open(self, o: Opening) -> None:
        """Day 1 of one cycle is settled, and all that counts from it is due."""
        lines = [line for line in self.script.lines if in_cycle(line, o.number) and self._cycle_starts(line)]
        over = min(self.over.get("treatment", FOREVER), self.over.get("participation", FOREVER))
        if not lines or o.due >= over or self._cycle_over(o):
            return
        low, high = self._cycle_window(lines)
        ones = [line for line in lines if line.kind == "treatment" and self._cycle_starts(line)[0][1] == 0]
        waited = self.before_cycle(o, frozenset(line.activity for line in ones))
        if waited is None or waited >= over:
            return
        u = draw(self.seed, 3, o.number)
        started = o.due if o.number == 1 else waited if waited != o.due else o.due + low + int(u * (high - low + 1))
        started = self._cycle_lines(o, lines, waited, started)
        every = span(o.cycle.every)
        following = move(started if o.cycle.late == "shift" else o.due, every[0], every[1], self._policy)
        if o.cycle.times is None or o.number < o.cycle.times:
            self._await_day(Opening(o.name, o.cycle, o.number + 1, following))

    def _cycle_window(self, lines: list[Line]) -> tuple[int, int]:
        """The days about day 1 that suit every drug due then."""
        ones = [ln for ln in lines if ln.kind == "treatment" and ln.window and self._cycle_starts(ln)[0][1] == 0]
        windows = [ln.window for ln in ones if ln.window]
        return max((w[0] for w in windows), default=0), min((w[1] for w in windows), default=0)

    def _cycle_starts(self, line: Line) -> list[tuple[Start, int]]:
        name = line.part.in_.name if line.part.in_ is not None else ""
        return [(s[0], s[0].offset[1]) for s in line.starts if s[0].anchor.name == name]

    def _cycle_over(self, o: Opening) -> bool:
        for start in self.script.moment(o.cycle.to, next(iter(self.protocol.treatments.values()))):
            for base in self._bases(start.anchor) or ():
                if o.due > move(base // DAY, start.offset[0], start.offset[1], self._policy):
                    return True
        return False

    def _cycle_lines(self, o: Opening, lines: list[Line], planned: int, started: int) -> int:
        """Everything of a cycle is queued, numbered by its day over all lines of an activity; its actual day 1."""
        found = [(start, day, line) for line in lines for start, day in self._cycle_starts(line)]
        found.sort(key=lambda f: (f[1], f[2].code))
        firsts, others = [], []
        for start, day, line in found:
            number = self.numbers[line.activity] = self.numbers.get(line.activity, 0) + 1
            due = Due(line, 0, number, start, started * DAY, o.number)
            if line.kind == "treatment" and day == 0:
                firsts.append((due, self._first_plan(due, planned, ordered=planned != o.due)))
            else:
                others.append((due, day))
        if len(firsts) > 1:
            # The drug that begins the cycle is judged against its planned day; the others may count from its day 1.
            for due, plan in firsts:
                plan.closes = max(plan.closes, started + (due.line.window or (0, 0))[1])
        swerves = self.stage.swerves
        moments = [swerves[p.key](p) if p.key in swerves else p.on(started) for _, p in firsts]
        began = min((at for at in moments if at is not None), default=started * DAY) // DAY
        self._committed = max(self._committed, began * DAY)
        for (due, plan), at in zip(firsts, moments, strict=True):
            self.later((began if at is None else at // DAY) * DAY, partial(self._play_first, due, plan, at))
        for due, day in others:
            # What is done before a day of the cycle is known when its doses are given.
            ahead = due.start.window[0] if due.start is not None and due.start.window is not None else 0
            self._push(due._replace(base=began * DAY), (began + day + min(ahead, 0)) * DAY)
        return began

    def _first_plan(self, due: Due, planned: int, *, ordered: bool) -> Planned:
        plan = self.plan(due)
        plan.ordered = ordered
        low, high = due.line.window or (0, 0)
        plan.due, plan.opens, plan.closes = planned, planned + low, planned + high
        plan.grid_opens, plan.base = plan.opens, planned
        return plan

    def _play_first(self, due: Due, plan: Planned, at: int | None) -> None:
        self._laid[plan.key] = plan
        if self._beyond(plan) or not self.expects(due, plan):
            self._settle(plan.key, None)
            return
        self.planned[plan.key] = plan
        if at is not None:
            self.ends[plan.key] = self.done(plan, at)
        self._settle(plan.key, at)
