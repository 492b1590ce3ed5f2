"""What the protocol orders or allows: complying occurrences that are counted and named, never findings."""

from __future__ import annotations

import numpy as np
import polars as pl

from rules.grid import Laid
from rules.records import PARTLY
from rules.rows import Place
from rules.spells import EXCUSES

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


_COLUMNS = ("s", "part", "occurrence", "row", "date", "kind", "days", "percent")


def read_departures(laid: Laid, tables: dict[str, pl.DataFrame], place: Place) -> pl.DataFrame:
    """What the protocol orders or allows: complying rows that are counted and named, never findings."""
    planned = tables["planned"]
    pieces = [_absent(planned), _delayed(planned), _cut_short(laid, tables["doses"])]
    rows = pl.concat([p for p in pieces if len(p)] or pieces[:1])
    if not len(rows):
        return pl.DataFrame(schema=DEPARTURES)
    subjects = laid.evidence.frames["subjects"]
    parts = pl.Series([p.activity for p in laid.plan.parts], dtype=pl.String)
    file = pl.lit(place.files.get("administrations", ""))
    return rows.select(
        subjects["subject"].gather(rows["s"]).alias("subject"),
        subjects["site"].gather(rows["s"]).alias("site"),
        parts.gather(rows["part"]).alias("activity"),
        *_COLUMNS[2:3],
        *_COLUMNS[4:],
        record=pl.concat_str(file, pl.col("row").cast(pl.String), separator=":"),
    )


def _rows(rows: pl.DataFrame, **said: pl.Expr | pl.Series) -> pl.DataFrame:
    nothing = {"days": pl.lit(None), "percent": pl.lit(None)}
    chosen = rows.select("s", "part", "occurrence", "row", **(nothing | said)).select(_COLUMNS)
    return chosen.cast({"date": pl.Date, "kind": pl.String, "days": pl.Int32, "percent": pl.Float64})


def _absent(planned: pl.DataFrame) -> pl.DataFrame:
    """Expected doses that a hold, a stop or a condition of the protocol took away."""
    excused = pl.col("excused").fill_null(value=False) & pl.col("expected").fill_null(value=False)
    absent = planned.filter(pl.col("treatment") & ~pl.col("done") & excused & (pl.col("denied") | pl.col("over")))
    kind = pl.col("excuse").replace_strict(EXCUSES, default=None, return_dtype=pl.String)
    return _rows(absent, date=pl.col("due"), kind=kind)


def _delayed(planned: pl.DataFrame) -> pl.DataFrame:
    """Doses that waited as ordered; beyond what the protocol allows the delay is a finding, and no departure."""
    beyond = (pl.col("day") > pl.col("closes")).fill_null(value=False)
    waited = (pl.col("day") - pl.col("due")).dt.total_days() + pl.col("delayed")
    moved = (pl.col("delayed") > 0) | (pl.col("day") > pl.col("closes") - pl.duration(days="allowed"))
    late = planned.filter(pl.col("treatment") & pl.col("done") & moved & ~beyond & (waited > 0))
    return _rows(late, date=pl.col("day"), kind=pl.lit("delay"), days=waited)


def _cut_short(laid: Laid, doses: pl.DataFrame) -> pl.DataFrame:
    """Infusions that were not completed; for safety where an adverse event is on record on that day."""
    cut = doses.filter(pl.col("status") == PARTLY)
    given = pl.Series(np.where(laid.doses.amount >= 0, laid.doses.amount, 0))
    percent = given.filter(pl.Series(laid.doses.status == PARTLY)) * 100 / cut["amount"]
    kind = pl.when("reaction").then(pl.lit("incomplete, stopped for safety")).otherwise(pl.lit("incomplete"))
    told = cut.with_columns(percent=percent).filter((pl.col("percent") < 100).fill_null(value=True))
    return _rows(told, date=pl.col("day"), kind=kind, percent=pl.col("percent"))
