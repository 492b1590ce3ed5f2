"""Records that name a product which several treatments of the arm share: which treatment is each of them?

Records that name the treatment stay with it. The others meet the occurrences of all these treatments, merged and in the
order of their planned days; a record that none of them accounts for belongs to the treatment of the nearest one.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rules.arrays import NONE, Ints
from rules.happened.records import AMBIGUOUS, treatments_named
from rules.identity.assignment import assign, reach
from rules.identity.series import nominal_day, record_matrix
from rules.planning.slots import ArmPlan, Slot
from rules.timing.calendar import add_span
from rules.timing.grid import Laid


def share_out(laid: Laid, arm: ArmPlan, s: Ints) -> None:
    """Give each record of a shared product its treatment, for the participants `s` of one arm whose days are known."""
    records = laid.doses
    if not (records.activity == AMBIGUOUS).any():
        return
    open_ones = (records.activity == AMBIGUOUS) & np.isin(records.s, s) & (records.day != NONE)
    for word in np.unique(records.word[open_ones]):
        treatments = treatments_named(laid.plan.protocol, records.words[word], records.names)
        columns = [c for c, slot in enumerate(arm.slots) if slot.part.activity in treatments]
        rows = np.flatnonzero(open_ones & (records.word == word)).astype(np.int32)
        if columns:
            _name(laid, arm, s, np.array(columns), rows)


def _name(laid: Laid, arm: ArmPlan, s: Ints, columns: Ints, rows: Ints) -> None:
    """Name the treatment of the records `rows`, which may be any of the occurrences `columns`."""
    nominal = np.array([nominal_day(arm, c) for c in columns])
    order = np.argsort(nominal, kind="stable")
    columns, nominal = columns[order], nominal[order]
    slots = [arm.slots[c] for c in columns]
    planned = np.stack([_planned(laid, arm, s, slot) for slot in slots], axis=1)
    local = np.full(laid.evidence.n, -1, np.int32)
    local[s] = np.arange(len(s), dtype=np.int32)
    index, day, _ = record_matrix(laid.doses, rows, local[laid.doses.s[rows]], len(s))
    sides = reach(nominal, [x.low or 0 for x in slots], [x.high or 0 for x in slots])
    found = assign(planned, day, *sides).slot
    away = np.where(planned[:, None] == NONE, 1 << 30, np.abs(planned[:, None] - day[:, :, None]))
    place = np.where(found >= 0, found, away.argmin(axis=2))
    there = (index >= 0) & (planned != NONE).any(axis=1)[:, None]
    of_column = np.array([laid.doses.names.index(slot.part.activity) for slot in slots], dtype=np.int32)
    activity = laid.doses.activity.copy()
    activity[index[there]] = of_column[place[there]]
    laid.doses = replace(laid.doses, activity=activity)


def _planned(laid: Laid, arm: ArmPlan, s: Ints, slot: Slot) -> Ints:
    """The day on which an occurrence is planned before anything is known of others, `NONE` where its anchor is open."""
    if slot.ref.kind == "milestone":
        base = laid.evidence.milestone(slot.ref.name).day[s]
    elif slot.ref.kind == "slot" and slot.ref.slot >= 0:
        base = _planned(laid, arm, s, arm.slots[slot.ref.slot])
    else:
        base = np.full(len(s), NONE, np.int32)
    return add_span(
        base, slot.offset.months, slot.offset.days + round(slot.offset.working * 1.4), laid.plan.protocol.months
    )
