"""When people really come: a clinic that is closed on some days, and participants who do not always keep their day.

An occurrence is booked on the open day of its window nearest to its target (the later of two as near), without one on
the next open day after it. Some come later than booked; who would come when the next of a series is due has missed it.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from perprotocol.simulation.days import DAY
from perprotocol.simulation.draws import draw
from perprotocol.simulation.patient import Key, Planned, Swerve
from perprotocol.simulation.script import Line, Script

FARTHEST = 60
"""Days ahead within which a clinic is open once."""


@dataclass(frozen=True)
class Clinic:
    """The days on which a clinic is closed: weekdays (0 is Monday) and days since 1970."""

    weekdays: frozenset[int] = frozenset({5, 6})
    days: frozenset[int] = frozenset()

    def is_open(self, day: int) -> bool:
        """Whether it is open; 1970-01-01 was a Thursday."""
        return (day + 3) % 7 not in self.weekdays and day not in self.days

    def next_open(self, day: int) -> int:
        """The first open day from a day on; the day itself where the clinic does not open for long."""
        return next((d for d in range(day, day + FARTHEST) if self.is_open(d)), day)

    def book(self, due: int, opens: int, closes: int) -> int:
        """The open day of a window nearest to its target, the later of two; without one the next after the target."""
        for away in range(max(closes - due, due - opens) + 1):
            for day in (due + away, due - away):
                if opens <= day <= closes and self.is_open(day):
                    return day
        return self.next_open(due)


@dataclass(frozen=True)
class Punctuality:
    """How many come on the day that was booked, and by how many days the others are late on average."""

    on_time: float = 0.9
    delay: float = 3.0

    def late_by(self, chance: float) -> int:
        """Days late for a number drawn from 0 to 1: none, or at least one, the fewer the likelier."""
        if chance < self.on_time or self.on_time >= 1:
            return 0
        left = (1 - chance) / (1 - self.on_time)
        if self.delay <= 1:
            return 1
        return 1 + int(math.log(max(left, 1e-12)) / math.log(1 - 1 / self.delay))


@dataclass(frozen=True)
class Attended:
    """One planned occurrence: its window (of its own day alone without one), and when it took place (None: missed).

    `booked`: the clinic chose the day; else it is done on its very day, as on a ward. `shut`: it is closed on every day
    of the window.
    """

    line: Line
    due: int
    opens: int
    closes: int
    windowed: bool
    booked: bool
    shut: bool
    late_by: int
    day: int | None

    @property
    def outside(self) -> bool:
        """Whether it took place outside of a window that the protocol states."""
        return self.windowed and self.day is not None and not self.opens <= self.day <= self.closes


@dataclass
class Habit(Mapping[Key, Swerve]):
    """What a participant does at every occurrence; `attended` has what became of each."""

    script: Script
    clinic: Clinic
    punctuality: Punctuality
    seed: int
    zero: int
    ward: Collection[str]
    attended: dict[Key, Attended] = field(default_factory=dict)

    def __getitem__(self, key: Key) -> Swerve:
        return self.come

    def __iter__(self) -> Iterator[Key]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def __contains__(self, key: object) -> bool:
        return True

    def come(self, plan: Planned) -> int | None:
        """The minute at which an occurrence takes place, None where it is missed."""
        line = plan.line
        if plan.at is not None:
            at = (plan.at[1] + plan.at[2]) // 2
            self.attended[plan.key] = Attended(line, *3 * (at // DAY,), False, False, False, 0, at // DAY)
            return at
        window = (plan.due, plan.opens, plan.closes) if plan.windowed else 3 * (plan.due,)
        if plan.due == self.zero or line.activity in self.ward:
            self.attended[plan.key] = Attended(line, *window, plan.windowed, False, False, 0, plan.due)
            return plan.on(plan.due)
        # What comes before day zero moves day zero with it.
        chance = draw(self.seed, 40, line.code, plan.number)
        late_by = self.punctuality.late_by(chance) if plan.due > self.zero else 0
        day = come_on(self.clinic, line, *window, late_by)
        shut = not any(map(self.clinic.is_open, range(window[1], window[2] + 1)))
        self.attended[plan.key] = Attended(line, *window, plan.windowed, True, shut, late_by, day)
        return None if day is None else plan.on(day)


def come_on(clinic: Clinic, line: Line, due: int, opens: int, closes: int, late_by: int) -> int | None:
    """The day on which an occurrence takes place, None where the next of its series is due by then."""
    booked = clinic.book(due, opens, closes)
    day = clinic.next_open(booked + late_by) if late_by else booked
    every = line.part.every
    apart = (every.days + 28 * every.months) if every is not None else 0
    return None if apart and late_by and day >= due + apart else day


def on_the_ward(script: Script) -> frozenset[str]:
    """Activities due on consecutive days: their participants are on the ward, where every day is open."""
    found = set()
    for line in script.lines:
        days = sorted(start[0].offset[1] for start in line.starts if not start[0].clock)
        close = any(b - a == 1 for a, b in pairwise(days))
        daily = line.part.every is not None and not line.part.every.months and line.part.every.days == 1
        if close or daily:
            found.add(line.activity)
    return frozenset(found)
