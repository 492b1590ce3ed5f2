"""What each participant really got of each treatment, beside what was planned up to that day."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from protocol.model import Treatment
from protocol.quantity import parse_unit
from rules.arrays import NONE, Ints
from rules.blinding import sighted
from rules.course.taken import Taken, read_taken
from rules.dose import compute_doses
from rules.dosing.given import amounts_given
from rules.dosing.intended import UNKNOWN
from rules.facts import Study
from rules.happened.records import NOT_GIVEN
from rules.happened.spells import FOREVER
from rules.happened.versions import Promised, versions_of
from rules.match.doses import parts_of_doses
from rules.partitions import over_partitions
from rules.plan import compile_plan
from rules.planning.slots import ArmPlan
from rules.telling.amount_text import display_unit
from rules.telling.calendar_table import calendar_table
from rules.timing.grid import Laid

EXPOSURE: dict[str, pl.DataType] = {
    "subject": pl.String(), "site": pl.String(), "arm": pl.String(), "activity": pl.String(), "planned": pl.UInt32(),
    "given": pl.UInt32(), "not_given": pl.UInt32(), "no_record": pl.UInt32(), "first": pl.Date(), "last": pl.Date(),
    "days": pl.Float64(), "planned_days": pl.Float64(), "cumulative": pl.Float64(), "intended": pl.Float64(),
    "unit": pl.String(), "unknown": pl.UInt32(), "relative_dose": pl.Float64(), "relative_intensity": pl.Float64(),
    "delayed": pl.UInt32(), "delay_days": pl.Int64(), "longest_delay": pl.Int64(), "weight_kg": pl.Float64(),
    "per_kg": pl.Float64(),
}  # fmt: skip
"""One treatment of one participant; docs/output.md says what each field means."""

_KEYS = ["subject", "activity"]


def exposure(
    protocol: Promised, study: Study, *, as_of: date | None = None, blinded: bool | None = None
) -> pl.DataFrame:
    """One row for each participant and treatment that was planned or given up to the day.

    Relative dose: given ÷ intended. Relative dose intensity: (given ÷ days it took) ÷ (intended ÷ days planned for it);
    both count from the first dose to the last and on to where the next one stands in the plan. Of a course taken by
    days the relative dose is that of the days on which it was taken, the intensity of the days planned. In percent.
    """
    versions, seen, _ = sighted(versions_of(protocol), study, blinded)
    plans = [compile_plan(one, assessments=False, visits=False) for one in versions]
    parts = list(over_partitions(plans, seen, as_of, _of_partition))
    return pl.concat(parts).sort(_KEYS) if parts else pl.DataFrame(schema=EXPOSURE)


def _of_partition(laid: Laid) -> pl.DataFrame:
    everyone = laid.evidence.frames["subjects"].select("subject", "site", "arm")
    rows = pl.concat([_single_doses(laid), _courses(laid)], how="diagonal")
    told = rows.join(everyone, on="subject", how="left", maintain_order="left")
    rounded = [
        pl.col(name).round(4)
        for name in ("relative_dose", "relative_intensity", "per_kg", "weight_kg", "days", "planned_days")
    ]
    return told.with_columns(rounded).select(pl.col(name).cast(dtype) for name, dtype in EXPOSURE.items())


def _units(laid: Laid) -> pl.DataFrame:
    """The unit of each treatment's amounts, and how many base units it is. Columns: activity, unit, factor."""
    found: dict[str, tuple[str, float]] = {}
    for part in laid.plan.parts:
        if isinstance(part.element, Treatment) and (unit := display_unit(part)) is not None:
            found.setdefault(part.activity, (unit[1], float(parse_unit(unit[1]).factor)))
    rows = [(activity, *unit) for activity, unit in found.items()]
    return pl.DataFrame(rows, schema={"activity": pl.String, "unit": pl.String, "factor": pl.Float64}, orient="row")


# --- single doses -----------------------------------------------------------------------------------------------------


def _single_doses(laid: Laid) -> pl.DataFrame:
    """Treatments given dose by dose: planned occurrences beside the doses on record."""
    planned, given = _planned(laid), _doses(laid)
    late = given.join(planned.select(*_KEYS, "occurrence", "due", "closes"), on=[*_KEYS, "occurrence"], how="left")
    delay = (pl.col("day") - pl.col("due")).dt.total_days()
    late = late.with_columns(
        delay=pl.when(pl.col("day") > pl.coalesce("closes", "due")).then(delay),
        per=pl.col("amount") / pl.col("weight_kg"),
    )
    by_dose = late.group_by(_KEYS).agg(
        given=pl.len(), first=pl.col("day").min(), last=pl.col("day").max(), unknown=pl.col("amount").null_count(),
        cumulative=_sum("amount"), per_kg=_sum("per"), weight_kg=pl.col("weight_kg").sort_by("day").first(),
        delayed=pl.col("delay").count(), delay_days=pl.col("delay").sum(),
        longest_delay=pl.col("delay").max().fill_null(0),
    )  # fmt: skip
    status = pl.col("status")
    by_plan = planned.group_by(_KEYS).agg(
        planned=pl.len(), not_given=(status == "not given").sum(), no_record=(status == "no record").sum(),
        intended=_sum("dose"), length=pl.col("nominal").max() - pl.col("nominal").min(),
        gap=pl.col("gap").sort_by("nominal").last(), missed=pl.col("due").filter(status != "done").max(),
    )  # fmt: skip
    both = by_plan.join(by_dose, on=_KEYS, how="full", coalesce=True).join(_units(laid), on="activity", how="left")
    # A dose left out at the end took its time as well: without that an omission would look like more intensity.
    taken = (pl.max_horizontal("last", "missed") - pl.col("first")).dt.total_days()
    told = both.with_columns(
        pl.col("cumulative", "per_kg") / pl.col("factor"),
        relative_dose=pl.col("cumulative") / pl.col("factor") / pl.col("intended") * 100,
        days=taken + pl.col("gap"),
        planned_days=pl.col("length") + pl.col("gap"),
    )
    intensity = pl.col("relative_dose") * pl.col("planned_days") / pl.col("days")
    return told.with_columns(relative_intensity=intensity).drop("factor", "length", "gap", "missed")


def _sum(name: str) -> pl.Expr:
    """The sum of a column; null where one of its values is not known, since a part is no sum."""
    return pl.when(pl.col(name).null_count() == 0).then(pl.col(name).sum())


def _planned(laid: Laid) -> pl.DataFrame:
    """Occurrences that were expected, and due by the day of the run, each with its place in the plan as such.

    `nominal` is its day if everything takes place as planned; `gap` how far the next one lies from it.
    """
    by_days = {part.activity for part in laid.plan.parts if part.course}
    calendar = calendar_table(laid).filter(pl.col("kind") == "treatment")
    horizon = pl.lit(laid.evidence.horizon, pl.Int32).cast(pl.Date)
    due = (pl.col("due") <= horizon) & (pl.col("status") != "not expected")
    seen = calendar.filter(
        (due | pl.col("status").is_in(["done", "not given"])) & ~pl.col("activity").is_in(list(by_days))
    )
    rows = [
        (name, arm.slots[c].part.activity, arm.slots[c].occurrence, *place)
        for name, arm in laid.plan.arms.items()
        for c, place in nominal_places(arm).items()
    ]
    schema = {"arm": pl.String, "activity": pl.String, "occurrence": pl.Int32, "nominal": pl.Float64, "gap": pl.Float64}
    places = pl.DataFrame(rows, schema=schema, orient="row")
    middle = (pl.col("dose_low") + pl.col("dose_high")) / 2
    return seen.join(places, on=["arm", "activity", "occurrence"], how="left").select(
        *_KEYS, "occurrence", "due", "closes", "status", "nominal", "gap", dose=pl.coalesce("dose", middle)
    )


def nominal_places(arm: ArmPlan) -> dict[int, tuple[float | None, float | None]]:
    """Of each column its day if everything takes place as planned, and the days to the next of its activity.

    None where the plan alone does not say, as after an event.
    """
    days: dict[int, float | None] = {}
    for group in arm.groups:
        for column in sorted(group, key=lambda c: arm.slots[c].occurrence):
            days[column] = _nominal(arm, column, days)
    places = {}
    for activity in {slot.part.activity for slot in arm.slots}:
        columns = arm.columns(activity)
        for column, following in zip(columns, (*columns[1:], None), strict=True):
            day = days.get(column)
            gap = _after_last(arm, columns, days) if following is None else _apart(day, days.get(following))
            places[column] = (day, gap)
    return places


def _apart(day: float | None, following: float | None) -> float | None:
    """Days between two places of the plan; None where it does not say, or has them on one day."""
    return following - day if day is not None and following is not None and following > day else None


def _after_last(arm: ArmPlan, columns: list[int], days: dict[int, float | None]) -> float | None:
    """Days from the last of an activity to the one that would follow: in the next cycle, or as far as from the last."""
    last = arm.slots[columns[-1]]
    cycle = arm.cycles.get(last.ref.name) if last.ref.kind == "cycle" else None
    if cycle is not None:
        first = min(arm.slots[c].offset.about for c in columns if arm.slots[c].ref.name == last.ref.name)
        return _apart(days.get(columns[-1]), float(cycle.every.about * last.ref.nth + first))
    return _apart(days.get(columns[-2]), days.get(columns[-1])) if len(columns) > 1 else None


def _nominal(arm: ArmPlan, column: int, days: dict[int, float | None]) -> float | None:
    slot = arm.slots[column]
    after = float(slot.offset.about)
    match slot.ref.kind:
        case "milestone":
            return after
        case "slot":
            base = days.get(slot.ref.slot)
        case "cycle":
            plan = arm.cycles.get(slot.ref.name)
            base = float(plan.every.about * (slot.ref.nth - 1)) if plan is not None else None
        case "previous":
            mine = arm.columns(slot.part.activity)
            place = mine.index(column)
            base = days.get(mine[place - 1]) if place else None
        case _:
            base = None
    return base + after if base is not None else None


def _doses(laid: Laid) -> pl.DataFrame:
    """The doses that reached a participant, each once: subject, activity, occurrence, day, amount, weight_kg."""
    r = laid.doses
    part, occurrence = parts_of_doses(laid)
    given, doses = amounts_given(laid, part, whole=False), compute_doses(laid, part, occurrence)
    courses = np.array([p.course for p in laid.plan.parts] + [False])
    name = np.where(r.activity >= 0, r.activity, r.named)
    kept = (r.status != NOT_GIVEN) & ~r.duplicate & ~r.misfiled & (name >= 0) & ~courses[part] & (r.day != NONE)
    rows = np.flatnonzero(kept)
    grams = doses.columns["weight"][rows]
    return pl.DataFrame({
        "subject": laid.evidence.frames["subjects"]["subject"].gather(r.s[rows]),
        "activity": pl.Series(r.names, dtype=pl.String).gather(name[rows]),
        "occurrence": _nulled(occurrence[rows], NONE).cast(pl.Int32),
        "day": pl.Series(r.day[rows], dtype=pl.Int32).cast(pl.Date),
        "amount": _nulled(given.amount[rows], UNKNOWN).cast(pl.Float64),
        "weight_kg": _nulled(grams, UNKNOWN).cast(pl.Float64) / 1000,
    })  # fmt: skip


def _nulled(values: Ints | np.ndarray[tuple[int], np.dtype[np.int64]], nothing: int | np.int64) -> pl.Series:
    series = pl.Series(values)
    return series.set(pl.Series(values == nothing), None)


# --- courses ----------------------------------------------------------------------------------------------------------


def _courses(laid: Laid) -> pl.DataFrame:
    """Treatments taken by days: what was taken on how many days, beside the days on which it was to be taken."""
    taken = read_taken(laid, parts_of_doses(laid)[0])
    x, p, subjects = taken.exposures, taken.pieces, laid.evidence.frames["subjects"]["subject"]
    names = pl.Series(laid.doses.names, dtype=pl.String)
    days = (x.last - x.first + 1).astype(np.float64)
    times = np.where(x.single, (x.last - x.first) // np.maximum(x.days, 1) + 1, days / np.maximum(x.days, 1))
    amount = np.where(x.amount == UNKNOWN, np.nan, x.amount * times)
    frame = pl.DataFrame({
        "subject": subjects.gather(x.s), "activity": names.gather(x.activity), "x": np.arange(len(x.s)),
        "days": np.where(x.single, times * x.days, days), "amount": pl.Series(amount).fill_nan(None),
        "first": pl.Series(x.first, dtype=pl.Int32).cast(pl.Date),
        "last": pl.Series(x.last, dtype=pl.Int32).cast(pl.Date),
    })  # fmt: skip
    known = (p.given != UNKNOWN) & (p.low != UNKNOWN) & (p.low > 0)
    share = (p.last - p.first + 1).astype(np.float64)
    ratio = np.where(known, p.given / np.where(known, p.low, 1) * 1000, np.nan) * share
    pieces = pl.DataFrame({"x": p.x.astype(np.int64), "ratio": pl.Series(ratio).fill_nan(None), "share": share})
    pieces = pieces.with_columns(weight_kg=_nulled(p.weight, UNKNOWN).cast(pl.Float64) / 1000)
    by_piece = pieces.group_by("x").agg(
        ratio=_sum("ratio") / pl.col("share").sum(), weight_kg=pl.col("weight_kg").first()
    )
    frame = frame.join(by_piece, on="x", how="left").with_columns(ratio=pl.col("ratio") * pl.col("days"))
    got = frame.group_by(_KEYS).agg(
        pl.col("first").min(), pl.col("last").max(), pl.col("days").sum(), unknown=pl.col("amount").null_count(),
        cumulative=_sum("amount"), relative_dose=_sum("ratio") / pl.col("days").sum() * 100,
        weight_kg=pl.col("weight_kg").sort_by("first").first(),
    )  # fmt: skip
    both = _course_days(laid, taken).join(got, on=_KEYS, how="full", coalesce=True)
    both = both.join(_units(laid), on="activity", how="left")
    per, lasted = pl.col("cumulative") / pl.col("factor"), pl.col("days") / pl.col("planned_days")
    intensity = pl.when(pl.col("planned_days") > 0).then(pl.col("relative_dose") * lasted)
    return both.with_columns(cumulative=per, per_kg=per / pl.col("weight_kg"), relative_intensity=intensity).drop(
        "factor"
    )


def _course_days(laid: Laid, taken: Taken) -> pl.DataFrame:
    """How many days each course was to be taken up to the day of the run, or to the end of the treatment before it."""
    frames = [pl.DataFrame(schema={"subject": pl.String, "activity": pl.String, "planned_days": pl.Float64})]
    subjects = laid.evidence.frames["subjects"]["subject"]
    for course in taken.courses:
        due = (course.due != NONE) & (course.due <= laid.evidence.horizon) & (course.expected != 0)
        s = np.flatnonzero(due).astype(np.int32)
        ends = (laid.states.end("treatment", course.activity, s)[1], taken.leaves[course.activity][s] - 1)
        known = [np.where((end == NONE) | (end == NONE - 1), FOREVER, end) for end in ends]
        last = np.min([course.end[s] - 1, *known, np.full(len(s), laid.evidence.horizon)], axis=0)
        days = np.maximum(last - course.due[s] + 1, 0).astype(np.float64)
        # Where nothing ends a course, nobody can say on how many days it was to be taken.
        days = np.where((course.end[s] == FOREVER) | (course.end[s] == NONE), np.nan, days)
        frames.append(pl.DataFrame({
            "subject": subjects.gather(s), "activity": pl.Series([course.activity] * len(s), dtype=pl.String),
            "planned_days": pl.Series(days).fill_nan(None),
        }))  # fmt: skip
    return pl.concat(frames)
