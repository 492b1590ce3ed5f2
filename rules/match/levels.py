"""Drug levels as occasions: values that order another dose and what followed, and samples drawn at another time."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from protocol.actions import Action
from protocol.conditions import names_of
from protocol.dosing import Dose
from protocol.model import Modification, Treatment
from protocol.quantity import Range
from rules.arrays import NONE, Flags, Ints, Points, days, key
from rules.course.change import judged_at_its_value
from rules.course.exposure import Exposures, series_of
from rules.course.taken import Taken
from rules.dosing.changed import is_stated
from rules.dosing.intended import UNKNOWN
from rules.happened.conversion import in_time
from rules.happened.evidence import Evidence
from rules.happened.holds import targets
from rules.happened.levels import WHOLE
from rules.happened.truth import Truth, all_of
from rules.match.frame import Array, occasions_frame
from rules.planning.slots import Element
from rules.timing.grid import Laid

if TYPE_CHECKING:
    from rules.telling.wording import Wording

CHANGES = {"raise": 1, "reduce": -1}


def level_occasions(laid: Laid, taken: Taken) -> pl.DataFrame:
    """One row per value that a modification `then` answers with another dose of a course, within a time."""
    pieces = [_empty()]
    for name, m in laid.plan.protocol.modifications.items():
        for action in m.then:
            for course in taken.courses if m.within is not None and action.verb in CHANGES else ():
                parts = laid.plan.protocol.treatments[course.activity].parts()
                named = course.activity in targets(laid.plan.protocol, action.target)
                if named and judged_at_its_value(action, m, parts):
                    part = course.stretches[0].part.code
                    pieces += _of_modification(laid, taken, name, m, action, (course.activity, part))
    columns: dict[str, Array | pl.Series] = {c: np.concatenate([p[c] for p in pieces]) for c in pieces[0]}
    more = {c: columns.pop(c) for c in ("until", "modification", "up")}
    return occasions_frame("levels", columns, **more).with_columns(pl.col("until").cast(pl.Date))


def _empty() -> dict[str, Array]:
    nothing = np.zeros(0, np.int32)
    whole = dict.fromkeys(("s", "part", "row", "occurrence", "day", "until"), nothing)
    flags = dict.fromkeys(("over", "taken", "up", "sized"), np.zeros(0, np.bool_))
    answers = dict.fromkeys(("acted", "as_far"), np.zeros(0, np.int8))
    return {**whole, **flags, **answers, "share": nothing, "modification": np.zeros(0, object)}


def _of_modification(
    laid: Laid, taken: Taken, name: str, m: Modification, action: Action, course: tuple[str, int]
) -> list[dict[str, Array]]:
    """The values that make one modification's condition true, and whether it was followed."""
    e, within = laid.evidence, m.within
    assert within is not None
    found = []
    for measure in sorted(names_of(m.if_) & set(e.protocol.measures)):
        values = e.measure(measure)
        true = np.flatnonzero(all_of(m.if_, e, values.s, values.day) == 1).astype(np.int32)
        if not len(true):
            continue
        s, day = values.s[true], values.day[true]
        until = (day + within.days).astype(np.int32)
        changed, taking, pair = _changed(laid, taken, course[0], s, day, until, CHANGES[action.verb])
        as_far, share = _as_far(taken.exposures, pair, action, laid.plan.parts[course[1]].element)
        again = _next_day(values, s, day) <= until
        excused = again | _reason(laid, course[0], s, day, until)
        n = len(s)
        found.append(
            {
                "s": s,
                "part": np.full(n, course[1], np.int32),
                "row": values.row[true],
                "occurrence": np.full(n, NONE, np.int32),
                "day": day,
                "until": until,
                "over": until < e.horizon,
                "taken": taking,
                "acted": np.where(excused, 1, changed).astype(np.int8),
                "sized": (changed == 1) & ~excused & (pair[0] != pair[1]) & (sizes_of(action) is not None),
                "as_far": as_far,
                "share": share,
                "modification": np.full(n, name, object),
                "up": np.full(n, action.verb == "raise", np.bool_),
            }
        )
    return found


def _changed(
    laid: Laid, taken: Taken, activity: str, s: Ints, day: Ints, until: Ints, sign: int
) -> tuple[Truth, Flags, tuple[Ints, Ints]]:
    """Whether the dose of a day rose (or fell) between two days, whether the drug was taken on the first, and the
    exposures before and after.
    """
    x = taken.exposures
    series = series_of(s, np.full(len(s), laid.doses.names.index(activity), np.int32))
    if not len(x.s):
        nothing = np.zeros(len(s), np.int32)
        return np.zeros(len(s), np.int8), np.zeros(len(s), np.bool_), (nothing, nothing)
    keys = (x.series << 20) + x.first + (1 << 19)
    begun = np.searchsorted(keys, (series << 20) + day + (1 << 19), side="right") - 1
    earlier = np.searchsorted(keys, (series << 20) + day + (1 << 19), side="left") - 1
    there = (begun >= 0) & (x.series[np.maximum(begun, 0)] == series)
    # A dose changed on the day of the sample may answer it.
    own = (earlier >= 0) & (x.series[np.maximum(earlier, 0)] == series)
    before = np.maximum(np.where(own, earlier, begun), 0)
    after = np.maximum(np.searchsorted(keys, (series << 20) + until + (1 << 19), side="right") - 1, 0)
    taking = there & (x.last[np.maximum(begun, 0)] >= day - 1)
    told = (x.amount[before] != UNKNOWN) & (x.amount[after] != UNKNOWN)
    old, new = x.amount[before] * x.days[after], x.amount[after] * x.days[before]
    changed = (new - old) * sign > 0
    ended = x.last[after] < until
    answer = np.where(ended, 1, np.where(told, changed, -1))
    pair = before.astype(np.int32), after.astype(np.int32)
    return np.where(before == after, ended, answer).astype(np.int8), taking, pair


def _as_far(x: Exposures, pair: tuple[Ints, Ints], action: Action, element: Element) -> tuple[Truth, Array]:
    """Whether the dose of a day after the change lies where the order has it, and its share of the dose before.

    A change that a ceiling or a floor cuts short is no smaller than ordered.
    """
    before, after = pair
    sizes = sizes_of(action)
    if sizes is None or not len(x.s):
        return np.ones(len(before), np.int8), np.zeros(len(before), np.int32)
    dose = element.dose[0] if isinstance(element, Treatment) and element.dose else Dose()
    low, high = (dose.tolerance.low_bp, dose.tolerance.high_bp) if dose.tolerance is not None else (0, 0)
    least, most = -(-sizes[0] * (WHOLE + low) // WHOLE), sizes[1] * (WHOLE + high) // WHOLE
    if action.verb == "raise" and dose.max is not None:
        least = WHOLE
    if action.verb == "reduce" and dose.min is not None:
        most = WHOLE
    old, new = x.amount[before] * x.days[after], x.amount[after] * x.days[before]
    step = max((int(rounding.step.base) for rounding in dose.round), default=0)
    slack = step * np.maximum(x.times[after], 1) * x.days[before]
    fits = ((new + slack) * WHOLE >= old * least) & ((new - slack) * WHOLE <= old * most)
    return fits.astype(np.int8), (new * 1000 // np.maximum(old, 1)).astype(np.int32)


def sizes_of(action: Action) -> tuple[int, int] | None:
    """The shares of the dose, in basis points, between which an order such as `by 10 to 25 %` has it; else None."""
    said = action.to or action.by
    if said is None or is_stated(action):
        return None
    low, high = (round(end.value * 100) for end in ((said.low, said.high) if isinstance(said, Range) else (said, said)))
    if action.to is not None:
        return low, high
    return (WHOLE + low, WHOLE + high) if action.verb == "raise" else (WHOLE - high, WHOLE - low)


def _next_day(values: Points, s: Ints, day: Ints) -> Ints:
    """The day of the next value of the same participant."""
    at = np.searchsorted(values.key, key(s, day), side="right")
    index = np.minimum(at, len(values.s) - 1)
    return np.where((at < len(values.s)) & (values.s[index] == s), values.day[index], 1 << 20).astype(np.int32)


def _reason(laid: Laid, activity: str, s: Ints, day: Ints, until: Ints) -> Flags:
    """A hold, an end of treatment or a decision on record between two days explains why nothing was changed."""
    left = laid.states.end("treatment", activity, s)[0]
    found = (left != NONE) & (left <= until)
    keys = np.sort(np.concatenate([_dated(laid.evidence, "events", "start", ("hold",)), _decided(laid.evidence)]))
    upto = np.searchsorted(keys, key(s, until), side="right")
    since = np.searchsorted(keys, key(s, day), side="left")
    reason: Flags = found | (upto > since)
    return reason


def _dated(e: Evidence, table: str, at: str, words: tuple[str, ...]) -> Array:
    frame = e.frames[table].filter(pl.col("event").str.to_lowercase().is_in(list(words)))
    return key(frame["s"].to_numpy(), days(frame, at)) if len(frame) else np.zeros(0, np.int64)


def _decided(e: Evidence) -> Array:
    frame = e.frames.get("decisions", pl.DataFrame())
    return key(frame["s"].to_numpy(), days(frame, "decided")) if len(frame) else np.zeros(0, np.int64)


def sample_occasions(laid: Laid) -> pl.DataFrame:
    """One row per value of a measure that is drawn a stated time after a dose."""
    e, frames = laid.evidence, []
    for name, measure in e.protocol.measures.items():
        if measure.drawn is not None:
            frame = e.samples(name)
            frames.append(frame.with_columns(in_time=in_time(frame, measure.drawn), criterion=pl.lit(name)))
    columns = ("s", "row", "at", "since_dose", "in_time", "criterion")
    if not frames or not sum(map(len, frames)):
        nothing = np.zeros(0, np.int32)
        empty: dict[str, Array | pl.Series] = dict.fromkeys(("s", "part", "row", "occurrence", "day", "since"), nothing)
        empty["in_time"] = np.zeros(0, np.int8)
        return occasions_frame("samples", empty, criterion=pl.Series([], dtype=pl.String))
    rows = pl.concat([f.select(columns) for f in frames]).sort("s", "at", "row")
    nobody = np.full(len(rows), NONE, np.int32)
    return occasions_frame(
        "samples",
        {
            "s": rows["s"].to_numpy(),
            "part": nobody,
            "row": rows["row"].to_numpy(),
            "occurrence": nobody,
            "day": days(rows, "at"),
            "in_time": rows["in_time"],
            "since": (rows["since_dose"] * 60).round().cast(pl.Int32),
        },
        criterion=rows["criterion"],
    )


# --- their words --------------------------------------------------------------------------------------------------


def _ordered(w: Wording, hits: pl.DataFrame) -> pl.Series:
    """What the modification orders, as written: `csa-trough < 100 ng/mL: raise ciclosporin within 7 d`."""
    said = {}
    for name in hits["modification"].unique():
        m = w.protocol.modifications[name]
        said[name] = f"{', '.join(map(_text, m.if_))}: {', '.join(map(str, m.then))}, {m.within}"
    return hits["modification"].replace_strict(said, return_dtype=pl.String)


def _text(condition: object) -> str:
    return getattr(condition, "text", "") or type(condition).__name__


def _drawn(w: Wording, hits: pl.DataFrame) -> pl.Series:
    said = {name: str(m.drawn) for name, m in w.protocol.measures.items() if m.drawn is not None}
    return hits["criterion"].replace_strict(said, return_dtype=pl.String)


LEVEL_WORDS: dict[str, Callable[[Wording, pl.DataFrame], pl.Series]] = {
    "ordered": _ordered,
    "drawn": _drawn,
    "share": lambda w, hits: (hits["share"] / 10).cast(pl.String).str.replace(r"\.0$", "") + " %",
    "since": lambda w, hits: (hits["since"] / 60).round(2).cast(pl.String) + " h",
}
"""The words of a template about a drug level: functions from the hits of a rule to a column of text."""
