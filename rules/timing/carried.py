"""One layout a version, which agree on every occurrence: its days are those of the version that it belongs to.

An occurrence belongs to the version in force on its due day, worked out with the version before. So it has one day in
all layouts, a record is the same occurrence in each of them, and each row is judged in the layout of its own version.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from rules.arrays import Ints
from rules.happened.versions import InForce, settle_courses
from rules.planning.slots import ArmPlan, Slot
from rules.timing.grid import Grid, Laid

Key: TypeAlias = tuple[str, str, str, int]
"""An occurrence, whatever the version: arm, kind, activity, number."""

_MARKS = ("due", "opens", "closes", "expected", "excuse", "delayed", "allowed")


def occurrence_of(arm: ArmPlan, slot: Slot) -> Key:
    """The name of an occurrence in all versions."""
    return arm.arm, slot.part.kind, slot.part.activity, slot.occurrence


@dataclass(frozen=True)
class Carried:
    """What the layout of one version takes over: the days of occurrences that belong to the others."""

    version: int
    found: InForce
    owners: dict[Key, Ints]
    """The version that each occurrence belongs to, by participant of the arm."""
    others: dict[int, Laid]

    def owned(self, grid: Grid) -> Ints:
        """The version of every occurrence of a grid, by participant."""
        return np.stack([self.owners[occurrence_of(grid.arm, slot)] for slot in grid.arm.slots], axis=1)

    def take_over(self, grid: Grid, c: int) -> None:
        """The days of an occurrence are those of its own version, where that has it."""
        name = occurrence_of(grid.arm, grid.arm.slots[c])
        if (owner := self.owners.get(name)) is None:
            return
        for version, laid in self.others.items():
            rows = np.flatnonzero(owner == version)
            for source, column in _places(laid, name) if len(rows) else ():
                for mark in _MARKS:
                    getattr(grid, mark)[rows, c] = getattr(source, mark)[rows, column]


def _places(laid: Laid, name: Key) -> Iterator[tuple[Grid, int]]:
    for grid in laid.grids:
        if grid.arm.arm == name[0]:
            yield from ((grid, c) for c, slot in enumerate(grid.arm.slots) if occurrence_of(grid.arm, slot) == name)


def lay_versions(found: InForce, lay: Callable[[int, Carried], Laid]) -> list[Laid]:
    """The layout of every version in use, oldest first; `lay` makes one."""
    owners: dict[Key, Ints] = {}
    laid = {0: lay(0, Carried(0, found, owners, {}))}
    settle_courses(found, laid[0])
    for n in found.used:
        if n:
            laid[n] = lay(n, Carried(n, found, owners, dict(laid)))
        for grid in laid[n].grids:
            for c, slot in enumerate(grid.arm.slots):
                name = occurrence_of(grid.arm, slot)
                owners[name] = _owner(n, owners.get(name), found.at(grid.s, grid.due[:, c]))
    for n in reversed(found.used[:-1]):
        laid[n] = lay(n, Carried(n, found, owners, {of: other for of, other in laid.items() if of != n}))
    return list(laid.values())


def _owner(version: int, before: Ints | None, on_day: Ints) -> Ints:
    """To which version occurrences belong, so far as this version's due day says."""
    if before is None:
        return on_day
    return np.where(before == version, np.where(on_day < 0, on_day, np.maximum(on_day, version)), before)
