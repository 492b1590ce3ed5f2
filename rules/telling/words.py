"""The words of the templates: each a function from the hits of a rule to a column of text, null where it has none."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from protocol.activities import Limit
from protocol.model import Modification
from protocol.quantity import parse_unit
from rules.happened.evidence import numbers, whole
from rules.happened.spells import FOREVER
from rules.identity.assignment import NONE
from rules.match.bags import BAG_WORDS
from rules.match.conduct import CONDUCT_WORDS
from rules.match.contradictions import contradiction
from rules.match.exposures import COURSE_WORDS
from rules.match.gap_words import GAP_WORDS
from rules.match.leaving import LEAVING_WORDS
from rules.match.levels import LEVEL_WORDS
from rules.match.specifications import SPECIFICATION_WORDS
from rules.match.values import READING_WORDS
from rules.planning.slots import Part, Plan
from rules.telling.amount_text import amount_texts, dose_of
from rules.telling.begun import begun_by

if TYPE_CHECKING:
    from rules.telling.wording import Text, Wording

Word = Callable[["Wording", pl.DataFrame], "Text"]
_SLOT = re.compile(r"\{(\w+)\}")
_FIRST, _LAST = np.datetime64("1800-01-01", "D").astype(int), np.datetime64("2400-01-01", "D").astype(int)


@cache
def _calendar() -> pl.Series:
    """Every day as text, then null: writing a day anew is slower by far than looking it up."""
    return (
        pl.int_range(_FIRST, _LAST, dtype=pl.Int32, eager=True).cast(pl.Date).cast(pl.String).extend_constant(None, 1)
    )


def day_texts(day: pl.Series) -> pl.Series:
    """Days as text, from dates or days since 1970; null stays null."""
    at = numbers(day.cast(pl.Int32), _LAST)
    if len(at) and (at.min() < _FIRST or at.max() > _LAST):
        return day.cast(pl.Int32).cast(pl.Date).cast(pl.String)
    texts: pl.Series = _calendar()[at - _FIRST]
    return texts


def _dates(name: str) -> Word:
    return lambda w, hits: day_texts(hits[name])


def _cell(name: str) -> Word:
    return lambda w, hits: hits[name]


def _amounts(name: str, *, thousandths: bool = False) -> Word:
    return lambda w, hits: w.amounts(hits, name, thousandths)


def _kilograms(value: pl.Series) -> pl.Series:
    """Weights in grams as people write them: `16.2 kg`."""
    return amount_texts(value.cast(pl.Int64), "weight", "kg")


def _weights(name: str) -> Word:
    return lambda w, hits: _kilograms(hits[name])


def _put(phrase: str, where: pl.Expr | None = None, **values: Text) -> pl.Expr:
    """A phrase with columns in the place of its words in braces and of `#`; empty where `where` is false or null."""
    pieces = [values[p] if i % 2 else p for i, p in enumerate(_SLOT.split(phrase.replace("#", "{it}")))]
    text = pl.concat_str([p if isinstance(p, pl.Expr) else pl.lit(p) for p in pieces if not isinstance(p, str) or p])
    return text if where is None else pl.when(where).then(text).otherwise(pl.lit(""))


def _days(name: str) -> Word:
    return lambda w, hits: _days_of(w, pl.col(name))


def _days_of(w: Wording, days: pl.Expr) -> pl.Expr:
    text = days.cast(pl.Int64).cast(pl.String)
    return pl.when(days == 1).then(_put(w.phrases["day"], it=text)).otherwise(_put(w.phrases["days"], it=text))


def _measure(w: Wording, hits: pl.DataFrame) -> pl.Expr:
    unit = str(hits["measure_unit"][0]) if len(hits) else ""
    if unit == "d":
        measure = pl.col("measure")
        return pl.when(measure == measure.round(0)).then(_days_of(w, measure)).otherwise(_hours(measure))
    value = pl.col("measure").round(1)
    whole = value == value.round(0)
    text = pl.when(whole).then(value.cast(pl.Int64, strict=False).cast(pl.String)).otherwise(value.cast(pl.String))
    return text + f" {unit}"


def _hours(days: pl.Expr) -> pl.Expr:
    """A part of a day as people say it: `2 h 10 min`."""
    minutes = (days * 1440).round(0).cast(pl.Int64)
    hours, rest = minutes // 60, minutes % 60
    said = pl.when(hours == 0).then(pl.format("{} min", rest)).when(rest == 0).then(pl.format("{} h", hours))
    return said.otherwise(pl.format("{} h {} min", hours, rest))


def _intended(w: Wording, hits: pl.DataFrame) -> pl.Expr:
    low, high = (pl.lit(w.amounts(hits, side, thousandths=True)) for side in ("low", "high"))
    return pl.when(low != high).then(pl.concat_str(low, pl.lit(w.phrases["to"]), high)).otherwise(low)


def _which(w: Wording, hits: pl.DataFrame) -> Text:
    """The activity, with the number of the occurrence where it has several."""
    alone, several = w.by_part(hits, w.name_of), _repeated(w.laid.plan)
    parts = w.laid.plan.parts
    counted = np.array([*(p.activity in several for p in parts), False])[w.parts(hits)[0]]
    if not counted.any():
        return alone
    numbered = pl.lit(pl.Series(counted)) & pl.col("occurrence").is_not_null()
    return pl.when(numbered).then(w.text(w.phrases["numbered"], hits)).otherwise(pl.lit(alone))


@lru_cache(maxsize=64)
def _repeated(plan: Plan) -> frozenset[str]:
    """The activities that occur more than once in some arm."""
    return frozenset(s.part.activity for arm in plan.arms.values() for s in arm.slots if s.occurrence > 1)


def _dose_steps(w: Wording, hits: pl.DataFrame) -> pl.Expr:
    """The arithmetic of the dose, or what is known of it where the limits cannot be computed."""
    return w.choose(hits, hits["low"].is_not_null(), "dose_known", "dose_open")


def _beside(w: Wording, hits: pl.DataFrame, phrase: str) -> pl.Expr:
    """How far an amount lies from the intended dose; without a weight, which weight it implies."""
    return w.choose(hits, hits["low"].is_not_null(), phrase, "implies")


def _slip(w: Wording, hits: pl.DataFrame) -> pl.Series:
    """The known slip that the ratio fits; empty where it fits none."""
    found, of = np.unique(whole(hits, "slip", 0), return_inverse=True)
    return pl.Series([_slip_text(w, int(slip)) for slip in found], dtype=pl.String)[of]


def _slip_text(w: Wording, slip: int) -> str | None:
    if slip in (0, 1):
        return w.phrases["slip_per_kg"] if slip else None
    factor = abs(slip) / 10_000
    phrase = "slip_pounds" if round(factor, 1) == 2.2 else "slip_daily" if factor < 10 else "slip_ten"
    return w.phrases[phrase].replace("#", f"{factor:g}").replace("@", "×" if slip > 0 else "÷")


def of_subjects(w: Wording, hits: pl.DataFrame, column: str) -> pl.Series:
    """A column of the subject table for every row."""
    of, values = hits["s"], w.laid.evidence.frames["subjects"][column]
    return values[of.to_numpy()] if not of.null_count() else values.gather(of.cast(pl.UInt32))


def _zero(w: Wording, hits: pl.DataFrame) -> pl.Series:
    day = w.laid.zero[hits["s"].to_numpy()]
    return day_texts(pl.Series(np.where(day == NONE, _LAST, day)))


def _recorded(w: Wording, hits: pl.DataFrame) -> pl.Series:
    """The cells of the record that matter, as recorded: `start 2024-03-15, amount 1.62e8`; or that there is none."""
    none = pl.Series([w.phrases["nothing_recorded"]]).new_from_index(0, len(hits))
    return _by_table(hits, none, lambda table: _cells_of(w, table, hits["row"]))


def _by_table(hits: pl.DataFrame, none: pl.Series, text: Callable[[str], pl.Series | None]) -> pl.Series:
    """The text of each row's record by the table it stands in; `none` where nothing is recorded."""
    for table in hits["table"].unique(maintain_order=True):
        if (found := text(table)) is not None:
            none = found.zip_with((hits["row"].is_not_null() & (hits["table"] == table)), none)
    return none


def _cells_of(w: Wording, table: str, rows: pl.Series) -> pl.Series | None:
    raw = w.raw(table, rows, _SHOWN.get(table, ()))
    shown = [c for c in _SHOWN.get(table, ()) if c in raw.columns]
    cells = [pl.lit(f"{c} ") + pl.col(c).cast(pl.String).str.strip_chars() for c in shown]
    return raw.select(pl.concat_str(cells, separator=", ", ignore_nulls=True)).to_series() if shown else None


_SHOWN = {
    "administrations": (
        "treatment",
        "start",
        "end",
        "amount",
        "unit",
        "occurrence",
        "status",
        "reason",
        "bag",
        "weight_used",
    ),
    "visits": ("visit", "date", "status"),
    "observations": ("measure", "value", "unit", "at"),
    "events": ("event", "start", "end", "detail"),
    "decisions": ("kind", "activity", "occurrence", "decided", "by", "document", "reason"),
    "amendments": ("site", "version", "approved", "active"),
    "subjects": ("subject", "arm", "birth_date", "enrolled", "day_zero"),
}


def _text_of(field: str) -> Word:
    def word(w: Wording, hits: pl.DataFrame) -> pl.Series:
        def text(part: Part) -> str | None:
            value = getattr(part.element, field)
            if isinstance(value, tuple):
                return ", ".join(str(v) for v in value) or None
            return str(value) if value is not None else None

        return w.by_part(hits, text)

    return word


def _due_text(w: Wording, hits: pl.DataFrame) -> pl.Series:
    """When the protocol says it is due, as written: `day 14, every 7 d`."""

    def text(part: Part) -> str | None:
        due, every = ", ".join(str(m) for m in part.element.due), part.element.every
        return f"{due}, {w.phrases['every']} {every}" if every is not None and due else due or None

    return w.by_part(hits, text)


def _limit_text(limit: Limit) -> str:
    """A limit as written: `previous: opens 5 d, closes 9 d`."""
    marks = ((name, getattr(limit, name)) for name in ("valid_from", "opens", "due", "closes", "valid_to"))
    return f"{limit.from_}: " + ", ".join(f"{name} {mark}" for name, mark in marks if mark is not None)


def _countable_days(w: Wording, hits: pl.DataFrame) -> pl.Expr:
    """The days on which a dose counts."""
    both = pl.col("counts_from").is_not_null() & pl.col("counts_until").is_not_null()
    one = w.choose(hits, hits["counts_from"].is_not_null(), "counts_since", "counts_up_to")
    return pl.when(both).then(w.text(w.phrases["counts_between"], hits)).otherwise(one)


def _dose_text(w: Wording, hits: pl.DataFrame) -> pl.Series:
    def text(part: Part) -> str | None:
        dose = dose_of(part)
        return str(dose.amount or dose.start) if dose is not None else None

    return w.by_part(hits, text)


def _bounds_text(w: Wording, hits: pl.DataFrame) -> pl.Series:
    """What bounds or rounds the product of dose and weight: `, at most 400 mg, rounded to 10 mg`."""

    def text(part: Part) -> str:
        dose = dose_of(part)
        if dose is None:
            return ""
        caps = (dose.cap.weight, dose.cap.bsa) if dose.cap is not None else ()
        said = [w.phrases["capped_at"].replace("#", str(c)) for c in caps if c is not None]
        said += [w.phrases["at_most"].replace("#", str(dose.max))] if dose.max is not None else []
        said += [w.phrases["at_least"].replace("#", str(dose.min))] if dose.min is not None else []
        said += [w.phrases["rounded"].replace("#", " / ".join(map(str, dose.round)))] if dose.round else []
        return "".join(said)

    return w.by_part(hits, text)


def _tolerance_text(w: Wording, hits: pl.DataFrame) -> pl.Series:
    def text(part: Part) -> str | None:
        dose = dose_of(part)
        return str(dose.tolerance) if dose is not None and dose.tolerance is not None else w.phrases["no_tolerance"]

    return w.by_part(hits, text)


def _weight_text(w: Wording, hits: pl.DataFrame) -> Text:
    """How the weight enters the dose: the weight and its day, or what is known without it."""
    if not hits["weighed"].any():
        return pl.lit("")
    when, ages = day_texts(hits["weight_day"]), pl.col("weight_age").cast(pl.String)
    known = _put(w.phrases["weight_known"], weight=_kilograms(hits["weight"]), when=when, age=ages)
    implied = pl.lit(_kilograms(hits["implied"])).fill_null(w.phrases["unknown"])
    either = pl.coalesce(known, _put(w.phrases["weight_unknown"], implied=implied))
    return pl.when("weighed").then(either).otherwise(pl.lit(""))


def _joined(w: Wording, hits: pl.DataFrame) -> pl.Expr:
    return _put(w.phrases["rows_joined"], pl.col("parts") > 1, it=pl.col("parts").cast(pl.String))


def _moved(w: Wording, hits: pl.DataFrame) -> pl.Expr:
    return _put(w.phrases["moved"], pl.col("delayed") > 0, it=pl.col("delayed").cast(pl.String))


def _age(w: Wording, hits: pl.DataFrame) -> pl.Series:
    years = w.phrases["years"]
    return pl.Series([years.replace("#", f"{d / 365.25:.1f}") for d in hits["age"]], dtype=pl.String)


def _pounds(w: Wording, hits: pl.DataFrame) -> pl.Series:
    """Where reading the number as pounds (or the other way round) makes it plausible, say so."""
    phrase, out = w.phrases["pounds"], []
    pound = float(parse_unit("lb", body=True).factor)
    for g, low, high in zip(hits["grams"], hits["low"], hits["high"], strict=True):
        as_pounds = round(g / 1000 * pound)
        fits = low <= as_pounds <= high
        out.append(
            phrase.replace("#", f"{g / 1000:g}").replace("@", f"{round(as_pounds, -2) / 1000:g} kg") if fits else ""
        )
    return pl.Series(out, dtype=pl.String)


def _states(w: Wording, hits: pl.DataFrame, kind: tuple[int, ...]) -> pl.Series:
    """Which hold or stop was in force: its name and the day it began."""
    out: list[str | None] = []
    names = w.laid.doses.names
    for s, activity, day in zip(hits["s"], hits["activity"], hits["day"].cast(pl.Int32), strict=True):
        found = ""
        for state in w.laid.states.by_treatment.get(names[activity], []) if activity >= 0 and day is not None else []:
            at, there = state.spell(np.array([s], np.int32), np.array([day], np.int32))
            if state.kind in kind and there[0] and day < max(int(state.end[at[0]]), 1) <= FOREVER:
                since = str(np.datetime64(int(state.start[at[0]]), "D"))
                found = w.phrases["state"].replace("{name}", state.name).replace("{since}", since)
        out.append(found)
    return pl.Series(out, dtype=pl.String)


def _orders(w: Wording, hits: pl.DataFrame) -> pl.Series:
    """What the modifications behind a row order, as the protocol writes it."""
    return _by_order(hits, lambda names: "; ".join(_actions(w.protocol.modifications[name]) for name in names))


def _actions(modification: Modification) -> str:
    """The actions of a modification, and the dose with which it resumes."""
    resume = [f"resume {modification.resume}"] if modification.resume is not None else []
    return ", ".join([*map(str, (*modification.then, *modification.may)), *resume])


def _order_steps(w: Wording, hits: pl.DataFrame) -> pl.Series:
    """The modifications behind a row: name, condition and action, as the protocol writes them."""
    return _by_order(hits, lambda names: _steps_of(w, names))


def _steps_of(w: Wording, names: list[str]) -> str:
    found = [(name, w.protocol.modifications[name]) for name in names]
    conditions = (", ".join(getattr(c, "text", "") or "…" for c in m.if_) for _, m in found)
    return "; ".join(f"{name}: {c} → {_actions(m)}" for (name, m), c in zip(found, conditions, strict=True))


def _modified(w: Wording, hits: pl.DataFrame) -> pl.Series:
    """Which modifications the dose follows; null for none."""
    return _by_order(hits, lambda names: w.phrases["modified"].replace("#", _steps_of(w, names)))


def _by_order(hits: pl.DataFrame, text: Callable[[list[str]], str]) -> pl.Series:
    texts = {by: text(by.split(", ")) if by else None for by in hits["ordered_by"].unique()}
    return hits["ordered_by"].replace_strict(texts, return_dtype=pl.String)


def _does(w: Wording, hits: pl.DataFrame) -> pl.Series:
    def text(part: Part) -> str:
        does = getattr(part.element, "does", ())
        return w.phrases["with_assessments"].replace("#", ", ".join(does)) if does else ""

    return w.by_part(hits, text)


def _denial(w: Wording, hits: pl.DataFrame) -> pl.Series:
    def said(table: str) -> pl.Series:
        raw = w.raw(table, hits["row"])
        reason = pl.col("reason").cast(pl.String) if "reason" in raw.columns else pl.lit(None, pl.String)
        return raw.select(
            pl.repeat(w.phrases["not_given"], pl.len()) + _said(w.phrases["because_of"], reason)
        ).to_series()

    return _by_table(hits, pl.Series([w.phrases["no_record"]]).new_from_index(0, len(hits)), said)


def _said(phrase: str, text: pl.Expr) -> pl.Expr:
    """A phrase with a text in the place of `#`; empty where there is none."""
    before, _, after = phrase.partition("#")
    return pl.when(text != "").then(pl.concat_str(pl.lit(before), text, pl.lit(after))).otherwise(pl.lit(""))


def _criterion(w: Wording, hits: pl.DataFrame) -> pl.Series:
    eligibility = w.protocol.eligibility
    texts: dict[str, str] = {}
    for name, criterion in {**eligibility.include, **eligibility.exclude}.items():
        kind = w.phrases["excludes" if name in eligibility.exclude else "includes"]
        title = criterion.title.in_(w.lang) if criterion.title is not None else name
        texts[name] = kind.replace("#", f"{title} ({', '.join(_conditions(criterion))})")
    return pl.Series([texts[c] for c in hits["criterion"]], dtype=pl.String)


def _conditions(criterion: Any) -> list[str]:
    condition = criterion.condition
    return [getattr(c, "text", "") or type(c).__name__.lower() for c in getattr(condition, "of", (condition,))]


def _table_word(w: Wording, hits: pl.DataFrame) -> pl.Series:
    return pl.Series([w.phrases.get(f"table_{t}", t) if t else None for t in hits["table"]], dtype=pl.String)


def _dated(phrase: str, column: str) -> Word:
    def word(w: Wording, hits: pl.DataFrame) -> pl.Expr:
        text = pl.lit(day_texts(hits[column]))
        return _put(w.phrases[phrase], text.is_not_null(), it=text)

    return word


def _prohibition(w: Wording, hits: pl.DataFrame) -> pl.Series:
    titles = {name: p.title.in_(w.lang) if p.title is not None else name for name, p in w.protocol.prohibited.items()}
    return hits["criterion"].replace_strict(titles, default=None, return_dtype=pl.String)


def _procedure(w: Wording, hits: pl.DataFrame) -> pl.Series:
    text = day_texts(hits["first"])
    return pl.Series(
        [w.phrases[f"first_{k}"].replace("#", t or "") for k, t in zip(hits["kind"], text, strict=True)],
        dtype=pl.String,
    )


def _subject_arm(w: Wording, hits: pl.DataFrame) -> pl.Series:
    titles = {a: (d.title.in_(w.lang) if d.title else a) for a, d in w.protocol.arms.items()}
    return of_subjects(w, hits, "arm").replace_strict(titles, default=None, return_dtype=pl.String)


OPTIONAL = frozenset(
    {
        "modified",
        "bounds_text",
        "slip",
        "moved",
        "joined",
        "weight_text",
        "hold",
        "stop",
        "does",
        "pounds",
        "consent",
        "death",
    }
)

WORDS: dict[str, Word] = {
    **{
        name: _dates(name)
        for name in ("day", "due", "opens", "closes", "earliest", "latest", "free_from", "weight_day")
    },
    **{name: _dates(name) for name in ("counts_from", "counts_until", "zero_recorded")},
    "which": _which,
    "activity": lambda w, hits: w.by_part(hits, w.name_of),
    "occurrence": lambda w, hits: pl.col("occurrence").cast(pl.String).fill_null(""),
    "arm": _subject_arm,
    "zero": _zero,
    "held_since": _dates("held_since"),
    "begun_by": begun_by,
    "decided": _dates("decided"),
    **{name: _dates(name) for name in ("active", "approved", "since")},
    **{name: _cell(name) for name in ("amendment", "form")},
    "decided_by": lambda w, hits: hits["by"],
    "decided_why": lambda w, hits: hits["reason"],
    "measure": _measure,
    "recorded": _recorded,
    "excess": lambda w, hits: _beside(w, hits, "over_intended"),
    "shortfall": lambda w, hits: _beside(w, hits, "under_intended"),
    "dose_steps": _dose_steps,
    "implied_weight": _weights("implied"),
    "given": _amounts("said"),
    "least": _amounts("least"),
    "most": _amounts("most"),
    "ceiling": _amounts("ceiling"),
    "total": _amounts("total"),
    "total_limit": _amounts("total_limit"),
    "intended": _intended,
    "slip": _slip,
    "weight_age": _days("weight_age"),
    "weight_limit": _days("weight_limit"),
    "weight_used": _weights("used"),
    "weighed": _weights("grams"),
    "low": _weights("low"),
    "high": _weights("high"),
    "age": _age,
    "pounds": _pounds,
    "due_text": _due_text,
    "window_text": _text_of("window"),
    "limit_text": lambda w, hits: w.by_part(hits, lambda p: "; ".join(map(_limit_text, p.element.limits)) or None),
    "quota_text": lambda w, hits: w.by_part(hits, lambda p: "; ".join(map(str, getattr(p.element, "at_most", ())))),
    "countable_days": _countable_days,
    "dose_text": _dose_text,
    "tolerance_text": _tolerance_text,
    "bounds_text": _bounds_text,
    "weight_text": _weight_text,
    "joined": _joined,
    "moved": _moved,
    "orders": _orders,
    "modified": _modified,
    "order_steps": _order_steps,
    "hold": lambda w, hits: _states(w, hits, (1,)),
    "stop": lambda w, hits: _states(w, hits, (2,)),
    "does": _does,
    "denial": _denial,
    "criterion": _criterion,
    **READING_WORDS,
    **COURSE_WORDS,
    **LEVEL_WORDS,
    "gap_limit": _days("gap_limit"),
    **CONDUCT_WORDS,
    **BAG_WORDS,
    **SPECIFICATION_WORDS,
    **GAP_WORDS,
    "sampled": _dates("sampled"),
    "reads": lambda w, hits: hits["reads"],
    "procedure": _procedure,
    "consent": _dated("consent_on", "signed"),
    "death": _dated("death_on", "death"),
    "after_death_record": _table_word,
    "zero_event": _dated("event_on", "zero_event"),
    "at": _dates("at"),
    "withdrawn": _dates("withdrawn"),
    "late_day": _dates("late_day"),
    **LEAVING_WORDS,
    "contradiction": contradiction,
    "other": _dates("other"),
    "medication": lambda w, hits: hits["medication"],
    "prohibition": _prohibition,
    "contact": _dates("contact"),
    "lost_on": _dates("lost_on"),
}
