"""One verdict per administration: complies, deviates or cannot tell, with what was found behind it."""

from __future__ import annotations

import polars as pl

from rules.deviations import BY_CODE
from rules.findings import Verdicts
from rules.grid import Laid
from rules.rows import Place, located
from rules.wording import Wording, catalogue

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
    hits = located(doses, "doses")
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
            "given": _given(wording, hits),
            "intended": wording.word("intended", hits),
            "least": wording.word("least", hits),
            "most": wording.word("most", hits),
            "weight_kg": (hits["weight"] / 1000).round(3),
            "weight_on": hits["weight_day"].cast(pl.Int32).cast(pl.Date),
            "weight_age": hits["weight_age"],
            "due": hits["due"],
            "opens": hits["opens"],
            "closes": hits["closes"],
            "record": record,
            "at": pl.int_range(len(hits), dtype=pl.Int64, eager=True),
            "steps": _steps(wording, hits),
            "origin_basis": pl.Series([*basis, None], dtype=pl.String).gather(part),
            "origin": pl.Series([*source, None], dtype=pl.String).gather(part),
            "version": pl.Series([protocol.version] * len(hits), dtype=pl.String),
        }
    )
    joined = table.join(_found(verdicts, doses, table, wording), on="at", how="left", maintain_order="left")
    deviates, asks = pl.col("deviating").fill_null(0) > 0, pl.col("asking").fill_null(0) > 0
    verdict = pl.when(deviates).then(pl.lit("deviates")).when(asks).then(pl.lit("cannot tell"))
    assumed = (pl.col("assumed").fill_null(value=False)) | (pl.col("origin_basis") == "assumed")
    return joined.with_columns(
        verdict=verdict.otherwise(pl.lit("complies")),
        message=pl.col("message").fill_null(wording.phrases["complies"]),
        because=pl.col("steps"),
        basis=pl.when(assumed).then(pl.lit("assumed")).otherwise(pl.col("origin_basis")),
        source=pl.col("origin"),
    ).select(pl.col(f).cast(t) for f, t in VERDICTS.items())


def _given(wording: Wording, hits: pl.DataFrame) -> pl.Series:
    """The amount judged; where the protocol gives no unit to print it in, the amount as recorded."""
    amount, raw = wording.word("given", hits), wording.raw("administrations", hits["row"])
    if not {"amount", "unit"} <= set(raw.columns):
        return amount
    recorded = raw.select(pl.concat_str(pl.col("amount").cast(pl.String), pl.col("unit"), separator=" ")).to_series()
    return amount.zip_with(amount.is_not_null(), recorded)


def _steps(wording: Wording, hits: pl.DataFrame) -> pl.Series:
    """Day, window and arithmetic of a dose that has its place in the plan; of any other the record alone."""
    return wording.choose(hits, hits["matched"] & hits["dosed"], "verdict_matched", "verdict_unmatched")


def _found(verdicts: Verdicts, doses: pl.DataFrame, table: pl.DataFrame, wording: Wording) -> pl.DataFrame:
    """What was found or is asked about each dose, one row a dose: findings and doubts of its record, facts it lacks."""
    own = pl.concat([verdicts.findings, verdicts.queries.filter(pl.col("code").is_in(list(BY_CODE)))])
    own = own.select("record", "verdict", "code", "message", "basis").join(table.select("record", "at"), on="record")
    pieces = [own.select("at", "verdict", "code", "message", "basis")]
    untold = verdicts.untold.filter(pl.col("table") == "doses").select("at", "fact").unique(maintain_order=True)
    for (fact,), group in untold.group_by("fact", maintain_order=True):
        message = wording.fill(catalogue(wording.lang)["facts"][str(fact)], doses[group["at"].to_numpy()])
        asked = group.select(
            "at", verdict=pl.lit("cannot tell"), code=pl.col("fact"), message=message, basis=pl.lit("stated")
        )
        pieces.append(asked.cast({"at": pl.Int64}))
    pieces += [
        _doubtful(doses, "record_after_death", pl.col("after_death"), wording),
        _doubtful(doses, "not_judged", _SILENT, wording),
    ]
    return (
        pl.concat([p.cast({"at": pl.Int64}) for p in pieces])
        .group_by("at", maintain_order=True)
        .agg(
            deviating=(pl.col("verdict") == "deviates").sum(),
            asking=(pl.col("verdict") == "cannot tell").sum(),
            codes=pl.col("code").str.join(", "),
            message=pl.col("message").str.join(" "),
            assumed=(pl.col("basis") == "assumed").any(),
        )
    )


_SILENT = (
    ~pl.col("dosed")
    & ~pl.col("duplicate")
    & pl.col("in_arm").fill_null(value=False)
    & (pl.col("matched") | pl.col("course"))
)
"""Doses of the arm whose amount nothing judges: no dose in the protocol, or a course by days."""


def _doubtful(doses: pl.DataFrame, code: str, which: pl.Expr, wording: Wording) -> pl.DataFrame:
    """Doses that no rule about doses asks about, and that still are no *complies*."""
    at = doses.select(which.arg_true().cast(pl.Int64).alias("at"))
    message = pl.lit(wording.phrases[code])
    return at.select("at", verdict=pl.lit("cannot tell"), code=pl.lit(code), message=message, basis=pl.lit("stated"))
