"""What a report says first: deviations by rule, queries by question, and both by site and by participant."""

from __future__ import annotations

import polars as pl

from rules.audit import Report
from rules.blinding import OPEN
from rules.manifest import Run
from rules.page.labels import Labels
from rules.review.decided import ENDED
from rules.telling.wording import catalogue

IMPORTANCE = ("important", "not important", "unclassified")


def by_code(rows: pl.DataFrame) -> pl.DataFrame:
    """Findings by rule, or queries by question, most first.

    Columns: code, one per importance, number, events and subjects (counts), category.
    """
    split = [(pl.col("importance") == word).sum().alias(word) for word in IMPORTANCE]
    grouped = rows.group_by("code").agg(
        *split, pl.len().alias("number"), pl.col("event").n_unique().alias("events"),
        pl.col("subject").drop_nulls().n_unique().alias("subjects"), pl.col("category").first(),
    )  # fmt: skip
    return grouped.sort("important", "number", "code", descending=[True, True, False])


def by_subject(report: Report) -> pl.DataFrame:
    """Everyone screened with site, arm and the numbers of findings, important ones, queries and departures.

    Those with most findings first, then with most queries.
    """
    everyone = report.study.subjects.select("subject", "site", "arm")
    found = report.findings.select("subject", "importance")
    important = found.filter(pl.col("importance") == "important")
    for name, rows in (
        ("findings", found),
        ("important", important),
        ("queries", report.queries),
        ("departures", report.departures),
    ):
        counted = rows.group_by("subject").agg(pl.len().alias(name))
        everyone = everyone.join(counted, on="subject", how="left", maintain_order="left").with_columns(
            pl.col(name).fill_null(0)
        )
    order = ["findings", "important", "queries", "subject"]
    return everyone.sort(order, descending=[True, True, True, False], maintain_order=True)


def by_site(report: Report, people: pl.DataFrame) -> pl.DataFrame:
    """Sites with their participants, findings, queries and departures; then one column per category of deviation."""
    sums = people.group_by("site").agg(
        pl.len().alias("subjects"), pl.col("findings", "important", "queries", "departures").sum(),
    ).sort("site", nulls_last=True)  # fmt: skip
    if not len(report.findings):
        return sums
    split = report.findings.group_by("site", "category").agg(pl.len()).sort("category")
    wide = split.pivot("category", index="site", values="len")
    joined = sums.join(wide, on="site", how="left", nulls_equal=True, maintain_order="left")
    return joined.with_columns(pl.col(c).fill_null(0) for c in wide.columns if c != "site")


def marks(report: Run, labels: Labels) -> list[tuple[str, str]]:
    """What every page must say of itself, and why: that nobody approved the protocol file, and who may read it."""
    approved = all(version.approved for version in report.promised or (report.protocol,))
    found = [] if approved else [(labels("draft"), labels("draft why"))]
    return found + ([] if report.blinding == OPEN else [(labels(report.blinding), labels(f"{report.blinding} why"))])


def ended(report: Report, labels: Labels) -> list[str]:
    """How many of the findings a decision on record has ended, where there are any: they are counted all the same."""
    number = int(report.findings["state"].is_in(ENDED).sum())
    return [labels("ended", n=number)] if number else []


def not_judged(report: Report) -> pl.DataFrame:
    """What was not looked at, and why. Columns: what, why."""
    notes = catalogue(report.lang)["notes"]
    rows = [(what, notes[why]) for what, why in report.not_judged]
    return pl.DataFrame(rows, schema={"what": pl.String, "why": pl.String}, orient="row")
