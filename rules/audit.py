"""The three verbs: schedule, validate, audit. Each is the same columnar path over partitions of participants."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import polars as pl

from protocol.model import Protocol
from rules.calendar_table import SCHEDULE, calendar_table
from rules.evidence import Evidence, evidence_of
from rules.facts import Study
from rules.findings import Verdicts, judge
from rules.grid import Laid
from rules.logged import reconcile
from rules.match import build_occasions
from rules.plan import compile_plan
from rules.records import check_words, read_doses, read_visits
from rules.rows import Place
from rules.schedule import lay_out
from rules.slots import Plan
from rules.verdicts import VERDICTS, dose_verdicts

PARTITION = 50_000
"""Participants a partition: enough for columns to pay, few enough for memory to stay bounded."""

Progress = Callable[[int, int], None]
_FAR_FUTURE = date(2999, 1, 1)


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
    not_judged: tuple[tuple[str, str], ...] = field(default=())

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
    plan = compile_plan(protocol)
    frames = [calendar_table(laid) for laid in _laid(plan, study, as_of)]
    return pl.concat(frames) if frames else pl.DataFrame(schema=SCHEDULE)


def validate(protocol: Protocol, study: Study, *, as_of: date | None = None, lang: str = "en") -> pl.DataFrame:
    """One verdict per administration on record."""
    plan = compile_plan(protocol, assessments=False)
    frames = []
    for laid in _laid(plan, study, as_of):
        tables = build_occasions(laid)
        verdicts = judge(laid, tables, _place(study), lang)
        frames.append(dose_verdicts(laid, tables["doses"], verdicts, _place(study), lang))
    return pl.concat(frames) if frames else pl.DataFrame(schema=VERDICTS)


def audit(
    protocol: Protocol, study: Study, *, as_of: date | None = None, lang: str = "en", progress: Progress | None = None
) -> Report:
    """All findings and queries of the study, with the counts behind them, reconciled with the site's own log."""
    plan = compile_plan(protocol, assessments=False)
    verdicts = [judge(laid, build_occasions(laid), _place(study), lang) for laid in _laid(plan, study, as_of, progress)]
    findings, queries, departures, counts = _together(verdicts)
    return Report(
        protocol,
        study,
        _horizon(study, as_of),
        lang,
        reconcile(findings, study),
        queries,
        departures,
        counts,
        (*plan.not_judged, *_absent(plan, study)),
    )


def _together(verdicts: Sequence[Verdicts]) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Partitions as one study, in an order that does not depend on the rows' order."""
    findings = _numbered(pl.concat([v.findings for v in verdicts]))
    queries = _numbered(pl.concat([v.queries for v in verdicts]).unique("id", keep="first", maintain_order=True))
    departures = pl.concat([v.departures for v in verdicts]).sort("subject", "date", "activity", "occurrence")
    counts = pl.concat([v.counts for v in verdicts])
    order = counts["rule"].unique(maintain_order=True).to_frame()
    summed = counts.group_by("rule").agg(pl.all().sum())
    return findings, queries, departures, order.join(summed, on="rule", how="left", maintain_order="left")


def _numbered(rows: pl.DataFrame) -> pl.DataFrame:
    """Sorted by participant and day; ids that two rows of one day share are told apart by their order in time."""
    rows = rows.sort("subject", "date", "activity", "occurrence", "code", "record", nulls_last=True)
    if rows["id"].is_unique().all():
        return rows
    place = pl.int_range(1, pl.len() + 1).over("id")
    return rows.with_columns(id=pl.when(place > 1).then(pl.format("{}/{}", "id", place)).otherwise("id"))


def _horizon(study: Study, as_of: date | None) -> date:
    """The last day anything is known of: the earlier of data cut and as-of, else the study's own last record."""
    given = [d for d in (as_of, study.data_cut) if d is not None]
    return min(given) if given else _last_record(study)


def _last_record(study: Study) -> date:
    columns = (
        ("administrations", "start_last"),
        ("visits", "date_last"),
        ("observations", "at_last"),
        ("milestones", "date_last"),
    )
    found = [study.data(t)[c].max() for t, c in columns]
    return max((d for d in found if isinstance(d, date)), default=_FAR_FUTURE)


def _laid(plan: Plan, study: Study, as_of: date | None, progress: Progress | None = None) -> Iterator[Laid]:
    """Every partition scheduled and matched."""
    check_words(plan.protocol, study)
    frames = {name: _sorted(study.data(name)) for name in _TABLES}
    n = len(study.subjects)
    horizon = (_horizon(study, as_of) - date(1970, 1, 1)).days
    for first in range(0, max(n, 1), PARTITION):
        last = min(first + PARTITION, n)
        e: Evidence = evidence_of(plan.protocol, frames, study.tables, first, last, horizon, final=study.final)
        yield lay_out(plan, e, read_doses(e), read_visits(e))
        if progress is not None:
            progress(last, n)


_TABLES = ("subjects", "sites", "consents", "milestones", "observations", "administrations", "visits", "events")


def _sorted(frame: pl.DataFrame) -> pl.DataFrame:
    return frame if frame["s"].is_sorted() else frame.sort("s", maintain_order=True)


def _place(study: Study) -> Place:
    given = study.tables.get("administrations")
    absent = frozenset(c for c in ("viable_or_total",) if given is not None and c not in given.raw.columns)
    return Place(study.name, {name: table.file for name, table in study.tables.items()}, absent, _raw_reader(study))


def _raw_reader(study: Study) -> Callable[[str, pl.Series], pl.DataFrame]:
    """Look up rows as recorded, by the line that the typed tables carry."""

    def read(table: str, rows: pl.Series) -> pl.DataFrame:
        if table not in study.tables:
            return pl.DataFrame({"-": pl.Series([None] * len(rows), dtype=pl.String)})
        found = study.tables[table]
        at = found.lines.search_sorted(rows.fill_null(0))
        known = pl.Series(np.minimum(at.to_numpy(), max(len(found.raw) - 1, 0)))
        return found.raw[known.to_numpy()]

    return read


def _absent(plan: Plan, study: Study) -> tuple[tuple[str, str], ...]:
    """Rules that had nothing to look at because the study folder has no such table."""
    notes: Mapping[str, str] = {
        "visits": "no table of visits in the study folder: visits are not judged",
        "consents": "no table of consents in the study folder: consent is not judged",
        "observations": "no table of observations in the study folder: weights and eligibility are not judged",
    }
    return tuple((table, why) for table, why in notes.items() if table not in study.tables)


__all__ = ["Report", "audit", "schedule", "validate"]
