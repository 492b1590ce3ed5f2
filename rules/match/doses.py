"""Doses as occasions: one row per dose on record, with what was planned beside it."""

from __future__ import annotations

import numpy as np
import polars as pl

from protocol.model import Treatment
from protocol.quantity import Quantity
from rules.arrays import NONE, Flags, Ints, days, key
from rules.dose import Doses, compute_doses
from rules.dosing.given import FACTS
from rules.dosing.totals import totals
from rules.happened.records import ARM_UNKNOWN, NOT_GIVEN, NOT_IN_ARM
from rules.happened.records import UNKNOWN as STATUS_UNKNOWN
from rules.happened.spells import HOLD, STOP
from rules.happened.truth import Truth
from rules.match.frame import Array, after_death, occasions_frame, one_of
from rules.match.hours import by_clock, windows_in_hours
from rules.match.ordered import ordered
from rules.match.quotas import quota_columns
from rules.match.weighed import weight_columns
from rules.telling.amount_text import dose_of
from rules.timing.closed import doses_without_calendar
from rules.timing.grid import Laid


def dose_occasions(laid: Laid) -> pl.DataFrame:
    """One row per dose on record that is not a *not given*, with what was planned beside it."""
    r = laid.doses
    part, occurrence = parts_of_doses(laid)
    doses = compute_doses(laid, part, occurrence)
    plan = _planned_beside(laid)
    columns: dict[str, Array | pl.Series] = {
        "s": r.s,
        "part": np.where(part < 0, NONE, part).astype(np.int32),
        "row": laid.evidence.frames["administrations"]["row"].to_numpy()[r.place],
        "occurrence": occurrence,
        "duplicate": r.duplicate,
        "repeated": np.where(r.unsure, -1, r.duplicate).astype(np.int8),
        "zero": (r.amount == 0) & (r.status != NOT_GIVEN) & ~r.misfiled & ~_nothing_due(laid)[part],
        **plan,
        **_identity(laid, part, doses),
        "anchored_fact": _anchored_fact(laid, plan),
        **_conduct(laid, part, plan),
        **quota_columns(laid),
        **_amounts(doses),
        **weight_columns(laid, doses),
        "not_recalculated": doses.flags["not_recalculated"],
        **totals(laid, doses, part),
        **ordered(laid, doses.flags["modified"], doses.flags["unmodified"]),
    }
    _set_aside(laid, columns)
    more: dict[str, Array | pl.Series] = {
        name: doses.columns[name] for name in ("low", "high", "weight", "weight_day", "weight_row", "used", "slip")
    }
    more["said"] = doses.columns["said"]
    more["implied"] = doses.columns["implied"]
    more |= {"delayed": plan["delayed"], "reaction": _reacted(laid), "adjusted": doses.flags["adjusted"]}
    more |= {"by_days": _by_days(laid, part), "fixed": _has_dose(laid)[part]}
    on_order = laid.evidence.frames["administrations"]["ordered"][r.place]
    # Of a part of a dose, or of cells counted otherwise, the order says nothing beside the limits.
    more["ordered"] = on_order.set(pl.Series((r.parts > 1) | (r.amount != doses.columns["amount"])), None)
    more |= {"dose": np.arange(len(r.s), dtype=np.int32), "branded": doses.flags["branded"]}
    more |= {"right_brand": doses.right_brand, "place": r.place, "parts": r.parts}
    more |= {"status": r.status, "activity": r.activity}
    table = occasions_frame("doses", columns, **more)
    kept = r.status != NOT_GIVEN
    return table if kept.all() else table.filter(pl.Series(kept))


def _set_aside(laid: Laid, columns: dict[str, Array | pl.Series]) -> None:
    """Nothing is judged of a dose that may be another participant's."""
    r = laid.doses
    columns["timed"] &= ~r.misfiled
    columns["permitted"] |= r.misfiled
    columns["dosed"] &= ~r.misfiled
    for name, answer in {"in_arm": 1, "on_hold": 0, "stopped": 0}.items() if r.misfiled.any() else ():
        columns[name] = np.where(r.misfiled, answer, columns[name]).astype(np.int8)


def _reacted(laid: Laid) -> Flags:
    """Of each dose whether an adverse event of the participant began on its day."""
    if not len(laid.evidence.frames["events"]):
        return np.zeros(len(laid.doses.s), np.bool_)
    events = laid.evidence.frames["events"].filter(~pl.col("event").str.to_lowercase().is_in(_NO_REACTION))
    return np.isin(key(laid.doses.s, laid.doses.day), key(events["s"].to_numpy(), days(events, "start")))


_NO_REACTION = ("hold", "resume", "concomitant medication", "transfusion")
"""Events that do not say why an infusion was cut short."""


def _planned_beside(laid: Laid) -> dict[str, Array | pl.Series]:
    """The days of the occurrence that each dose is, its window and its minimum interval."""
    r, n = laid.doses, len(laid.doses.s)
    plan = {name: np.full(n, NONE, np.int32) for name in ("due", "opens", "closes", "earliest", "latest", "delayed")}
    vague = any(grid.spread for grid in laid.grids)
    spread = {name: np.zeros(n if vague else 1, np.int32) for name in ("due", "earliest", "latest")}
    window: Flags = np.zeros(n, np.bool_)
    bounded: Flags = np.zeros(n, np.bool_)
    for grid, who, column, rows in laid.placed:
        place = who * len(grid.arm.slots) + column
        for name in ("due", "opens", "closes", "earliest", "delayed"):
            plan[name][rows] = getattr(grid, name).take(place)
        for c, latest in grid.latest.items():
            plan["latest"][rows[column == c]] = latest[who[column == c]]
        for (name, c), days_of in grid.spread.items():
            spread[name][rows[column == c]] = days_of[who[column == c]]
        window[rows] = np.array([s.low is not None and s.part.judged for s in grid.arm.slots])[column]
        bounded[rows] = np.array([bool(s.bounds) and s.part.judged for s in grid.arm.slots])[column]
        by_limits = np.array([s.ref.kind == "none" and s.part.judged for s in grid.arm.slots])
        if by_limits.any():
            window[rows] |= by_limits[column] & (plan["closes"][rows] != NONE)
    earliest, latest = plan["earliest"], plan["latest"]
    clear = ~doses_without_calendar(laid)
    if vague:
        clear &= _clear(r.day, r.last, plan["opens"], plan["closes"], spread["due"])
    unsaid = laid.dose_asked | ~clear
    for name in ("opens", "closes") if unsaid.any() else ():
        plan[name][unsaid] = NONE
    clocked = by_clock(laid)
    in_hours = clocked["spaced_by_clock"]
    return {
        **plan,
        "clear": clear,
        "day": _definite(r.day, r.last, plan["opens"], plan["closes"]),
        "timed": (window | windows_in_hours(laid)) & (r.status != STATUS_UNKNOWN),
        "spaced": bounded & (earliest != NONE),
        "spaced_to": bounded & (latest != NONE),
        # An interval in hours does not wait for days.
        "earliest": np.where(in_hours, r.day, _settled(r.day, earliest, spread["earliest"])),
        "latest": np.where(in_hours, r.day, _settled(r.day, latest, spread["latest"], after=True)),
        "pushed": (earliest != NONE) & (plan["opens"] == earliest),
        "pulled": (latest != NONE) & (plan["closes"] == latest),
        **_counting(laid),
        **clocked,
    }


def _clear(first: Ints, last: Ints, opens: Ints, closes: Ints, spread: Ints) -> Flags:
    """Whether every window that an anchor dated in part may mean says the same of a dose."""
    said = (first > closes) | (last < opens - spread) | ((first >= opens) & (last <= closes - spread))
    clear: Flags = (spread == 0) | said
    return clear


def _settled(day: Ints, limit: Ints, spread: Ints, *, after: bool = False) -> Ints:
    """A limit from a record dated in part, where every day that it may mean says the same of a dose; else `NONE`."""
    if not spread.any():
        return limit
    open_ = (spread > 0) & (limit != NONE)
    between = (day > limit - spread) & (day <= limit) if after else (day >= limit - spread) & (day < limit)
    return np.where(open_ & between, NONE, limit).astype(np.int32)


def _counting(laid: Laid) -> dict[str, Array]:
    """Whether each dose lies on a day on which it counts at all."""
    r, since, until = laid.doses, laid.counts_from, laid.counts_until
    if (since == NONE).all() and (until == NONE).all():
        return {"countable": np.ones(len(since), np.int8), "counts_from": since, "counts_until": until}
    early, late = (since != NONE) & (r.last < since), (until != NONE) & (r.day > until)
    unsure = ((since != NONE) & (r.day < since)) | ((until != NONE) & (r.last > until))
    countable = np.where(early | late, 0, np.where(unsure, -1, 1)).astype(np.int8)
    return {"countable": countable, "counts_from": since, "counts_until": until}


def _identity(laid: Laid, part: Ints, doses: Doses) -> dict[str, Array | pl.Series]:
    """Which dose it is: matched to an occurrence or not, of the participant's arm or not, and whether it is judged."""
    r = laid.doses
    matched = laid.dose_slot >= 0
    course = np.array([not p.judged for p in laid.plan.parts] + [False])[part]
    anchored = (
        matched | course | (_anchored(laid)[r.s] & ~laid.dose_asked & ~_perhaps(laid) & ~doses_without_calendar(laid))
    )
    armed = laid.evidence.arm_place[r.s] < len(laid.plan.arms)
    in_arm = np.where((r.activity == ARM_UNKNOWN) | ~armed, -1, np.where(r.activity == NOT_IN_ARM, 0, 1))
    unplaced = (~anchored | ~armed) & _one_dose(laid)[part]
    return {
        "matched": matched,
        "identity_margin": np.where(laid.identity.margin == NONE, 9999, laid.identity.margin),
        "out_of_order": laid.identity.astray,
        "course": course,
        "anchored": np.where(anchored, 1, -1).astype(np.int8),
        "in_arm": in_arm.astype(np.int8),
        "permitted": _permitted(laid),
        "dosed": doses.dosed
        & (doses.right_brand != 0)
        & (matched | unplaced)
        & (r.amount != 0)
        & (r.status != STATUS_UNKNOWN),
    }


def _by_days(laid: Laid, part: Ints) -> Flags:
    """Doses of a course: `exposures` judges them, by the days that a record covers."""
    flags: Flags = np.array([p.course for p in laid.plan.parts] + [False])[part]
    return flags


def _has_dose(laid: Laid) -> Flags:
    """By part: the protocol says how much."""
    return np.array([dose_of(p) is not None for p in laid.plan.parts] + [False])


def _nothing_due(laid: Laid) -> Flags:
    """By part: the protocol's dose is 0, as of a placebo; then an amount of 0 is no doubtful record."""
    zero = [
        (d := dose_of(p)) is not None and isinstance(d.amount, Quantity) and d.amount.base == 0 for p in laid.plan.parts
    ]
    return np.array([*zero, False])


def _conduct(laid: Laid, part: Ints, plan: dict[str, Array | pl.Series]) -> dict[str, Array | pl.Series]:
    """What stood against the dose: a hold, a stop, death. A dose after a stop is not late as well."""
    r, by_days = laid.doses, _by_days(laid, part)
    stopped, on_hold = (np.where(by_days, 0, answer).astype(np.int8) for answer in (_stopped(laid), _state(laid, HOLD)))
    return {
        "on_hold": on_hold,
        "stopped": stopped,
        "after_death": after_death(laid, r.s, r.day),
        "timed": plan["timed"] & (stopped != 1),
    }


def _amounts(doses: Doses) -> dict[str, Array | pl.Series]:
    """What was given beside the limits, and which fact is missing where one of them is."""
    flags = ("capped", "far_over", "far_under", "unit_doubt")
    return {
        **{name: doses.columns[name] for name in ("amount", "least", "most", "ceiling")},
        **{name: doses.flags[name] for name in flags},
        "amount_fact": one_of(FACTS, doses.amount_fact),
        "dose_fact": one_of(FACTS, doses.dose_fact),
    }


def _anchored_fact(laid: Laid, plan: dict[str, Array | pl.Series]) -> Array | pl.Series:
    """What is missing where the days of an occurrence are: a policy, its anchor's day, working days, or day zero."""
    asked = (laid.dose_asked, _perhaps(laid), doses_without_calendar(laid), ~np.asarray(plan["clear"]))
    return one_of(_ANCHORED_FACTS, np.select(asked, [0, 1, 2, 3], 4))


_ANCHORED_FACTS = ("policy", "condition", "working-days", "anchor-date", "day-zero")


def _perhaps(laid: Laid) -> Flags:
    """Doses without an occurrence that may be an optional one, where it cannot be told whether that is permitted."""
    perhaps = np.zeros(len(laid.doses.s), np.bool_)
    for grid in laid.grids:
        for c, answer in grid.optional.items():
            activity = grid.arm.slots[c].part.activity
            open_ = np.zeros(laid.evidence.n, np.bool_)
            open_[grid.s] = answer < 0
            if grid.arm.slots[c].part.kind == "treatment" and open_.any():
                perhaps |= (laid.doses.activity == laid.doses.names.index(activity)) & open_[laid.doses.s]
    return perhaps & (laid.dose_slot < 0)


def parts_of_doses(laid: Laid) -> tuple[Ints, Ints]:
    """Part and occurrence of each dose record; an unplaced one counts as the first part of its treatment."""
    first = {p.activity: p.code for p in reversed(laid.plan.parts) if p.kind == "treatment"}
    of_activity = np.array([first[name] for name in laid.doses.names] + [-1, -1, -1], dtype=np.int32)
    part = of_activity[np.where(laid.doses.activity >= 0, laid.doses.activity, laid.doses.named)]
    occurrence = np.full(len(part), NONE, np.int32)
    for grid, _, column, rows in laid.placed:
        part[rows] = np.array([s.part.code for s in grid.arm.slots])[column]
        occurrence[rows] = np.array([s.occurrence for s in grid.arm.slots])[column]
    return part.astype(np.int32), occurrence


def _one_dose(laid: Laid) -> Flags:
    """By part: every step of the treatment has the same dose, so a record can be judged without its place."""
    doses: dict[str, list[object]] = {}
    for part in laid.plan.parts:
        if isinstance(part.element, Treatment):
            doses.setdefault(part.activity, []).append(part.element.dose)
    alike = {name: all(dose == found[0] for dose in found) for name, found in doses.items()}
    return np.array([*(alike.get(part.activity, False) for part in laid.plan.parts), False])


def _anchored(laid: Laid) -> Flags:
    """Participants whose calendar could be laid out: their day zero is known."""
    known: Flags = laid.zero != NONE
    return known


def _definite(first: Ints, last: Ints, opens: Ints, closes: Ints) -> Ints:
    """The day where it is known, or where every day it may be lies on the same side of the window; else `NONE`."""
    if (first == last).all():
        return first
    known = (first == last) & (first != NONE)
    bounded = (first != NONE) & (opens != NONE) & (closes != NONE)
    before, after = bounded & (last < opens), bounded & (first > closes)
    inside = bounded & (first >= opens) & (last <= closes)
    return np.where(known | before | inside | after, np.where(before, last, first), NONE).astype(np.int32)


def _permitted(laid: Laid) -> Flags:
    """Doses of treatments that the protocol schedules nowhere: never unplanned."""
    scheduled = {s.part.activity for arm in laid.plan.arms.values() for s in arm.slots}
    free = np.array([name not in scheduled for name in laid.doses.names] + [False] * 3)
    permitted: Flags = free[laid.doses.activity]
    return permitted


def _state(laid: Laid, kind: int) -> Truth:
    """Of each dose record whether a state of that kind was in force."""
    r = laid.doses
    answer = np.zeros(len(r.s), np.int8)
    if not any(state.kind == kind for states in laid.states.by_treatment.values() for state in states):
        return answer
    cycle = laid.cycle_places()[0]
    for n, name in enumerate(r.names):
        rows = np.flatnonzero(r.activity == n).astype(np.int32)
        if len(rows):
            answer[rows] = laid.states.at(name, kind, r.s[rows], r.day[rows], r.minute[rows], cycle[rows])
    return answer


def _stopped(laid: Laid) -> Truth:
    """Of each dose record whether the treatment had been stopped, discontinued, or the participant had left."""
    r, answer = laid.doses, _state(laid, STOP)
    for n, name in enumerate(r.names):
        if all((day == NONE).all() for day in laid.states.end("treatment", name, laid.evidence.everyone)):
            continue
        rows = np.flatnonzero(r.activity == n).astype(np.int32)
        first, last = laid.states.end("treatment", name, r.s[rows])
        gone = (last != NONE) & (r.day[rows] > last)
        unsure = (first != NONE) & (r.day[rows] > first) & ~gone
        answer[rows] = np.where(gone, 1, np.where(unsure & (answer[rows] == 0), -1, answer[rows]))
    return answer
