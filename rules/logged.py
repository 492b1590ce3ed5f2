"""Detected against logged: which findings the site's own deviation log already holds."""

from __future__ import annotations

import polars as pl

from rules.facts import Study


def reconcile(findings: pl.DataFrame, study: Study) -> pl.DataFrame:
    """`logged` becomes yes where the log names the same participant and day, or the same activity and occurrence.

    Without a log nothing is reconciled; the log's own text is never altered.
    """
    if "deviation_log" not in study.tables:
        return findings
    log = study.deviation_log.with_columns(subject=study.subjects["subject"].gather(study.deviation_log["s"]))
    by_day = log.filter(pl.col("date").is_not_null() & (pl.col("date") == pl.col("date_last")))
    by_name = log.filter(pl.col("activity").is_not_null() & pl.col("occurrence").is_not_null())
    same_day = pl.struct("subject", "date").is_in(by_day.select(pl.struct("subject", "date")).to_series().implode())
    same_name = pl.struct("subject", "activity", "occurrence").is_in(
        by_name.select(pl.struct("subject", "activity", "occurrence")).to_series().implode()
    )
    return findings.with_columns(logged=pl.when(same_day | same_name).then(pl.lit("yes")).otherwise(pl.lit("no")))
