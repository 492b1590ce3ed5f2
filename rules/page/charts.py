"""The charts of a report: deviations by rule and site, the sites beside each other, and everyone's time on study."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from rules.audit import Report
from rules.blinding import BLINDED
from rules.page.funnel import PER, draw_funnel
from rules.page.labels import Labels
from rules.page.listing import anchor
from rules.page.markup import Child, Markup, join, tag
from rules.page.matrix import draw_matrix
from rules.page.swimlanes import ENDS, draw_lanes, lay_days, read_lanes
from rules.page.tables import html_table
from rules.page.timeline import Course
from rules.rates import ENDS as MILESTONES
from rules.rates import LEAST_DAYS, site_rates, subject_days

FEW_SITES = 5
"""Sites below which funnel limits say little."""


def charts(report: Report, courses: Mapping[str, Course], labels: Labels) -> Markup | None:
    """The charts that there is something to draw for, under their headings; None where there is none."""
    parts = [*_matrix(report, labels), *_funnel(report, labels), *_lanes(report, courses, labels)]
    return join(parts) if parts else None


def _titled(name: str, *content: Child, labels: Labels) -> list[Child]:
    return [tag("h3", labels(name)), tag("p", labels(f"{name} note"), class_="note"), *content]


def _scrolled(drawing: Markup) -> Markup:
    return tag("div", drawing, class_="scroll")


def _matrix(report: Report, labels: Labels) -> list[Child]:
    found = report.findings.filter(pl.col("subject").is_not_null())
    return _titled("matrix", _scrolled(draw_matrix(found, labels)), labels=labels) if len(found) else []


def _funnel(report: Report, labels: Labels) -> list[Child]:
    """The funnel, and the same as a table; a remark where there are few sites."""
    funnel = site_rates(report.findings, subject_days(report.study, report.as_of))
    if len(funnel.sites) < 2 or not funnel.mean:
        return []
    judged = int((funnel.sites["days"] >= LEAST_DAYS).sum())
    few = tag("p", labels("funnel few", n=judged), class_="note") if judged < FEW_SITES else None
    words = {word: labels(word) for word in ("unusual", "far out", "few days")}
    table = funnel.sites.select(
        "site", "subjects", pl.col("days").alias("subject_days"), pl.col("number").alias("findings"),
        (pl.col("rate") * PER).cast(pl.Decimal(scale=3)).alias("per_100_days"), pl.col("z").cast(pl.Decimal(scale=1)),
        pl.col("flag").replace(words).alias("remark"),
    )  # fmt: skip
    return _titled("funnel", few, _scrolled(draw_funnel(funnel, labels)), html_table(table, labels), labels=labels)


def _lanes(report: Report, courses: Mapping[str, Course], labels: Labels) -> list[Child]:
    """The lanes of those whose courses are at hand, by site and, where it may be seen, by arm."""
    spans = subject_days(report.study, report.as_of)
    first = report.protocol.first_day
    lanes = {lane.subject: lane for lane in read_lanes(courses, spans, _ends(report), first, report.as_of)}
    if not lanes:
        return []
    axis = lay_days(list(lanes.values()))
    everyone = report.study.subjects.select("subject", "site", "arm").filter(pl.col("subject").is_in(list(lanes)))
    by = ["site"] if report.blinding == BLINDED else ["site", "arm"]
    parts: list[Child] = []
    for key, group in everyone.sort(*by, nulls_last=True, maintain_order=True).group_by(*by, maintain_order=True):
        names = [str(key[0] or labels("no site")), *(_arm(report, arm, labels) for arm in key[1:])]
        mine = [lane for subject, lane in lanes.items() if subject in set(group["subject"])]
        parts += [tag("h4", " · ".join(names)), _scrolled(draw_lanes(mine, axis, labels, anchor))]
    return _titled("lanes", *parts, labels=labels)


def _arm(report: Report, arm: object, labels: Labels) -> str:
    element = report.protocol.arms.get(str(arm))
    title = element.title.in_(labels.lang) if element is not None and element.title is not None else arm
    return str(title or labels("no arm"))


def _ends(report: Report) -> dict[str, str]:
    """How each participant left, by the first end on record up to the day: death, completed, or left."""
    study = report.study
    names = study.subjects.select("s", "subject")
    ended = study.milestones.with_columns(pl.col("milestone").str.to_lowercase().str.replace_all(r"[\s_]+", "-"))
    ended = ended.filter(pl.col("milestone").is_in(MILESTONES) & (pl.col("date") <= report.as_of)).sort("date")
    first = ended.unique("s", keep="first", maintain_order=True).join(names, on="s")
    return {row["subject"]: ENDS.get(row["milestone"], "left") for row in first.iter_rows(named=True)}
