"""Bags as occasions: one row per record of something given that names its lot or bag."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from rules.arrays import NONE, Longs
from rules.dosing.intended import UNKNOWN
from rules.happened.lots import DAY, NEVER, Span, about, first_rows, matched, moments, use_ended
from rules.happened.repeated import CLASH, ECHO
from rules.happened.truth import Truth
from rules.match.frame import Array, occasions_frame
from rules.occasions import schema
from rules.timing.grid import Laid

if TYPE_CHECKING:
    from rules.telling.wording import Wording

ACCEPTABLE = ("acceptable", "accepted", "ok", "yes", "pass", "可接受", "合格")
NOT_ACCEPTABLE = ("not acceptable", "unacceptable", "rejected", "no", "fail", "不可接受", "不合格")
_MORE: dict[str, pl.DataType] = {
    "dose": pl.Int32(),
    "days_over": pl.Int64(),
    **dict.fromkeys(("lot", "bag", "shared_with", "meant_for"), pl.String()),
    **dict.fromkeys(("excursion_row", "assessed_on"), pl.Int32()),
}
NAMED = ("administrations.lot", "administrations.bag", "administrations.expires")


def bag_occasions(laid: Laid, doses: pl.DataFrame) -> pl.DataFrame:
    """One row per record of a dose in the table `doses` that names a lot, a bag or an expiry."""
    given, place = named_records(laid, doses)
    if not len(given):
        return pl.DataFrame(schema=schema("bags") | _MORE)
    used, lots = use_ended(given), laid.evidence.frames["lots"]
    elsewhere = given["meant_for"].is_not_null().to_numpy()
    columns = {**_expiry(given, lots, used), **_excursions(given, lots, used)}
    for guard in ("dated", "excursed"):
        columns[guard] = columns[guard] & ~elsewhere
    days_over = columns.pop("days_over")
    beside = {name: columns.pop(name) for name in ("excursion_row", "assessed_on")}
    dose = doses[place]
    return occasions_frame(
        "bags",
        {
            **{name: dose[name] for name in ("s", "part", "occurrence", "day")},
            "row": given["row"],
            **columns,
            "first_of_bag": given["asked_first"].fill_null(value=False),
            "shared": given["shared_with"].is_not_null() & given["meant_for"].is_null(),
            "released_for_another": given["meant_for"].is_not_null(),
        },
        dose=dose["dose"],
        days_over=days_over,
        **beside,
        **{name: given[name] for name in ("lot", "bag", "shared_with", "meant_for")},
    )


def named_records(laid: Laid, doses: pl.DataFrame, *, every: bool = False) -> tuple[pl.DataFrame, np.ndarray]:
    """Records of doses that name a lot, a bag or an expiry (or all of them), and the row of `doses` each belongs to."""
    frame = laid.evidence.frames["administrations"]
    if not every and not laid.evidence.columns & set(NAMED):
        return frame.clear(), np.zeros(0, np.int64)
    named = pl.any_horizontal(pl.col("lot", "bag", "expires").is_not_null()) if not every else pl.lit(value=True)
    place = doses["dose"].to_numpy()
    at = np.minimum(np.searchsorted(place, laid.doses.dose_of), max(len(place) - 1, 0)) if len(place) else None
    if at is None:
        return frame.clear(), np.zeros(0, np.int64)
    kept = frame.select(named.alias("kept"))["kept"].to_numpy() & (place[at] == laid.doses.dose_of)
    kept &= doses["part"].is_not_null().to_numpy()[at] & ~doses["duplicate"].to_numpy()[at]
    if laid.doses.kinds is not None:
        kept &= ~np.isin(laid.doses.kinds, (ECHO, CLASH))
    missing = {"shared_with": pl.String(), "meant_for": pl.String(), "asked_first": pl.Boolean()}
    empty = [pl.lit(None, dtype).alias(name) for name, dtype in missing.items() if name not in frame.columns]
    rows = np.flatnonzero(kept)
    return frame[rows].with_columns(empty), at[rows]


def _expiry(given: pl.DataFrame, lots: pl.DataFrame, used: Span) -> dict[str, Array | pl.Series]:
    """The end of each bag's use and of its life; where the two records of an expiry leave it open it is null."""
    early, late = _expires(given, lots)
    dated = early != NEVER
    over, inside = used.first > late, used.last <= early
    alike = early == late
    end = np.where(over, used.first, np.where(inside, used.last, UNKNOWN))
    expires = np.where(over | (alike & ~inside), late, np.where(inside | alike, early, UNKNOWN))
    known = used.known & dated
    apart = (over | inside) & known
    partly = given["start"].ne_missing(given["start_last"]).to_numpy()
    fact = pl.Series(np.where(partly, "date", "use-time"))
    return {
        "dated": dated,
        "used": np.where(apart, end, np.where(known & ~alike, used.first, UNKNOWN)),
        "expires": np.where(dated, np.where(alike | apart, expires, UNKNOWN), UNKNOWN),
        "used_fact": fact,
        "days_over": np.where(apart & over, used.first // DAY - late // DAY, UNKNOWN),
    }


def _expires(given: pl.DataFrame, lots: pl.DataFrame) -> tuple[Longs, Longs]:
    """The earliest and the latest end of life on record of each bag: of its own record, its lot's and the bag's."""
    own = moments(given, "expires")
    early, late = own.last.copy(), own.last.copy()
    facts = about(lots, "expires")
    if len(facts):
        said, pairs = moments(facts, "at").last, matched(given, facts)
        for last, of in ((False, early), (True, late)):
            row = first_rows(pairs, len(given), said, last=last)
            found = np.where(row >= 0, said[row], NEVER)
            both = (found != NEVER) & (of != NEVER)
            better = np.maximum(found, of) if last else np.minimum(found, of)
            of[:] = np.where(both, better, np.where(found != NEVER, found, of))
    return early, late


def _excursions(given: pl.DataFrame, lots: pl.DataFrame, used: Span) -> dict[str, Array | pl.Series]:
    """Whether a bag had been too warm or too cold before its use, and what was said of that until then."""
    n, facts = len(given), about(lots, "excursion")
    excursed = np.zeros(n, np.bool_)
    assessed, acceptable = np.ones(n, np.int8), np.ones(n, np.int8)
    row, on = np.full(n, NONE, np.int32), np.full(n, NONE, np.int32)
    if len(facts):
        pairs = matched(given, facts)
        i, j = pairs["i"].to_numpy(), pairs["j"].to_numpy()
        happened, known = moments(facts, "at"), moments(facts, "known")
        before = ~happened.known[j] | (happened.first[j] <= used.last[i])
        i, j = i[before], j[before]
        word = facts["word"].str.to_lowercase()
        said = (
            pl.select(pl.when(word.is_in(ACCEPTABLE)).then(1).when(word.is_in(NOT_ACCEPTABLE)).then(0).otherwise(-1))
            .to_series()
            .to_numpy()
            .astype(np.int8)
        )
        excursed[i] = True
        in_time = _in_time(known, used, i, j)
        nothing = facts["word"].is_null().to_numpy()[j]
        _all(assessed, i, np.where(nothing, 0, in_time).astype(np.int8))
        _all(acceptable, i, said[j])
        row[i] = facts["row"].to_numpy()[j]
        on[i] = np.where(known.known[j], known.first[j] // DAY, NONE)
    return {
        "excursed": excursed,
        "assessed": assessed,
        "acceptable": acceptable,
        "excursion_row": row,
        "assessed_on": on,
    }


def _in_time(known: Span, used: Span, i: np.ndarray, j: np.ndarray) -> Truth:
    """Whether each fact was known before the use; unknown where their times overlap or one is missing."""
    told = known.known[j] & used.known[i]
    before, after = known.last[j] <= used.first[i], known.first[j] > used.last[i]
    return np.where(told & before, 1, np.where(told & after, 0, -1)).astype(np.int8)


def _all(answer: Truth, i: np.ndarray, found: Truth) -> None:
    """Kleene *and* of the answers about each bag: a no outweighs what cannot be told."""
    for value in (-1, 0):
        answer[i[found == value]] = value


def in_doubt(tables: dict[str, pl.DataFrame]) -> pl.Series:
    """Of each dose whether it is doubtful whose bag it was, though the question is put at another record."""
    doses, bags = tables["doses"], tables["bags"]
    if not len(bags):
        return pl.Series([False]).new_from_index(0, len(doses))
    doubted = bags.filter((pl.col("shared") | pl.col("released_for_another")) & ~pl.col("first_of_bag"))["dose"]
    return doses["dose"].is_in(doubted.implode())


# --- its words ----------------------------------------------------------------------------------------------------


def _moment(name: str) -> Callable[[Wording, pl.DataFrame], pl.Series]:
    """A minute as a day, with its time of day unless it is the last one of the day."""

    def word(w: Wording, hits: pl.DataFrame) -> pl.Series:
        at = pl.col(name).cast(pl.Int64) * 60_000
        text = at.cast(pl.Datetime("ms")).dt.to_string("%Y-%m-%d %H:%M").str.strip_suffix(" 23:59")
        return hits.select(text).to_series()

    return word


def _text(name: str) -> Callable[[Wording, pl.DataFrame], pl.Series]:
    return lambda w, hits: hits[name].cast(pl.String)


def _container(w: Wording, hits: pl.DataFrame) -> pl.Series:
    """The bag, else the lot, as recorded."""
    return pl.select(pl.coalesce(hits["bag"], hits["lot"])).to_series()


BAG_WORDS: dict[str, Callable[[Wording, pl.DataFrame], pl.Series]] = {
    "container": _container,
    "expires": _moment("expires"),
    "used": _moment("used"),
    "shared_with": _text("shared_with"),
    "meant_for": _text("meant_for"),
    "assessed_on": lambda w, hits: hits["assessed_on"].cast(pl.Int32).cast(pl.Date).dt.to_string("%Y-%m-%d"),
}
"""The words of a template about a bag: functions from the hits of a rule to a column of text."""
