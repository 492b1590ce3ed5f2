"""One participant's time in a trial, from occurrence to occurrence, as the protocol alone tells it.

What an occurrence counts from must have been settled before it is planned. A swerve tells what a participant does at
one occurrence instead; from there on everything goes by the protocol again, given what has happened. Draws belong to
occurrences, so that a swerve changes nothing that does not follow from it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from typing import NamedTuple

from perprotocol.simulation.days import DAY, Span, move, span, total
from perprotocol.simulation.draws import draw
from perprotocol.simulation.patient import Key, Planned, Swerve
from perprotocol.simulation.script import Line, Script, Start, in_cycle
from protocol.activities import Limit
from protocol.timing import Anchor

FOREVER = 10**6
HOUR = {"visit": 8 * 60, "assessment": 8 * 60 + 30, "treatment": 10 * 60}
"""When things are usually done on a day: visits in the morning, doses later."""


class Due(NamedTuple):
    """Something to be played: number `n` of a line, counted from these bases (day or minute)."""

    line: Line
    n: int
    number: int
    start: Start | None
    base: int
    cycle: int | None = None
    round: int = 0


class Leaving(NamedTuple):
    """Somebody leaves."""

    how: str


@dataclass
class Stage:
    """What a life meets beside its occurrences: how far a participant goes, and what changes on the way."""

    swerves: Mapping[Key, Swerve] = field(default_factory=dict)
    leaves: tuple[str, int] | None = None
    """How and on which day somebody leaves."""


class Life:
    """The occurrences of one participant: as planned, and when they took place (None: not at all)."""

    def __init__(self, script: Script, seed: int, zero: int, known: Mapping[str, int], stage: Stage) -> None:
        self.script, self.protocol, self.seed, self.zero = script, script.protocol, seed, zero
        self.stage = stage
        self.known = {"day-zero": zero * DAY, **known}
        self.planned: dict[Key, Planned] = {}
        self.actual: dict[Key, int | None] = {}
        self.ends: dict[Key, int] = {}
        self.over: dict[str, int] = {}
        self.numbers: dict[str, int] = {}
        self._heap: list[tuple[int, int, object]] = []
        self._order = count()
        self._waiting: dict[str, list[tuple[Line, int]]] = {}
        self._last: list[tuple[Line, int]] = []
        self._limited: list[Line] = []
        self._laid: dict[Key, Planned] = {}
        self._committed = 0
        self._forced = self._defines_zero()
        self._policy = self.protocol.months

    def expects(self, due: Due, plan: Planned) -> bool:
        """Whether the occurrence is to take place, given what has happened; a subclass knows the conditions."""
        return True

    def done(self, plan: Planned, at: int) -> int:
        """It takes place at a minute; the minute it ends is given back."""
        return at

    def begin(self) -> None:
        """Whatever else a life begins with is on its way."""

    def left(self, how: str, day: int) -> None:
        """Somebody has left."""

    # --- the play -------------------------------------------------------------------------------------------------

    def play(self) -> None:
        """Everything that takes place has taken place."""
        for line in self.script.lines:
            for n in range(len(line.starts)):
                if not line.part.in_ or line.starts[n][0].anchor.which == "each":
                    self._await(line, n)
            if not line.starts and line.part.limits:
                self._limited.append(line)
        self.begin()
        if self.stage.leaves is not None:
            self.later(self.stage.leaves[1] * DAY, Leaving(self.stage.leaves[0]))
        self._release_limited()
        while self._heap or self._last:
            if all(isinstance(thing, Leaving) for _, _, thing in self._heap[:2]):
                self._release_last()  # nothing is left but, at most, to leave
            if not self._heap:
                break
            at, _, thing = heappop(self._heap)
            if isinstance(thing, Due):
                self._play(thing)
            elif callable(thing):
                thing()
            elif isinstance(thing, Leaving):
                self._leave(at, thing)

    def later(self, at: int, what: object) -> None:
        """Something else that happens at a minute."""
        heappush(self._heap, (at, next(self._order), what))

    def _defines_zero(self) -> tuple[str, bool]:
        stated = self.protocol.milestones.get("day-zero")
        anchor = stated.anchor if stated is not None else None
        return (anchor.name or "", True) if anchor is not None else ("", False)

    def is_zero(self, key: Key, line: Line) -> bool:
        """Whether day zero is found by this occurrence."""
        name, there = self._forced
        if not there or key[1] != 1:
            return False
        return key[0] == name or (name == "treatment" and line.kind == "treatment" and not self.actual)

    def _await(self, line: Line, n: int) -> None:
        anchor = line.starts[n][0].anchor
        bases = self._bases(anchor)
        if anchor.which == "last" or bases is None:
            where = self._last if anchor.which == "last" else self._waiting.setdefault(anchor.name or "", [])
            where.append((line, n))
            return
        if not (line.part.every and n):
            self._start(line, n, bases)

    def _start(self, line: Line, n: int, bases: list[int], number: int | None = None) -> None:
        start = line.starts[n][0]
        for base in bases:
            which = number if number is not None else line.first + n
            self._queue(Due(line, n, which, self._earliest(line.starts[n], base), base))
        if start.anchor.which == "each":
            self._waiting.setdefault(start.anchor.name or "", []).append((line, n))

    def _earliest(self, alternatives: tuple[Start, ...], base: int) -> Start:
        """The first alternative; another where it is known and comes first is rare, and looked up when planned."""
        return alternatives[0]

    def _queue(self, due: Due) -> None:
        line = due.line
        if line.course:
            self._push(due, due.base - 60)
            return
        day, _ = self._due(due)
        if line.part.every and line.part.times is None and self._ended(line, day):
            return
        day = self.plan(due).due if line.part.late == "shift" else day
        self._push(due, self._minute(due) if due.start and due.start.clock else day * DAY)

    def _push(self, due: Due, at: int) -> None:
        heappush(self._heap, (at, next(self._order), due))

    def _minute(self, due: Due) -> int:
        assert due.start is not None
        return due.base + due.start.offset[2] + due.start.offset[1] * DAY

    def _due(self, due: Due) -> tuple[int, Span]:
        """The day due on the grid, and its offset."""
        assert due.start is not None
        offset = due.start.offset
        if due.line.part.every and due.round:
            offset = total(offset, span(due.line.part.every), due.round)
        return move((due.base + offset[2]) // DAY, offset[0], offset[1], self._policy), offset

    def _ended(self, line: Line, day: int) -> bool:
        for moment, past in ((line.part.to, day.__gt__), (line.part.before, day.__ge__)):
            for start in self.script.moment(moment, line.part):
                for base in self._bases(start.anchor) or ():
                    if past(move(base // DAY, start.offset[0], start.offset[1], self._policy)):
                        return True
        return False

    def bases(self, anchor: Anchor) -> list[int] | None:
        """The minutes an anchor means: actual ones, else planned ones; None while nothing is known."""
        return self._bases(anchor)

    def _bases(self, anchor: Anchor) -> list[int] | None:
        name = anchor.name or ""
        if name in self.known:
            return [self.known[name]]
        if anchor.which == "last":
            return None
        keys = [(name, anchor.number or 1)]
        if anchor.which == "each":
            keys = [key for key in self.actual if key[0] == name]
            return [self._base(k, anchor) for k in keys if self.actual[k] is not None] or None
        if name == "treatment":
            given = [a for k, a in self.actual.items() if a is not None and k[0] in self.protocol.treatments]
            return [min(given)] if given else None
        return [self._base(keys[0], anchor)] if keys[0] in self.actual else None

    def _base(self, key: Key, anchor: Anchor) -> int:
        actual = self.actual[key]
        if actual is None or anchor.planned:
            plan = self._laid.get(key)
            return plan.on(plan.due) if plan is not None else self.zero * DAY
        return self.ends.get(key, actual) if anchor.edge == "end" else actual

    def _release_last(self) -> None:
        """What counts from the last dose is played once no dose is left."""
        waiting, self._last = self._last, []
        for line, n in waiting:
            name = line.starts[n][0].anchor.name
            if name == "treatment":
                given = [a for k, a in self.actual.items() if a is not None and k[0] in self.protocol.treatments]
                bases = [max(given)] if given else []
            else:
                keys = sorted(k for k in self.planned if k[0] == name)
                bases = [self._base(keys[-1], line.starts[n][0].anchor)] if keys else []
            if bases and not (line.part.every and n):
                self._start(line, n, bases)

    def _release_limited(self) -> None:
        """What only limits place is played once everything they count from is settled."""
        for line in list(self._limited):
            anchors = [(limit.from_.name or "", limit.from_.number or 1) for limit in line.part.limits]
            before = (line.activity, line.first - 1)
            waits = [before] if line.first > 1 else []
            waits += [a for a in anchors if a[0] and a[0] not in self.known]
            if all(key in self.actual for key in waits):
                self._limited.remove(line)
                due = Due(line, 0, line.first, None, self.zero)
                self._push(due, max(self.plan(due).due * DAY, 0))

    def _settle(self, key: Key, at: int | None) -> None:
        self.actual[key] = at
        if at is not None:
            self._committed = max(self._committed, at)
        if self._limited:
            self._release_limited()
        waiting = self._waiting.pop(key[0], [])
        for line, n in waiting:
            anchor = line.starts[n][0].anchor
            follows = anchor.which == "each"
            if follows or key[1] == (anchor.number or 1):
                if follows:
                    self._follow(line, n, key, at)
                elif not (line.part.every and n):
                    self._start(line, n, [self._base(key, anchor)])
            else:
                self._waiting.setdefault(key[0], []).append((line, n))

    def _follow(self, line: Line, n: int, key: Key, at: int | None) -> None:
        """What goes with each occurrence of another activity goes with this one; without it, it is not due."""
        plan = self.planned.get(key)
        wanted = not line.part.in_ or (plan is not None and plan.cycle is not None and in_cycle(line, plan.cycle))
        if at is not None and wanted:
            base = self._base(key, line.starts[n][0].anchor)
            number = line.first + self.numbers.setdefault(f"{line.code}", 0)
            self._queue(Due(line, n, number, line.starts[n][0], base))
        if wanted:
            self.numbers[f"{line.code}"] = self.numbers.get(f"{line.code}", 0) + 1
        self._waiting.setdefault(key[0], []).append((line, n))

    # --- one occurrence -------------------------------------------------------------------------------------------

    def _play(self, due: Due) -> None:
        plan = self._laid[due.line.activity, due.number] = self.plan(due)
        ended = self.ends_by(plan)
        if self._beyond(plan) or not self.expects(due, plan):
            self._settle(plan.key, None)
        else:
            self.planned[plan.key] = plan
            swerve = self.stage.swerves.get(plan.key)
            at = self._choose(plan, ended) if swerve is None else swerve(plan)
            if at is not None:
                self.ends[plan.key] = self.done(plan, at)
            self._settle(plan.key, at)
        self._repeat(due, plan)

    def _repeat(self, due: Due, plan: Planned) -> None:
        line, part = due.line, due.line.part
        gone = plan.due >= self.over.get("participation", FOREVER)
        if not part.every or line.course or due.cycle is not None or gone:
            return
        n = due.n + 1 + due.round * len(line.starts)
        if part.times is not None and n >= part.times:
            return
        place, round_ = n % len(line.starts), n // len(line.starts)
        bases = self._bases(line.starts[place][0].anchor) or [due.base]
        base = due.base if line.starts[place][0].anchor == line.starts[due.n][0].anchor else bases[0]
        if line.starts[0][0].anchor.which == "last":
            base = due.base
        self._queue(due._replace(n=place, round=round_, start=line.starts[place][0], base=base, number=line.first + n))

    def _beyond(self, plan: Planned) -> bool:
        """Nothing of the kind is expected any more."""
        kinds = ("participation", "treatment") if plan.line.kind == "treatment" else ("participation",)
        return any(kind in self.over and plan.due >= self.over[kind] for kind in kinds)

    def ends_by(self, plan: Planned) -> int:
        """The last day on which an occurrence may still take place."""
        return self.over.get("participation", FOREVER) - 1

    def _choose(self, plan: Planned, last: int) -> int:
        u = draw(self.seed, 1, plan.line.code, plan.number)
        if self.is_zero(plan.key, plan.line):
            return max(self.zero * DAY + plan.usual, plan.at[1] if plan.at else 0)
        if plan.at is not None:
            return plan.at[1] + round(u * (plan.at[2] - plan.at[1]))
        closes = max(plan.opens, min(plan.closes, last))
        return plan.on(plan.opens + int(u * (closes - plan.opens + 1)))

    def plan(self, due: Due) -> Planned:
        """One occurrence as planned now, with the limits that records have set."""
        line, part = due.line, due.line.part
        start = due.start
        usual = HOUR[line.kind] + int(draw(self.seed, 2, line.code, due.number) * 40)
        if line.kind == "treatment":
            usual += 180 * len(line.treatment.after)
        base: int | None = None
        offset: Span = (0, 0, 0)
        if start is not None:
            day, offset = self._due(due)
            base = due.base // DAY
            before = self.planned.get((line.activity, due.number - 1))
            if part.late == "shift" and before and part.every and before.line is line:
                done = self.actual[before.key]
                apart = total(offset, before.offset, -1)
                day = move(done // DAY if done is not None else before.due, apart[0], apart[1], self._policy)
        else:
            day = -FOREVER
        own = start.window if start is not None else None
        clock = (start is not None and start.clock) or line.clock
        if clock and start is not None:
            return self._clocked(due, start, own, usual)
        low, high = own or line.window or (0, 0)
        opens, closes = (day + low, day + high) if start is not None else (day, FOREVER)
        earliest = None
        for reached, limit in self._marks(line):
            if limit.opens:
                first = move(reached, *span(limit.opens)[:2], self._policy)
                earliest = first if earliest is None else max(earliest, first)
            if limit.due and start is None:
                day = max(day, move(reached, *span(limit.due)[:2], self._policy))
            if limit.closes and start is None:
                closes = min(closes, move(reached, *span(limit.closes)[:2], self._policy))
        grid = opens
        if earliest is not None:
            day, opens, closes = max(day, earliest), max(opens, earliest), max(closes, earliest)
        closes = day if closes == FOREVER else closes
        windowed = bool(own or line.window or start is None)
        return Planned(line, due.number, day, opens, closes, earliest, grid, base, offset, windowed,
                       None, due.cycle, usual=usual)  # fmt: skip

    def _clocked(self, due: Due, start: Start, own: tuple[int, int] | None, usual: int) -> Planned:
        """An occurrence in clock time: due and window in minutes."""
        at = self._minute(due) + start.offset[0] * 30 * DAY
        low, high = own if own is not None else due.line.window or (0, 0)
        if not start.clock and due.line.clock:
            at = move(due.base // DAY, start.offset[0], start.offset[1], self._policy) * DAY + due.base % DAY
        window = (at, at + low, at + high)
        day, opens, closes = (w // DAY for w in window)
        windowed = bool(own or due.line.window)
        return Planned(due.line, due.number, day, opens, closes, None, opens, due.base // DAY, start.offset, windowed,
                       window, due.cycle, usual=usual)  # fmt: skip

    def _marks(self, line: Line) -> Iterator[tuple[int, Limit]]:
        """The recorded day that each limit counts from, where there is one."""
        for limit in line.part.limits:
            anchor = limit.from_
            if anchor.previous:
                taken = [a for k, a in self.actual.items() if k[0] == line.activity and a is not None]
                if taken:
                    yield max(taken) // DAY, limit
            elif anchor.name in self.known:
                yield self.known[anchor.name or ""] // DAY, limit
            else:
                done = self.actual.get((anchor.name or "", anchor.number or 1))
                if done is not None:
                    yield done // DAY, limit

    # --- leaving --------------------------------------------------------------------------------------------------

    def _leave(self, at: int, leaving: Leaving) -> None:
        """Somebody leaves, on the first day from then on on which nothing is under way."""
        today = at // DAY
        due_today = any(isinstance(t, Due) and a // DAY == today for a, _, t in self._heap)
        if self._committed // DAY >= today or due_today:
            self.later((max(self._committed // DAY, today) + 1) * DAY, leaving)
            return
        self.left(leaving.how, today)
