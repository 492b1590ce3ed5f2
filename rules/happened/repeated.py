"""Rows that say a dose once more: the same dose from a second source system, and a dose given again after vomiting.

Of each row that follows another of its day: one of the answers below. Who is right, and whether giving again was
allowed, is no matter of identity: the rows are one dose all the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

from protocol.model import Protocol
from rules.arrays import NONE, Flags, Ints, days, whole
from rules.door.tables import SCHEMAS
from rules.happened.evidence import Evidence

if TYPE_CHECKING:
    from rules.happened.records import Records

Kinds: TypeAlias = npt.NDArray[np.uint8]

COUNTS, ECHO, CLASH, VOMITED, UNRULED = range(5)
"""A row counts; says the same dose as another; says it otherwise; was vomited and does not count; was given again where
the protocol says nothing of it."""
ASKED = {CLASH: "sources", UNRULED: "redose"}
"""What is asked about a dose with such a row."""
_VOMITING = ("vomit", "emesis", "呕吐")


def said_twice(r: Records, frame: pl.DataFrame, pair: Ints, denied: Flags, span: int) -> tuple[Flags, Kinds]:
    """Of each pair of neighbours whether both tell of one dose of which there are two accounts, and of every row
    whether it counts, says that dose once more, or says it otherwise.

    A source system's rows of a dose are its account of it, and rows that say *not given* (`denied`) are one of nothing:
    where every row names its bag they are compared bag by bag, else their sums are. An account without an amount, or of
    other cells, says nothing against the others.
    """
    kinds = np.zeros(len(frame), np.uint8)
    told = _accounts(r, frame, pair, denied, span)
    if not len(told):
        return np.zeros(len(pair), np.bool_), kinds
    by_bag = pl.when(pl.col("bag").is_not_null().all().over("dose")).then("bag").alias("of")
    told = told.with_columns(by_bag)
    amount = pl.when((pl.col("amount") >= 0).all()).then(pl.col("amount").sum()).alias("amount")
    sums = told.group_by("dose", "of", "source", maintain_order=True).agg(amount, pl.col("counts").first())
    # The account that counts is the first that knows an amount, and of something given.
    known = sums.sort(pl.col("amount").is_null(), pl.col("amount") == 0, maintain_order=True)
    first = known.unique(["dose", "of"], keep="first", maintain_order=True)
    beside = told.drop("amount", "counts").join(
        sums, on=("dose", "of", "source"), nulls_equal=True, maintain_order="left"
    )
    beside = beside.join(first, on=("dose", "of"), suffix="_told", nulls_equal=True, maintain_order="left")
    other = pl.col("source") != pl.col("source_told")
    alike = pl.col("counts").eq_missing(pl.col("counts_told"))
    clash = (pl.col("amount") != pl.col("amount_told")).fill_null(value=False) & alike
    kind = beside.select(pl.when(~other).then(COUNTS).when(clash).then(CLASH).otherwise(ECHO)).to_series()
    kinds[r.place[beside["at"].to_numpy()]] = kind.to_numpy()
    both = np.zeros(len(r.s), np.bool_)
    both[told["at"].to_numpy()] = True
    dose = np.full(len(r.s), -1, np.int64)
    dose[told["at"].to_numpy()] = told["dose"].to_numpy()
    one: Flags = both[pair] & both[pair + 1] & (dose[pair] == dose[pair + 1])
    return one, kinds


def _accounts(r: Records, frame: pl.DataFrame, pair: Ints, denied: Flags, span: int) -> pl.DataFrame:
    """The rows of doses of which there are two accounts: dose, row, source, bag, amount.

    Neighbours tell of one dose where their numbers agree and they lie within `span` minutes, or name one bag, or one of
    them has no time; where one system has a name and another has none, or two numbers are named, nothing is told apart.
    """
    before, after = frame[r.place[pair]], frame[r.place[pair + 1]]
    if not (denied[pair] != denied[pair + 1]).any() and not (before["source"] != after["source"]).any():
        return pl.DataFrame()
    numbers = r.label[pair], r.label[pair + 1]
    agree = (numbers[0] == numbers[1]) | (numbers[0] == NONE) | (numbers[1] == NONE)
    start, again = r.minute[pair], r.minute[pair + 1]
    ended = np.maximum(start, whole(before, "end_minute", NONE))
    near = (start == NONE) | (again == NONE) | (again - ended <= span)
    near |= (before["bag"] == after["bag"]).fill_null(value=False).to_numpy()
    joined = pair[agree & near]
    rows = np.unique(np.concatenate([joined, joined + 1]))
    apart = ~np.isin(rows - 1, joined)
    told = (
        frame[r.place[rows]]
        .select("source", "bag", counts="viable_or_total")
        .with_columns(
            dose=np.cumsum(apart),
            at=rows,
            amount=np.where(denied[rows], 0, r.amount[rows]),
            label=pl.Series(r.label[rows]).replace(NONE, None),
            denied=denied[rows],
        )
    )
    given = pl.col("source").filter(~pl.col("denied"))
    named = (given.null_count() == 0) | (given.n_unique() <= 1)
    numbered = pl.col("label").drop_nulls().n_unique() <= 1
    said = pl.when("denied").then(pl.lit("not given ")).otherwise(pl.lit(""))
    told = told.with_columns(source=said + pl.col("source").fill_null(""))
    several = pl.col("source").n_unique() > 1
    kept: pl.DataFrame = told.filter((named & numbered & several).over("dose")).drop("label", "denied")
    return kept


def given_again(e: Evidence, r: Records, frame: pl.DataFrame, pair: Ints) -> Kinds:
    """Of each pair whether the first row was vomited and the second replaces it: VOMITED, UNRULED, or COUNTS if not.

    It was where vomiting is on record between the two, or is the reason of the first.
    """
    kinds = np.zeros(len(pair), np.uint8)
    events = e.frames.get("events", pl.DataFrame(schema=SCHEMAS["events"].typed()))
    said = pl.concat_str(pl.col("event", "detail").fill_null(""), separator=" ").str.to_lowercase()
    events = events.filter(said.str.contains_any(list(_VOMITING)))
    reasons = frame["reason"].gather(r.place[pair]).str.to_lowercase().str.contains_any(list(_VOMITING))
    named = reasons.fill_null(value=False).to_numpy()
    if not len(events) and not named.any():
        return kinds
    at = _first_after(events, r, pair)
    vomited = (at != NONE) & ((r.minute[pair + 1] == NONE) | (at <= r.minute[pair + 1]))
    allowed = _allowed(e.protocol, r)[r.activity[pair]]
    elapsed = np.where(vomited & (r.minute[pair] != NONE) & (at >= 0), at - r.minute[pair], NONE)
    kinds[vomited | named] = UNRULED
    kinds[(vomited | named) & (allowed != NONE) & (elapsed != NONE) & (elapsed <= allowed)] = VOMITED
    kinds[vomited & (allowed != NONE) & (elapsed != NONE) & (elapsed > allowed)] = COUNTS
    return kinds


def _first_after(events: pl.DataFrame, r: Records, pair: Ints) -> Ints:
    """The minute of the first vomiting on each row's day and not before it; -1 without a time, `NONE` for none."""
    place = (events["s"].to_numpy().astype(np.int64) << 32) + days(events, "start").astype(np.int64) * 2048
    minute = whole(events, "start_minute", -1)
    order = np.argsort(place + minute + 1, kind="stable")
    keys, minute = (place + minute + 1)[order], minute[order]
    day = (r.s[pair].astype(np.int64) << 32) + r.day[pair].astype(np.int64) * 2048
    found = np.searchsorted(keys, day + np.maximum(r.minute[pair], 0) + 1)
    untimed = np.searchsorted(keys, day)
    there = found < len(keys)
    here = np.minimum(found, max(len(keys) - 1, 0))
    bare = np.minimum(untimed, max(len(keys) - 1, 0))
    if not len(keys):
        return np.full(len(pair), NONE, np.int32)
    timed = there & (keys[here] < day + 2048)
    plain = (untimed < len(keys)) & (keys[bare] == day)
    return np.where(timed, minute[here], np.where(plain, -1, NONE)).astype(np.int32)


def _allowed(protocol: Protocol, r: Records) -> Ints:
    """By treatment: minutes after a dose within which it is given again when vomited, `NONE` where nothing is said."""
    spans = [[part.redose for part in protocol.treatments[name].parts() if part.redose] for name in r.names]
    minutes = [each[0].days * 1440 + each[0].minutes if each else NONE for each in spans]
    return np.array([*minutes, NONE, NONE, NONE], np.int32)
