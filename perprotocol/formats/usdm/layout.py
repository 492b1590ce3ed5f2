"""A protocol's activities as points of timelines: what counts from day zero in the main one, the rest in its own."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fractions import Fraction

from perprotocol.formats.usdm.building import Builder
from perprotocol.formats.usdm.spans import write_span, write_window
from perprotocol.formats.usdm.versions import Json
from protocol import Protocol
from protocol.activities import Activity, Cycle
from protocol.durations import Duration, Window, written
from protocol.timing import Anchor, Instant, Moment, offset_of

_MOST = 60
"""Occurrences of a series that are written one by one; a longer one is a loop."""


@dataclass
class Node:
    """A point of a timeline: its instance, its timing, its line, and about when it is (days after its beginning)."""

    instance: Json
    line: str
    timing: Json | None = None
    days: Fraction = Fraction(0)
    loop: str | None = None

    @property
    def decides(self) -> bool:
        """Whether it is a decision."""
        return bool(self.instance["instanceType"] == "ScheduledDecisionInstance")


@dataclass(frozen=True)
class Spot:
    """So long after (negative: before) a node, with a window of its own where the moment has one."""

    node: Node
    offset: Duration
    end: bool = False
    window: Window | None = None


@dataclass
class Task:
    """An activity to be placed: what its instances hold, and how often."""

    name: str
    activity: Activity
    moments: tuple[Moment, ...]
    encounter: str | None = None
    activities: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    epoch: str | None = None


@dataclass
class Layout:
    """The timelines of a protocol while its activities are placed in them."""

    protocol: Protocol
    build: Builder
    nodes: list[Node] = field(default_factory=list)
    points: dict[str, list[Node]] = field(default_factory=dict)
    bases: dict[str, Node] = field(default_factory=dict)
    entries: dict[str, Node] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)

    def place_all(self, tasks: list[Task]) -> None:
        """Every activity that has moments is placed; those that count from another one come after it."""
        self._place_zero(tasks)
        waiting = list(tasks)
        while waiting:
            ready = [task for task in waiting if self._ready(task, {other.name for other in waiting})]
            for task in ready or waiting[:1]:
                self._place(task)
                waiting.remove(task)

    def _place_zero(self, tasks: list[Task]) -> None:
        """Day zero is the visit that its milestone names, where that is due on it; else a bare point."""
        first = self.protocol.first_day
        number = 0 if first is None or first.rule == "0" else 1
        milestone = self.protocol.milestones.get("day-zero")
        named = milestone.anchor.name if milestone is not None and milestone.anchor is not None else None
        self.zero = self._node("day-zero" if named is None else str(named), "")
        task = next((t for t in tasks if t.name == named and t.encounter and self._begins_at_zero(t)), None)
        if task is not None:
            self.nodes.remove(self.zero)
            self.zero = self._instance(task, "", 1)
            self.points[task.name] = [self.zero]
        else:
            self.zero.instance["name"] = "day-zero"
        self.zero.timing = self._timing(self.zero, Spot(self.zero, written(0, number, 0, False)), "Fixed Reference")

    def _begins_at_zero(self, task: Task) -> bool:
        first = self.protocol.first_day
        if not task.moments or first is None or task.activity.in_ is not None:
            return False
        instant = task.moments[0].alternatives[0]
        return instant.kind == "day" and instant.day is not None and offset_of(instant.day, first) == 0

    def _ready(self, task: Task, waiting: set[str]) -> bool:
        anchors = (moment.alternatives[0].anchor for moment in task.moments)
        needed = {anchor.name for anchor in anchors if anchor is not None and anchor.name}
        cycle = self._cycle(task)
        if cycle is not None:
            first = cycle.from_.alternatives[0].anchor
            needed |= {first.name} if first is not None and first.name else set()
        return not needed & (waiting - {task.name})

    def _cycle(self, task: Task) -> Cycle | None:
        return self.protocol.cycles.get(task.activity.in_.name) if task.activity.in_ is not None else None

    def _place(self, task: Task) -> None:
        base = self._base(task)
        spots = [spot for moment in task.moments for spot in self._spots(moment.alternatives[0], base)]
        every, times = task.activity.every, task.activity.times
        placed = self.points.setdefault(task.name, [])
        if every is None or not spots:
            self._put(task, spots, base)
        elif times is not None and times <= _MOST:
            for n in range(times):
                spot, rounds = spots[n % len(spots)], n // len(spots)
                if rounds and task.activity.late == "shift" and placed:
                    self._put(task, [Spot(placed[-1], every, False, spot.window)], base)
                else:
                    self._put(task, [Spot(spot.node, _plus(spot.offset, every, rounds), spot.end, spot.window)], base)
        else:
            self._put_loop(task, spots, base)

    def _put(self, task: Task, spots: list[Spot], base: Node | None) -> None:
        for spot in spots:
            placed = self.points.setdefault(task.name, [])
            if self.zero in placed and spot.node is self.zero and not _sized(spot.offset):
                self._give_window(self.zero, spot.window or task.activity.window)
                continue
            node = self._instance(task, spot.node.line, len(placed) + 1)
            node.loop = spot.node.loop if base is None else task.activity.in_.name if task.activity.in_ else None
            node.days = spot.node.days + _about(spot.offset)
            node.timing = self._timing(node, spot, "Before" if spot.offset.sign < 0 else "After")
            self._give_window(node, spot.window or task.activity.window)
            placed.append(node)

    def _put_loop(self, task: Task, spots: list[Spot], base: Node | None) -> None:
        """A series without a number, or a long one, is a loop of its own."""
        name = self._free(f"{task.name} again")
        every, first = task.activity.every, spots[0]
        if base is not None or every is None or first.node.loop is not None:
            self._put(task, spots, base)
            return
        start = self._node(name, first.node.line)
        start.days, start.loop = first.node.days + _about(first.offset), name
        start.timing = self._timing(start, first, "Before" if first.offset.sign < 0 else "After")
        self.bases[name] = start
        for spot in spots:
            if spot.node is not first.node:
                continue
            offset = _plus(spot.offset, first.offset, -1)
            node = self._instance(task, start.line, len(self.points.get(task.name, [])) + 1)
            node.loop, node.days = name, start.days + _about(offset)
            node.timing = self._timing(node, Spot(start, offset), "After")
            self._give_window(node, task.activity.window)
            self.points[task.name].append(node)
        until = task.activity.to or task.activity.before
        times = task.activity.times
        self._decide(name, start, every, f"Cycle 1 to {times}" if times else f"until {until or 'withdrawal'}")

    def _base(self, task: Task) -> Node | None:
        """The beginning of a round of the cycle that a task lies in."""
        cycle = self._cycle(task)
        if cycle is None or task.activity.in_ is None:
            return None
        name = task.activity.in_.name
        if name not in self.bases:
            spot = self._spots(cycle.from_.alternatives[0], None)[0]
            base = self._node(name, spot.node.line)
            base.days, base.loop = spot.node.days + _about(spot.offset), name
            base.timing = self._timing(base, spot, "Before" if spot.offset.sign < 0 else "After")
            self.bases[name] = base
            condition = f"Cycle 1 to {cycle.times}" if cycle.times else f"until {cycle.to or 'withdrawal'}"
            self._decide(name, base, cycle.every, condition)
        return self.bases[name]

    def _decide(self, name: str, base: Node, every: Duration, condition: str) -> None:
        """The decision that ends a round: back to its beginning while the condition holds."""
        leads = self.build.make("ConditionAssignment", condition=condition, conditionTargetId=base.instance["id"])
        decision = self.build.named(
            "ScheduledDecisionInstance",
            self._free(f"{name} next"),
            defaultConditionId=None,
            conditionAssignments=[leads],
        )
        node = Node(decision, base.line, days=base.days + _about(every), loop=name)
        node.timing = self._timing(node, Spot(base, every), "After")
        self.nodes.append(node)

    def _spots(self, instant: Instant, base: Node | None) -> list[Spot]:
        """The nodes that a moment counts from, with the offset from each."""
        if instant.kind in ("day", "days"):
            first, last = (instant.day, instant.day) if instant.kind == "day" else (instant.first, instant.last)
            return [self._day(day, base) for day in range(first or 0, (last or 0) + 1)]
        if instant.kind == "within_days":
            low, high = (self._day(day or 0, base).offset.days for day in (instant.first, instant.last))
            near = min((low, high), key=abs)
            window = Window.parse(f"-{near - low} d to +{high - near} d")
            return [Spot(base or self.zero, written(0, near, 0, False), False, window)]
        if instant.anchor is None:
            return []
        ends = [(node, extra) for node, extra in self._anchored(instant.anchor, base)]
        end = instant.anchor.edge == "end"
        if instant.low is None or instant.high is None:
            offset = _as_written(instant)
            return [Spot(node, _plus(offset, extra, 1), end) for node, extra in ends]
        closest = min((instant.low, instant.high), key=lambda each: abs(_about(each)))
        span = _around(instant.low, instant.high, closest)
        return [Spot(node, _plus(closest, extra, 1), end, span) for node, extra in ends]

    def _day(self, day: int, base: Node | None) -> Spot:
        if base is not None:
            return Spot(base, written(0, day - 1 if day > 0 else day, 0, False))
        first = self.protocol.first_day
        return Spot(self.zero, written(0, offset_of(day, first) if first is not None else day, 0, False))

    def _anchored(self, anchor: Anchor, base: Node | None) -> list[tuple[Node, Duration]]:
        nothing = written(0, 0, 0, False)
        if anchor.day is not None:
            spot = self._day(anchor.day, base)
            return [(spot.node, spot.offset)]
        if anchor.name == "day-zero":
            return [(self.zero, nothing)]
        known = self.points.get(anchor.name or "", [])
        if anchor.which == "each" and known:
            return [(node, nothing) for node in known]
        if known and anchor.which != "last":
            return [(known[min(anchor.number or 1, len(known)) - 1], nothing)]
        return [(self._entry(anchor), nothing)]

    def _entry(self, anchor: Anchor) -> Node:
        """The beginning of the timeline of what is only recorded: a milestone, an event, the last dose."""
        key = anchor.name if anchor.name is not None and not (anchor.which or anchor.number) else str(anchor)
        if key not in self.entries:
            node = self._node(self._free(f"{key} reached"), key)
            node.timing = self._timing(node, Spot(node, written(0, 0, 0, False)), "Fixed Reference")
            self.entries[key] = node
        return self.entries[key]

    def _instance(self, task: Task, line: str, number: int) -> Node:
        name = task.name if number == 1 else f"{task.name} {number}"
        node = self._node(self._free(name), line)
        node.instance |= {"activityIds": list(task.activities), "encounterId": task.encounter, "epochId": task.epoch}
        return node

    def _node(self, name: str, line: str) -> Node:
        node = Node(self.build.named("ScheduledActivityInstance", name), line)
        self.nodes.append(node)
        return node

    def _free(self, name: str) -> str:
        while name in self.used:
            name += "'"
        self.used.add(name)
        return name

    def _timing(self, node: Node, spot: Spot, kind: str) -> Json | None:
        value = write_span(spot.offset)
        if value is None:
            return None
        return self.build.named(
            "Timing",
            f"{node.instance['name']} timing",
            type=self.build.code(kind),
            value=value,
            valueLabel=str(spot.offset).lstrip("+-− "),
            relativeToFrom=self.build.code("End to Start" if spot.end else "Start to Start"),
            relativeFromScheduledInstanceId=node.instance["id"],
            relativeToScheduledInstanceId=spot.node.instance["id"],
        )

    def _give_window(self, node: Node, window: Window | None) -> None:
        sizes = write_window(window) if window is not None else None
        if node.timing is not None and sizes is not None:
            node.timing |= {"windowLower": sizes[0], "windowUpper": sizes[1], "windowLabel": str(window)}


def _as_written(instant: Instant) -> Duration:
    """The offset of a moment in the words of the document, so that weeks stay weeks."""
    if instant.offset is None or instant.offset.sign >= 0:
        return instant.offset or written(0, 0, 0, False)
    found = re.fullmatch(r"([0-9]+ (?:wk|mo|y)) before .*", instant.text)
    return Duration.parse(f"-{found[1]}") if found else instant.offset


def _sized(offset: Duration) -> bool:
    return bool(offset.months or offset.days or offset.minutes or offset.working)


def _about(offset: Duration) -> Fraction:
    return offset.days + Fraction(offset.minutes, 1440) + offset.months * Fraction("30.4375") + offset.working


def _plus(first: Duration, second: Duration, times: int) -> Duration:
    """One duration and another so many times; as written where there is nothing to add."""
    if not times or not _sized(second):
        return first
    if not _sized(first) and times == 1:
        return second
    clock = first.clock or second.clock
    minutes = first.minutes + times * second.minutes
    days = first.days + times * second.days
    if clock and days:
        minutes, days = minutes + days * 1440, 0
    return written(first.months + times * second.months, days, minutes, clock)


def _around(low: Duration, high: Duration, near: Duration) -> Window | None:
    below, above = _plus(near, low, -1), _plus(high, near, -1)
    if low.working or high.working or low.months or high.months:
        return None
    unit = "min" if low.clock else "d"
    sizes = (below.minutes, above.minutes) if low.clock else (below.days, above.days)
    return Window.parse(f"-{sizes[0]} {unit} to +{sizes[1]} {unit}")
