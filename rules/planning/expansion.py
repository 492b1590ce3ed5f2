"""The parts of one arm as slots: `due`, `every`, `times`, `to` written out, anchors by name turned into columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple, TypeAlias

from protocol.model import MILESTONES, Protocol, Treatment
from protocol.timing import Anchor, Duration, FirstDay, Instant, Moment, offset_of
from rules.planning.slots import HORIZON, Bound, CyclePlan, Element, Part, Ref, Slot, Span

ZERO = Ref("milestone", "day-zero")
_NO_SPAN = Span()
Ends: TypeAlias = tuple[tuple[Ref, Span, bool], ...]
"""Ends of a series: (reference, offset, the last day belongs to it)."""


class Start(NamedTuple):
    """One beginning of a series: its reference and offset, and the window around it in days (None: not judged)."""

    ref: Ref
    offset: Span
    low: int | None
    high: int | None
    follows: bool = False
    others: tuple[tuple[Ref, Span], ...] = ()
    latest: bool = False
    clock: tuple[int, int] | None = None
    working: tuple[int, int] | None = None

    def after(self, span: Span) -> Start:
        """The same beginning, that much later."""
        others = tuple((ref, offset + span) for ref, offset in self.others)
        return self._replace(offset=self.offset + span, others=others)


class Point(NamedTuple):
    """A moment as an offset from a reference; `own` is the window that a `within` brings with it."""

    ref: Ref
    offset: Span
    own: tuple[int, int] | None = None
    follows: bool = False
    clock: tuple[int, int] | None = None
    working: tuple[int, int] | None = None


class Expanded(NamedTuple):
    """All slots of one arm, the cycles they fall in, and what of them is scheduled in a simplified way."""

    slots: tuple[Slot, ...]
    cycles: dict[str, CyclePlan]
    notes: list[tuple[str, str]]


def expand_arm(protocol: Protocol, parts: list[Part]) -> Expanded:
    """The parts of one arm written out."""
    expansion = _Expansion(protocol, parts)
    return Expanded(expansion.slots_of_all(), expansion.cycles, expansion.notes)


class _Expansion:
    """The slots so far; `columns` are the columns of each activity, `ended` the first day after a course so far."""

    def __init__(self, protocol: Protocol, parts: list[Part]) -> None:
        self.protocol = protocol
        self.parts = parts
        self.first_day = protocol.first_day or FirstDay.parse("0")
        self.slots: list[Slot] = []
        self.columns: dict[str, list[int]] = {}
        self.cycles: dict[str, CyclePlan] = {}
        self.ended: dict[str, Start] = {}
        self.notes: list[tuple[str, str]] = []

    def slots_of_all(self) -> tuple[Slot, ...]:
        """Every part expanded; what repeats another activity's occurrences comes after that activity."""
        waiting = list(self.parts)
        while waiting:
            others = {(w.activity, p.activity) for w in waiting for p in waiting if w.activity != p.activity}
            ready = [p for p in waiting if not any((name, p.activity) in others for name in _repeated(p.element))]
            for part in ready or waiting:
                self._expand(part)
                self._number(part.activity)
            waiting = [p for p in waiting if p not in (ready or waiting)]
        return tuple(self._finished(slot, column) for column, slot in enumerate(self.slots))

    def _note(self, part: Part, why: str) -> None:
        if (part.path, why) not in self.notes:
            self.notes.append((part.path, why))

    def _expand(self, part: Part) -> None:
        element = part.element
        number = len(self.columns.get(part.activity, []))
        starts = list(self._starts(part))
        if not starts and element.limits:
            starts = [Start(Ref("none"), _NO_SPAN, None, None)]
        every = _span(element.every) if element.every else None
        ends = tuple(self._ends(part))
        if part.course:
            starts, ends = self._course(part, starts, ends)
        for n, start in enumerate(self._series(part, starts, every)):
            chained = element.late == "shift" and n > 0 and every is not None
            slot = Slot(part, number + n + 1, start.ref, start.offset, start.low, start.high, (), chained, ends)
            self.columns.setdefault(part.activity, []).append(len(self.slots))
            slot = replace(slot, follows=start.follows, others=start.others, latest=start.latest)
            self.slots.append(replace(slot, clock=start.clock, working=start.working))

    def _number(self, activity: str) -> None:
        """Occurrences numbered by planned date over all steps, where a step's occurrences fall between another's."""
        columns = self.columns.get(activity, [])
        days = [self._planned(self.slots[c]) for c in columns]
        if any(day is None for day in days) or not any(self.slots[c].ref.kind == "cycle" for c in columns):
            return
        columns.sort(key=lambda c: self._planned(self.slots[c]) or 0)
        for n, c in enumerate(columns):
            self.slots[c] = replace(self.slots[c], occurrence=n + 1)

    def _planned(self, slot: Slot) -> int | None:
        """The day of a slot counted from day zero as planned, None where that does not follow from the protocol."""
        ref = slot.ref
        if ref.kind == "cycle":
            cycle = self.cycles[ref.name]
            return cycle.offset.about + cycle.every.times(ref.nth - 1).about + slot.offset.about
        return slot.offset.about if ref == ZERO else None

    def _series(self, part: Part, starts: list[Start], every: Span | None) -> Iterator[Start]:
        """`times` counts occurrences, not rounds."""
        if every is None or not starts:
            yield from starts
            return
        for n in range(part.element.times or self._most(part, starts, every)):
            yield starts[n % len(starts)].after(every.times(n // len(starts)))

    def _most(self, part: Part, starts: list[Start], every: Span) -> int:
        """How many occurrences a series with an end can hold at most; the end itself is judged per participant."""
        ends = [span.about for ref, span, _ in self._ends(part) if ref == starts[0].ref]
        if not ends:
            self._note(part, "horizon")
        return _rounds(min([HORIZON, *ends]) - starts[0].offset.about, every) * len(starts)

    def _starts(self, part: Part) -> Iterator[Start]:
        element = part.element
        moments = element.due
        if isinstance(element, Treatment) and not moments and element.from_ is not None:
            moments = (element.from_,)
        low, high = _window(element)
        for moment in moments:
            first, *rest = moment.alternatives
            others = tuple((p.ref, p.offset) for i in rest for p in self._points(part, i, cycles=True))
            for point in self._points(part, first, cycles=True):
                window = point.own or (low, high)
                clock = point.clock or _clock(element, point.offset)
                working = point.working or (_working(element) if point.own is None else None)
                yield Start(point.ref, point.offset, *window, point.follows, others, moment.latest, clock, working)

    def _points(self, part: Part, i: Instant, *, cycles: bool = False) -> Iterator[Point]:
        """The offsets that a moment means; inside `in`, day N counts in each cycle."""
        match i.kind:
            case "day" | "days":
                first, last = (i.day, i.day) if i.kind == "day" else (i.first, i.last)
                for day in range(first or 0, (last or 0) + 1):
                    yield from self._day(part, day, cycles=cycles)
            case "within_days":
                ends = [offset_of(day or 0, self.first_day) for day in (i.first, i.last)]
                near = min(ends, key=abs)
                yield Point(ZERO, Span(days=near), (ends[0] - near, ends[1] - near))
            case _:
                yield from self._anchored(part, i, cycles=cycles)

    def _anchored(self, part: Part, i: Instant, *, cycles: bool) -> Iterator[Point]:
        if i.anchor is None:
            return
        if i.anchor.day is not None:
            refs = [(p.ref, p.offset) for p in self._day(part, i.anchor.day, cycles=cycles, anchored=True)]
        else:
            refs = list(self._refs(part, i.anchor))
        for ref, base in refs:
            follows = i.anchor.which == "each"
            if i.low is None or i.high is None:
                yield Point(ref, base + (_span(i.offset) if i.offset else _NO_SPAN), None, follows)
            else:
                low, high = _span(i.low), _span(i.high)
                near = low if abs(low.about) < abs(high.about) else high
                own = (low.about - near.about, high.about - near.about)
                clock = (low.minutes - near.minutes, high.minutes - near.minutes) if i.low.clock else None
                working = (low.working - near.working, high.working - near.working)
                yield Point(ref, base + near, own, follows, clock, working if any(working) else None)

    def _day(self, part: Part, day: int, *, cycles: bool, anchored: bool = False) -> Iterator[Point]:
        chosen = part.element.in_ if cycles else None
        if chosen is None:
            yield Point(ZERO, Span(days=offset_of(day, self.first_day)))
            return
        cycle = self._cycle(part, chosen.name)
        for k in range(chosen.first, min(chosen.last or cycle.number, cycle.number) + 1, chosen.step):
            # What happens on day 1 is judged against its planned day; all else counts from the day it took place.
            due = day == 1 and not anchored
            yield Point(Ref("cycle", cycle.name, planned=due, number=k), Span(days=day - 1))

    def _cycle(self, part: Part, name: str) -> CyclePlan:
        """The cycles of a name, with as many as can begin before they end."""
        if name not in self.cycles:
            stated = self.protocol.cycles[name]
            start, every = next(self._points(part, stated.from_.alternatives[0])), _span(stated.every)
            ends = [p.offset.about for p in self._moments(part, stated.to) if p.ref == start.ref]
            if stated.times is None and not ends:
                self._note(part, "horizon")
            # Each cycle may begin as early as its window allows, so more of them than planned.
            early = [-(_window(p.element)[0] or 0) for p in self.parts if p.element.in_ and p.element.in_.name == name]
            shortest = Span(days=every.about - max(early, default=0))
            number = stated.times or _rounds(min([HORIZON, *ends]) - start.offset.about, shortest)
            self.cycles[name] = CyclePlan(name, start.ref, start.offset, every, number, stated.late == "shift")
        return self.cycles[name]

    def _moments(self, part: Part, moment: Moment | None) -> Iterator[Point]:
        for instant in moment.alternatives if moment is not None else ():
            yield from self._points(part, instant)

    def _refs(self, part: Part, anchor: Anchor) -> Iterator[tuple[Ref, Span]]:
        """What an anchor counts from; an activity that is not expanded yet is named, and found when all are."""
        name, number = anchor.name or "", anchor.number
        which = {"last": anchor.which == "last", "end": anchor.edge == "end"}
        if anchor.day is not None:
            yield ZERO, Span(days=offset_of(anchor.day, self.first_day))
        elif anchor.previous:
            yield Ref("previous", end=which["end"]), _NO_SPAN
        elif name == "treatment" or (name in self.protocol.products and name not in self.protocol.treatments):
            yield Ref("dose", name, number=number, **which), _NO_SPAN
        elif name in self.protocol.milestones or name in MILESTONES:
            yield Ref("milestone", name, number=number), _NO_SPAN
        elif name in {p.activity for p in self.parts}:
            for column in self._chosen(part, name, anchor):
                yield Ref("slot", name, column, anchor.planned, **which), _NO_SPAN
        elif name in self.protocol.events:
            yield Ref("event", name, number=number, **which), _NO_SPAN
        else:
            self._note(part, "unknown-days")

    def _chosen(self, part: Part, name: str, anchor: Anchor) -> list[int]:
        """Columns of an activity that an anchor names; -N stands for the Nth of one not expanded yet.

        Of `each` those alone that lie in the cycles in which the part happens.
        """
        columns = self.columns.get(name, [])
        if not columns:
            return [-(anchor.number or 1)]
        if anchor.which == "each":
            return [c for c in columns if self._in(part, self.slots[c])]
        return columns[-1:] if anchor.which == "last" else columns[(anchor.number or 1) - 1 :][:1]

    def _in(self, part: Part, slot: Slot) -> bool:
        """Whether a slot, or what it accompanies, lies in the cycles of a part; where it has none, always."""
        chosen, ref = part.element.in_, slot.ref
        if chosen is None:
            return True
        if ref.kind == "slot" and slot.follows:
            return self._in(part, self.slots[ref.slot])
        return ref.kind == "cycle" and ref.name == chosen.name and chosen.includes(ref.nth)

    def _ends(self, part: Part) -> Iterator[tuple[Ref, Span, bool]]:
        cycles = part.element.in_
        own = ((part.element.to, True), (part.element.before, False))
        for moment, inclusive in (*own, *(((self.protocol.cycles[cycles.name].to, True),) if cycles else ())):
            for point in self._moments(part, moment):
                yield point.ref, point.offset, inclusive

    def _course(self, part: Part, starts: list[Start], ends: Ends) -> tuple[list[Start], Ends]:
        """Where a stretch of a course begins and ends: without a beginning of its own, where the last one ended.

        The end of a stretch `for` a time is so long after its beginning; that day no longer belongs to it.
        """
        if not starts and part.activity in self.ended:
            starts = [self.ended[part.activity]]
        lasting = part.element.for_ if isinstance(part.element, Treatment) else None
        if starts and lasting is not None:
            ends = (*ends, (starts[0].ref, starts[0].offset + _span(lasting), False))
        if ends:
            ref, span, inclusive = ends[0]
            self.ended[part.activity] = Start(ref, span + Span(days=int(inclusive)), None, None)
        return starts, ends

    def _finished(self, slot: Slot, column: int) -> Slot:
        """References as columns, and the limits attached."""
        bounds = []
        for limit in slot.part.element.limits:
            marks = (limit.valid_from, limit.opens, limit.due, limit.closes, limit.valid_to)
            for ref, base in self._refs(slot.part, limit.from_):
                spans = [base + _span(m) if m is not None else None for m in marks]
                bounds.append(Bound(self._column(ref, slot, column), *spans))
        until = tuple((self._column(ref, slot, column), span, inclusive) for ref, span, inclusive in slot.until)
        others = tuple((self._column(ref, slot, column), span) for ref, span in slot.others)
        ref = self._column(slot.ref, slot, column)
        return replace(slot, ref=ref, bounds=tuple(bounds), until=until, others=others)

    def _column(self, ref: Ref, slot: Slot, column: int) -> Ref:
        if ref.kind == "previous":
            mine = self.columns[slot.part.activity]
            place = mine.index(column)
            return replace(ref, slot=mine[place - 1] if place else -1)
        if ref.kind == "slot" and ref.slot < 0:
            found = self.columns.get(ref.name, [])[-ref.slot - 1 :][:1]
            return replace(ref, slot=found[0]) if found else Ref("none")
        return ref


def _repeated(element: Element) -> set[str]:
    """Activities whose number must be known first: `before each atg`, `14 d after last atg`."""
    anchors = (i.anchor for moment in element.due for i in moment.alternatives)
    return {a.name for a in anchors if a is not None and a.which in ("each", "last") and a.name}


def _rounds(length: int, every: Span) -> int:
    """How many rounds begin within a number of days, with some to spare."""
    return max(0, (length + 3) // max(1, every.about) + 1)


def _window(element: Element) -> tuple[int | None, int | None]:
    window = element.window
    if window is None or window.clock or window.share:
        return None, None
    return _span(window.low).about, _span(window.high).about


def _working(element: Element) -> tuple[int, int] | None:
    """The window around a target in working days, None where it is in others or there is none."""
    window = element.window
    return (window.low.working, window.high.working) if window and (window.low.working or window.high.working) else None


def _clock(element: Element, offset: Span) -> tuple[int, int] | None:
    """The window around a target by clock time, None where it is in whole days or there is none."""
    window = element.window
    if window is None or offset.months or not (window.clock or (window.share and offset.minutes)):
        return None
    return window.around(offset.days * 1440 + offset.minutes)


def _span(duration: Duration) -> Span:
    """The duration as an offset."""
    return Span(duration.months, duration.days, duration.minutes, duration.working)
