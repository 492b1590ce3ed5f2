"""Deviations: the site's log as DV, confirmed findings as DV and IE, and what is only detected as an analysis dataset.

Only what a person recorded or confirmed is tabulation data. A finding that nobody has confirmed goes into ADDV, a
dataset in OCCDS structure, and one that was decided to be none, a duplicate or closed goes nowhere.
"""

from __future__ import annotations

import polars as pl

from perprotocol.formats.sdtm.frames import (
    Incoming,
    Outgoing,
    date_texts,
    day_of,
    head,
    iso,
    recoded,
    study_day,
    take,
    texts_of,
    with_seq,
)
from perprotocol.formats.sdtm.supplements import FINDING
from rules.audit import Report
from rules.review.decided import ENDED

_CRITERION = "criterion_not_met"
CONFIRMED = "confirmed"

# --- in -----------------------------------------------------------------------------------------------------------


def log_in(dv: pl.DataFrame, cells: pl.DataFrame, go: Incoming) -> pl.DataFrame:
    """The site's log: DV without the records that confirm a finding of an audit of ours."""
    rows = take(dv, "USUBJID", "SEQ", "DVTERM", "DVDECOD", "DVCAT", "DVSTDTC", "DVSPID")
    ours = cells.filter(pl.col("QNAM") == FINDING).select("USUBJID", "SEQ")
    own = rows.join(ours, on=["USUBJID", "SEQ"], how="semi")
    go.notes.add("left out", "confirmed-finding", "DV", "DVTERM", rows=len(own))
    rows = rows.join(ours, on=["USUBJID", "SEQ"], how="anti")
    record = pl.col("DVSPID") if go.ours else pl.format("DV {} {}", "USUBJID", "SEQ")
    date = iso(pl.col("DVSTDTC")).str.slice(0, 10)
    rows = rows.with_columns(term=pl.coalesce("DVTERM", "DVDECOD"), category="DVCAT", date=date, record=record)
    return rows if go.ours else rows.drop_nulls("term")


# --- out ----------------------------------------------------------------------------------------------------------


def dv_out(out: Outgoing, report: Report) -> tuple[pl.DataFrame, pl.DataFrame]:
    """DV: the log of the site, and the confirmed findings that it does not have; and which finding each confirms."""
    typed, texts = out.table("deviation_log")
    log = out.placed(typed).with_columns(
        DVTERM=pl.col("term"),
        DVDECOD=pl.lit(None, pl.String),
        DVCAT=pl.col("category"),
        DVSTDTC=date_texts(typed, "date"),
        DVSPID=texts_of(texts, "record") if len(typed) else pl.lit(None, pl.String),
        finding=pl.lit(None, pl.String),
    )
    confirmed = report.findings.filter(
        (pl.col("state") == CONFIRMED) & (pl.col("logged") != "yes") & (pl.col("code") != _CRITERION)
    )
    told = _of_people(out, confirmed).with_columns(
        n=pl.lit(None, pl.UInt32),
        DVTERM=pl.col("message"),
        DVDECOD=pl.col("term"),
        DVCAT=pl.col("category"),
        DVSTDTC=pl.col("date").dt.to_string("%Y-%m-%d"),
        DVSPID=pl.lit(None, pl.String),
        finding=pl.col("id"),
    )
    columns = ("n", "USUBJID", "reference", "DVSPID", "DVTERM", "DVDECOD", "DVCAT", "DVSTDTC", "finding")
    frame = pl.concat([part.select(columns) for part in (log, told)])
    day = study_day(day_of(pl.col("DVSTDTC")), pl.col("reference"))
    frame = with_seq(head(out, frame, "DV"), "DV").with_columns(DVSTDY=day)
    names = ("STUDYID", "DOMAIN", "USUBJID", "DVSEQ", "DVSPID", "DVTERM", "DVDECOD", "DVCAT", "DVSTDTC", "DVSTDY")
    return frame.select("n", *names), _finding_cells(frame, "DVSEQ")


def ie_out(out: Outgoing, report: Report) -> tuple[pl.DataFrame, pl.DataFrame]:
    """IE: one record for each criterion of which a person confirmed that it was not met; and its finding."""
    met = report.findings.filter((pl.col("state") == CONFIRMED) & (pl.col("code") == _CRITERION))
    excluded = pl.col("activity").is_in(list(out.trial.eligibility.exclude))
    rows = {**out.trial.eligibility.include, **out.trial.eligibility.exclude}
    codes = _criterion_codes(tuple(out.trial.eligibility.include), tuple(out.trial.eligibility.exclude))
    texts = {
        name: str(c.title or c.text or name) if hasattr(c, "title") else str(c.text or name) for name, c in rows.items()
    }
    frame = _of_people(out, met).with_columns(
        recoded(pl.col("activity"), codes).alias("IETESTCD"),
        pl.coalesce(recoded(pl.col("activity"), texts), "activity").alias("IETEST"),
        IECAT=pl.when(excluded).then(pl.lit("EXCLUSION")).otherwise(pl.lit("INCLUSION")),
        IEDTC=pl.col("date").dt.to_string("%Y-%m-%d"),
        finding=pl.col("id"),
    )  # fmt: skip
    result = pl.when(pl.col("IECAT") == "EXCLUSION").then(pl.lit("Y")).otherwise(pl.lit("N"))
    frame = with_seq(head(out, frame.with_columns(IEORRES=result, IESTRESC=result), "IE"), "IE")
    frame = frame.with_columns(IEDY=study_day(pl.col("date"), pl.col("reference")))
    names = ("STUDYID", "DOMAIN", "USUBJID", "IESEQ", "IETESTCD", "IETEST", "IECAT", "IEORRES", "IESTRESC")
    return frame.select(*names, "IEDTC", "IEDY"), _finding_cells(frame, "IESEQ")


def _criterion_codes(include: tuple[str, ...], exclude: tuple[str, ...]) -> dict[str, str]:
    """Criteria -> IN01, IN02, … and EX01, EX02, … in the order of the protocol."""
    inside = {name: f"IN{n:02}" for n, name in enumerate(include, 1)}
    return inside | {name: f"EX{n:02}" for n, name in enumerate(exclude, 1)}


def addv_out(out: Outgoing, report: Report) -> pl.DataFrame:
    """The detected deviations that no person has decided on, one record each, in OCCDS structure."""
    ended = {*ENDED, CONFIRMED}
    open_ = report.findings.filter(~pl.col("state").is_in(list(ended)))
    frame = _of_people(out, open_)
    frame = frame.sort("USUBJID", "date", maintain_order=True, nulls_last=True).with_columns(
        STUDYID=pl.lit(out.study.name),
        ASEQ=pl.int_range(1, pl.len() + 1).over("USUBJID").cast(pl.Int64),
        ASTDY=study_day(pl.col("date"), pl.col("reference")),
        ADVOCC=pl.col("occurrence").cast(pl.Int64),
    )
    pairs = {
        "SUBJID": "subject", "SITEID": "site", "ADVTERM": "message", "ADVDECOD": "term", "ADVCAT": "category",
        "ADVRULE": "code", "ADVID": "id", "ADVSTATE": "state", "ADVIMP": "importance", "ADVACT": "activity",
        "ADVEXP": "expected", "ADVOBS": "observed", "ADVLOG": "logged", "ADVREC": "record", "ASTDT": "date",
    }  # fmt: skip
    frame = frame.rename({column: name for name, column in pairs.items()})
    first = ("STUDYID", "USUBJID", "SUBJID", "SITEID", "ASEQ", "ADVTERM", "ADVDECOD", "ADVCAT", "ADVRULE", "ADVID")
    last = ("ADVSTATE", "ADVIMP", "ADVACT", "ADVOCC", "ADVEXP", "ADVOBS", "ADVLOG", "ADVREC", "ASTDT", "ASTDY")
    return frame.select(*first, *last)


def _of_people(out: Outgoing, findings: pl.DataFrame) -> pl.DataFrame:
    """The findings of participants, with USUBJID and reference start; those of sites alone are not subject data."""
    return findings.join(out.people, on="subject", how="inner", maintain_order="left")


def _finding_cells(frame: pl.DataFrame, seq: str) -> pl.DataFrame:
    """Which record confirms which finding, as cells of the supplemental qualifiers."""
    rows = frame.filter(pl.col("finding").is_not_null())
    return rows.select(
        "USUBJID",
        pl.col(seq).cast(pl.String).alias("SEQ"),
        pl.lit(FINDING).alias("qnam"),
        pl.lit("Finding of the audit that it confirms").alias("label"),
        pl.col("finding").alias("QVAL"),
    )
