"""Decisions on record as occasions: one row per decision, about the activity that it names."""

from __future__ import annotations

import polars as pl

from rules.happened.records import activities_named
from rules.occasions import schema
from rules.timing.grid import Laid


def decision_occasions(laid: Laid) -> pl.DataFrame:
    """One row per decision; `part` and `occurrence` where it names an activity of the protocol."""
    frame = laid.evidence.frames["decisions"]
    part = {p.activity: p.code for p in reversed(laid.plan.parts)}
    named = {w: activities_named(laid.plan.protocol, w) for w in frame["activity"].drop_nulls().unique()}
    codes = {w: part.get(names[0]) if names else None for w, names in named.items()}
    told = frame.with_columns(
        pl.col("activity").replace_strict(codes, default=None, return_dtype=pl.Int32).alias("part"),
        waives=pl.col("kind") == "waiver",
    )
    return told.select(*(pl.col(c).cast(t) for c, t in schema("decisions").items()), "decided", "by", "reason")
