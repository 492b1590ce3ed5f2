"""The weight that each dose rests on: how old it is, how old it may be, and whether the order names one on record."""

from __future__ import annotations

import numpy as np

from rules.arrays import NONE
from rules.dose import Doses
from rules.dosing.intended import UNKNOWN
from rules.happened.truth import Truth
from rules.match.frame import Array
from rules.timing.grid import Laid


def weight_columns(laid: Laid, doses: Doses) -> dict[str, Array]:
    """Of each dose what the rules on weight see."""
    weighed, limit, day = doses.columns["weight_day"], doses.columns["weight_limit"], laid.doses.day
    known = (weighed != UNKNOWN) & (day != NONE)
    return {
        **{name: doses.flags[name] for name in ("weighed", "aged", "used_is_measured")},
        "weight_age": np.where(known, day - np.where(known, weighed, 0), NONE).astype(np.int32),
        "weight_limit": np.where(limit == UNKNOWN, NONE, limit).astype(np.int32),
        "age_excused": _age_excused(laid, doses),
        "ordered_by_weight": doses.columns["used"] != UNKNOWN,
    }


def _age_excused(laid: Laid, doses: Doses) -> Truth:
    """Whether an older weight is excused: unknown where the protocol asks for a reason and none is on record."""
    asked = doses.flags["reasoned"]
    if not asked.any():
        return np.zeros(len(asked), np.int8)
    given = laid.evidence.frames["administrations"]["reason"].gather(laid.doses.place).is_not_null().to_numpy()
    return np.where(asked, np.where(given, 1, -1), 0).astype(np.int8)
