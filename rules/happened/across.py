"""What only the whole study shows: a bag recorded for several participants, or for another than it was released for.

It is worked out once, before the partitions, and stands in columns of their tables from there on. Every rule that
rests on it is a *study rule*: all other verdicts on a participant are the same with and without the others.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

Frames = dict[str, pl.DataFrame]

CLAIMS = pl.Schema({"s": pl.Int32(), "treatment": pl.String(), "start": pl.Date()})
"""Doses recorded for somebody else, of a bag released for the participant `s`."""


def look_across(frames: Mapping[str, pl.DataFrame]) -> Frames:
    """The tables with what the whole study says of their bags and lots.

    Where there is anything to say the administrations have three columns more: `shared_with`, who else has the same
    bag; `asked_first`, whether the question is put at this row; `meant_for`, for whom else the bag was released.
    """
    given, lots = frames["administrations"], frames["lots"]
    subjects = frames["subjects"].select("s", "subject")
    found = {**frames, "claims": pl.DataFrame(schema=CLAIMS)}
    bags = given.filter(pl.col("bag").is_not_null() & pl.col("status").ne_missing("not given"))
    if len(bags):
        shared = _shared(bags, subjects)
        meant = _meant(bags, lots, subjects)
        if len(shared) or len(meant):
            found["administrations"] = _beside(given, shared, meant)
            found["claims"] = _claims(meant, subjects)
    found["lots"] = _with_recipients(lots, given, subjects)
    return found


def _shared(bags: pl.DataFrame, subjects: pl.DataFrame) -> pl.DataFrame:
    """Rows whose bag stands in rows of other participants too: who those are, and whether this row is the first."""
    bag = ("treatment", "lot", "bag")
    pairs = bags.select(*bag, "s").unique()
    several = pairs.filter(pairs.select(bag).is_duplicated())
    if not len(several):
        return pl.DataFrame(schema={"row": pl.Int32(), "shared_with": pl.String(), "asked_first": pl.Boolean()})
    rows = bags.select(*bag, "s", "row").join(several, on=[*bag, "s"], nulls_equal=True)
    named = several.join(subjects, on="s").sort("s")
    both = rows.join(named.rename({"s": "other"}), on=bag, nulls_equal=True)
    others = (
        both.filter(pl.col("s") != pl.col("other"))
        .sort("other")
        .group_by("row")
        .agg(pl.col("subject").str.join(", ").alias("shared_with"))
    )
    first = both.group_by(bag).agg(pl.col("row").sort_by("s", "row").first().alias("first"))["first"]
    return others.with_columns(asked_first=pl.col("row").is_in(first.implode()))


def _meant(bags: pl.DataFrame, lots: pl.DataFrame, subjects: pl.DataFrame) -> pl.DataFrame:
    """Rows of a bag that was released for another participant, with that participant and the row's own."""
    released = lots.filter(pl.col("bag").is_not_null() & pl.col("for_subject").is_not_null())
    released = released.select("bag", "for_subject").unique()
    released = released.filter(released["bag"].is_unique())
    columns = {"row": pl.Int32(), "s": pl.Int32(), "treatment": pl.String(), "start": pl.Date()}
    if not len(released):
        return pl.DataFrame(schema=columns | {"meant_for": pl.String(), "own": pl.String()})
    rows = bags.select(*columns, "bag").join(released, on="bag").join(subjects, on="s")
    rows = rows.filter(pl.col("for_subject") != pl.col("subject"))
    return rows.select(*columns, meant_for="for_subject", own="subject")


def _beside(given: pl.DataFrame, shared: pl.DataFrame, meant: pl.DataFrame) -> pl.DataFrame:
    """The administrations with what was found; of two that were exchanged the first row asks."""
    back = meant.select("treatment", meant_for="own", own="meant_for", other="row")
    exchanged = meant.join(back, on=["treatment", "meant_for", "own"], how="left")
    first = (pl.col("row") < pl.col("other").min()).fill_null(value=True)
    asks = exchanged.group_by("row").agg(pl.col("meant_for").first(), first.first().alias("asks"))
    beside = given.join(shared, on="row", how="left", maintain_order="left")
    beside = beside.join(asks, on="row", how="left", maintain_order="left")
    asked = pl.coalesce("asks", "asked_first")
    return beside.with_columns(asked_first=asked).drop("asks")


def _claims(meant: pl.DataFrame, subjects: pl.DataFrame) -> pl.DataFrame:
    """Of each participant the doses that somebody else's record may be."""
    named = subjects.rename({"s": "to", "subject": "meant_for"})
    return meant.join(named, on="meant_for").select(s="to", treatment="treatment", start="start").sort("s").cast(CLAIMS)


def _with_recipients(lots: pl.DataFrame, given: pl.DataFrame, subjects: pl.DataFrame) -> pl.DataFrame:
    """The facts of lots and bags, each with everyone who got some of it."""
    nobody = lots.with_columns(recipients=pl.lit(None, pl.String))
    if not len(lots) or not len(given):
        return nobody
    got = given.filter(pl.col("status").ne_missing("not given")).select("lot", "bag", "s").unique()
    got = got.join(subjects, on="s")
    of: dict[str, pl.DataFrame] = {}
    for name in ("bag", "lot"):
        known = got.filter(pl.col(name).is_in(lots[name].drop_nulls().unique().implode()))
        of[name] = known.group_by(name).agg(pl.col("subject").unique().sort().str.join(", ").alias(f"of_{name}"))
        lots = lots.join(of[name], on=name, how="left", maintain_order="left")
    who = pl.when(pl.col("bag").is_not_null()).then("of_bag").otherwise("of_lot")
    return lots.with_columns(recipients=who).drop("of_bag", "of_lot")
