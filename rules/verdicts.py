"""One verdict per administration: complies, deviates or cannot tell, with what was found behind it."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import polars as pl

from rules.arrays import Ints
from rules.findings import Index, answer
from rules.match.bags import in_doubt
from rules.planning.slots import Plan
from rules.rule import Rule
from rules.telling.phrases import of_subjects
from rules.telling.queries import missing_facts
from rules.telling.rows import Place, located, measured, origins, same
from rules.telling.wording import Wording, catalogue, rule_text
from rules.timing.grid import Laid

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
    "arithmetic": pl.String(),
}
"""The fields of a verdict, in order."""


def dose_verdicts(
    laid: Laid, tables: dict[str, pl.DataFrame], exposures: pl.DataFrame, of: Ints, place: Place, lang: str
) -> pl.DataFrame:
    """A verdict for every dose on record: a finding outweighs a query, and a query is never a *complies*.

    What is said of an exposure is said of every dose in it; `of` names the exposure of each dose, -1 for none.
    """
    wording, doses = Wording(laid, lang, place.raw), tables["doses"]
    hits = located(doses, "doses")
    words = ("given", "intended", "least", "most")
    given, *amounts = (wording.word(word, hits) for word in words)
    steps = wording.choose(hits, hits["matched"] & hits["dosed"], "verdict_matched", "verdict_unmatched")
    file = place.files.get("administrations", "administrations")
    basis = wording.by_part(hits, lambda p: _origin(laid.plan, p.code)[0])
    source = wording.by_part(hits, lambda p: _origin(laid.plan, p.code)[1])
    table = hits.select_seq(
        *(pl.col(name) for name in ("occurrence", "weight_age", "due", "opens", "closes")),
        subject=pl.lit(of_subjects(wording, hits, "subject")),
        activity=pl.lit(wording.by_part(hits, lambda p: p.activity)),
        date="day",
        given=pl.lit(_given(wording, hits, given)),
        **{word: pl.lit(amount) for word, amount in zip(words[1:], amounts, strict=True)},
        weight_kg=(pl.col("weight") / 1000).round(3),
        weight_on=pl.col("weight_day").cast(pl.Int32).cast(pl.Date),
        record=pl.concat_str(pl.lit(file), pl.col("row").cast(pl.String), separator=":"),
        because=steps,
        arithmetic=pl.when(pl.col("low").is_not_null()).then(wording.text(wording.phrases["arithmetic"], hits)),
        basis=pl.lit(basis),
        source=pl.lit(source),
        version=pl.lit(wording.protocol.version),
    )
    deviates, asks = pl.col("deviating").fill_null(0) > 0, pl.col("asking").fill_null(0) > 0
    verdict = pl.when(deviates).then(pl.lit("deviates")).when(asks).then(pl.lit("cannot tell"))
    assumed = pl.col("assumed").fill_null(value=False)
    if len(exposures):
        table = _with_courses(table, doses, exposures, of, wording)
    said = {
        "verdict": verdict.otherwise(pl.lit("complies")),
        "message": pl.col("message").fill_null(wording.phrases["complies"]),
        "basis": pl.when(assumed).then(pl.lit("assumed")).otherwise("basis"),
    }
    told = table.hstack(_found(tables, exposures, of, wording))
    return told.select_seq(said.get(f, pl.col(f)).cast(t).alias(f) for f, t in VERDICTS.items())


def _with_courses(
    table: pl.DataFrame, doses: pl.DataFrame, exposures: pl.DataFrame, of: Ints, wording: Wording
) -> pl.DataFrame:
    """The doses of courses with what was right on their first days, in place of what is said of single doses."""
    x, at = of[doses["dose"].to_numpy()], exposures["x"].to_numpy()
    piece = np.searchsorted(at, x)
    judged = (x >= 0) & (at[np.minimum(piece, len(at) - 1)] == x)
    hits = located(exposures, "exposures")[np.where(judged, piece, 0)]
    intended = wording.amounts(hits, "low_each", thousandths=True) + wording.word("each", hits)
    told = hits.select(
        "weight_age",
        intended=pl.lit(intended),
        least=pl.lit(wording.amounts(hits, "least_each")),
        most=pl.lit(wording.amounts(hits, "most_each")),
        weight_kg=(pl.col("weight") / 1000).round(3),
        weight_on=pl.col("weight_day").cast(pl.Int32).cast(pl.Date),
        because=wording.text(wording.phrases["course_dose"], hits),
        arithmetic=pl.lit(None, pl.String),
    )
    mine = pl.Series(judged)
    return table.with_columns(
        told[name].cast(table[name].dtype).zip_with(mine, table[name]).alias(name) for name in told.columns
    )


@lru_cache(maxsize=1024)
def _origin(plan: Plan, part: int) -> tuple[str, str]:
    """Basis and source of what a dose of a part is compared with."""
    three = [plan.protocol.origin(f"{plan.parts[part].path}.{f}") for f in ("due", "dose", "window")]
    basis = "assumed" if any(o.basis == "assumed" for o in three) else "stated"
    return basis, "; ".join(dict.fromkeys(o.text for o in three))


def _given(wording: Wording, hits: pl.DataFrame, amount: pl.Series) -> pl.Series:
    """The amount judged; where the protocol gives no unit to print it in, the amount as recorded."""
    if not amount.null_count():
        return amount
    raw = wording.raw("administrations", hits["row"], ("amount", "unit"))
    if not {"amount", "unit"} <= set(raw.columns):
        return amount
    recorded = raw.select(pl.concat_str(pl.col("amount").cast(pl.String), pl.col("unit"), separator=" ")).to_series()
    return amount.zip_with(amount.is_not_null(), recorded)


_FOUND: dict[str, pl.DataType] = {
    **dict.fromkeys(("deviating", "asking"), pl.UInt32()),
    **dict.fromkeys(("codes", "message"), pl.String()),
    "assumed": pl.Boolean(),
}


def _found(tables: dict[str, pl.DataFrame], exposures: pl.DataFrame, of: Ints, wording: Wording) -> pl.DataFrame:
    """What was found or is asked about each dose, a row a dose; null where it is nothing."""
    doses = tables["doses"]
    places = {name: _doses_of(table, doses) for name, table in tables.items()}
    pieces = [*_answered(tables, places, wording), *_doubted(tables, wording)]
    if len(exposures):
        own = _answered({"exposures": exposures}, {"exposures": np.arange(len(exposures))}, wording)
        pieces += [_of_doses(piece, doses, exposures, of) for piece in own]
    if not pieces:
        return pl.DataFrame([same(None, len(doses)).cast(dtype).alias(name) for name, dtype in _FOUND.items()])
    by_dose = pl.concat(pieces).group_by("at", maintain_order=True)
    found = by_dose.agg(
        deviating=(pl.col("verdict") == "deviates").sum(),
        asking=(pl.col("verdict") == "cannot tell").sum(),
        codes=pl.col("code").str.join(", "),
        message=pl.col("message").str.join(" "),
        assumed=(pl.col("basis") == "assumed").any(),
    )
    everyone = pl.DataFrame({"at": np.arange(len(doses))})
    return everyone.join(found, on="at", how="left", maintain_order="left").drop("at")


def _of_doses(piece: pl.DataFrame, doses: pl.DataFrame, exposures: pl.DataFrame, of: Ints) -> pl.DataFrame:
    """What is said of exposures as said of the doses in them."""
    places = pl.DataFrame({"x": of[doses["dose"].to_numpy()], "dose": np.arange(len(doses))})
    told = piece.with_columns(x=exposures["x"].gather(piece["at"]))
    return told.join(places, on="x", maintain_order="left").select(pl.col("dose").alias("at"), *piece.columns[1:])


def _answered(tables: dict[str, pl.DataFrame], places: dict[str, Index], wording: Wording) -> list[pl.DataFrame]:
    """What the rules about tables say: deviations, then doubts, then the facts that are missing.

    `places` says of each row of a table what it is about, a dose or an exposure.
    """
    deviating: list[pl.DataFrame] = []
    asking: list[pl.DataFrame] = []
    questions: list[pl.DataFrame] = []
    for name, table in tables.items():
        untold: list[pl.DataFrame] = []
        of = places[name]
        for rule, hits, unknown, _ in answer(name, table) if len(table) else ():
            if len(hits):
                (asking if rule.asks else deviating).append(_told(rule, table[hits], of[hits], wording))
            if len(unknown):
                untold.append(missing_facts(rule, table[unknown], unknown))
        questions += _questions(table, of, untold, wording)
    once = [pl.concat(questions).unique(["at", "code"], maintain_order=True)] if questions else []
    return [*deviating, *asking, *once]


_NOBODY: Index = np.zeros(0, np.int64)


def _doses_of(table: pl.DataFrame, doses: pl.DataFrame) -> Index:
    """Of each row of a table about doses the row of the dose that it is about."""
    if table is doses:
        return np.arange(len(doses))
    return doses["dose"].search_sorted(table["dose"]).to_numpy().astype(np.int64) if len(table) else _NOBODY


def _questions(table: pl.DataFrame, of: Index, untold: list[pl.DataFrame], wording: Wording) -> list[pl.DataFrame]:
    """What is asked about the doses of which a fact is missing."""
    if not untold:
        return []
    pieces, facts = [], pl.concat(untold).select("at", "fact").unique(maintain_order=True)
    for (fact,), group in facts.group_by("fact", maintain_order=True):
        at, question = group["at"].to_numpy(), catalogue(wording.lang)["facts"][str(fact)]
        pieces.append(_piece(of[at], "cannot tell", str(fact), wording.fill(question, table[at])))
    return pieces


def _doubted(tables: dict[str, pl.DataFrame], wording: Wording) -> list[pl.DataFrame]:
    """Doses that no rule about doses asks about, and that still are no *complies*."""
    doses = tables["doses"]
    silent, doubtful = doses.select_seq(_SILENT).to_series(), in_doubt(tables)
    found = {"record_after_death": doses["after_death"], "bag_in_doubt": doubtful, "not_judged": silent}
    rows = {code: which.arg_true().to_numpy() for code, which in found.items() if which.any()}
    return [_piece(at, "cannot tell", code, same(wording.phrases[code], len(at))) for code, at in rows.items()]


def _told(rule: Rule, rows: pl.DataFrame, at: Index, wording: Wording) -> pl.DataFrame:
    """The hits of one rule with their sentences; `at` is the dose that each is about."""
    hits = measured(rule, rows)
    message = wording.fill(rule_text(rule, "message", wording.lang), hits)
    return _piece(at, "cannot tell" if rule.asks else "deviates", rule.code, message, origins(rule, hits, wording)[0])


def _piece(at: Index, verdict: str, code: str, message: pl.Series, basis: pl.Series | None = None) -> pl.DataFrame:
    n = len(at)
    basis = same("stated", n) if basis is None else basis
    said = {"verdict": same(verdict, n), "code": same(code, n), "message": message, "basis": basis}
    return pl.DataFrame({"at": at.astype(np.int64), **said})


_SILENT = (
    ~pl.col("dosed")
    & ~pl.col("duplicate")
    & pl.col("in_arm").fill_null(value=False)
    & pl.col("right_brand").fill_null(value=True)
    & (pl.col("matched") | pl.col("course"))
    & ~(pl.col("by_days") & pl.col("fixed"))
)
"""Doses of the arm whose amount nothing judges: the protocol has no dose for them."""
