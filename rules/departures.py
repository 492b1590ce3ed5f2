"""What the protocol orders or allows: complying occurrences that are counted and named, never findings."""

from __future__ import annotations

import numpy as np
import polars as pl

from rules.grid import Laid
from rules.records import PARTLY
from rules.rows import Place
from rules.states import EXCUSES

DEPARTURES: dict[str, pl.DataType] = {
    "subject": pl.String(),
    "site": pl.String(),
    "activity": pl.String(),
    "occurrence": pl.Int32(),
    "date": pl.Date(),
    "kind": pl.String(),
    "days": pl.Int32(),
    "percent": pl.Float64(),
    "record": pl.String(),
}


def read_departures(laid: Laid, tables: dict[str, pl.DataFrame], place: Place) -> pl.DataFrame:
    """What the protocol orders or allows: complying rows that are counted and named, never findings."""
    planned, doses = tables["planned"], tables["doses"]
    subjects = laid.evidence.frames["subjects"]
    parts = pl.Series([p.activity for p in laid.plan.parts], dtype=pl.String)
    pieces = []
    if len(planned):
        absent = planned.filter(
            pl.col("treatment")
            & ~pl.col("done")
            & pl.col("excused").fill_null(value=False)
            & pl.col("expected").fill_null(value=False)
        )
        absent = absent.filter(pl.col("denied") | pl.col("over"))
        kinds = absent["excuse"].replace_strict(EXCUSES, default=None, return_dtype=pl.String)
        pieces.append(
            absent.select(
                "s",
                "part",
                "occurrence",
                "row",
                date=pl.col("due"),
                kind=kinds,
                days=pl.lit(None, pl.Int32),
                percent=pl.lit(None, pl.Float64),
            )
        )
        # Beyond what the protocol allows the delay is a finding, not a departure beside it.
        beyond = (pl.col("day") > pl.col("closes")).fill_null(value=False)
        late = planned.filter(pl.col("treatment") & pl.col("done") & (pl.col("delayed") > 0) & ~beyond)
        late = late.with_columns(
            waited=(pl.col("day") - pl.col("due")).dt.total_days().cast(pl.Int32) + pl.col("delayed")
        )
        pieces.append(
            late.filter(pl.col("waited") > 0).select(
                "s",
                "part",
                "occurrence",
                "row",
                date=pl.col("day"),
                kind=pl.lit("delay"),
                days="waited",
                percent=pl.lit(None, pl.Float64),
            )
        )
    cut = doses.filter(pl.col("status") == PARTLY)
    if len(cut):
        given = pl.Series(np.where(laid.doses.amount >= 0, laid.doses.amount, 0))
        percent = given.filter(pl.Series(laid.doses.status == PARTLY)) * 100 / cut["amount"]
        events = (
            laid.evidence.frames["events"]
            .select("s", day="start")
            .unique()
            .with_columns(kind=pl.lit("incomplete, stopped for safety"))
        )
        with_event = cut.select("s", "part", "occurrence", "row", "day").join(
            events, on=["s", "day"], how="left", maintain_order="left"
        )
        pieces.append(
            with_event.select(
                "s",
                "part",
                "occurrence",
                "row",
                date=pl.col("day"),
                kind=pl.col("kind").fill_null("incomplete"),
                days=pl.lit(None, pl.Int32),
                percent=percent,
            )
        )
    if not any(len(p) for p in pieces):
        return pl.DataFrame(schema=DEPARTURES)
    rows = pl.concat([p.cast({"date": pl.Date}) for p in pieces if len(p)])
    record = pl.select(
        pl.concat_str(pl.lit(place.files.get("administrations", "")), rows["row"].cast(pl.String), separator=":")
    ).to_series()
    return rows.select(
        subjects["subject"].gather(rows["s"]).alias("subject"),
        subjects["site"].gather(rows["s"]).alias("site"),
        parts.gather(rows["part"]).alias("activity"),
        "occurrence",
        "date",
        "kind",
        "days",
        "percent",
        record.alias("record"),
    )
