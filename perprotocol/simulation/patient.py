"""What is on record of one synthetic participant, before it becomes rows; faults change it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from perprotocol.simulation.days import DAY, Span
from perprotocol.simulation.script import Line

Key: TypeAlias = tuple[str, int]
"""Activity and number of an occurrence."""
Row: TypeAlias = dict[str, object]


@dataclass(slots=True)
class Planned:
    """One occurrence as the protocol plans it for somebody, in days; `at` are due, opening and closing in minutes.

    `earliest` is the first day that a limit allows, `grid_opens` when it opened but for limits; `base` and `offset`
    are what it counts from, None where only limits say when. `ordered`: the protocol ordered or allowed a delay.
    """

    line: Line
    number: int
    due: int
    opens: int
    closes: int
    earliest: int | None
    grid_opens: int
    base: int | None
    offset: Span
    windowed: bool
    at: tuple[int, int, int] | None = None
    cycle: int | None = None
    ordered: bool = False
    usual: int = 10 * 60

    @property
    def key(self) -> Key:
        """Activity and number."""
        return self.line.activity, self.number

    def on(self, day: int) -> int:
        """The usual minute on a day."""
        return day * DAY + self.usual


Swerve: TypeAlias = Callable[[Planned], int | None]
"""What somebody does at one occurrence instead: the minute, or None for not at all."""


@dataclass(slots=True)
class Given:
    """One dose on record; `amount` in whole base units of a single dose, `end` in minutes.

    `change` says what changed its limits last, and `before` what these were before: `weight` where a change of weight
    counts, `modification` where the protocol orders another dose.
    """

    key: Key
    at: int
    amount: int | None = None
    end: int | None = None
    status: str = ""
    treatment: str = ""
    reason: str = ""
    line: Line | None = None
    frequency: str = ""
    grams: int = 0
    least: int = 0
    most: int = 0
    weighed: bool = False
    judged: bool = False
    ceiling: int | None = None
    change: str = ""
    ordered: bool = False
    """The protocol orders another dose than the planned one."""
    before: tuple[int, int] = (0, 0)
    more: Row = field(default_factory=dict)

    @property
    def day(self) -> int:
        """The day of its start."""
        return self.at // DAY


@dataclass(slots=True)
class Seen:
    """One value on record: of which occasion (None: unscheduled), when, and what; `since` are hours after a dose."""

    measure: str
    value: str
    unit: str
    at: int
    visit: str = ""
    key: Key | None = None
    low: str = ""
    high: str = ""
    since: str = ""


@dataclass(slots=True)
class Patient:
    """Everything on record of one participant."""

    subject: str
    arm: str
    site: str
    sex: str
    zero: int
    birth: int
    seed: int
    planned: dict[Key, Planned] = field(default_factory=dict)
    doses: list[Given] = field(default_factory=list)
    visits: dict[Key, tuple[int, str]] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)
    weighings: dict[int, int] = field(default_factory=dict)
    weighed_for: set[int] = field(default_factory=set)
    events: list[Row] = field(default_factory=list)
    decisions: list[Row] = field(default_factory=list)
    lots: list[Row] = field(default_factory=list)
    milestones: list[tuple[str, int]] = field(default_factory=list)
    enrolled: int = 0
    consent: int = 0
    screened: int = 0
    labelled: bool = False
    numbered: frozenset[str] = frozenset()
    baseline: bool = False
    signs: bool = True
    """Whether the participant signs as well, once old enough."""
    lasts: dict[str, tuple[int, int | None]] = field(default_factory=dict)
    """Of each course its first day and the last one planned, None where the protocol states no end."""
    day_zero: int | None = None

    def dose(self, key: Key) -> Given:
        """The record of one occurrence."""
        return next(d for d in self.doses if d.key == key)

    def weight_on(self, day: int) -> int | None:
        """The latest weight in grams up to a day."""
        last = max((d for d in self.weighings if d <= day), default=None)
        return None if last is None else self.weighings[last]
