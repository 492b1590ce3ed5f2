"""How doses were given, as occasions: one row per dose of which the protocol says so much."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from protocol.conditions import Compare, Condition, Inside
from protocol.model import Treatment
from rules.arrays import NONE, Flags, Ints, Points, days, key, whole
from rules.dosing.intended import UNKNOWN
from rules.happened.evidence import Evidence
from rules.happened.records import NOT_GIVEN
from rules.happened.routes import same_route
from rules.happened.spells import known_at
from rules.happened.truth import Truth, all_of_answers, truth
from rules.match.frame import Array, occasions_frame, one_of
from rules.match.infusion import infusion_columns, interruption_columns
from rules.occasions import schema
from rules.planning.judgeable import paced, rate_shown, tellable
from rules.timing.grid import Laid

if TYPE_CHECKING:
    from rules.telling.wording import Wording

_PAUSE_FACTS = ("infusion-time", "bag")
_MORE: dict[str, pl.DataType] = {"dose": pl.Int32(), "before": pl.Int32(), "percent": pl.Float64()}


def conduct_occasions(laid: Laid, doses: pl.DataFrame) -> pl.DataFrame:
    """One row per dose of the table `doses` of which the protocol, or its own number, says how it is to be given."""
    parts = laid.plan.parts
    part = whole(doses, "part", len(parts)).astype(np.int32)
    rows = doses["dose"].to_numpy()
    judged = ~doses["duplicate"].to_numpy() & ~laid.doses.misfiled[rows] & (laid.doses.activity[rows] >= 0)
    guards, stood = _guards(laid, doses, part, rows), interruption_columns(laid, part, rows)
    guards["interrupted"] = stood["interrupted"].astype(np.bool_)
    kept = np.flatnonzero(judged & np.any([guards[g] for g in guards], axis=0))
    if not len(kept):
        return pl.DataFrame(schema=schema("conduct") | _MORE)
    everything = np.full(len(laid.doses.s), -1, np.int32)
    everything[rows] = np.where(part == len(parts), -1, part)
    judgeable = np.full(len(everything), UNKNOWN, np.int64)
    judgeable[rows] = doses["amount"].fill_null(UNKNOWN).to_numpy()
    pace = {name: values[rows] for name, values in infusion_columns(laid, everything, judgeable).items()}
    ordered, in_order, before = _order(laid, part, rows)
    columns: dict[str, Array | pl.Series] = {
        **{name: doses[name] for name in ("s", "part", "row", "occurrence", "day", "branded")},
        "right_brand": doses["right_brand"],
        "routed": guards["routed"],
        "right_route": _routes(laid, part, rows),
        "required": guards["required"],
        "prepared_for": _prepared(laid, part, rows),
        "ordered": ordered,
        "in_order": in_order,
        **pace,
        **stood,
        "pause_fact": one_of(_PAUSE_FACTS, stood["bag_wanted"]),
        "paced": guards["paced"],
        "least_fact": _least_fact(laid, part, doses),
    }
    share = pace["running"] * 100.0 / np.maximum(pace["least_minutes"], 1)
    table = occasions_frame("conduct", columns, dose=rows, before=before, percent=share)
    return table[kept] if len(kept) < len(table) else table


def _by_part(laid: Laid, part: Ints, holds: Callable[[Treatment], bool]) -> Flags:
    """Of each dose whether something holds for the treatment of its part."""
    elements = [p.element for p in laid.plan.parts]
    found: Flags = np.array([isinstance(e, Treatment) and holds(e) for e in elements] + [False])[part]
    return found


def _guards(laid: Laid, doses: pl.DataFrame, part: Ints, rows: Ints) -> dict[str, Flags]:
    recorded, none = laid.evidence.columns, np.zeros(len(part), np.bool_)
    doubted = doses["unit_doubt"].to_numpy() & _by_part(laid, part, lambda e: e.rate is not None)
    return {
        "routed": _by_part(laid, part, lambda e: e.route is not None) if "administrations.route" in recorded else none,
        "branded": doses["branded"].to_numpy(),
        "required": _by_part(laid, part, lambda e: bool(e.requires) and tellable(e.requires)),
        "ordered": _by_part(laid, part, lambda e: bool(e.after)),
        "paced": _by_part(laid, part, paced) & ~doubted if "administrations.end" in recorded else none,
    }


def _least_fact(laid: Laid, part: Ints, doses: pl.DataFrame) -> pl.Series:
    """What is missing where the shortest time is: the amount at a rate, else the limit itself."""
    rated = pl.Series(_by_part(laid, part, lambda e: e.rate is not None and rate_shown(e)))
    unknown = rated & doses["amount"].is_null()
    limit = pl.Series(["infusion-limit"]).new_from_index(0, len(doses))
    return doses["amount_fact"].zip_with(unknown, limit)


# --- route --------------------------------------------------------------------------------------------------------


def _routes(laid: Laid, part: Ints, rows: Ints) -> Truth:
    """Whether the route on record is that of the protocol; unknown where none is, or a word that nobody knows."""
    said = laid.evidence.frames["administrations"]["route"].gather(laid.doses.place[rows])
    words = [str(w) for w in said.drop_nulls().unique().sort()]
    answers = {True: 1, False: 0, None: -1}
    wanted = [getattr(p.element, "route", None) for p in laid.plan.parts]
    table = [[answers[same_route(w, r)] if r else 1 for w in words] + [-1] for r in (*wanted, None)]
    code = said.cast(pl.Enum(words)).to_physical().cast(pl.Int32).fill_null(len(words)).to_numpy()
    found: Truth = np.array(table, np.int8)[part, code]
    return found


# --- prerequisites ------------------------------------------------------------------------------------------------


def _prepared(laid: Laid, part: Ints, rows: Ints) -> Truth:
    """Whether everything that the protocol requires before a dose was so; too long before is not."""
    e, answer = laid.evidence, np.ones(len(rows), np.int8)
    for code in np.unique(part[part < len(laid.plan.parts)]):
        element = laid.plan.parts[int(code)].element
        if isinstance(element, Treatment) and element.requires and tellable(element.requires):
            mine = np.flatnonzero(part == code)
            s, day, minute = (column[rows[mine]] for column in (laid.doses.s, laid.doses.day, laid.doses.minute))
            answer[mine] = all_of_answers([_in_time(c, e, s, day, minute) for c in element.requires], len(mine))
    return answer


def _in_time(condition: Condition, e: Evidence, s: Ints, day: Ints, minute: Ints) -> Truth:
    """The answer of a condition at the time of a dose; a value too old for it does not fulfil it, as with weights.

    A value whose result came after the dose was not known to fulfil it: the one before it counts, if there is one.
    Where no value of that day or before is on record it cannot be told, unless the study declares its data final.
    """
    if not isinstance(condition, Compare | Inside):
        return truth(condition, e, s, day, minute=minute)
    within = condition.within if isinstance(condition, Compare) else None
    ageless = replace(condition, within=None) if isinstance(condition, Compare) else condition
    values = e.measure(condition.name)
    at, there = values.before(s, day, minute=minute)
    until, moment, late = day, minute, np.zeros(len(s), np.bool_)
    while (unknown := there & _reported_later(e, values, at, day, minute)).any():
        late |= unknown
        untimed = unknown & (values.minute[at] == 0)
        until = np.where(unknown, values.day[at] - untimed, until).astype(np.int32)
        moment = np.where(unknown, np.where(untimed, NONE, values.minute[at] - 1), moment).astype(np.int32)
        at, there = values.before(s, until, minute=moment)
    answer = truth(ageless, e, s, until, minute=moment)
    old = late & ~there
    if within is not None and len(values.s):
        old |= there & (day - values.day[at] > within.days)
    final = e.final and "observations" in e.tables
    return np.where(old | (~there & (day != NONE) & final), 0, answer).astype(np.int8)


def _reported_later(e: Evidence, values: Points, at: Ints, day: Ints, minute: Ints) -> Flags:
    """Whether the result of each value came only after the dose; without both times that of the same day was there."""
    if not len(values.s) or e.frames["observations"]["reported"].null_count() == len(e.frames["observations"]):
        return np.zeros(len(at), np.bool_)
    known, then = known_at(e.frames["observations"], values.row[at], values.day[at])
    timed = (then != NONE) & (minute != NONE)
    later: Flags = (known > day) | ((known == day) & timed & (then > minute))
    return later


# --- order within a day -------------------------------------------------------------------------------------------


def _order(laid: Laid, part: Ints, rows: Ints) -> tuple[Flags, Truth, Ints]:
    """Whether something that must come first was given that day, whether it was first, and which dose that is."""
    r = laid.doses
    ordered, answer = np.zeros(len(rows), np.bool_), np.ones(len(rows), np.int8)
    before = np.full(len(rows), NONE, np.int32)
    for code in np.unique(part[part < len(laid.plan.parts)]):
        element = laid.plan.parts[int(code)].element
        after = _activities(laid, element.after) if isinstance(element, Treatment) else []
        first = np.flatnonzero(np.isin(r.activity, after) & (r.status != NOT_GIVEN) & (r.day != NONE) & ~r.misfiled)
        if not len(first):
            continue
        ended = _ended(laid)
        first = first[np.lexsort((ended[first], key(r.s[first], r.day[first])))]
        keys = key(r.s[first], r.day[first])
        mine = np.flatnonzero((part == code) & (r.day[rows] != NONE))
        of = key(r.s[rows[mine]], r.day[rows[mine]])
        low, high = np.searchsorted(keys, of), np.searchsorted(keys, of, side="right")
        mine, low, high = mine[high > low], low[high > low], high[high > low]
        last, start = first[high - 1], r.minute[rows[mine]]
        told = (start != NONE) & (r.minute[first[low]] != NONE) & (ended[first[low]] != NONE)
        ordered[mine], before[mine] = True, last
        answer[mine] = np.where(told, start >= ended[last], -1)
    return ordered, answer.astype(np.int8), before


def _activities(laid: Laid, names: Sequence[str]) -> list[int]:
    """The treatments that names of treatments or products stand for."""
    treatments = laid.plan.protocol.treatments
    return [n for n, t in enumerate(laid.doses.names) if t in names or treatments[t].product in names]


def _ended(laid: Laid) -> Ints:
    """The minute of its day at which each dose was over: its end, else its beginning; `NONE` without a time."""
    r, frame = laid.doses, laid.evidence.frames["administrations"]
    end = np.where(days(frame, "end") == days(frame, "start"), whole(frame, "end_minute"), NONE)
    end = np.where(days(frame, "end") > days(frame, "start"), 1440, end)
    last = np.full(len(r.s), NONE, np.int32)
    np.maximum.at(last, r.dose_of, end.astype(np.int32))
    return np.where(r.minute == NONE, NONE, np.maximum(last, r.minute)).astype(np.int32)


# --- its words ----------------------------------------------------------------------------------------------------


def _minutes(name: str) -> Callable[[Wording, pl.DataFrame], pl.Series]:
    return lambda w, hits: hits[name].cast(pl.String) + " min"


def _cell(name: str) -> Callable[[Wording, pl.DataFrame], pl.Series]:
    """The cell of a dose's record, as recorded."""

    def word(w: Wording, hits: pl.DataFrame) -> pl.Series:
        raw = w.raw("administrations", hits["row"])
        nothing = pl.Series([None], dtype=pl.String).new_from_index(0, len(hits))
        return raw[name].cast(pl.String).str.strip_chars() if name in raw.columns else nothing

    return word


def _element_text(name: str) -> Callable[[Wording, pl.DataFrame], pl.Series]:
    """A field of the treatment as the protocol writes it."""

    def text(value: object) -> str | None:
        if isinstance(value, dict):
            return ", ".join(f"{k}: {v}" for k, v in value.items())
        if isinstance(value, tuple):
            return ", ".join(getattr(v, "text", "") or str(v) for v in value) or None
        return str(value) if value is not None else None

    return lambda w, hits: w.by_part(hits, lambda p: text(getattr(p.element, name, None)))


def _pace(w: Wording, hits: pl.DataFrame) -> pl.Series:
    over, rate = (_element_text(name)(w, hits) for name in ("over", "rate"))
    return pl.select(pl.concat_str(over, rate, separator="; ", ignore_nulls=True)).to_series()


def _brand_names(w: Wording, hits: pl.DataFrame) -> pl.Series:
    products = w.protocol.products

    def text(activity: str, product: object) -> str | None:
        named = product.values() if isinstance(product, dict) else [product or activity]
        return ", ".join(dict.fromkeys(b for n in named if n in products for b in products[n].brand)) or None

    return w.by_part(hits, lambda p: text(p.activity, getattr(p.element, "product", None)))


def _counted_at(w: Wording, hits: pl.DataFrame) -> pl.Series:
    """When the protocol counts cells: before freezing or after thaw."""
    return w.by_part(hits, lambda p: next((d.counted for d in getattr(p.element, "dose", ()) if d.counted), None))


def _first_of_day(w: Wording, hits: pl.DataFrame) -> pl.Series:
    """What should have been given first on the day."""
    r = w.laid.doses
    names = [w.protocol.treatments[n].title for n in r.names]
    titles = [t.in_(w.lang) if t is not None else n for t, n in zip(names, r.names, strict=True)]
    return pl.Series([titles[r.activity[i]] if i is not None else None for i in hits["before"]], dtype=pl.String)


CONDUCT_WORDS: dict[str, Callable[[Wording, pl.DataFrame], pl.Series]] = {
    "route_recorded": _cell("route"),
    "route_text": _element_text("route"),
    "brand_recorded": _cell("brand"),
    "brand_text": _brand_names,
    "requires_text": _element_text("requires"),
    "first_of_day": _first_of_day,
    "number": _cell("occurrence"),
    "counted_text": _counted_at,
    "ran": _minutes("running"),
    "least_minutes": _minutes("least_minutes"),
    "most_minutes": _minutes("most_minutes"),
    "pace_text": _pace,
    "paused": _minutes("pause"),
    "interruption_text": _element_text("interruption"),
}
"""The words of a template about how a dose was given: functions from the hits of a rule to a column of text."""
