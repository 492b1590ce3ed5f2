"""The parsed conditions of a protocol: leaves that read one fact, and trees that combine them.

Every class is frozen and hashable and knows the `names()` it reads; a leaf keeps its `text` as written and is equal
where the meaning is equal.
Unknown stays unknown: how a tree combines three answers is for the engine to say (Kleene).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal, TypeAlias

from protocol.quantity import Quantity, Range
from protocol.timing import Anchor, Duration, Moment

Op: TypeAlias = Literal["<", "<=", ">", ">=", "=", "!="]


@dataclass(frozen=True)
class Limit:
    """`5 x uln`: a multiple of the upper or lower limit of normal that came with the observation."""

    times: Decimal
    of: Literal["uln", "lln"]


@dataclass(frozen=True)
class OfBaseline:
    """`70 % of baseline`: a share of the last value before the first dose."""

    percent: Decimal


@dataclass(frozen=True)
class BaselinePlus:
    """`baseline + 20 10^9/L`, `baseline - 1`, or `baseline` alone (no quantity)."""

    sign: Literal[1, -1]
    quantity: Quantity | None


@dataclass(frozen=True)
class Words:
    """`partial or mixed`: any of these recorded words."""

    words: tuple[str, ...]


Value: TypeAlias = Quantity | Duration | Limit | OfBaseline | BaselinePlus | Words


@dataclass(frozen=True)
class Compare:
    """`[baseline] NAME [at MOMENT] OP VALUE [within D] [for [more than] D]`; `arm = msc` too."""

    text: str = field(compare=False)
    name: str
    op: Op
    value: Value
    baseline: bool = False
    at: Moment | None = None
    within: Duration | None = None
    lasting: Duration | None = None
    lasting_more: bool = False

    def names(self) -> frozenset[str]:
        """The measure, and what its moment counts from."""
        return frozenset({self.name}) | _moment_names(self.at)


@dataclass(frozen=True)
class Inside:
    """`cellularity 25 to 50 percent`: both ends inside."""

    text: str = field(compare=False)
    name: str
    range: Range

    def names(self) -> frozenset[str]:
        """The measure."""
        return frozenset({self.name})


@dataclass(frozen=True)
class Recent:
    """`released within 6 h`: what the name stands for took place at most so long before."""

    text: str = field(compare=False)
    name: str
    within: Duration

    def names(self) -> frozenset[str]:
        """The time it reads."""
        return frozenset({self.name})


@dataclass(frozen=True)
class Event:
    """`[no] event NAME [grade >= 3] [within D] [for [more than] D]`; `grade` is (operator, grade)."""

    text: str = field(compare=False)
    name: str
    negated: bool = False
    grade: tuple[Op, int] | None = None
    within: Duration | None = None
    lasting: Duration | None = None
    lasting_more: bool = False

    def names(self) -> frozenset[str]:
        """The event."""
        return frozenset({self.name})


@dataclass(frozen=True)
class Given:
    """`[not] given NAME [within D]`: a dose of a treatment, product or other medication."""

    text: str = field(compare=False)
    name: str
    negated: bool = False
    within: Duration | None = None

    def names(self) -> frozenset[str]:
        """The treatment or product."""
        return frozenset({self.name})


@dataclass(frozen=True)
class Reached:
    """`[not] reached MILESTONE`."""

    text: str = field(compare=False)
    milestone: str
    negated: bool = False

    def names(self) -> frozenset[str]:
        """The milestone."""
        return frozenset({self.milestone})


@dataclass(frozen=True)
class Named:
    """`[not] CRITERION`: a condition that has a name under `criteria` or `eligibility`."""

    text: str = field(compare=False)
    criterion: str
    negated: bool = False

    def names(self) -> frozenset[str]:
        """The criterion."""
        return frozenset({self.criterion})


CountKind: TypeAlias = Literal["delay", "omissions", "doses", "total", "level", "resumptions", "time"]


@dataclass(frozen=True)
class Count:
    """`delay of CYCLE OP D`, `omissions|doses|total|level|resumptions of X OP N`, `time from A to B OP D`.

    `name` is X or A as written, `to` is B; `start` and `end` are the anchors A and B of a time.
    """

    text: str = field(compare=False)
    kind: CountKind
    name: str
    op: Op
    value: int | Duration | Quantity
    to: str | None = None
    start: Anchor | None = None
    end: Anchor | None = None

    def names(self) -> frozenset[str]:
        """What is counted, or the names of both anchors."""
        if self.kind != "time":
            return frozenset({self.name})
        return frozenset(anchor.name for anchor in (self.start, self.end) if anchor and anchor.name)


@dataclass(frozen=True)
class All:
    """True when every part is; a list in the document means this."""

    of: tuple[Condition, ...]

    def names(self) -> frozenset[str]:
        """What the parts read."""
        return names_of(self.of)


@dataclass(frozen=True)
class Any:
    """True when a part is."""

    of: tuple[Condition, ...]

    def names(self) -> frozenset[str]:
        """What the parts read."""
        return names_of(self.of)


@dataclass(frozen=True)
class NoneOf:
    """True when no part is."""

    of: tuple[Condition, ...]

    def names(self) -> frozenset[str]:
        """What the parts read."""
        return names_of(self.of)


@dataclass(frozen=True)
class AtLeast:
    """True when `least` of the parts are."""

    least: int
    of: tuple[Condition, ...]

    def names(self) -> frozenset[str]:
        """What the parts read."""
        return names_of(self.of)


@dataclass(frozen=True)
class Judged:
    """A sentence that a person judges; the answer is recorded under the id of the criterion that holds it."""

    text: str

    def names(self) -> frozenset[str]:
        """Nothing: the answer is recorded, not computed."""
        return frozenset()


Leaf: TypeAlias = Compare | Inside | Recent | Event | Given | Reached | Named | Count
Condition: TypeAlias = Leaf | All | Any | NoneOf | AtLeast | Judged


def names_of(conditions: Iterable[Condition]) -> frozenset[str]:
    """Everything that any of these conditions reads."""
    return frozenset[str]().union(*(condition.names() for condition in conditions))


def leaves(conditions: Iterable[Condition]) -> tuple[Leaf, ...]:
    """The leaves of these conditions, in reading order; a `Judged` sentence has none."""
    found: list[Leaf] = []
    for condition in conditions:
        if isinstance(condition, All | Any | NoneOf | AtLeast):
            found.extend(leaves(condition.of))
        elif not isinstance(condition, Judged):
            found.append(condition)
    return tuple(found)


def _moment_names(moment: Moment | None) -> frozenset[str]:
    """The names a moment counts from."""
    if moment is None:
        return frozenset()
    anchors = (getattr(instant, "anchor", None) for instant in moment.alternatives)
    return frozenset(anchor.name for anchor in anchors if anchor is not None and anchor.name)
