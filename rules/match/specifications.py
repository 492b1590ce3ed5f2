"""What was required of a product, as occasions: one row per record and requirement, limits per kg once a dose."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import polars as pl

from protocol.conditions import Compare, Condition, Inside, Recent
from protocol.model import Product
from protocol.quantity import Quantity
from rules.arrays import NONE, Ints
from rules.dosing.given import products_of, summed
from rules.dosing.intended import UNKNOWN
from rules.dosing.weighing import weigh
from rules.happened.lots import (
    DAY,
    NEVER,
    TIMES,
    Span,
    about,
    elapsed_fulfils,
    first_rows,
    fulfilled,
    known_since,
    matched,
    moments,
    own_values,
    use_ended,
)
from rules.happened.truth import Truth
from rules.match.bags import named_records
from rules.match.frame import Array, occasions_frame
from rules.occasions import schema
from rules.planning.judgeable import per_weight, shown
from rules.timing.grid import Laid

if TYPE_CHECKING:
    from rules.telling.wording import Wording

RECALL = "recall"
_MORE: dict[str, pl.DataType] = {
    "dose": pl.Int32(),
    "requirement": pl.String(),
    "found": pl.String(),
    "known_on": pl.Int32(),
    "lot": pl.String(),
    "bag": pl.String(),
    "recipients": pl.String(),
    "days_known": pl.Int64(),
}


Beside: TypeAlias = dict[str, Array | pl.Series]


def specification_occasions(laid: Laid, doses: pl.DataFrame) -> pl.DataFrame:
    """One row per record and requirement of its product, and per record of a recalled lot."""
    lots = laid.evidence.frames["lots"]
    products = laid.plan.protocol.products
    wanted = any(shown(p, c) for p in products.values() for c in p.requires)
    recalled = len(about(lots, RECALL)) > 0
    pieces: list[pl.DataFrame] = []
    if wanted or recalled:
        given, place = named_records(laid, doses, every=wanted)
        kept = given["meant_for"].is_null().to_numpy()
        given, place = given.filter(pl.Series(kept)), place[kept]
        pieces = [*_required(laid, doses, given, place)] if wanted else []
        pieces += [_recalled(doses, given, place, lots)] if recalled else []
    pieces = [piece for piece in pieces if len(piece)]
    return pl.concat(pieces) if pieces else pl.DataFrame(schema=schema("specifications") | _MORE)


def _required(laid: Laid, doses: pl.DataFrame, given: pl.DataFrame, place: np.ndarray) -> Iterator[pl.DataFrame]:
    """The requirements of every product that was given."""
    part = np.full(len(laid.doses.s), -1, np.int32)
    part[doses["dose"].to_numpy()] = doses["part"].fill_null(-1).to_numpy()
    names, product = products_of(laid, part)
    of = product[doses["dose"].to_numpy()[place]]
    for n, name in enumerate(names):
        rows = np.flatnonzero(of == n)
        required = laid.plan.protocol.products[name]
        for condition in (c for c in required.requires if len(rows) and shown(required, c)):
            mine, at = given[rows], place[rows]
            limit = per_weight(condition)
            if limit is not None:
                yield _per_kg(laid, doses, name, condition, limit, np.unique(at))
            elif isinstance(condition, Recent):
                yield _elapsed(doses, mine, at, laid.evidence.frames["lots"], condition)
            elif isinstance(condition, Compare | Inside):
                yield _compared(doses, mine, at, laid.evidence.frames["lots"], condition)


def _table(
    doses: pl.DataFrame,
    given: pl.DataFrame,
    place: np.ndarray,
    holds: Truth,
    failed_later: Array,
    fact: str,
    **more: Array | pl.Series,
) -> pl.DataFrame:
    dose, n = doses[place], len(place)
    said: Beside = {"found": _same(None, n), "known_on": np.full(n, NONE, np.int32), "recipients": _same(None, n)}
    said |= more
    table = occasions_frame(
        "specifications",
        {
            **{name: dose[name] for name in ("s", "part", "occurrence", "day")},
            "row": given["row"],
            "holds": holds,
            "fact": _same(fact, n),
            "failed_later": failed_later.astype(np.bool_),
        },
        dose=dose["dose"],
        lot=given["lot"],
        bag=given["bag"],
        **said,
    )
    known = (pl.col("known_on").cast(pl.Int32).cast(pl.Date) - pl.col("day")).dt.total_days()
    table = table.with_columns(days_known=known)
    return table.select(*schema("specifications"), *(pl.col(c).cast(t) for c, t in _MORE.items()))


def _compared(
    doses: pl.DataFrame, given: pl.DataFrame, place: np.ndarray, lots: pl.DataFrame, condition: Compare | Inside
) -> pl.DataFrame:
    """A value of the record itself, or one of its bag or lot: what was known at its use, and what came later."""
    n, own = len(given), own_values(condition.name, given)
    holds = fulfilled(condition, own)
    found = own.select(_shown()).to_series()
    facts = about(lots, condition.name)
    later, known_on, recipients = (
        np.zeros(n, np.bool_),
        np.full(n, NONE, np.int32),
        pl.Series([None] * n, dtype=pl.String),
    )
    if len(facts):
        answers, known, used = fulfilled(condition, facts), known_since(facts), use_ended(given)
        at_use, last = _at_use(given, facts, known, used)
        by_lot = (holds < 0) & (last >= 0)
        then = np.where(at_use >= 0, answers[at_use], -1)
        now = np.where(last >= 0, answers[last], -1)
        later = by_lot & (now == 0) & (then != 0) & _after(known, used, last)
        holds = np.where(by_lot, np.where(at_use >= 0, then, now), holds).astype(np.int8)
        which = np.where(later | (at_use < 0), last, at_use)
        text, people = facts.select(_shown()).to_series(), facts["recipients"]
        row = pl.Series(np.where(by_lot, which, len(facts)))
        found = pl.concat([text, pl.Series([None], dtype=pl.String)]).gather(row).zip_with(pl.Series(by_lot), found)
        known_on = np.where(by_lot & (known.first[which] > -NEVER), known.first[which] // DAY, NONE).astype(np.int32)
        recipients = pl.concat([people, pl.Series([None], dtype=pl.String)]).gather(row)
    more: Beside = {
        "requirement": _same(_text(condition), n),
        "found": found,
        "known_on": known_on,
        "recipients": recipients,
    }
    return _table(doses, given, place, holds, later, "specification", **more)


def _recalled(doses: pl.DataFrame, given: pl.DataFrame, place: np.ndarray, lots: pl.DataFrame) -> pl.DataFrame:
    """Records of a lot or bag that was recalled, before its use or after."""
    facts = about(lots, RECALL)
    known, used = known_since(facts), use_ended(given)
    row = first_rows(matched(given, facts), len(given), known.first)
    mine = np.flatnonzero(row >= 0)
    row, given, place = row[mine], given[mine], place[mine]
    used = Span(used.first[mine], used.last[mine])
    before, after = known.last[row] <= used.first, known.first[row] > used.last
    holds = np.where(before, 0, np.where(after, 1, -1)).astype(np.int8)
    on = np.where(known.first[row] > -NEVER, known.first[row] // DAY, NONE).astype(np.int32)
    n = len(mine)
    more: Beside = {"requirement": _same("not recalled", n), "known_on": on, "found": _same("recalled", n)}
    more["recipients"] = facts["recipients"].gather(row)
    return _table(doses, given, place, holds, after, "use-time", **more)


def _at_use(given: pl.DataFrame, facts: pl.DataFrame, known: Span, used: Span) -> tuple[Ints, Ints]:
    """The last fact about each record's bag that was known when its use ended, and the last of all; -1 for none."""
    pairs, n = matched(given, facts), len(given)
    last = first_rows(pairs, n, known.last, last=True)
    i, j = pairs["i"].to_numpy(), pairs["j"].to_numpy()
    at_use = first_rows(pairs.filter(pl.Series(known.last[j] <= used.last[i])), n, known.last, last=True)
    return at_use, last


def _after(known: Span, used: Span, row: Ints) -> Array:
    return known.first[row] > used.last


def _elapsed(
    doses: pl.DataFrame, given: pl.DataFrame, place: np.ndarray, lots: pl.DataFrame, condition: Recent
) -> pl.DataFrame:
    """Time from thaw, release or dispensing to the end of the infusion, interruptions included."""
    n, used = len(given), use_ended(given)
    since = moments(given, condition.name) if condition.name in TIMES else Span(*(np.full(n, NEVER) for _ in range(2)))
    facts = about(lots, condition.name)
    if len(facts):
        said = moments(facts, "at")
        row = first_rows(matched(given, facts), n, said.last, last=True)
        own = since.known | (row < 0)
        since = Span(np.where(own, since.first, said.first[row]), np.where(own, since.last, said.last[row]))
    holds = elapsed_fulfils(since, used, condition)
    shortest, longest = used.first - since.last, used.last - since.first
    told = since.known & used.known & (shortest == longest)
    found = [_length(int(m)) if t else None for m, t in zip(shortest, told, strict=True)]
    more = {
        "requirement": pl.Series([_text(condition)]).new_from_index(0, n),
        "found": pl.Series(found, dtype=pl.String),
    }
    return _table(doses, given, place, holds, np.zeros(n, np.bool_), "elapsed", **more)


def _per_kg(
    laid: Laid, doses: pl.DataFrame, product: str, condition: Condition, limit: Quantity, place: np.ndarray
) -> pl.DataFrame:
    """What a whole dose brings per kg of body weight: the volume itself, or what a volume of the product contains."""
    assert isinstance(condition, Compare)
    frame, r = laid.evidence.frames["administrations"], laid.doses
    content = _content(laid.plan.protocol.products[product], condition.name)
    total = (frame["volume"] * content).round().cast(pl.Int64).fill_null(UNKNOWN).to_numpy()
    rows = doses["dose"].to_numpy()[place]
    brought = summed(total, r.dose_of, len(r.s))[rows]
    given = frame[r.place[rows]]
    policy = laid.plan.protocol.weight
    used = given["weight_used"].fill_null(UNKNOWN).to_numpy()
    weighed = weigh(laid.evidence, policy, r.s[rows], r.day[rows], r.minute[rows], used)
    told = (brought != UNKNOWN) & (weighed.grams != UNKNOWN) & ~weighed.implausible
    most = np.where(told, float(limit.base) * weighed.grams, 0.0)
    there = np.where(told, brought, 0) * 1000.0
    holds = {"<": there < most, "<=": there <= most, ">": there > most, ">=": there >= most}[condition.op]
    share = np.where(told, there / np.maximum(weighed.grams, 1) / float(limit.unit.factor), np.nan)
    found = [f"{x:.3g} {limit.unit.text}" if ok else None for x, ok in zip(share, told, strict=True)]
    n = len(rows)
    more = {
        "requirement": pl.Series([_text(condition)]).new_from_index(0, n),
        "found": pl.Series(found, dtype=pl.String),
    }
    answer = np.where(told, holds, -1).astype(np.int8)
    return _table(doses, given, place, answer, np.zeros(n, np.bool_), "content", **more)


def _content(product: Product, name: str) -> float:
    """Base units of something in a millilitre of a product; of its volume nanolitres."""
    return 1e6 if name == "volume" else float(product.contains[name].base) / 1000


def _shown() -> pl.Expr:
    """A value as people write it: the word, or the number with its unit."""
    number = pl.col("value").cast(pl.String).str.strip_suffix(".0")
    unit = pl.col("unit").replace_strict({"percent": "%"}, default=pl.col("unit"), return_dtype=pl.String)
    return pl.coalesce(pl.col("word"), pl.concat_str(number, unit, separator=" "), number).alias("found")


def _same(text: str | None, n: int) -> pl.Series:
    return pl.Series([text], dtype=pl.String).new_from_index(0, n)


def _text(condition: Condition) -> str:
    return str(getattr(condition, "text", condition))


def _length(minutes: int) -> str:
    """So many minutes as people write them."""
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest} min" if hours else f"{rest} min"


# --- its words ----------------------------------------------------------------------------------------------------


def _requirement(w: Wording, hits: pl.DataFrame) -> pl.Series:
    """The requirement as the protocol writes it; a recall is none of the protocol's."""
    known = {"not recalled": w.phrases["not_recalled"]}
    return pl.Series([known.get(r, r) for r in hits["requirement"]], dtype=pl.String)


def _found(w: Wording, hits: pl.DataFrame) -> pl.Series:
    return pl.Series([w.phrases["recalled"] if f == "recalled" else f for f in hits["found"]], dtype=pl.String)


SPECIFICATION_WORDS: dict[str, Callable[[Wording, pl.DataFrame], pl.Series]] = {
    "requirement": _requirement,
    "found": _found,
    "known_on": lambda w, hits: hits["known_on"].cast(pl.Int32).cast(pl.Date).dt.to_string("%Y-%m-%d"),
    "recipients": lambda w, hits: hits["recipients"],
}
"""The words of a template about a requirement: functions from the hits of a rule to a column of text."""
