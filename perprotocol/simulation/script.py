"""One arm of a protocol as lines to be played: what each part counts from, how often, and in which window."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Literal, TypeAlias

from perprotocol.simulation.days import DAY, Span, span
from protocol import Protocol
from protocol.activities import Activity, Assessment, Part, Treatment, Visit
from protocol.dosing import Dose
from protocol.timing import Anchor, Duration, FirstDay, Instant, Moment, offset_of

Kind: TypeAlias = Literal["treatment", "visit", "assessment"]
Window: TypeAlias = tuple[int, int]
"""From and to, in minutes where `clock`, else in days."""


@dataclass(frozen=True)
class Start:
    """One moment something is due at: an anchor, how far from it, and a window of its own."""

    anchor: Anchor
    offset: Span
    window: Window | None
    clock: bool


@dataclass(frozen=True)
class Line:
    """One part of an activity in one arm; `code` tells it from all others, `first` is its first number."""

    code: int
    activity: str
    kind: Kind
    part: Activity
    starts: tuple[tuple[Start, ...], ...]
    window: Window | None
    clock: bool
    first: int
    course: bool

    @property
    def treatment(self) -> Part:
        """The part as one of a treatment."""
        assert isinstance(self.part, Part)
        return self.part

    @property
    def measures(self) -> tuple[str, ...]:
        """What a visit does."""
        return self.part.does if isinstance(self.part, Visit) else ()


ZERO = Anchor("day-zero", name="day-zero")


class Script:
    """All lines of one arm, in the order of the document."""

    def __init__(self, protocol: Protocol, arm: str) -> None:
        self.protocol, self.arm = protocol, arm
        self.first_day = protocol.first_day or FirstDay.parse("0")
        self.lines: list[Line] = []
        self._doses: dict[tuple[int, int], tuple[Dose, ...]] = {}
        blocks: tuple[tuple[Kind, dict[str, Activity]], ...] = (
            ("treatment", dict(protocol.treatments)),
            ("visit", dict(protocol.visits)),
            ("assessment", dict(protocol.assessments)),
        )
        waiting = [
            (kind, name, part)
            for kind, elements in blocks
            for name, element in elements.items()
            for part in (element.parts() if hasattr(element, "parts") else (element,))
            if not part.arm or arm in part.arm
        ]
        for kind, name, part in waiting:
            self._add(kind, name, part)

    def _add(self, kind: Kind, name: str, part: Activity) -> None:
        if isinstance(part, Assessment) and not part.due:
            return
        course = isinstance(part, Part) and (part.frequency is not None or (part.level is not None and not part.due))
        moments = part.due
        if not moments and isinstance(part, Part) and part.from_ is not None:
            moments = (part.from_,)
        starts = tuple(alternatives for moment in moments for alternatives in self._starts(moment, part))
        window = part.window
        clock = window is not None and (window.low.clock or window.high.clock)
        ends = (_length(window.low, clock), _length(window.high, clock)) if window is not None else None
        first = 1 + sum(self.count(line) for line in self.lines if line.activity == name)
        self.lines.append(Line(len(self.lines), name, kind, part, starts, ends, clock, first, course))

    @cached_property
    def dense(self) -> frozenset[str]:
        """Treatments whose neighbouring windows reach half of the way to each other, or that go with such a one.

        Dates alone cannot tell which dose is which there, so their records carry the number of the dose.
        """
        found = {line.activity for line in self.lines if line.kind == "treatment" and _is_dense(line)}
        for line in self.lines:
            if found & {s[0].anchor.name for s in line.starts if s[0].anchor.which == "each"}:
                found.add(line.activity)
        return frozenset(found)

    def doses(self, line: Line, part: Treatment, level: int) -> tuple[Dose, ...]:
        """The dose of a level, always the same object."""
        key = (line.code, level)
        if key not in self._doses:
            self._doses[key] = part.doses_at(level)
        return self._doses[key]

    def of(self, activity: str) -> list[Line]:
        """The lines of one activity."""
        return [line for line in self.lines if line.activity == activity]

    def count(self, line: Line) -> int:
        """How many occurrences a line has at most; 0 where only a participant's life tells."""
        if line.part.in_:
            return 0
        if line.part.every:
            return line.part.times or 0
        followed = [s[0].anchor for s in line.starts if s[0].anchor.which == "each"]
        if followed:
            return sum(self.count(other) for a in followed for other in self.lines if other.activity == a.name)
        return len(line.starts) or (1 if line.part.limits else 0)

    def _starts(self, moment: Moment, part: Activity) -> Iterator[tuple[Start, ...]]:
        first = moment.alternatives[0]
        if first.kind == "days":
            assert first.first is not None and first.last is not None
            for day in range(first.first, first.last + 1):
                yield (Start(*self._day(day, part), None, False),)
        else:
            yield tuple(self._start(i, part) for i in moment.alternatives)

    def _day(self, day: int, part: Activity) -> tuple[Anchor, Span]:
        """Day N counts from day zero; inside a cycle from its day 1."""
        if part.in_:
            return Anchor(part.in_.name, name=part.in_.name), (0, day - 1, 0)
        return ZERO, (0, offset_of(day, self.first_day), 0)

    def _start(self, i: Instant, part: Activity) -> Start:
        if i.kind == "day":
            assert i.day is not None
            return Start(*self._day(i.day, part), None, False)
        if i.kind == "within_days":
            low, high = (offset_of(d, self.first_day) for d in (i.first, i.last) if d is not None)
            near = low if abs(low) < abs(high) else high
            return Start(ZERO, (0, near, 0), (low - near, high - near), False)
        assert i.anchor is not None
        anchor, base = i.anchor, (0, 0, 0)
        if anchor.day is not None:
            anchor, base = self._day(anchor.day, part)
        if i.kind == "at":
            assert i.offset is not None
            return Start(anchor, _plus(base, span(i.offset)), None, i.offset.clock)
        assert i.low is not None and i.high is not None
        near_one = min(i.low, i.high, key=lambda d: abs(d.length))
        clock = near_one.clock or i.low.clock or i.high.clock
        window = (_length(i.low, clock) - _length(near_one, clock), _length(i.high, clock) - _length(near_one, clock))
        return Start(anchor, _plus(base, span(near_one)), window, clock)

    def moment(self, moment: Moment | None, part: Activity) -> tuple[Start, ...]:
        """The alternatives of one moment."""
        return tuple(self._start(i, part) for i in moment.alternatives) if moment is not None else ()


def _plus(a: Span, b: Span) -> Span:
    return a[0] + b[0], a[1] + b[1], a[2] + b[2]


def _length(duration: Duration, clock: bool) -> int:
    return duration.minutes + duration.days * DAY if clock else duration.days


def _is_dense(line: Line) -> bool:
    """Whether half of the smallest gap between two starts lies inside the window."""
    if line.window is None or line.clock:
        return False
    days = sorted({s[0].offset[1] for s in line.starts if not s[0].offset[0]})
    if line.part.every is not None and days:
        days.append(days[0] + line.part.every.days + 30 * line.part.every.months)
    gaps = [b - a for a, b in pairwise(days) if b > a]
    return bool(gaps) and 2 * max(-line.window[0], line.window[1]) >= min(gaps)


def in_cycle(line: Line, cycle: int) -> bool:
    """Whether the line is played in that cycle."""
    return line.part.in_ is not None and line.part.in_.includes(cycle)
