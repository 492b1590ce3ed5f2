"""How much was given of a treatment up to each dose, beside the most that the protocol lets all doses together be.

The sum counts what was really given. An overdose itself counts as the dose intended: what it adds beyond that is its
own finding, until another dose comes after it.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from rules.arrays import Flags, Ints, Longs
from rules.dose import Doses
from rules.dosing.given import FACTS, amounts_given
from rules.dosing.intended import NO_CEILING, UNKNOWN
from rules.happened.counts import given_rows, running
from rules.match.frame import Array
from rules.timing.grid import Laid


def totals(laid: Laid, doses: Doses, part: Ints) -> dict[str, Array | pl.Series]:
    """Of each dose the sum up to it, and its limit; the sum `UNKNOWN` where an amount not recorded can matter."""
    n, limited = doses.n, doses.flags["totalled"]
    if not limited.any():
        unknown = np.broadcast_to(np.int64(UNKNOWN), n)
        nothing = np.broadcast_to(np.array(FACTS[0], dtype=object), n)
        return {"totalled": limited, "total": unknown, "total_limit": unknown, "total_fact": nothing}
    total, here = np.full(n, UNKNOWN, np.int64), np.ones(n, np.bool_)
    given = amounts_given(laid, part, whole=False).amount
    for name in laid.doses.names:
        rows = given_rows(laid, [name])
        if limited[rows].any():
            total[rows], here[rows] = _sums(laid, doses, given, rows)
    # What is missing of an earlier dose is asked for there, once.
    fact = pl.Series(FACTS).gather(pl.Series(doses.amount_fact)).set(pl.Series(~here), None)
    columns = {"totalled": limited, "total": total, "total_limit": doses.columns["total_limit"]}
    return columns | {"total_fact": fact}


def _sums(laid: Laid, doses: Doses, given: Longs, rows: Ints) -> tuple[Longs, Flags]:
    """The sums of doses of one treatment, in order of time, and of each whether its own amount is what is missing.

    An amount that nobody recorded may be nothing, or all that its own limits allow: it matters where the sum passes
    the limit with the one and not with the other.
    """
    s, amount = laid.doses.s[rows], given[rows]
    unknown = (amount == UNKNOWN) | doses.flags["unit_doubt"][rows]
    most, limit = doses.columns["most"][rows], doses.columns["total_limit"][rows]
    most = np.where(most == UNKNOWN, doses.columns["ceiling"][rows], most)
    bounded = (most != UNKNOWN) & (most != NO_CEILING)
    least = np.where(unknown, 0, amount)
    largest = np.where(unknown, np.where(bounded, most, 0), amount)
    here = np.where(bounded & (least > most), doses.columns["high"][rows] // 1000, least)
    sure = running(s, least) - least + here
    may = running(s, largest) - largest + np.where(unknown, largest, here)
    endless = running(s, (unknown & ~bounded).astype(np.int64)) > 0
    open_ = (sure <= limit) & (endless | (may > limit)) & (limit != UNKNOWN)
    ever = np.zeros(laid.evidence.n, np.bool_)
    ever[s[open_]] = True
    return np.where(open_ | (unknown & ever[s] & (sure <= limit)), UNKNOWN, sure), unknown
