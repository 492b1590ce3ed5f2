"""One verdict per administration: complies, deviates or cannot tell, with what was found behind it."""

from __future__ import annotations

import polars as pl

from rules.findings import Verdicts
from rules.grid import Laid
from rules.rows import Place
from rules.wording import Wording

VERDICTS: dict[str, pl.DataType] = {
    "subject": pl.String(),
    "activity": pl.String(),
    "occurrence": pl.Int32(),
    "date": pl.Date(),
    "verdict": pl.String(),
    "given": pl.String(),
    "intended": pl.String(),
    "least": pl.String(),
    "most": pl.String(),
    "weight_kg": pl.Float64(),
    "weight_on": pl.Date(),
    "weight_age": pl.Int32(),
    "due": pl.Date(),
    "opens": pl.Date(),
    "closes": pl.Date(),
    "codes": pl.String(),
    "message": pl.String(),
    "because": pl.String(),
    "basis": pl.String(),
    "source": pl.String(),
    "version": pl.String(),
    "record": pl.String(),
}
"""The fields of a verdict, in order."""


def dose_verdicts(laid: Laid, doses: pl.DataFrame, verdicts: Verdicts, place: Place, lang: str) -> pl.DataFrame:
    """A verdict for every dose on record: a finding outweighs a query, and a query is never a *complies*."""
    wording = Wording(laid, lang, place.raw)
    hits = doses.with_columns(table=pl.lit("administrations"))
    subjects = laid.evidence.frames["subjects"]["subject"].gather(hits["s"])
    file = place.files.get("administrations", "administrations")
    record = pl.select(pl.concat_str(pl.lit(file), hits["row"].cast(pl.String), separator=":")).to_series()
    protocol = wording.protocol
    origins = [[protocol.origin(f"{p.path}.{f}") for f in ("due", "dose", "window")] for p in laid.plan.parts]
    basis = ["assumed" if any(o.basis == "assumed" for o in three) else "stated" for three in origins]
    source = ["; ".join(dict.fromkeys(o.text for o in three)) for three in origins]
    part = hits["part"].fill_null(len(origins))
    table = pl.DataFrame(
        {
            "subject": subjects,
            "activity": wording.by_part(hits, lambda p: p.activity),
            "occurrence": hits["occurrence"],
            "date": hits["day"],
            "given": wording.word("given", hits),
            "intended": wording.word("intended", hits),
            "least": wording.word("least", hits),
            "most": wording.word("most", hits),
            "weight_kg": hits["weight"] / 1000,
            "weight_on": hits["weight_day"].cast(pl.Int32).cast(pl.Date),
            "weight_age": hits["weight_age"],
            "due": hits["due"],
            "opens": hits["opens"],
            "closes": hits["closes"],
            "record": record,
            "steps": _steps(wording, hits),
            "origin_basis": pl.Series([*basis, None], dtype=pl.String).gather(part),
            "origin": pl.Series([*source, None], dtype=pl.String).gather(part),
            "version": pl.Series([protocol.version] * len(hits), dtype=pl.String),
        }
    )
    found = pl.concat([verdicts.findings, verdicts.queries])
    own = _own(found, table)
    joined = table.join(own, on="record", how="left", maintain_order="left")
    complies = wording.phrases["complies"]
    return joined.with_columns(
        verdict=pl.when(pl.col("deviating") > 0)
        .then(pl.lit("deviates"))
        .when(pl.col("asking") > 0)
        .then(pl.lit("cannot tell"))
        .otherwise(pl.lit("complies")),
        message=pl.col("messages").fill_null(complies),
        because=pl.col("steps"),
        basis=pl.when(pl.col("assumed").fill_null(value=False))
        .then(pl.lit("assumed"))
        .otherwise(pl.col("origin_basis")),
        source=pl.col("origin"),
    ).select(pl.col(f).cast(t) for f, t in VERDICTS.items())


def _steps(wording: Wording, hits: pl.DataFrame) -> pl.Series:
    """Day, window and arithmetic of a dose that has its place in the plan; of any other the record alone."""
    matched, other = (wording.fill(wording.phrases[f"verdict_{w}"], hits) for w in ("matched", "unmatched"))
    return pl.select(pl.when(hits["matched"] & hits["dosed"]).then(matched).otherwise(other)).to_series()


def _own(found: pl.DataFrame, table: pl.DataFrame) -> pl.DataFrame:
    """Findings and queries of each dose record; a query about the participant or the protocol counts for each."""
    direct = found.filter(pl.col("record").is_in(table["record"].implode()))
    wide = found.filter(
        pl.col("code").is_in(["weight_implausible", "day-zero", "arm", "tolerance", "count", "dose"])
        & ~pl.col("record").is_in(table["record"].implode()).fill_null(value=False)
    )
    spread = []
    if len(wide):
        for row in wide.iter_rows(named=True):
            mine = table.filter(
                ((pl.col("subject") == row["subject"]) if row["subject"] else pl.lit(True))
                & (
                    (pl.col("activity") == row["activity"])
                    if row["activity"] and row["code"] != "weight_implausible"
                    else pl.lit(True)
                )
            )
            spread.append(
                pl.DataFrame([row] * len(mine), schema=found.schema).with_columns(record=mine["record"])
                if len(mine)
                else found.clear()
            )
    both = pl.concat([direct, *spread])
    return both.group_by("record", maintain_order=True).agg(
        deviating=(pl.col("verdict") == "deviates").sum(),
        asking=(pl.col("verdict") == "cannot tell").sum(),
        codes=pl.col("code").str.join(", "),
        messages=pl.col("message").str.join(" "),
        assumed=(pl.col("basis") == "assumed").any(),
    )
