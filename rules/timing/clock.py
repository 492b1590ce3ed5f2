"""Clock time: windows and intervals in hours, which need two recorded times; hours elapsed, whatever the clocks did.

Moments are minutes since 1970 in UTC where the site's time zone is known, else as recorded. Every answer is a pair, the
earliest and the latest possible: without a time a day is any minute of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import polars as pl

from rules.arrays import NONE, Flags, Ints, Longs, key, whole
from rules.happened.evidence import Evidence
from rules.happened.records import Records
from rules.planning.slots import Ref
from rules.timing.anchors import reference
from rules.timing.grid import Grid, Hours, Laid

DAY = 1440
NEVER = np.int64(np.iinfo(np.int64).min)
Moments: TypeAlias = tuple[Longs, Longs]


def lay_hours(laid: Laid, grid: Grid, c: int) -> None:
    """The window by the clock of one slot, and the days on which it opens and closes."""
    slot = grid.arm.slots[c]
    if slot.clock is None:
        return
    low, high = slot.clock
    offset = slot.offset.days * DAY + slot.offset.minutes
    first, last = (_plus(moment, offset) for moment in moment_of(laid, grid, slot.ref))
    grid.hours[c] = Hours(first, last, low, high)
    # What accompanies a dose is due on its day; by the clock it may cross midnight once its time is known.
    known = (first != NEVER) & (~np.bool_(slot.follows) | (first == last))
    for days_of, moment, span in ((grid.due, first, 0), (grid.opens, first, low), (grid.closes, last, high)):
        local = _local(laid.evidence, grid.s, _plus(moment, span))
        days_of[:, c] = np.where(known, local // DAY, days_of[:, c]).astype(np.int32)


def off_by(laid: Laid, grid: Grid, c: int, who: Ints, rows: Ints) -> tuple[Ints, Flags]:
    """Minutes by which these doses or visits miss the window of a slot: negative early, positive late, 0 inside.

    `NONE` where it cannot be told; and whether it is their own time that is missing.
    """
    hours = grid.hours[c]
    at = of_records(laid, laid.doses if grid.arm.slots[c].part.kind == "treatment" else laid.visits, rows)
    opens = hours.first[who] + hours.low, hours.last[who] + hours.low
    closes = hours.first[who] + hours.high, hours.last[who] + hours.high
    return _against(at, opens, closes, hours.first[who] != NEVER)


def moved_by_days(laid: Laid, grid: Grid, c: int, who: Ints) -> Flags:
    """For whom a delay or a limit in days opens the window of a slot later than its hours: then its days count."""
    hours = grid.hours[c]
    day = _local(laid.evidence, grid.s[who], _plus(hours.last[who], hours.low)) // DAY
    moved: Flags = (hours.last[who] != NEVER) & (grid.opens[who, c] > day)
    return moved


def apart(laid: Laid, rows: Ints, before: Ints, least: int | None, most: int | None) -> tuple[Ints, Flags]:
    """Minutes by which the time since the dose before is too short (negative) or too long; as `off_by`."""
    at, since = of_records(laid, laid.doses, rows), of_records(laid, laid.doses, before)
    low = [moment + (least if least is not None else -(1 << 30)) for moment in since]
    high = [moment + (most if most is not None else 1 << 30) for moment in since]
    return _against(at, (low[0], low[1]), (high[0], high[1]), since[0] != NEVER)


def _against(at: Moments, opens: Moments, closes: Moments, known: Flags) -> tuple[Ints, Flags]:
    there = known & (at[0] != NEVER)
    early, late = there & (at[1] < opens[0]), there & (at[0] > closes[1])
    inside = there & (at[0] >= opens[1]) & (at[1] <= closes[0])
    off = np.where(early, at[1] - opens[0], np.where(late, at[0] - closes[1], 0))
    told = early | late | inside
    return np.where(told, off, NONE).astype(np.int32), ~told & (at[0] != at[1])


# --- moments ------------------------------------------------------------------------------------------------------


def moment_of(laid: Laid, grid: Grid, ref: Ref) -> Moments:
    """The moment that a reference names, as far as it is known."""
    e, s = laid.evidence, grid.s
    first, last = reference(laid, grid, ref)
    minute = np.full(len(s), NONE, np.int32)
    if ref.kind == "slot" and ref.slot >= 0 and not ref.planned:
        minute = _recorded_minute(laid, grid, ref)
        if ref.slot in grid.hours:
            planned = grid.hours[ref.slot]
            coming = grid.actual[:, ref.slot] == NONE
            own = _moments(e, s, first, last, minute)
            return np.where(coming, planned.first, own[0]), np.where(coming, planned.last, own[1])
    elif ref.kind == "milestone":
        minute = _milestone_minute(laid, ref.name, first)[s]
    elif ref.kind == "dose" and len(laid.doses.s):
        minute = _minute_on(laid.doses, s, first, np.ones(len(laid.doses.s), np.bool_))
    return _moments(e, s, first, last, minute)


def of_records(laid: Laid, records: Records, rows: Ints) -> Moments:
    """When these records took place."""
    chosen = np.maximum(rows, 0)
    day = np.where(rows >= 0, records.day[chosen], NONE)
    return _moments(laid.evidence, records.s[chosen], day, records.last[chosen], records.minute[chosen])


def _moments(e: Evidence, s: Ints, first: Ints, last: Ints, minute: Ints) -> Moments:
    timed = (minute != NONE) & (first == last)
    low = _plus(first.astype(np.int64) * DAY, np.where(timed, minute, 0))
    high = _plus(last.astype(np.int64) * DAY, np.where(timed, minute, DAY - 1))
    known = (first != NONE) & (last != NONE)
    return tuple(np.where(known, _utc(e, s, moment), NEVER) for moment in (low, high))  # type: ignore[return-value]


def _recorded_minute(laid: Laid, grid: Grid, ref: Ref) -> Ints:
    """The time of the record in a slot; of its end where that is meant."""
    treatment = grid.arm.slots[ref.slot].part.kind == "treatment"
    records = laid.doses if treatment else laid.visits
    row = grid.record[:, ref.slot]
    if not len(records.s):
        return np.full(len(row), NONE, np.int32)
    chosen = np.maximum(row, 0)
    minute = records.minute[chosen]
    if ref.end and treatment:
        minute = whole(laid.evidence.frames["administrations"], "end_minute").astype(np.int32)[records.place[chosen]]
    return np.where((row >= 0) & (grid.actual[:, ref.slot] != NONE), minute, NONE).astype(np.int32)


def _milestone_minute(laid: Laid, name: str, day: Ints) -> Ints:
    """The time of a milestone of every participant: as recorded, or of the dose that defines day zero."""
    e = laid.evidence
    minute = np.full(e.n, NONE, np.int32)
    subjects, milestones = e.frames["subjects"], e.frames["milestones"]
    column = {"day-zero": "day_zero", "enrolled": "enrolled"}.get(name)
    if column is not None:
        minute = whole(subjects, f"{column}_minute").astype(np.int32)
    words = milestones["milestone"].str.to_lowercase().str.replace_all(r"[\s_]+", "-")
    rows = milestones.filter(words == name).sort("s", "date", "date_minute", descending=[False, True, True])
    minute[rows["s"].to_numpy()] = whole(rows, "date_minute").astype(np.int32)
    if name == "day-zero" and len(laid.doses.s):
        everyone = np.arange(e.n, dtype=np.int32)
        event = _minute_on(laid.doses, everyone, laid.zero_event, np.ones(len(laid.doses.s), np.bool_))
        minute = np.where(laid.zero_event != NONE, event, minute).astype(np.int32)
    return minute


def _minute_on(records: Records, s: Ints, day: Ints, chosen: Flags) -> Ints:
    """The earliest time of a record of a participant on a day."""
    rows = np.flatnonzero(chosen & (records.minute != NONE))
    at = key(records.s[rows], records.day[rows])
    order = np.lexsort((records.minute[rows], at))
    found = np.searchsorted(at[order], key(s, day))
    there = found < len(order)
    place = order[np.minimum(found, max(len(order) - 1, 0))] if len(order) else np.zeros(len(s), np.intp)
    if not len(order):
        return np.full(len(s), NONE, np.int32)
    mine = there & (at[place] == key(s, day))
    return np.where(mine, records.minute[rows[place]], NONE).astype(np.int32)


def _plus(moment: Longs, minutes: int | Ints) -> Longs:
    return np.where(moment == NEVER, NEVER, moment + minutes)


# --- zones --------------------------------------------------------------------------------------------------------


def local_text(e: Evidence, s: Ints, moment: Longs) -> pl.Series:
    """The clock time of a moment at the participant's site, `14:30`; null where it is not known."""
    known = moment != NEVER
    minute = np.where(known, _local(e, s, np.where(known, moment, 0)) % DAY, 0)
    text = [f"{m // 60:02}:{m % 60:02}" if k else None for m, k in zip(minute.tolist(), known.tolist(), strict=True)]
    return pl.Series(text, dtype=pl.String)


def _utc(e: Evidence, s: Ints, moment: Longs) -> Longs:
    return _shifted(e, s, moment, to_utc=True)


def _local(e: Evidence, s: Ints, moment: Longs) -> Longs:
    return _shifted(e, s, moment, to_utc=False)


def _shifted(e: Evidence, s: Ints, moment: Longs, *, to_utc: bool) -> Longs:
    """Minutes moved between the clock of the site and UTC; where no zone is known they stay as they are."""
    if e.zones is None and not e.zone:
        return moment
    names, which = zones_of(e, s, (np.where(moment == NEVER, 0, moment) // DAY).astype(np.int32))
    result = moment.copy()
    for n, name in enumerate(names):
        rows = np.flatnonzero((which == n) & (moment != NEVER))
        if not name or not len(rows):
            continue
        naive = pl.Series(moment[rows] * 60_000_000).cast(pl.Datetime("us"))
        if to_utc:
            there = naive.dt.replace_time_zone(name, ambiguous="earliest", non_existent="null")
            moved = there.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
        else:
            moved = naive.dt.replace_time_zone("UTC").dt.convert_time_zone(name).dt.replace_time_zone(None)
        result[rows] = moved.fill_null(naive).cast(pl.Int64).to_numpy() // 60_000_000
    return result


def zones_of(e: Evidence, s: Ints, day: Ints) -> tuple[Sequence[str], Ints]:
    """The time zone of each participant's site on a day: names, and which one; an empty name where none is stated."""
    zones = e.zones
    if zones is None:
        return [e.zone], np.zeros(len(s), np.int32)
    at = np.searchsorted(zones.since, key(s, day), side="right") - 1
    place = np.maximum(at, 0)
    mine = (at >= 0) & (zones.s[place] == s)
    return zones.names, np.where(mine, zones.code[place], 0).astype(np.int32)
