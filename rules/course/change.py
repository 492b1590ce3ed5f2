"""When a modification gives a course another dose than its steps do; its steps then no longer say what is right."""

from __future__ import annotations

import numpy as np

from protocol.dosing import Dose
from protocol.quantity import Quantity, Range
from rules.arrays import Ints
from rules.course.stretch import Stretch
from rules.happened.holds import targets
from rules.happened.spells import FOREVER, HOLD, spells_of
from rules.timing.grid import Laid

CHANGES = frozenset({"raise", "reduce", "set"})


def changed_from(laid: Laid, activity: str) -> tuple[Ints, Dose | None]:
    """The first day of each participant on which a modification changes the dose, `FOREVER` where none does.

    With it the dose that is right from then on, where the only such modification sets one.
    """
    e = laid.evidence
    first = np.full(e.n, FOREVER, np.int32)
    doses: list[Dose | None] = []
    for name, m in e.protocol.modifications.items():
        for action in (*m.then, *m.may):
            changes = action.verb in CHANGES or (action.verb == "hold" and m.resume is not None)
            if not changes or activity not in targets(e.protocol, action.target):
                continue
            spells = spells_of(e, name, m, HOLD)
            np.minimum.at(first, spells.s, spells.start)
            fixed = isinstance(action.to, Quantity) and action.to.dimension != "percent" and action in m.then
            doses.append(Dose.model_construct(_fields_set={"amount"}, amount=action.to) if fixed else None)
    return first, doses[0] if len(doses) == 1 else None


def is_fixed(stretch: Stretch) -> bool:
    """Whether the stretch states an amount: not a first dose to be followed by others, nor a share of another."""
    amounts = [d.amount for d in stretch.element.doses()]
    return all(a is not None and (a.low if isinstance(a, Range) else a).dimension != "percent" for a in amounts)
