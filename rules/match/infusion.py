"""How long infusions ran, and how long the protocol lets them run at least and at most.

Running time counts, not the time in between: an infusion that was interrupted ran in its pieces.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

from protocol.dosing import Span
from protocol.model import Treatment
from protocol.quantity import Quantity
from protocol.timing import Duration
from rules.arrays import NONE, Flags, Ints, Longs, days, whole
from rules.dosing.given import summed
from rules.dosing.intended import UNKNOWN
from rules.happened.records import PARTLY
from rules.happened.repeated import CLASH, COUNTS, ECHO, VOMITED
from rules.match.frame import Array
from rules.planning.judgeable import paced as paced_by
from rules.planning.judgeable import rate_shown
from rules.timing.grid import Laid

Index: TypeAlias = npt.NDArray[np.integer]

TWICE_AS_FAST = 2
"""Of a single stated time, less than half of it is too fast and more than twice too slow. A tool default."""
_MILLILITRE = 1_000_000
"""In nanolitres."""


ANY_LENGTH = 1 << 30
"""Minutes: an interruption that the protocol allows has no longest one."""


def interruption_columns(laid: Laid, part: Ints, rows: Ints) -> dict[str, Ints | Flags]:
    """How long each dose of `rows` stood still and may have, and whether that is to be judged; `part` is the place of
    its part, or one beyond the last.

    Where the protocol limits it, an interruption that nobody can measure is judged too: it cannot be told.
    """
    pause, wanted = (found[rows] for found in _stood_still(laid))
    said = [getattr(p.element, "interruption", None) for p in laid.plan.parts]
    minutes = [NONE if i is None else ANY_LENGTH if i.longest is None else i.longest.minutes for i in said]
    longest = np.array([*minutes, NONE], np.int32)[part]
    limited = (longest != NONE) & (longest != ANY_LENGTH)
    return {
        "interrupted": (pause > 0) | (limited & (pause == NONE)),
        "pause": pause,
        "longest_pause": longest,
        "bag_wanted": wanted,
    }


def infusion_columns(laid: Laid, part: Ints, amount: Longs) -> dict[str, Array]:
    """Running time and its limits in minutes of each dose; `amount` is what is judged of it, in base units."""
    n = len(part)
    ran = running(laid)
    least, most = np.full(n, NONE, np.int32), np.full(n, NONE, np.int32)
    paced, limited = np.zeros(n, np.bool_), np.zeros(n, np.bool_)
    for code in np.unique(part[part >= 0]) if "administrations.end" in laid.evidence.columns else ():
        element = laid.plan.parts[int(code)].element
        if not isinstance(element, Treatment) or not paced_by(element):
            continue
        rows = np.flatnonzero(part == code)
        paced[rows], limited[rows] = True, element.over is not None
        if element.over is not None:
            least[rows], most[rows] = _stated(element.over, ran[rows])
        if element.rate is not None and rate_shown(element):
            needed = _needed(element.rate, laid, rows, amount[rows])
            stated = least[rows] if element.over is not None else np.zeros(len(rows), np.int32)
            told = (needed != NONE) & (stated != NONE)
            least[rows] = np.where(told, np.maximum(needed, stated), NONE)
    share = (laid.doses.status == PARTLY) & (least != NONE)
    whole_dose = share & (amount > 0) & (laid.doses.amount >= 0)
    given = np.where(whole_dose, least * np.minimum(laid.doses.amount, amount) // np.maximum(amount, 1), NONE)
    least = np.where(share, given, least).astype(np.int32)
    return {"paced": paced, "limited": limited, "running": ran, "least_minutes": least, "most_minutes": most}


def running(laid: Laid) -> Ints:
    """Minutes that each dose ran, all its pieces together; `NONE` where a time is not on record."""
    frame = laid.evidence.frames["administrations"]
    start, end = days(frame, "start"), days(frame, "end")
    begun, ended = whole(frame, "start_minute"), whole(frame, "end_minute")
    known = (start != NONE) & (end != NONE) & (begun != NONE) & (ended != NONE)
    known &= (end == days(frame, "end_last")) & (start == days(frame, "start_last"))
    minutes = (end.astype(np.int64) - start) * 1440 + ended - begun
    if laid.doses.kinds is not None:
        again = np.isin(laid.doses.kinds, (ECHO, CLASH, VOMITED))
        minutes, known = np.where(again, 0, minutes), known | again
    total = summed(np.where(known, minutes, UNKNOWN), laid.doses.dose_of, len(laid.doses.s))
    return np.where(total == UNKNOWN, NONE, total).astype(np.int32)


def _stood_still(laid: Laid) -> tuple[Ints, Flags]:
    """Minutes for which each dose stood still between two records of one bag, 0 for none; `NONE` where that is not
    known, and then whether for want of a bag."""
    r, frame = laid.doses, laid.evidence.frames["administrations"]
    pause, unnamed = np.zeros(len(r.s), np.int32), np.zeros(len(r.s), np.bool_)
    rows = np.flatnonzero((r.parts > 1)[r.dose_of])
    if r.kinds is not None:
        rows = rows[r.kinds[rows] == COUNTS]
    if not len(rows):
        return pause, unnamed
    frame, of = frame[rows], r.dose_of[rows]
    begun, ended = (_moment(frame, column) for column in ("start", "end"))
    order = np.lexsort((begun, of))
    frame, of, begun, ended = frame[order], of[order], begun[order], ended[order]
    one = of[1:] == of[:-1]
    bag = frame["bag"]
    named = (bag.is_not_null()[1:] & bag.is_not_null()[:-1]).to_numpy()
    same = one & (bag[1:] == bag[:-1]).fill_null(value=False).to_numpy()
    timed = (begun[1:] != _NEVER) & (ended[:-1] != _NEVER)
    still = np.where(timed, np.maximum(begun[1:] - ended[:-1], 0), 0)
    np.add.at(pause, of[1:][same & timed], still[same & timed].astype(np.int32))
    unnamed[of[1:][one & ~named & (~timed | (still > 0))]] = True
    pause[of[1:][same & ~timed]] = NONE
    pause[unnamed] = NONE
    return pause, unnamed


_NEVER = -(1 << 40)


def _moment(frame: pl.DataFrame, column: str) -> Longs:
    """Minutes since the first day there is; `_NEVER` without a day or a time."""
    day, minute = days(frame, column), whole(frame, f"{column}_minute")
    known = (day != NONE) & (minute != NONE) & (day == days(frame, f"{column}_last"))
    return np.where(known, day.astype(np.int64) * 1440 + minute, _NEVER)


def _stated(over: Span, ran: Ints) -> tuple[Ints, Ints]:
    """The limits of a stated time. Of a single one what differs a little cannot be told, as of an amount."""
    low, high = over.low.minutes, over.high.minutes
    if low < high:
        return np.full(len(ran), low, np.int32), np.full(len(ran), high, np.int32)
    near: Flags = (ran != low) & (ran * TWICE_AS_FAST >= low) & (ran <= low * TWICE_AS_FAST)
    least, most = (np.where(near & (ran < low), NONE, low), np.where(near & (ran > low), NONE, low))
    return least.astype(np.int32), most.astype(np.int32)


def _needed(rate: Mapping[Duration, Quantity], laid: Laid, rows: Index, amount: Longs) -> Ints:
    """The minutes in which the amount can be given at the fastest allowed rates; `NONE` where that is not known."""
    steps = sorted((after.minutes, each) for after, each in rate.items())
    by_volume = steps[0][1].dimension == "volume/time"
    left = (_volume(laid)[rows] if by_volume else amount).astype(np.float64)
    known = left >= 0
    left, minutes = np.where(known, left, 0.0) * 60, np.zeros(len(rows))
    for n, (begins, each) in enumerate(steps):
        lasts = steps[n + 1][0] - begins if n + 1 < len(steps) else np.inf
        needs = np.minimum(left / float(each.base), lasts)
        minutes, left = minutes + needs, left - needs * float(each.base)
    return np.where(known, np.floor(minutes + 1e-6), NONE).astype(np.int32)


def _volume(laid: Laid) -> Longs:
    """The volume of each dose in nanolitres, `UNKNOWN` where one of its bags has none on record."""
    volume = laid.evidence.frames["administrations"]["volume"]
    base = (volume * _MILLILITRE).round().cast(int).fill_null(UNKNOWN).to_numpy()
    return summed(base, laid.doses.dose_of, len(laid.doses.s))
