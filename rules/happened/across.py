"""What only the whole study shows: a bag recorded for several participants, or for another than it was released for,
and a person who was screened under two numbers.

It is worked out once, before the partitions, and stands in columns of their tables from there on. Every rule that
rests on it is a *study rule*: all other verdicts on a participant are the same with and without the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

import polars as pl

Frames = dict[str, pl.DataFrame]

_BESIDE = pl.Schema(
    {"row": pl.Int32(), "shared_with": pl.String(), "asked_first": pl.Boolean(), "meant_for": pl.String()}
)
_CLAIMS = pl.Schema({"subject": pl.String(), "treatment": pl.String(), "start": pl.Date()})
_NO_CLAIM = pl.DataFrame(schema={"s": pl.Int32(), "treatment": pl.String(), "start": pl.Date()})
_RECIPIENTS = pl.Schema({"row": pl.Int32(), "recipients": pl.String()})
_RESCREENED = pl.Schema({"subject": pl.String(), "rescreened": pl.String()})
_NOBODY = pl.DataFrame(schema=_RESCREENED)


@dataclass(frozen=True)
class Across:
    """What the whole study says of its bags and lots; nothing where there is nothing to say.

    `beside`: by row of the administrations who else has the same bag (`shared_with`), whether the question is put at
    this row (`asked_first`), and for whom else the bag was released (`meant_for`). `claims`: doses recorded for
    somebody else, of a bag released for the participant. `recipients`: by row of the lots everyone who got some of it.
    `rescreened`: participants whose earlier number cannot be theirs, and why.
    """

    beside: pl.DataFrame = field(default_factory=partial(pl.DataFrame, schema=_BESIDE))
    claims: pl.DataFrame = field(default_factory=partial(pl.DataFrame, schema=_CLAIMS))
    recipients: pl.DataFrame = field(default_factory=partial(pl.DataFrame, schema=_RECIPIENTS))
    rescreened: pl.DataFrame = field(default_factory=partial(pl.DataFrame, schema=_RESCREENED))


def look_across(frames: Mapping[str, pl.DataFrame]) -> Across:
    """What the tables of a whole study say of their bags and lots, and of people with two numbers."""
    given, lots = frames["administrations"], frames["lots"]
    subjects = frames["subjects"].select_seq("s", "subject")
    recipients, rescreened = _recipients(lots, given, subjects), _rescreened(frames["subjects"])
    named = given["bag"].null_count() < len(given)
    bags = given.filter(pl.col("bag").is_not_null() & pl.col("status").ne_missing("not given")) if named else None
    if bags is None or not len(bags):
        return Across(recipients=recipients, rescreened=rescreened)
    shared, meant = _shared(bags, subjects), _meant(bags, lots, subjects)
    return Across(_beside(shared, meant), _claims(meant), recipients, rescreened)


def with_across(frames: Mapping[str, pl.DataFrame], across: Across) -> Frames:
    """The tables, with what the whole study says beside their rows."""
    found = dict(frames)
    if len(across.beside):
        given = frames["administrations"]
        found["administrations"] = given.join(across.beside, on="row", how="left", maintain_order="left")
    found["claims"] = _NO_CLAIM
    if len(across.claims):
        subjects = frames["subjects"].select_seq("s", "subject")
        found["claims"] = across.claims.join(subjects, on="subject").select(*_NO_CLAIM.columns).sort("s")
    if len(across.rescreened):
        found["subjects"] = frames["subjects"].join(across.rescreened, on="subject", how="left", maintain_order="left")
    lots, got = frames["lots"], across.recipients
    nobody = pl.Series("recipients", [], pl.String())
    found["lots"] = (
        lots.join(got, on="row", how="left", maintain_order="left") if len(lots) else lots.with_columns(nobody)
    )
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


def _beside(shared: pl.DataFrame, meant: pl.DataFrame) -> pl.DataFrame:
    """By row what was found; of two that were exchanged the first row asks."""
    back = meant.select("treatment", meant_for="own", own="meant_for", other="row")
    exchanged = meant.join(back, on=["treatment", "meant_for", "own"], how="left")
    first = (pl.col("row") < pl.col("other").min()).fill_null(value=True)
    asks = exchanged.group_by("row").agg(pl.col("meant_for").first(), first.first().alias("asks"))
    beside = shared.join(asks, on="row", how="full", coalesce=True)
    return beside.with_columns(asked_first=pl.coalesce("asks", "asked_first")).select(_BESIDE.names()).cast(_BESIDE)


def _claims(meant: pl.DataFrame) -> pl.DataFrame:
    """Of each participant the doses that somebody else's record may be."""
    return meant.select(pl.col("meant_for").alias("subject"), "treatment", "start").cast(_CLAIMS)


def _recipients(lots: pl.DataFrame, given: pl.DataFrame, subjects: pl.DataFrame) -> pl.DataFrame:
    """By row of the lots everyone who got some of it."""
    if not len(lots) or not len(given):
        return pl.DataFrame(schema=_RECIPIENTS)
    got = given.filter(pl.col("status").ne_missing("not given")).select("lot", "bag", "s").unique()
    got = got.join(subjects, on="s")
    for name in ("bag", "lot"):
        known = got.filter(pl.col(name).is_in(lots[name].drop_nulls().unique().implode()))
        everyone = known.group_by(name).agg(pl.col("subject").unique().sort().str.join(", ").alias(f"of_{name}"))
        lots = lots.join(everyone, on=name, how="left", maintain_order="left")
    who = pl.when(pl.col("bag").is_not_null()).then("of_bag").otherwise("of_lot")
    return lots.select("row", recipients=who).drop_nulls().cast(_RECIPIENTS)


def _rescreened(subjects: pl.DataFrame) -> pl.DataFrame:
    """Participants whose earlier number is nobody's, or of somebody else, or was enrolled as they are; and which."""
    if subjects["screened_as"].null_count() == len(subjects):
        return _NOBODY
    linked = subjects.filter(pl.col("screened_as").is_not_null())
    beside = subjects.with_columns(screened_as="subject", found=pl.lit(value=True))
    pairs = linked.join(beside, on="screened_as", how="left", suffix="_then")
    born = pl.col("birth_date") > pl.col("birth_date_last_then"), pl.col("birth_date_last") < pl.col("birth_date_then")
    both = pl.col("enrolled").is_not_null() & pl.col("enrolled_then").is_not_null()
    other_sex = pl.col("sex").str.to_lowercase() != pl.col("sex_then").str.to_lowercase()
    why = (
        pl.when(pl.col("found").is_null() | (pl.col("screened_as") == pl.col("subject")))
        .then(pl.lit("earlier-unknown"))
        .when(pl.any_horizontal(*born))
        .then(pl.lit("earlier-born"))
        .when(other_sex)
        .then(pl.lit("earlier-sex"))
        .when(both)
        .then(pl.lit("earlier-enrolled"))
    )
    return pairs.select("subject", rescreened=why).drop_nulls().cast(_RESCREENED)
