"""The words of a plan: what an occurrence counts from, by how much, and in which window."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from protocol.model import Assessment, Protocol, Treatment, Visit

Element = Treatment | Visit | Assessment
Kind = Literal["treatment", "visit", "assessment"]

HORIZON = 3660
"""Days after which an unlimited series is cut: ten years. What lies beyond is named in `not_judged`."""


@dataclass(frozen=True)
class Ref:
    """What a slot counts from: a milestone, another slot, the slot before it, an event, or doses of a product.

    `number` says which one of several (None: the first), `last` the last; `end` its end instead of its start.
    """

    kind: Literal["milestone", "slot", "previous", "dose", "event", "none"]
    name: str = ""
    slot: int = -1
    planned: bool = False
    last: bool = False
    end: bool = False
    number: int | None = None


@dataclass(frozen=True)
class Span:
    """An offset in calendar months and days, added at once from its reference."""

    months: int = 0
    days: int = 0

    def __add__(self, other: Span) -> Span:
        return Span(self.months + other.months, self.days + other.days)

    def times(self, n: int) -> Span:
        """This span n times."""
        return Span(self.months * n, self.days * n)

    @property
    def about(self) -> int:
        """Its length in days, months taken as 30.4: good for ordering and reach, never for a date."""
        return round(self.months * 30.4375) + self.days


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

    def refs(self) -> tuple[Ref, ...]:
        """Everything that its days are worked out from."""
        ends, bounds = (ref for ref, _, _ in self.until), (bound.ref for bound in self.bounds)
        return (self.ref, *(ref for ref, _ in self.others), *bounds, *ends)


@dataclass(frozen=True)
class ArmPlan:
    """The slots of one arm, and the groups of slots (column numbers) in the order in which their days become known."""

    arm: str
    concurrent: bool
    slots: tuple[Slot, ...]
    groups: tuple[tuple[int, ...], ...]

    def columns(self, activity: str) -> list[int]:
        """The columns of one activity's slots."""
        return [i for i, slot in enumerate(self.slots) if slot.part.activity == activity]


@dataclass(frozen=True, eq=False)
class Plan:
    """All arms of a protocol, its parts, and what is scheduled or read but not judged, with the reason.

    A plan equals only itself, so that what follows from it alone can be kept beside it.
    """

    protocol: Protocol
    parts: tuple[Part, ...]
    arms: dict[str, ArmPlan]
    not_judged: tuple[tuple[str, str], ...] = field(default=())
