"""The occurrences of participants as matrices: one grid an arm, and everything laid out for one partition."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from rules.arrays import NONE, Flags, Index, Ints, Longs
from rules.happened.evidence import Evidence
from rules.happened.levels import Levels
from rules.happened.records import Records
from rules.happened.states import States
from rules.happened.truth import Truth
from rules.planning.slots import ArmPlan, Plan
from rules.timing.cycles import CycleDays

if TYPE_CHECKING:
    from rules.timing.carried import Carried


@dataclass(frozen=True)
class Hours:
    """The window of one slot by the clock: earliest and latest possible moment of its target, and its two ends."""

    first: Longs
    last: Longs
    low: int
    high: int


@dataclass
class Grid:
    """The occurrences of the participants `s` of one arm: int32[S, P] days, `NONE` where not (yet) known.

    `due` is the target, `opens` to `closes` the days on time, `earliest` the first day that minimum intervals allow.
    `expected` is 1, 0 or -1 (cannot be told). `record` is the row of `doses` or `visits`, -1 without one; `actual` the
    day it took place. `excuse` says which state (see `states.py`) takes an expected occurrence away, 0 for none, and
    `delayed` by how many days the protocol moved it, `allowed` by how many days it lets it be later. `asked` marks what
    hangs on a policy that the protocol does not state (see `policy.py`); so does `dose_asked` of a record.
    """

    arm: ArmPlan
    s: Ints
    due: Ints
    opens: Ints
    closes: Ints
    earliest: Ints
    actual: Ints
    record: Ints
    expected: Truth
    excuse: Ints
    delayed: Ints
    allowed: Ints
    asked: Flags
    hours: dict[int, Hours] = field(default_factory=dict)
    """By slot: its window by clock time."""
    latest: dict[int, Ints] = field(default_factory=dict)
    """By slot: the last day that the longest interval from a record allows."""
    spread: dict[tuple[str, int], Ints] = field(default_factory=dict)
    """By mark (`due` with its window, `earliest`, `latest`) and slot: by how many days it may lie earlier, because what
    it counts from is dated only in part."""
    passed: dict[str, Ints] = field(default_factory=dict)
    """By activity: the day of the last record given that was too early to fill an occurrence."""
    began: dict[int, Flags] = field(default_factory=dict)
    """By slot: no longer expected since the end came before the target, yet its window had opened by then."""
    optional: dict[int, Truth] = field(default_factory=dict)
    """By slot that is never expected: whether the protocol permits it."""
    cycles: dict[str, CycleDays] = field(default_factory=dict)
    """By name: when the cycles were due and when they began."""

    def waits(self) -> Flags:
        """Occurrences of cycles that have not begun: of the next one its first drug is asked for, and nothing else."""
        waits = np.zeros(self.due.shape, np.bool_)
        leads: set[tuple[str, int]] = set()
        for c, slot in enumerate(self.arm.slots):
            name, number = cycle = self.arm.cycle_of(c)
            if not number:
                continue
            start = self.cycles[name].start
            lead = slot.part.kind == "treatment" and slot.ref.planned and cycle not in leads
            leads |= {cycle} if lead else set()
            waits[:, c] = (start[:, number - 2] == NONE) if lead and number > 1 else False
            waits[:, c] |= (start[:, number - 1] == NONE) if not lead else False
        return waits


@dataclass(frozen=True)
class Identity:
    """Of each dose record how sure its place is: the margin of its identity in days, and what its number says of it.

    `margin` is `NONE` where nothing competes or nothing stood in doubt; 0 means that two places fit equally well.
    `astray` marks a record whose own number contradicts the order of the others.
    """

    margin: Ints
    astray: Flags


@dataclass
class Laid:
    """Everything scheduled and matched for one partition."""

    plan: Plan
    evidence: Evidence
    doses: Records
    visits: Records
    grids: list[Grid]
    states: States
    zero: Ints
    zero_recorded: Ints
    zero_event: Ints
    dose_slot: Ints
    visit_slot: Ints
    dose_asked: Flags
    counts_from: Ints
    """By dose record: the first day on which it would count, `NONE` where nothing says so; likewise the last."""
    counts_until: Ints
    identity: Identity
    levels: Levels
    carried: Carried | None = None
    """What belongs to other versions of the protocol; None where only one is given."""

    @cached_property
    def placed(self) -> list[tuple[Grid, Index, Index, Index]]:
        """For each grid its dose records, once all is laid out: participant of the grid, column, record."""
        found = []
        for grid in self.grids:
            treatments = np.array([slot.part.kind == "treatment" for slot in grid.arm.slots])
            who, column = np.nonzero((grid.record >= 0) & treatments[None, :])
            found.append((grid, who, column, grid.record[who, column].astype(np.intp)))
        return found

    def cycle_places(self) -> tuple[Ints, Ints]:
        """Of each dose record the number of its cycle and the day in it on which it is planned, 0 for none."""
        number, day = np.zeros(len(self.doses.s), np.int32), np.zeros(len(self.doses.s), np.int32)
        for grid in self.grids if any(grid.cycles for grid in self.grids) else ():
            slots = grid.arm.slots
            treatments = np.array([slot.part.kind == "treatment" for slot in slots])
            who, column = np.nonzero((grid.record >= 0) & treatments[None, :])
            rows = grid.record[who, column]
            number[rows] = np.array([grid.arm.cycle_of(c)[1] for c in range(len(slots))])[column]
            day[rows] = np.array([slot.offset.days + 1 if slot.ref.kind == "cycle" else 0 for slot in slots])[column]
        return number, day
