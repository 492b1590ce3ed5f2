"""The three verbs: schedule, validate, audit. Each is the same columnar path over partitions of participants."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

import polars as pl

from protocol.model import Protocol
from rules.calendar_table import SCHEDULE, calendar_table
from rules.facts import Study
from rules.findings import Verdicts, judge, judge_doses
from rules.grid import Laid
from rules.logged import reconcile
from rules.match import build_occasions
from rules.match.doses import dose_occasions
from rules.partitions import DATED, Progress, horizon, over_partitions, place_of
from rules.plan import compile_plan
from rules.unmatched import unmatched_words
from rules.verdicts import dose_verdicts


@dataclass(frozen=True)
class Report:
    """An audit: what was found, what is asked, what the protocol allowed, and the evidence behind it."""

    protocol: Protocol
    study: Study
    as_of: date
    lang: str
    findings: pl.DataFrame
    queries: pl.DataFrame
    departures: pl.DataFrame
    counts: pl.DataFrame
    unmatched: pl.DataFrame
    """Words on record that match nothing in the protocol, so that nothing follows from them."""
    not_judged: tuple[tuple[str, str], ...] = field(default=())
    """Paths of the protocol, or tables, and why they are not judged: a key of the catalogue's `notes`."""

    @property
    def balance(self) -> pl.DataFrame:
        """Rows read = used + ignored + refused, per table, with the reasons and the columns nobody reads."""
        rows = [
            (
                t.file,
                t.balance.read,
                t.balance.used,
                sum(t.balance.ignored.values()),
                sum(t.balance.refused.values()),
                "; ".join(f"{n} {why}" for why, n in (*t.balance.ignored.items(), *t.balance.refused.items())),
                ", ".join(t.unmapped),
            )
            for t in self.study.tables.values()
        ]
        return pl.DataFrame(
            rows, schema=["table", "read", "used", "ignored", "refused", "reasons", "unmapped columns"], orient="row"
        )

    @property
    def summary(self) -> pl.DataFrame:
        """Findings and queries by rule, most first."""
        both = pl.concat([self.findings, self.queries])
        return (
            both.group_by("code", "verdict")
            .agg(pl.len().alias("number"), pl.col("subject").n_unique().alias("subjects"))
            .sort(["verdict", "number", "code"], descending=[True, True, False])
        )


def schedule(protocol: Protocol, study: Study, *, as_of: date | None = None) -> pl.DataFrame:
    """The calendar: one row per expected occurrence (treatments, visits, assessments), with dose and status."""
    frames = list(schedule_parts(protocol, study, as_of=as_of))
    return pl.concat(frames) if frames else pl.DataFrame(schema=SCHEDULE)


def schedule_parts(protocol: Protocol, study: Study, *, as_of: date | None = None) -> Iterator[pl.DataFrame]:
    """The calendar partition by partition, for studies whose calendar is larger than memory."""
    yield from over_partitions(compile_plan(protocol), study, as_of, calendar_table)


def validate(protocol: Protocol, study: Study, *, as_of: date | None = None, lang: str = "en") -> pl.DataFrame:
    """One verdict per administration on record."""
    place = place_of(study)

    def work(laid: Laid) -> pl.DataFrame:
        doses = dose_occasions(laid)
        return dose_verdicts(laid, doses, judge_doses(laid, doses, place, lang), place, lang)

    plan = compile_plan(protocol, assessments=False)
    return pl.concat(list(over_partitions(plan, study, as_of, work)))


def audit(
    protocol: Protocol, study: Study, *, as_of: date | None = None, lang: str = "en", progress: Progress | None = None
) -> Report:
    """All findings and queries of the study, with the counts behind them, reconciled with the site's own log."""
    verdicts = list(audit_parts(protocol, study, as_of=as_of, lang=lang, progress=progress))
    findings, queries, departures, counts = _together(verdicts)
    plan = compile_plan(protocol, assessments=False)
    notes = (*plan.not_judged, *_absent(study, as_of))
    unmatched = unmatched_words(protocol, study)
    return Report(protocol, study, horizon(study, as_of), lang, findings, queries, departures, counts, unmatched, notes)


def audit_parts(
    protocol: Protocol, study: Study, *, as_of: date | None = None, lang: str = "en", progress: Progress | None = None
) -> Iterator[Verdicts]:
    """The audit partition by partition, for studies whose findings are larger than memory."""
    place = place_of(study)

    def work(laid: Laid) -> Verdicts:
        found = judge(laid, build_occasions(laid), place, lang)
        return replace(found, findings=reconcile(found.findings, study))

    yield from over_partitions(compile_plan(protocol, assessments=False), study, as_of, work, progress)


def _together(verdicts: Sequence[Verdicts]) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Partitions as one study, in an order that does not depend on the rows' order."""
    findings = _numbered(pl.concat([v.findings for v in verdicts]))
    queries = _numbered(_one_a_gap(pl.concat([v.queries for v in verdicts])))
    departures = pl.concat([v.departures for v in verdicts]).sort("subject", "date", "activity", "occurrence")
    counts = pl.concat([v.counts for v in verdicts])
    order = counts["rule"].unique(maintain_order=True).to_frame()
    summed = counts.group_by("rule").agg(pl.all().sum())
    return findings, queries, departures, order.join(summed, on="rule", how="left", maintain_order="left")


def _one_a_gap(queries: pl.DataFrame) -> pl.DataFrame:
    """A gap of the protocol is one query, whatever the number of partitions; its measure counts the occasions."""
    gaps = queries.filter(pl.col("subject").is_null())
    if gaps["id"].is_unique().all():
        return queries
    others = [pl.col(c).first() for c in queries.columns if c not in ("id", "measure")]
    summed = gaps.group_by("id", maintain_order=True).agg(*others, pl.col("measure").sum()).select(queries.columns)
    return pl.concat([queries.filter(pl.col("subject").is_not_null()), summed])


def _numbered(rows: pl.DataFrame) -> pl.DataFrame:
    """Sorted by participant and day; ids that two rows of one day share are told apart by their order in time."""
    rows = rows.sort("subject", "date", "activity", "occurrence", "code", "message", "record", nulls_last=True)
    if rows["id"].is_unique().all():
        return rows
    place = pl.int_range(1, pl.len() + 1).over("id")
    return rows.with_columns(id=pl.when(place > 1).then(pl.format("{}/{}", "id", place)).otherwise("id"))


def _absent(study: Study, as_of: date | None) -> tuple[tuple[str, str], ...]:
    """Tables that are not there, tables from which nothing follows yet, and columns that nothing judges."""
    missing = [(t, f"no-{t}") for t in ("visits", "consents", "observations") if t not in study.tables]
    unused = [(t, "not-read") for t in ("sites", "decisions", "amendments", "corrections") if len(study.data(t))]
    later = [(t, "after") for t, day in DATED.items() if as_of is not None and (study.data(t)[day] > as_of).any()]
    return (*missing, *unused, *later, ("administrations", "columns"))
