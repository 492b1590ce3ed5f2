"""The three verbs: schedule, validate, audit. Each is the same columnar path over partitions of participants."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial

import polars as pl

from protocol.model import Protocol
from rules.blinding import BLINDED, OPEN, blinded_treatments, not_seen, sighted
from rules.course.taken import read_taken
from rules.facts import Study
from rules.findings import Verdicts, judge
from rules.happened.versions import Promised, together, versions_of
from rules.match import build_doses, build_occasions
from rules.match.doses import parts_of_doses
from rules.match.exposures import exposure_occasions
from rules.page.labels import Labels
from rules.partitions import DATED, Progress, horizon, over_partitions, place_of
from rules.plan import compile_plan
from rules.planning.judgeable import paced
from rules.planning.slots import Plan
from rules.review.again import read_again
from rules.review.assessed import FIELDS, assess, group_causes
from rules.review.corrected import former_findings
from rules.review.decided import decide
from rules.review.logged import EXPLAINS, reconcile
from rules.telling.amended import beside_others, of_version, transitions_wanted, unknown_versions
from rules.telling.calendar_table import SCHEDULE, calendar_table
from rules.telling.importance import unusable_criteria
from rules.telling.queries import once_each
from rules.telling.stopped import sequels_wanted
from rules.telling.unmatched import unmatched_words
from rules.telling.wording import catalogue
from rules.timing.grid import Laid
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
    corrected: pl.DataFrame
    """Findings of values that the source has corrected since: closed, never gone."""
    decisions: pl.DataFrame
    """Decisions on record; one that concerns nothing names nothing known."""
    history: pl.DataFrame
    """The states of every finding that has had more than one, in order of time."""
    reconciliation: pl.DataFrame
    """Findings beside the entries of the site's own log, with the rule that matched; empty without a log."""
    not_judged: tuple[tuple[str, str], ...] = field(default=())
    """Paths of the protocol, or tables, and why they are not judged: a key of the catalogue's `notes`."""
    blinding: str = OPEN
    """How the run saw the study: open, blinded, or unblinded where the trial is blinded."""
    promised: tuple[Protocol, ...] = ()
    """The versions of the protocol as their files say them; `protocol` is the newest, as this reader may see it."""

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
    def rows(self) -> pl.DataFrame:
        """Findings, queries and closed findings as one table, for programs; `verdict` and `state` tell them apart."""
        return pl.concat([self.findings, self.queries, self.corrected])

    @property
    def causes(self) -> pl.DataFrame:
        """Recorded causes that several findings share."""
        return group_causes(self.findings)

    @property
    def summary(self) -> pl.DataFrame:
        """Findings and queries by rule, most first."""
        both = pl.concat([self.findings, self.queries])
        return (
            both.group_by("code", "verdict")
            .agg(pl.len().alias("number"), pl.col("subject").n_unique().alias("subjects"))
            .sort(["verdict", "number", "code"], descending=[True, True, False])
        )


def schedule(
    protocol: Promised, study: Study, *, as_of: date | None = None, blinded: bool | None = None
) -> pl.DataFrame:
    """The calendar: one row per expected occurrence (treatments, visits, assessments), with dose and status.

    `protocol` (here and below) is one protocol, or its versions, oldest first. `blinded` is what the protocol says,
    unless it is given.
    """
    versions, study, _ = sighted(versions_of(protocol), study, blinded)
    frames = list(schedule_parts(versions, study, as_of=as_of))
    calendar = pl.concat(frames) if frames else pl.DataFrame(schema=SCHEDULE)
    order = ("subject", "due", "kind", "activity", "occurrence")
    return calendar if len(versions) == 1 else calendar.sort(*order, nulls_last=True, maintain_order=True)


def schedule_parts(protocol: Promised, study: Study, *, as_of: date | None = None) -> Iterator[pl.DataFrame]:
    """The calendar partition by partition, for studies whose calendar is larger than memory."""
    yield from over_partitions([compile_plan(one) for one in versions_of(protocol)], study, as_of, calendar_table)


def validate(
    protocol: Promised, study: Study, *, as_of: date | None = None, lang: str = "en", blinded: bool | None = None
) -> pl.DataFrame:
    """One verdict per administration on record; *cannot tell* where its amount cannot be judged while blinded."""
    hidden = blinded_treatments(together(versions_of(protocol)))
    versions, study, seen = sighted(versions_of(protocol), study, blinded)
    place = place_of(study)

    def work(laid: Laid) -> pl.DataFrame:
        taken = read_taken(laid, parts_of_doses(laid)[0])
        exposures = exposure_occasions(laid, taken) if taken.pieces.n else pl.DataFrame()
        tables = build_doses(laid)
        verdicts = dose_verdicts(laid, tables, exposures, taken.exposures.of, place, lang)
        return verdicts if laid.carried is None else of_version(laid, tables["doses"], verdicts, lang)

    plans = [compile_plan(version, assessments=False, visits=False) for version in versions]
    verdicts = pl.concat(list(over_partitions(plans, study, as_of, work)))
    if len(plans) > 1:
        verdicts = verdicts.sort("subject", "activity", "date", "occurrence", nulls_last=True, maintain_order=True)
    return _timing_only(verdicts, hidden, lang) if seen == BLINDED else verdicts


def _timing_only(verdicts: pl.DataFrame, hidden: tuple[str, ...], lang: str) -> pl.DataFrame:
    """A blinded dose complies in time alone: whether it was right cannot be told."""
    mine = (pl.col("verdict") == "complies") & pl.col("activity").is_in(list(hidden))
    return verdicts.with_columns(
        verdict=pl.when(mine).then(pl.lit("cannot tell")).otherwise("verdict"),
        message=pl.when(mine).then(pl.lit(catalogue(lang)["notes"]["blinded"])).otherwise("message"),
    )


def audit(
    protocol: Promised,
    study: Study,
    *,
    as_of: date | None = None,
    lang: str = "en",
    progress: Progress | None = None,
    blinded: bool | None = None,
) -> Report:
    """All findings and queries of the study, with the counts behind them, beside decisions, corrections and the log."""
    promised = versions_of(protocol)
    versions, study, seen = sighted(promised, study, blinded)
    known = together(versions)
    verdicts = list(audit_parts(versions, study, as_of=as_of, lang=lang, progress=progress))
    findings, queries, departures, counts = _together(verdicts, several=len(versions) > 1)
    of_sponsor = transitions_wanted(versions, study, lang), sequels_wanted(versions, study, departures, lang)
    queries = pl.concat([queries, *of_sponsor])
    notes = (
        _not_judged(promised, versions, study, seen)
        + _absent(versions, study, as_of)
        + unknown_versions(versions, study)
    )

    def audited(before: Study) -> pl.DataFrame:
        return _together(list(audit_parts(versions, before, as_of=as_of, lang=lang)))[0]

    former, corrections = former_findings(study, findings, audited, as_of, lang)
    day = horizon(study, as_of)
    rows = assess(pl.concat([findings, queries, former]), study, day)
    told, decisions, history = decide(rows, study, known, as_of, corrections, lang)
    found, asked, closed = _apart(told, len(findings), len(queries))
    rest = _explaining(asked, departures, lang)
    found, reconciliation = reconcile(found, rest, study, known, partial(_judged, versions, study, as_of, lang), lang)
    found, asked, closed = (_shaped(frame) for frame in (found, asked, closed))
    more = (unmatched_words(known, study), closed, decisions, history, reconciliation, notes, seen, promised)
    return Report(versions[-1], study, day, lang, found, asked, departures, counts, *more)


def audit_parts(
    protocol: Promised, study: Study, *, as_of: date | None = None, lang: str = "en", progress: Progress | None = None
) -> Iterator[Verdicts]:
    """What the rules say partition by partition, before decisions, corrections and the log are laid beside it."""
    place = place_of(study)

    def work(laid: Laid) -> Verdicts:
        verdicts = judge(laid, build_occasions(laid), place, lang)
        return verdicts if laid.carried is None else beside_others(laid, laid.carried, verdicts, place, lang)

    yield from over_partitions([_plan_of(one, study) for one in versions_of(protocol)], study, as_of, work, progress)


def _apart(rows: pl.DataFrame, findings: int, queries: int) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Findings, queries and what has ended since, of rows that hold them in this order; some of the last still hold."""
    found, asked, former = rows.head(findings), rows.slice(findings, queries), rows.slice(findings + queries)
    if not len(former):
        return found, asked, former
    open_ = pl.col("state").is_in(["new", "confirmed"])
    deviates = pl.col("verdict") == "deviates"
    more = [former.filter(open_ & which) for which in (deviates, ~deviates)]
    return pl.concat([found, more[0]]), pl.concat([asked, more[1]]), former.filter(~open_)


def _plan_of(protocol: Protocol, study: Study) -> Plan:
    """The plan of an audit: assessments are part of it where the study has results of any."""
    absent = study.settings.get("not_collected", "").replace(",", " ").split()
    return compile_plan(protocol, assessments="observations" in study.tables, not_collected=absent)


def _not_judged(
    promised: Sequence[Protocol], versions: Sequence[Protocol], study: Study, seen: str
) -> tuple[tuple[str, str], ...]:
    """What of the protocol is read and not judged, each once, whichever versions say it."""
    notes: list[tuple[str, str]] = []
    for told, version in zip(promised, versions, strict=True):
        notes += _plan_of(version, study).not_judged
        notes += unusable_criteria(told)
        if version.consent is not None and version.consent.own_from and "consents.by" not in study.columns:
            notes.append(("consent.own_from", "no-signer"))
        notes += not_seen(told) if seen == BLINDED else ()
    return tuple(dict.fromkeys(notes))


def _shaped(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows with every field of a report in order; null where nothing was said."""
    return rows.select((pl.col(c) if c in rows.columns else pl.lit(None)).cast(t).alias(c) for c, t in FIELDS.items())


def _explaining(queries: pl.DataFrame, departures: pl.DataFrame, lang: str) -> pl.DataFrame:
    """Queries and departures as what may explain an entry of the site's log."""
    labels = Labels(lang)
    kinds = {kind: labels.value(kind) for kind in departures["kind"].unique().drop_nulls()}
    allowed = departures.with_columns(
        code=pl.lit("departure"), id=pl.col("kind").replace(kinds), category=pl.lit(None, pl.String)
    )
    return pl.concat([part.select(*EXPLAINS) for part in (queries.with_columns(code=pl.lit("query")), allowed)])


def _judged(protocol: Promised, study: Study, as_of: date | None, lang: str, subjects: pl.Series) -> pl.DataFrame:
    """Of some participants the doses that comply and the visits that were done."""
    some = read_again(study, subjects=subjects).get()
    doses = validate(protocol, some, as_of=as_of, lang=lang).filter(pl.col("verdict") == "complies")
    calendar = schedule(protocol, some, as_of=as_of)
    visits = calendar.filter((pl.col("kind") == "visit") & (pl.col("status") == "done"))
    done = visits.with_columns(date=pl.col("due"), message=pl.lit(Labels(lang).value("done")))
    told = [
        part.with_columns(id=pl.col("message"), code=pl.lit("complies"), category=pl.lit(None, pl.String))
        for part in (doses, done)
    ]
    return pl.concat([part.select(pl.col(c).cast(t) for c, t in EXPLAINS.items()) for part in told])


def _together(
    verdicts: Sequence[Verdicts], *, several: bool = False
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Partitions as one study, in an order that does not depend on the rows' order."""
    findings = _numbered(pl.concat([v.findings for v in verdicts]))
    queries = _numbered(_one_a_gap(_asked_once([v.queries for v in verdicts], several=several)))
    departures = pl.concat([v.departures for v in verdicts]).sort("subject", "date", "activity", "occurrence")
    counts = pl.concat([v.counts for v in verdicts])
    order = counts["rule"].unique(maintain_order=True).to_frame()
    summed = counts.group_by("rule").agg(pl.all().sum())
    return findings, queries, departures, order.join(summed, on="rule", how="left", maintain_order="left")


def _asked_once(queries: Sequence[pl.DataFrame], *, several: bool) -> pl.DataFrame:
    """All queries; what is missing once for a participant is asked once, whichever versions ask for it."""
    return once_each(pl.concat(queries), frozenset()) if several else pl.concat(queries)


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
    order = ("subject", "date", "activity", "occurrence", "code")
    if rows["id"].n_unique() == len(rows):
        return rows.sort(*order, nulls_last=True)
    rows = rows.sort(*order, "message", "record", nulls_last=True)
    place = pl.int_range(1, pl.len() + 1).over("id")
    return rows.with_columns(id=pl.when(place > 1).then(pl.format("{}/{}", "id", place)).otherwise("id"))


def _absent(versions: Sequence[Protocol], study: Study, as_of: date | None) -> tuple[tuple[str, str], ...]:
    """Tables and columns that are not there."""
    missing = [(t, f"no-{t}") for t in ("visits", "consents", "observations") if t not in study.tables]
    later = [(t, "after") for t, day in DATED.items() if as_of is not None and (study.data(t)[day] > as_of).any()]
    notes = [note for version in versions for note in _unrecorded(version, study)]
    return (*missing, *later, *dict.fromkeys(notes))


def _unrecorded(protocol: Protocol, study: Study) -> tuple[tuple[str, str], ...]:
    """Columns that the study does not have, of which the protocol says what should stand in them."""
    parts = [part for treatment in protocol.treatments.values() for part in treatment.parts()]
    wanted = {"route": any(p.route for p in parts), "end": any(paced(p) for p in parts)}
    given = "administrations" in study.tables
    missing = [c for c, said in wanted.items() if said and given and f"administrations.{c}" not in study.columns]
    dated = len(study.lots) or {"administrations.lot", "administrations.bag"} & study.columns
    return (*(("administrations", f"no-{c}") for c in missing), *([("administrations", "expiry")] if dated else []))
