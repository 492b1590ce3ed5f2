"""What modifications order of a dose: to leave it out, to let its cycle wait, to give another amount."""

from __future__ import annotations

import numpy as np
import polars as pl

from rules.arrays import Flags, Ints
from rules.happened.records import NOT_GIVEN
from rules.happened.spells import State
from rules.happened.truth import Truth, all_of
from rules.match.frame import Array, flag
from rules.timing.grid import Laid

NOTHING = np.zeros(0, np.int32)


def ordered(laid: Laid, modified: Flags, unmodified: Flags) -> dict[str, Array | pl.Series]:
    """Of each dose record whether it was given against an order, and the modifications behind that."""
    levels = {**laid.levels.changes, **laid.levels.resumed}
    if not any((levels, *laid.states.omissions.values(), *laid.states.by_cycle.values())):
        nobody = np.broadcast_to(np.array("", dtype=object), len(unmodified))
        return {"unmodified": unmodified, "forbidden": flag(False, len(unmodified)), "ordered_by": nobody}
    forbidden, by = np.zeros(len(laid.doses.s), np.int8), np.full(len(laid.doses.s), "", dtype=object)
    places = laid.cycle_places()
    for treatment, states in laid.states.omissions.items():
        rows = np.flatnonzero(laid.doses.activity == laid.doses.names.index(treatment)).astype(np.int32)
        for state in states if len(rows) else ():
            if state.must:
                _note(laid, state, rows, places, forbidden, by)
    for name, states in laid.states.by_cycle.items():
        rows, rushed = _beginnings(laid, name) if states else (NOTHING, np.zeros(0, np.bool_))
        for state in (state for state in states if state.must):
            chosen = state.includes(places[0][rows])
            mine = rows[chosen]
            inside = state.covers(laid.doses.s[mine], laid.doses.day[mine], laid.doses.minute[mine])
            _set(laid, state, mine, rushed[chosen] & inside, forbidden, by)
    for treatment in levels:
        rows = np.flatnonzero(modified & (laid.doses.activity == laid.doses.names.index(treatment))).astype(np.int32)
        by[rows] = laid.levels.names(treatment, laid.doses.s[rows], laid.doses.day[rows], places[0][rows])
    return {"unmodified": unmodified, "forbidden": forbidden, "ordered_by": pl.Series(by, dtype=pl.String)}


def _note(laid: Laid, state: State, rows: Ints, places: tuple[Ints, Ints], forbidden: Truth, by: Array) -> None:
    """Doses that were to be left out; where the order asks for a value on that day, one without it cannot be told."""
    r, (number, at) = laid.doses, places
    concerned = state.includes(number[rows]) & ((state.at is None) | (at[rows] == (state.at or 0)))
    rows = rows[concerned & (r.status[rows] != NOT_GIVEN)]
    inside = state.covers(r.s[rows], r.day[rows], r.minute[rows])
    _set(laid, state, rows, inside, forbidden, by)


def _set(laid: Laid, state: State, rows: Ints, inside: Flags, forbidden: Truth, by: Array) -> None:
    by[rows[inside & (forbidden[rows] != 1)]] = state.name
    forbidden[rows[inside]] = 1
    if state.at is not None:
        open_ = (all_of(state.conditions, laid.evidence, laid.doses.s[rows], laid.doses.day[rows]) < 0) & ~inside
        forbidden[rows[open_ & (forbidden[rows] == 0)]] = -1


def _beginnings(laid: Laid, name: str) -> tuple[Ints, Flags]:
    """The doses that began the cycles of a name, and whether each began although it had to wait."""
    rows, rushed = [NOTHING], [np.zeros(0, np.bool_)]
    for grid in laid.grids:
        cycles = grid.cycles.get(name)
        for c, slot in enumerate(grid.arm.slots if cycles is not None else ()):
            if cycles is None or slot.part.kind != "treatment" or not slot.ref.planned or slot.ref.name != name:
                continue
            k = slot.ref.nth - 1
            mine = (grid.record[:, c] >= 0) & (grid.actual[:, c] == cycles.start[:, k])
            mine &= cycles.beginner[:, k] == laid.doses.names.index(slot.part.activity)
            rows.append(grid.record[mine, c])
            rushed.append(cycles.rushed[mine, k])
    return np.concatenate(rows), np.concatenate(rushed)
