"""The words of the templates: each a function from the hits of a rule to a column of text, null where it has none."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from protocol.activities import Limit
from rules.arrays import NONE, distinct
from rules.match.bags import BAG_WORDS
from rules.match.conduct import CONDUCT_WORDS
from rules.match.contradictions import contradiction
from rules.match.exposures import COURSE_WORDS
from rules.match.gap_words import GAP_WORDS
from rules.match.leaving import LEAVING_WORDS
from rules.match.levels import LEVEL_WORDS
from rules.match.repeats import REPEAT_WORDS
from rules.match.specifications import SPECIFICATION_WORDS
from rules.match.values import READING_WORDS
from rules.planning.slots import Part, Plan
from rules.telling.begun import begun_by
from rules.telling.dose_words import DOSE_WORDS
from rules.telling.order_words import ORDER_WORDS
from rules.telling.phrases import (
    Word,
    cell,
    dated,
    dates,
    day_texts,
    days_word,
    of_subjects,
    said_with,
    text_of,
)

if TYPE_CHECKING:
    from rules.telling.wording import Text, Wording


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


def _zero(w: Wording, hits: pl.DataFrame) -> pl.Series:
    day = pl.Series(w.laid.zero[hits["s"].to_numpy()])
    return day_texts(day.set(day == NONE, None))


def _recorded(w: Wording, hits: pl.DataFrame) -> pl.Series:
    """The cells of the record that matter, as recorded: `start 2024-03-15, amount 1.62e8`; or that there is none."""
    none = pl.Series([w.phrases["nothing_recorded"]]).new_from_index(0, len(hits))
    return _by_table(hits, none, lambda table: _cells_of(w, table, hits["row"]))


def _by_table(hits: pl.DataFrame, none: pl.Series, text: Callable[[str], pl.Series | None]) -> pl.Series:
    """The text of each row's record by the table it stands in; `none` where nothing is recorded."""
    recorded = hits["row"].is_not_null() if hits["row"].null_count() else None
    for table in sorted(distinct(hits["table"])):
        if (found := text(table)) is not None:
            mine = hits["table"] == table
            none = found.zip_with(mine if recorded is None else mine & recorded, none)
    return none


def _cells_of(w: Wording, table: str, rows: pl.Series) -> pl.Series | None:
    raw = w.raw(table, rows, _SHOWN.get(table, ()))
    shown = [c for c in _SHOWN.get(table, ()) if c in raw.columns]
    if not shown:
        return None
    filled = [c for c in shown if raw[c].null_count() < len(raw)]
    if any(raw[c].null_count() for c in filled) or not filled:
        cells = [pl.lit(f"{c} ") + _as_recorded(raw[c]) for c in shown]
        return raw.select_seq(pl.concat_str(cells, separator=", ", ignore_nulls=True)).to_series()
    named = [pl.lit(f"{', ' if n else ''}{c} ") for n, c in enumerate(filled)]
    cells = [_as_recorded(raw[c]) for c in filled]
    return raw.select_seq(pl.concat_str(each for pair in zip(named, cells, strict=True) for each in pair)).to_series()


def _as_recorded(cells: pl.Series) -> pl.Expr:
    """The cells of a column as text; days are looked up, not written."""
    if cells.dtype == pl.Date:
        return pl.lit(day_texts(cells))
    text = pl.col(cells.name).cast(pl.String)
    return text.str.strip_chars() if cells.dtype == pl.String else text


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
            pl.repeat(w.phrases["not_given"], pl.len()) + said_with(w.phrases["because_of"], reason)
        ).to_series()

    return _by_table(hits, pl.Series([w.phrases["no_record"]]).new_from_index(0, len(hits)), said)


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
        "jump_pounds",
        "consent",
        "death",
    }
)

WORDS: dict[str, Word] = {
    **{
        name: dates(name) for name in ("day", "due", "opens", "closes", "earliest", "latest", "free_from", "weight_day")
    },
    **{name: dates(name) for name in ("counts_from", "counts_until", "zero_recorded")},
    "which": _which,
    "activity": lambda w, hits: w.by_part(hits, w.name_of),
    "occurrence": lambda w, hits: pl.col("occurrence").cast(pl.String).fill_null(""),
    "arm": _subject_arm,
    "zero": _zero,
    "held_since": dates("held_since"),
    "begun_by": begun_by,
    "decided": dates("decided"),
    **{name: dates(name) for name in ("active", "approved", "since")},
    **{name: cell(name) for name in ("amendment", "form")},
    "decided_by": lambda w, hits: hits["by"],
    "decided_why": lambda w, hits: hits["reason"],
    **DOSE_WORDS,
    "recorded": _recorded,
    "due_text": _due_text,
    "window_text": text_of("window"),
    "limit_text": lambda w, hits: w.by_part(hits, lambda p: "; ".join(map(_limit_text, p.element.limits)) or None),
    "quota_text": lambda w, hits: w.by_part(hits, lambda p: "; ".join(map(str, getattr(p.element, "at_most", ())))),
    "countable_days": _countable_days,
    **ORDER_WORDS,
    "does": _does,
    "denial": _denial,
    "criterion": _criterion,
    **READING_WORDS,
    **COURSE_WORDS,
    **LEVEL_WORDS,
    "gap_limit": days_word("gap_limit"),
    **CONDUCT_WORDS,
    **BAG_WORDS,
    **SPECIFICATION_WORDS,
    **GAP_WORDS,
    **REPEAT_WORDS,
    "last_done": dates("last_done"),
    "next_due": dates("next_due"),
    "sampled": dates("sampled"),
    "reads": lambda w, hits: hits["reads"],
    "procedure": _procedure,
    "own_age": lambda w, hits: hits["age"],
    "consent": dated("consent_on", "signed"),
    "death": dated("death_on", "death"),
    "after_death_record": _table_word,
    "zero_event": dated("event_on", "zero_event"),
    "at": dates("at"),
    "withdrawn": dates("withdrawn"),
    "late_day": dates("late_day"),
    **LEAVING_WORDS,
    "contradiction": contradiction,
    "other": dates("other"),
    "earlier": cell("earlier"),
    "medication": lambda w, hits: hits["medication"],
    "prohibition": _prohibition,
    "contact": dates("contact"),
    "lost_on": dates("lost_on"),
}
