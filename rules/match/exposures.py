"""Exposures as occasions: what was taken on some days of a course, and what the protocol gives on them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from protocol.model import Treatment
from rules.arrays import NONE, Flags, Ints
from rules.course.change import often_at
from rules.course.exposure import Exposures
from rules.course.pieces import AFTER
from rules.course.taken import Taken
from rules.dosing.given import FACTS
from rules.dosing.intended import NO_CEILING, UNKNOWN
from rules.match.frame import Array, occasions_frame
from rules.timing.grid import Laid

if TYPE_CHECKING:
    from rules.telling.wording import Wording

SCALE = 5040
"""A dose in whole parts that every usual number of days divides."""


def exposure_occasions(laid: Laid, taken: Taken) -> pl.DataFrame:
    """One row per exposure and stretch, and one for the days after the course."""
    p, x = taken.pieces, taken.exposures
    at, after = p.x, p.part == AFTER
    columns: dict[str, Array | pl.Series] = {
        "s": x.s[at],
        "part": np.where(after, _last_parts(laid, taken)[x.activity[at]], p.part).astype(np.int32),
        "row": laid.evidence.frames["administrations"]["row"].to_numpy()[laid.doses.place[x.head[at]]],
        "occurrence": np.full(p.n, NONE, np.int32),
        "day": p.first,
        **_window(laid, taken),
        **{name: getattr(p, name) for name in ("dosed", "given", "least", "most")},
        "fact": pl.Series(FACTS).gather(pl.Series(p.fact)),
        "repeated": ~x.single[at] & (p.times > 0) & ~x.clashing[at] & ~after,
        "often": np.where(x.times[at] > 0, x.times[at] * SCALE // x.days[at], NONE).astype(np.int32),
        "often_due": (p.times * SCALE // p.days).astype(np.int32),
        "after_end": after,
        "held_days": _held_days(taken),
        "stopped_days": _stopped_days(laid, taken),
        "clashing": (x.clashing & _covered(x))[at] & (np.diff(at, prepend=-1) != 0),
    }
    more: dict[str, Array | pl.Series] = {
        f"{name}_each": _each(getattr(p, name), p.per) for name in ("given", "least", "most", "low")
    }
    weighing = ("weight", "weight_day", "weight_row")
    more |= {name: getattr(p, name) for name in ("low", "last", *weighing, "daily", "x", "level")}
    rated = (p.given != UNKNOWN) & (p.rate > 0)
    more["implied"] = np.where(rated, p.given // p.per * 1000 // np.maximum(p.rate, 1), UNKNOWN)
    more["weighed"] = p.rate != UNKNOWN
    weighed = p.weight_day != UNKNOWN
    more["weight_age"] = np.where(weighed, x.first[at] - np.where(weighed, p.weight_day, 0), UNKNOWN)
    more |= {"activity": x.activity[at], "times": x.times[at], "every": x.days[at], "single": x.single[at]}
    more["due"] = columns.pop("due")
    more["ordered_by"] = _ordered_by(laid, taken)
    table = occasions_frame("exposures", columns, **more)
    over = (pl.col("given") - pl.col("most")) * 100 / pl.col("most")
    under = (pl.col("least") - pl.col("given")) * 100 / pl.col("least")
    outside = pl.max_horizontal(pl.col("opens") - pl.col("day"), pl.col("day") - pl.col("closes"))
    return table.with_columns(
        pl.col("last", "due").cast(pl.Date),
        days_outside=outside.dt.total_days(),
        days=pl.Series(p.last - p.first + 1, dtype=pl.Int32),
        off_percent=pl.when(pl.col("given") > pl.col("most")).then(over).otherwise(under),
    )


def _ordered_by(laid: Laid, taken: Taken) -> pl.Series:
    """The modifications that changed the dose of each piece; empty for none."""
    p, x = taken.pieces, taken.exposures
    by = np.full(p.n, "", dtype=object)
    for activity in np.unique(x.activity[p.x[p.changed]]):
        rows = np.flatnonzero(p.changed & (x.activity[p.x] == activity)).astype(np.int32)
        nowhere = np.zeros(len(rows), np.int32)
        by[rows] = laid.levels.names(laid.doses.names[activity], x.s[p.x[rows]], p.last[rows], nowhere)
    return pl.Series(by, dtype=pl.String)


def _covered(x: Exposures) -> Flags:
    """Exposures begun while an earlier one of the same course lasts: of two that overlap the later is asked about."""
    covered = np.zeros(len(x.s), np.bool_)
    upto = np.maximum.accumulate((x.series << 20) + x.last + (1 << 19))
    covered[1:] = upto[:-1] >= (x.series[1:] << 20) + x.first[1:] + (1 << 19)
    return covered


def _window(laid: Laid, taken: Taken) -> dict[str, Array]:
    """The window of the first day of a course, beside the days with which it begins."""
    p, x = taken.pieces, taken.exposures
    due, opens, closes = (np.full(p.n, NONE, np.int32) for _ in range(3))
    timed = np.zeros(p.n, np.bool_)
    begins = np.diff(x.series, prepend=-1) != 0
    for course in taken.courses:
        rows = np.flatnonzero(x.activity[p.x] == laid.doses.names.index(course.activity))
        s = x.s[p.x[rows]]
        due[rows], opens[rows], closes[rows] = course.due[s], course.opens[s], course.closes[s]
        timed[rows] = course.stretches[0].element.window is not None
    timed &= begins[p.x] & (p.first == x.first[p.x]) & (np.diff(p.x, prepend=-1) != 0)
    return {"timed": timed, "due": due, "opens": opens, "closes": closes}


def _last_parts(laid: Laid, taken: Taken) -> Ints:
    """Of each treatment the part of the plan that ends its course."""
    codes = np.full(len(laid.doses.names), NONE, np.int32)
    for course in taken.courses:
        codes[laid.doses.names.index(course.activity)] = course.stretches[-1].part.code
    return codes


def _held_days(taken: Taken) -> Ints:
    """Days of each piece in a hold; `NONE` where it lies in one of which nobody recorded the end."""
    p, x = taken.pieces, taken.exposures
    series, after = x.series[p.x], p.part == AFTER
    sure, possible = (h.later().days_between(series, p.first, p.last + 1) for h in (taken.holds, taken.possible_holds))
    days = np.where(after, 0, sure)
    return np.where(~after & (possible > 0) & (sure == 0), NONE, days).astype(np.int32)


def _each(values: Array, per: Array) -> Array:
    """Amounts of one day or one dose, in whole base units: for people to read, never compared."""
    known = (values != UNKNOWN) & (values != NO_CEILING)
    return np.where(known, np.where(known, values, 0) // per, UNKNOWN)


def _stopped_days(laid: Laid, taken: Taken) -> Ints:
    """Days of each piece after the treatment was stopped or left; `NONE` where only the day of that is missing."""
    p, x = taken.pieces, taken.exposures
    found = np.zeros(p.n, np.int32)
    for course in taken.courses:
        rows = np.flatnonzero((x.activity[p.x] == laid.doses.names.index(course.activity)) & (p.part != AFTER))
        s = x.s[p.x[rows]]
        first, last = laid.states.end("treatment", course.activity, s)
        stop = taken.stops[course.activity][s]
        left = np.where(last == NONE, 1 << 20, last + 1)
        ends = np.minimum(left, np.where(stop == NONE, 1 << 20, stop))
        beyond = np.maximum(p.last[rows] + 1 - np.maximum(ends, p.first[rows]), 0)
        unsure = (first != NONE) & (first != last) & (p.last[rows] > first) & (beyond == 0) & ~x.open[p.x[rows]]
        found[rows] = np.where(unsure, NONE, beyond)
    return found


# --- its words ----------------------------------------------------------------------------------------------------


def _each_text(w: Wording, hits: pl.DataFrame) -> pl.Series:
    """What the amounts are of: a day, or one dose."""
    a_day, a_dose = (pl.Series([w.phrases[p]]).new_from_index(0, len(hits)) for p in ("each_day", "each_dose"))
    return a_day.zip_with(hits["daily"], a_dose)


def _limits_text(w: Wording, hits: pl.DataFrame) -> pl.Series:
    """The amounts that are right; one where they are the same, and only the largest where no other is fixed."""
    least, most = w.amounts(hits, "least_each"), w.amounts(hits, "most_each")
    between = pl.select(pl.concat_str(least, pl.lit(w.phrases["to"]), most)).to_series()
    only = pl.select(pl.concat_str(pl.lit(w.phrases["at_most_amount"]), most)).to_series()
    text = least.zip_with((least == most).fill_null(value=True), between)
    return only.zip_with((hits["least_each"] == 0) & (hits["most_each"] > 0), text)


def _often(w: Wording, hits: pl.DataFrame) -> pl.Series:
    """How often the record says, as so many times in so many days."""
    found = []
    for times, days in hits.select("times", "every").iter_rows():
        found.append(w.phrases["often"].replace("#", str(times)).replace("@", str(days)))
    return pl.Series(found, dtype=pl.String)


def _often_due(w: Wording, hits: pl.DataFrame) -> pl.Series:
    said = []
    for part, level in hits.select("part", "level").iter_rows():
        element = w.laid.plan.parts[part].element
        said.append(str(often_at(element, level or 0) or "") if isinstance(element, Treatment) else None)
    return pl.Series(said, dtype=pl.String)


def _dates(name: str) -> Callable[[Wording, pl.DataFrame], pl.Series]:
    return lambda w, hits: hits[name].dt.to_string("%Y-%m-%d")


def _share_text(w: Wording, hits: pl.DataFrame) -> pl.Series:
    return w.by_part(hits, lambda p: str(p.element.adherence) if isinstance(p.element, Treatment) else None)


def _course_denial(w: Wording, hits: pl.DataFrame) -> pl.Series:
    said, silent = (pl.Series([w.phrases[p]]).new_from_index(0, len(hits)) for p in ("not_given", "no_record"))
    return said.zip_with(hits["denied"], silent)


COURSE_WORDS: dict[str, Callable[[Wording, pl.DataFrame], pl.Series]] = {
    **{name: _dates(name) for name in ("last", "until", "gap_from", "gap_to")},
    "each": _each_text,
    "given_each": lambda w, hits: w.amounts(hits, "given_each"),
    "limits_each": _limits_text,
    "often": _often,
    "often_due": _often_due,
    "share_text": _share_text,
    "course_denial": _course_denial,
}
"""The words of a template about a course: functions from the hits of a rule to a column of text."""
