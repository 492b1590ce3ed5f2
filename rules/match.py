"""Expected × recorded -> occasions: the tables that rules see. All joins, lags and look-ups end here.

Beside the columns of `occasions.py` each table carries what the sentences need (weights, limits, reasons); no rule
reads those.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from protocol.model import Treatment
from rules.assignment import NONE
from rules.dose import Doses, compute_doses
from rules.evidence import Flags, Ints
from rules.given import FACTS
from rules.grid import Grid, Laid
from rules.intended import UNKNOWN
from rules.occasions import TABLES
from rules.occasions_frame import Array, after_death, flag, occasions_frame
from rules.people import criteria_occasions, people_occasions, weight_occasions
from rules.records import ARM_UNKNOWN, NOT_GIVEN, NOT_IN_ARM
from rules.records import UNKNOWN as STATUS_UNKNOWN
from rules.states import HOLD, OMIT, STOP
from rules.truth import Truth


def build_occasions(laid: Laid) -> dict[str, pl.DataFrame]:
    """Every occasions table of one partition."""
    return {
        "doses": dose_occasions(laid),
        "planned": planned_occasions(laid),
        "criteria": criteria_occasions(laid),
        "people": people_occasions(laid),
        "weights": weight_occasions(laid),
    }


def dose_occasions(laid: Laid) -> pl.DataFrame:
    """One row per dose on record that is not a *not given*, with what was planned beside it."""
    r, e = laid.doses, laid.evidence
    n = len(r.s)
    part, occurrence = _parts_of_doses(laid)
    plan: dict[str, Ints] = {
        c: np.full(n, NONE, np.int32) for c in ("due", "opens", "closes", "earliest", "delayed", "margin")
    }
    window: Flags = np.zeros(n, np.bool_)
    bounded: Flags = np.zeros(n, np.bool_)
    for grid, who, column, rows in _placed(laid):
        for name, days_of in plan.items():
            days_of[rows] = getattr(grid, name)[who, column]
        window[rows] = np.array([s.low is not None and s.part.judged for s in grid.arm.slots])[column]
        bounded[rows] = np.array([bool(s.bounds) and s.part.judged for s in grid.arm.slots])[column]
        by_limits = np.array([s.ref.kind == "none" and s.part.judged for s in grid.arm.slots])[column]
        window[rows] |= by_limits & (grid.closes[who, column] != NONE)
    for name in ("opens", "closes"):
        plan[name][laid.dose_asked] = NONE
    doses = compute_doses(laid, part, occurrence)
    facts = pl.Series(FACTS)
    day = _definite(r.day, r.last, plan["opens"], plan["closes"])
    matched = laid.dose_slot >= 0
    course = np.array([not p.judged for p in laid.plan.parts] + [False])[part]
    placed = matched | course | (_anchored(laid)[r.s] & ~laid.dose_asked)
    anchored = np.where(placed, 1, -1).astype(np.int8)
    amount, zero = doses.columns["amount"], r.amount == 0
    stopped = _stopped(laid)
    armed = np.isin(np.array([a or "" for a in e.arm], dtype=object), list(laid.plan.arms))[r.s]
    in_arm = np.where((r.activity == ARM_UNKNOWN) | ~armed, -1, np.where(r.activity == NOT_IN_ARM, 0, 1)).astype(
        np.int8
    )
    unplaced = ((anchored == -1) | ~armed) & _one_dose(laid)[part]
    dosed = doses.dosed & (matched | unplaced) & ~zero & (r.status != STATUS_UNKNOWN)
    columns: dict[str, Array | pl.Series] = {
        "s": r.s,
        "part": np.where(part < 0, NONE, part).astype(np.int32),
        "row": e.frames["administrations"]["row"].to_numpy()[r.place],
        "occurrence": occurrence,
        "day": day,
        "matched": matched,
        "anchored": anchored,
        "anchored_fact": _either(laid.dose_asked, "policy", "day-zero"),
        "in_arm": in_arm,
        "course": course,
        "duplicate": r.duplicate,
        "permitted": _permitted(laid),
        "due": plan["due"],
        "opens": plan["opens"],
        "closes": plan["closes"],
        "timed": window & (r.status != STATUS_UNKNOWN) & (stopped != 1),
        "spaced": bounded & (plan["earliest"] != NONE),
        "earliest": plan["earliest"],
        "pushed": (plan["earliest"] != NONE) & (plan["opens"] == plan["earliest"]),
        "on_hold": _state(laid, HOLD),
        "stopped": stopped,
        "after_death": after_death(laid, r.s, r.day),
        "dosed": dosed,
        "amount": amount,
        "least": doses.columns["least"],
        "most": doses.columns["most"],
        "ceiling": doses.columns["ceiling"],
        "weight_age": _weight_age(doses, r.day),
        "weight_limit": np.where(doses.columns["weight_limit"] == UNKNOWN, NONE, doses.columns["weight_limit"]).astype(
            np.int32
        ),
        "zero": zero & (r.status != NOT_GIVEN),
        "ordered_by_weight": doses.columns["used"] != UNKNOWN,
        "amount_fact": facts.gather(pl.Series(doses.amount_fact)),
        "dose_fact": facts.gather(pl.Series(doses.dose_fact)),
        **{
            f: doses.flags[f]
            for f in ("capped", "far_over", "far_under", "unit_doubt", "weighed", "aged", "used_is_measured")
        },
    }
    more: dict[str, Array | pl.Series] = {
        c: doses.columns[c] for c in ("low", "high", "weight", "weight_day", "weight_row", "used", "slip")
    }
    more["implied"] = doses.columns.get("implied", np.full(n, UNKNOWN, np.int64))
    more |= {
        "place": r.place,
        "parts": r.parts,
        "delayed": plan["delayed"],
        "margin": plan["margin"],
        "status": r.status,
        "activity": r.activity,
    }
    table = occasions_frame("doses", columns, **more)
    kept = r.status != NOT_GIVEN
    table = table if kept.all() else table.filter(pl.Series(kept))
    return table.with_columns(
        over_percent=(pl.col("amount") * 1000 - pl.col("high")) * 100 / pl.col("high"),
        under_percent=(pl.col("low") - pl.col("amount") * 1000) * 100 / pl.col("low"),
    )


def _either(flags: Flags, one: str, other: str) -> pl.Series:
    """One word where the flag is set, else the other."""
    return pl.select(pl.when(pl.Series(flags)).then(pl.lit(one)).otherwise(pl.lit(other))).to_series()


def _placed(laid: Laid) -> list[tuple[Grid, Ints, Ints, Ints]]:
    """For each grid its dose records: participant of the grid, column, record."""
    found = []
    for grid in laid.grids:
        treatments = np.array([s.part.kind == "treatment" for s in grid.arm.slots])
        who, column = np.nonzero((grid.record >= 0) & treatments[None, :])
        found.append((grid, who.astype(np.int32), column.astype(np.int32), grid.record[who, column]))
    return found


def _parts_of_doses(laid: Laid) -> tuple[Ints, Ints]:
    """Part and occurrence of each dose record; an unplaced one counts as the first part of its treatment."""
    first = {p.activity: p.code for p in reversed(laid.plan.parts) if p.kind == "treatment"}
    of_activity = np.array([first[name] for name in laid.doses.names] + [-1, -1, -1], dtype=np.int32)
    part = of_activity[np.where(laid.doses.activity >= 0, laid.doses.activity, laid.doses.named)]
    occurrence = np.full(len(part), NONE, np.int32)
    for grid, _, column, rows in _placed(laid):
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
    known = (first == last) & (first != NONE)
    bounded = (first != NONE) & (opens != NONE) & (closes != NONE)
    before, after = bounded & (last < opens), bounded & (first > closes)
    inside = bounded & (first >= opens) & (last <= closes)
    return np.where(known | before | inside | after, np.where(before, last, first), NONE).astype(np.int32)


def _permitted(laid: Laid) -> Flags:
    """Doses of treatments that the protocol schedules nowhere, or leaves to a decision: never unplanned."""
    scheduled = {s.part.activity for arm in laid.plan.arms.values() for s in arm.slots}
    free = np.array([name not in scheduled for name in laid.doses.names] + [False] * 3)
    optional = {p.activity for p in laid.plan.parts if p.element.may_if}
    free |= np.array([name in optional for name in laid.doses.names] + [False] * 3)
    permitted: Flags = free[laid.doses.activity]
    return permitted


def _state(laid: Laid, kind: int) -> Truth:
    """Of each dose record whether a state of that kind was in force."""
    r = laid.doses
    answer = np.zeros(len(r.s), np.int8)
    for n, name in enumerate(r.names):
        rows = np.flatnonzero(r.activity == n).astype(np.int32)
        if len(rows):
            answer[rows] = laid.states.on_day(name, kind, r.s[rows], r.day[rows])
    return answer


def _stopped(laid: Laid) -> Truth:
    """Of each dose record whether the treatment had been stopped, discontinued, or the participant had left."""
    r, answer = laid.doses, _state(laid, STOP)
    for n, name in enumerate(r.names):
        rows = np.flatnonzero(r.activity == n).astype(np.int32)
        first, last = laid.states.end("treatment", name, r.s[rows])
        gone = (last != NONE) & (r.day[rows] > last)
        unsure = (first != NONE) & (r.day[rows] > first) & ~gone
        answer[rows] = np.where(gone, 1, np.where(unsure & (answer[rows] == 0), -1, answer[rows]))
    return answer


def _weight_age(doses: Doses, day: Ints) -> Ints:
    weighed = doses.columns["weight_day"]
    return np.where((weighed != UNKNOWN) & (day != NONE), day - np.where(weighed == UNKNOWN, 0, weighed), NONE).astype(
        np.int32
    )


def planned_occasions(laid: Laid) -> pl.DataFrame:
    """One row per planned treatment or visit of each participant, with what was done with it."""
    e = laid.evidence
    pieces = [_planned(laid, grid) for grid in laid.grids]
    columns = {c: np.concatenate([p[c] for p in pieces]) for c in pieces[0]} if pieces else {}
    if not columns:
        return pl.DataFrame(
            schema={c.name: c.dtype for c in TABLES["planned"]}
            | dict.fromkeys(("excuse", "column", "delayed", "place"), pl.Int32)
        )
    over = (columns["closing"] != NONE) & (columns["closing"] < e.horizon)
    n = len(over)
    asked, ending = (pl.Series(columns[name]) for name in ("asked", "ending"))
    fact = pl.when(asked).then(pl.lit("policy")).when(ending).then(pl.lit("stop-date")).otherwise(pl.lit("condition"))
    rule_columns: dict[str, Array | pl.Series] = {
        **columns,
        "over": over,
        "final": flag(e.final, n),
        "expected_fact": pl.select(fact).to_series(),
    }
    more = {c: columns[c] for c in ("excuse", "column", "delayed", "place", "actual", "judged")}
    table = occasions_frame("planned", rule_columns, **more)
    outside = pl.max_horizontal(pl.col("opens") - pl.col("day"), pl.col("day") - pl.col("closes"))
    return table.with_columns(days_outside=outside.dt.total_days())


def _planned(laid: Laid, grid: Grid) -> dict[str, Array]:
    slots, e = grid.arm.slots, laid.evidence
    shape = grid.due.shape

    def spread(values: list[int] | list[bool]) -> Array:
        return np.broadcast_to(np.array(values), shape).ravel()

    treatment = spread([s.part.kind == "treatment" for s in slots])
    judged_visit = "visits" in e.tables and not grid.arm.concurrent
    judged = [
        s.part.judged and (s.part.kind == "treatment" or (s.part.kind == "visit" and judged_visit)) for s in slots
    ]
    record = grid.record.ravel()
    status = np.zeros(len(record), np.int32)
    for chosen_kind, records in ((treatment, laid.doses), (~treatment, laid.visits)):
        chosen = np.flatnonzero(chosen_kind & (record >= 0))
        status[chosen] = records.status[record[chosen]]
    denied = (record >= 0) & (status == NOT_GIVEN)
    done = (record >= 0) & ~denied
    row, place = _rows(laid, record, treatment)
    actual = grid.actual.ravel()
    opens, closes = grid.opens.ravel(), grid.closes.ravel()
    excuse = grid.excuse.ravel()
    return {
        "s": np.repeat(grid.s, len(slots)),
        "part": spread([s.part.code for s in slots]).astype(np.int32),
        "row": row,
        "occurrence": spread([s.occurrence for s in slots]).astype(np.int32),
        "treatment": treatment & spread(judged),
        "visit": ~treatment & spread(judged),
        "expected": np.where(grid.asked & (grid.expected == 1), -1, grid.expected).ravel(),
        "asked": grid.asked.ravel(),
        "ending": _ending(laid, grid),
        "done": done,
        "denied": denied,
        "excused": _excused(laid, grid, excuse, denied, place),
        "unknown": done & (status == STATUS_UNKNOWN),
        "day": actual,
        "due": grid.due.ravel(),
        "opens": opens,
        "closes": closes,
        "timed": spread([s.low is not None for s in slots]) & (opens != NONE),
        "closing": np.where(closes != NONE, closes, grid.due.ravel()),
        "excuse": np.abs(excuse),
        "judged": spread(judged),
        "column": np.broadcast_to(np.arange(len(slots), dtype=np.int32), shape).ravel(),
        "delayed": grid.delayed.ravel(),
        "place": place,
        "actual": actual,
    }


def _ending(laid: Laid, grid: Grid) -> Flags:
    """Occurrences of which only the day is missing on which the treatment or participation ended."""
    unsure: Flags = grid.expected == -1
    for c in np.flatnonzero(unsure.any(axis=0)):
        part = grid.arm.slots[c].part
        first, last = laid.states.end(part.kind, part.activity, grid.s)
        unsure[:, c] &= (first != last) & (grid.due[:, c] >= first)
    return unsure.ravel()


def _rows(laid: Laid, record: Ints, treatment: Array) -> tuple[Ints, Ints]:
    """Line of the record in its table, and its place in the table's frame."""
    row, place = np.full(len(record), NONE, np.int32), np.full(len(record), -1, np.int32)
    for chosen_kind, records, table in (
        (treatment, laid.doses, "administrations"),
        (~treatment.astype(np.bool_), laid.visits, "visits"),
    ):
        chosen = np.flatnonzero(chosen_kind & (record >= 0))
        if len(chosen):
            place[chosen] = records.place[record[chosen]]
            row[chosen] = laid.evidence.frames[table]["row"].to_numpy()[place[chosen]]
    return row, place


def _excused(laid: Laid, grid: Grid, excuse: Ints, denied: Flags, place: Ints) -> Truth:
    """Whether the protocol allows or orders the absence; open where a reason names a condition without a value."""
    excused = np.isin(excuse, (HOLD, STOP, OMIT)).astype(np.int8)
    unsure = np.flatnonzero(denied & (excuse == -OMIT))
    if len(unsure):
        reasons = laid.evidence.frames["administrations"]["reason"].fill_null("").str.to_lowercase()
        slots = grid.arm.slots
        for i in unsure:
            words = laid.states.words(slots[i % len(slots)].part.activity)
            if any(w in reasons[int(place[i])] for w in words):
                excused[i] = -1
    return excused
