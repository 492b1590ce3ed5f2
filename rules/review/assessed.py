"""What stands beside a finding when all are known: first of its event, its cause, our proposal, its days."""

from __future__ import annotations

from datetime import date

import polars as pl

from rules.deviations import BY_CODE, RULES
from rules.facts import Study
from rules.telling.rows import SCHEMA

ASSESSED: dict[str, pl.DataType] = {
    "primary": pl.String(), "cause": pl.String(), "proposed_importance": pl.String(), "detected": pl.Date(),
    "serious_breach": pl.String(), "excluded_from": pl.String(), "site_aware": pl.Date(), "sponsor_aware": pl.Date(),
}  # fmt: skip
"""The fields that come after those of `rules.telling.rows`, in order."""

FIELDS = SCHEMA | ASSESSED
"""The fields of a finding or a query in a report, in order."""

CAUSES: dict[str, pl.DataType] = {
    "cause": pl.String(), "site": pl.String(), "number": pl.UInt32(), "events": pl.UInt32(), "subjects": pl.UInt32(),
    "first": pl.Date(), "last": pl.Date(),
}  # fmt: skip
"""A recorded cause that several findings share at a site: how many, of how many participants, from when to when."""

_GRAVE = (
    "eligibility criteria not met",
    "excluded medication, vaccine or device",
    "failure to report safety events",
    "informed consent",
    "not withdrawn after developing withdrawal criteria",
)
_GRAVE_CODES = frozenset(
    ("wrong_treatment", "overdose", "above_ceiling", "dose_during_hold", "dose_after_stop", "dose_not_given")
)


def propose(code: str) -> str:
    """Our proposal for a rule, from its category or its fault alone; never the sponsor's criterion."""
    rule = BY_CODE.get(code)
    if rule is None:
        return "not important"
    return "important" if rule.category in _GRAVE or code in _GRAVE_CODES else "not important"


_ORDER = {rule.code: n for n, rule in enumerate(RULES)}
_PROPOSED = {rule.code: propose(rule.code) for rule in RULES}


def assess(rows: pl.DataFrame, study: Study, as_of: date) -> pl.DataFrame:
    """The rows with `primary`, `cause`, `proposed_importance` and `detected`."""
    found = pl.col("verdict") == "deviates"
    proposed = pl.col("code").replace_strict(_PROPOSED, default=None, return_dtype=pl.String)
    told = rows.with_columns(
        _primary(rows).alias("primary"),
        pl.when(found).then(proposed).alias("proposed_importance"),
        pl.lit(as_of).alias("detected"),
    )
    reasons = _reasons(study)
    if reasons is None:
        return told.with_columns(cause=pl.lit(None, pl.String))
    return told.join(reasons, on="record", how="left", maintain_order="left")


def _primary(rows: pl.DataFrame) -> pl.Series:
    """Yes for the first of each event in the order of the catalogue, no for those that come with it."""
    rank = rows["code"].replace_strict(_ORDER, default=len(_ORDER), return_dtype=pl.Int16)
    order = rank.arg_sort()
    first = rows["event"].gather(order).is_first_distinct()
    placed = pl.DataFrame({"at": order, "first": first}).sort("at")["first"]
    return pl.select(pl.when(placed).then(pl.lit("yes")).otherwise(pl.lit("no"))).to_series()


def _reasons(study: Study) -> pl.DataFrame | None:
    """The reason on each record of a dose, by its place; None where none is recorded."""
    given = study.administrations.filter(pl.col("reason").is_not_null())
    if not len(given):
        return None
    file = study.tables["administrations"].file
    return given.select(
        record=pl.concat_str(pl.lit(file), pl.col("row").cast(pl.String), separator=":"), cause="reason"
    )


def group_causes(findings: pl.DataFrame) -> pl.DataFrame:
    """Causes that more than one finding of a site share, most findings first (S56)."""
    told = findings.filter(pl.col("cause").is_not_null()).with_columns(same=pl.col("cause").str.to_lowercase())
    grouped = told.group_by("same", "site").agg(
        pl.col("cause").first(), number=pl.len(), events=pl.col("event").n_unique(),
        subjects=pl.col("subject").n_unique(), first=pl.col("date").min(), last=pl.col("date").max(),
    )  # fmt: skip
    shared = grouped.filter(pl.col("number") > 1).sort("number", "cause", "site", descending=[True, False, False])
    return shared.select(pl.col(c).cast(t) for c, t in CAUSES.items())
