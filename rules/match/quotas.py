"""At most so many in any span: of each dose given, the first day (or moment) on which the doses before it allow it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from protocol.quota import Quota
from rules.arrays import NONE, Flags, Ints, Longs
from rules.happened.records import GIVEN, NOT_GIVEN, PARTLY
from rules.match.frame import Array, flag, one_of
from rules.timing.clock import NEVER, of_records
from rules.timing.grid import Laid

_DAY = 1440
_FACTS = ("date", "time", "doses-before")


@dataclass(frozen=True)
class _Doses:
    """Doses of one treatment as (participant, earliest, latest) in the unit of the span; `row` is the record."""

    s: Ints
    first: Longs
    last: Longs
    row: Ints

    def take(self, chosen: Ints | Flags) -> _Doses:
        return _Doses(self.s[chosen], self.first[chosen], self.last[chosen], self.row[chosen])


def quota_columns(laid: Laid) -> dict[str, Array | pl.Series]:
    """Which doses a quota binds, from which day on it allows them, and by how many minutes those in hours miss it."""
    n = len(laid.doses.s)
    if not any(treatment.at_most for treatment in laid.plan.protocol.treatments.values()):
        no, unknown = flag(False, n), np.broadcast_to(np.int32(NONE), n)
        nothing = np.broadcast_to(np.int32(0), n)
        told = {"rationed": no, "free_from": unknown, "rationed_by_clock": no, "minutes_short": nothing}
        return told | {"rationed_fact": one_of(_FACTS, flag(False, n))}
    bound, by_clock = np.zeros(n, np.bool_), np.zeros(n, np.bool_)
    free_from, short = np.full(n, NONE, np.int32), np.zeros(n, np.int32)
    unsure, unsure_clock = np.zeros(n, np.bool_), np.zeros(n, np.bool_)
    courses = {part.activity for part in laid.plan.parts if part.course}
    for activity, name in enumerate(laid.doses.names):
        if name in courses:
            continue
        for quota in laid.plan.protocol.treatments[name].at_most:
            row, free, open_ = _judged(laid, activity, quota)
            if quota.span.clock:
                by_clock[row] = True
                gap = free - of_records(laid, laid.doses, row)[0]
                short[row] = np.maximum(short[row], np.where(open_, 0, gap))
                unsure_clock[row] |= open_
            else:
                bound[row] = True
                free_from[row] = np.where(open_, free_from[row], np.maximum(free_from[row], free))
                unsure[row] |= open_
    vague, untimed = laid.doses.day != laid.doses.last, unsure_clock & (laid.doses.minute == NONE)
    return {
        "rationed": bound,
        "free_from": np.where(unsure, NONE, free_from).astype(np.int32),
        "rationed_by_clock": by_clock,
        "minutes_short": np.where(unsure_clock & (short == 0), NONE, short).astype(np.int32),
        "rationed_fact": one_of(_FACTS, np.where(vague, 0, np.where(untimed, 1, 2))),
    }


def _judged(laid: Laid, activity: int, quota: Quota) -> tuple[Ints, Longs, Flags]:
    """The records that a quota binds: as many doses came before; when it allows them, and whether that is untold.

    A record that may be no dose (unknown whether given, an amount of 0, no day of its own where days are counted)
    decides nothing, but where it would, nothing is told.
    """
    r = laid.doses
    mine = (r.activity == activity) & (r.status != NOT_GIVEN) & ~(r.duplicate | r.misfiled) & (r.day != NONE)
    rows = np.flatnonzero(mine).astype(np.int32)
    found = _Doses(r.s[rows], *_when(laid, rows, quota), rows)
    sure = np.isin(r.status[rows], (GIVEN, PARTLY)) & (r.amount[rows] != 0)
    if quota.of == "days":
        sure &= found.first == found.last
    span = quota.span.minutes if quota.span.clock else quota.span.days
    row, free, over, open_ = _rolling(found if sure.all() else found.take(sure), quota, span)
    if not sure.all():
        more = _rolling(found, quota, span)
        maybe = more[0][more[2] | more[3]]
        added = np.setdiff1d(maybe, row)
        open_ = open_ | (np.isin(row, maybe) & ~over)
        row, free = np.concatenate([row, added]), np.concatenate([free, np.zeros(len(added), np.int64)])
        open_ = np.concatenate([open_, np.ones(len(added), np.bool_)])
    return row, free, open_


def _when(laid: Laid, rows: Ints, quota: Quota) -> tuple[Longs, Longs]:
    if quota.span.clock:
        first, last = of_records(laid, laid.doses, rows)
        return first, np.where(last == NEVER, first, last)
    return laid.doses.day[rows].astype(np.int64), laid.doses.last[rows].astype(np.int64)


def _rolling(doses: _Doses, quota: Quota, span: int) -> tuple[Ints, Longs, Flags, Flags]:
    """Of each dose after the first `count`: its record, when the quota allows it, whether it is over, or untold.

    The j-th dose in time lies between the j-th of the earliest and the j-th of the latest moments.
    """
    order = np.lexsort((doses.last, doses.first, doses.s)).astype(np.int32)
    doses = doses.take(order)
    if quota.of == "days":
        new = np.ones(len(doses.s), np.bool_)
        new[1:] = (np.diff(doses.s) != 0) | (np.diff(doses.first) != 0)
        doses = doses.take(new)
    first, last = doses.first, doses.last[np.lexsort((doses.last, doses.s))]
    at = np.arange(quota.count, len(doses.s), dtype=np.int32)
    at = at[doses.s[at] == doses.s[at - quota.count]]
    before = at - quota.count
    over = last[at] < first[before] + span
    open_ = ~over & (first[at] < last[before] + span)
    return doses.row[at], first[before] + span, over, open_
