"""The words of a plan: what an occurrence counts from, by how much, and in which window."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from protocol.conditions import Count
from protocol.model import Assessment, Protocol, Treatment, Visit

Element = Treatment | Visit | Assessment
Kind = Literal["treatment", "visit", "assessment"]

HORIZON = 3660
"""Days after which an unlimited series is cut: ten years. What lies beyond is named in `not_judged`."""


@dataclass(frozen=True)
class Ref:
    """What a slot counts from: a milestone, another slot, the slot before it, an event, doses of a product, or a cycle.

    `number` says which one of several (None: the first), `last` the last; `end` its end instead of its start. Of a
    cycle it is day 1, as `planned` or as it began.
    """

    kind: Literal["milestone", "slot", "previous", "dose", "event", "cycle", "none"]
    name: str = ""
    slot: int = -1
    planned: bool = False
    last: bool = False
    end: bool = False
    number: int | None = None

    @property
    def nth(self) -> int:
        """Which one of several it is, from 1."""
        return self.number or 1


@dataclass(frozen=True)
class Span:
    """An offset in calendar months and days, added at once from its reference; minutes where it is clock time.

    `working` days are counted on the site's calendar, after the others.
    """

    months: int = 0
    days: int = 0
    minutes: int = 0
    working: int = 0

    def __add__(self, other: Span) -> Span:
        working = self.working + other.working
        return Span(self.months + other.months, self.days + other.days, self.minutes + other.minutes, working)

    def times(self, n: int) -> Span:
        """This span n times."""
        return Span(self.months * n, self.days * n, self.minutes * n, self.working * n)

    @property
    def about(self) -> int:
        """Its length in days, months taken as 30.4 and five working days as a week: for ordering and reach only."""
        return round(self.months * 30.4375) + self.whole + round(self.working * 1.4)

    @property
    def whole(self) -> int:
        """Its days, with those that its minutes fill."""
        return self.days + int(self.minutes / 1440)


@dataclass(frozen=True)
class Bound:
    """One entry of `limits`: marks counted from one reference. None where the mark is not stated."""

    ref: Ref
    valid_from: Span | None
    opens: Span | None
    due: Span | None
    closes: Span | None
    valid_to: Span | None


@dataclass(frozen=True)
class Part:
    """One step of an activity with everything inherited; `path` leads to its origin in the protocol."""

    code: int
    activity: str
    kind: Kind
    step: int
    path: str
    element: Element
    judged: bool
    course: bool


@dataclass(frozen=True)
class Slot:
    """One planned occurrence of one arm."""

    part: Part
    occurrence: int
    ref: Ref
    offset: Span
    low: int | None
    high: int | None
    bounds: tuple[Bound, ...] = ()
    chained: bool = False
    until: tuple[tuple[Ref, Span, bool], ...] = ()
    """Ends of the series: (reference, offset, the last day belongs to it)."""
    follows: bool = False
    """It accompanies its reference (`before each atg`): without that occurrence it is not expected."""
    others: tuple[tuple[Ref, Span], ...] = ()
    """Alternatives to its reference and offset: whichever comes first, or last where `latest`."""
    latest: bool = False
    clock: tuple[int, int] | None = None
    """A window by clock time: from how many to how many minutes around the target."""
    working: tuple[int, int] | None = None
    """A window in working days; `low` and `high` then say about how many days it spans."""

    @property
    def in_working_days(self) -> bool:
        """Whether its days hang on the site's calendar of working days."""
        marks = (m for b in self.bounds for m in (b.valid_from, b.opens, b.due, b.closes, b.valid_to) if m is not None)
        spans = (self.offset, *(span for _, span in self.others), *(span for _, span, _ in self.until), *marks)
        return self.working is not None or any(span.working for span in spans)

    def refs(self) -> tuple[Ref, ...]:
        """Everything that its days are worked out from."""
        ends, bounds = (ref for ref, _, _ in self.until), (bound.ref for bound in self.bounds)
        return (self.ref, *(ref for ref, _ in self.others), *bounds, *ends)


@dataclass(frozen=True)
class CyclePlan:
    """The cycles of one name: what the first counts from, how far the next lies from it, and how many there can be.

    `shift`: day 1 counts from the actual day 1 of the cycle before, else from the first as planned.
    """

    name: str
    ref: Ref
    offset: Span
    every: Span
    number: int
    shift: bool


@dataclass(frozen=True)
class ArmPlan:
    """The slots of one arm, and the groups of slots (column numbers) in the order in which their days become known."""

    arm: str
    concurrent: bool
    slots: tuple[Slot, ...]
    groups: tuple[tuple[int, ...], ...]
    cycles: dict[str, CyclePlan] = field(default_factory=dict)

    def columns(self, activity: str) -> list[int]:
        """The columns of one activity's slots, in the order of their occurrences."""
        found = [i for i, slot in enumerate(self.slots) if slot.part.activity == activity]
        return sorted(found, key=lambda i: self.slots[i].occurrence)

    def cycle_of(self, column: int) -> tuple[str, int]:
        """Name and number of the cycle in which a slot falls, itself or by what it accompanies; ("", 0) for none."""
        ref = self.slots[column].ref
        if ref.kind == "slot" and ref.slot >= 0 and self.slots[column].follows:
            return self.cycle_of(ref.slot)
        return (ref.name, ref.nth) if ref.kind == "cycle" else ("", 0)


@dataclass(frozen=True, eq=False)
class Plan:
    """All arms of a protocol, its parts, and what is scheduled or read but not judged, with the reason.

    A plan equals only itself, so that what follows from it alone can be kept beside it.
    """

    protocol: Protocol
    parts: tuple[Part, ...]
    arms: dict[str, ArmPlan]
    not_judged: tuple[tuple[str, str], ...] = field(default=())
    not_collected: frozenset[str] = frozenset()
    """Assessments and measures that the study folder does not hold."""
    counts: tuple[Count, ...] = ()
    """What conditions of the protocol count."""

    @cached_property
    def in_working_days(self) -> frozenset[str]:
        """The activities of which something is counted in working days."""
        return frozenset(s.part.activity for arm in self.arms.values() for s in arm.slots if s.in_working_days)
