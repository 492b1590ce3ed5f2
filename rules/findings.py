"""Rules × occasions -> findings, queries, permitted departures, and the count of every rule's answers.

A rule that raises stops the run; none is ever skipped. A missing fact is one query, however many rules it blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from protocol.model import Protocol
from protocol.timing import Duration
from rules.deviations import RULES
from rules.grid import Laid
from rules.occasions import column
from rules.records import PARTLY
from rules.rule import Rule
from rules.states import EXCUSES
from rules.wording import Wording, catalogue, rule_text

FIELDS = (
    "id", "event", "code", "rule", "verdict", "importance", "category", "term", "subject", "site", "arm", "activity",
    "occurrence", "date", "measure", "measure_unit", "expected", "observed", "because", "message", "record", "source",
    "version", "basis", "logged", "decision", "state",
)  # fmt: skip
"""The fields of a finding or a query, in order."""

SCHEMA: dict[str, pl.DataType] = {f: pl.String() for f in FIELDS} | {
    "occurrence": pl.Int32(), "date": pl.Date(), "measure": pl.Float64(),
}  # fmt: skip

DEPARTURES: dict[str, pl.DataType] = {
    "subject": pl.String(), "site": pl.String(), "activity": pl.String(), "occurrence": pl.Int32(), "date": pl.Date(),
    "kind": pl.String(), "days": pl.Int32(), "percent": pl.Float64(), "record": pl.String(),
}  # fmt: skip

COUNTS = ("rule", "judged", "complies", "deviates", "cannot tell", "not applicable")

_BY_PROTOCOL = frozenset({"tolerance", "dose", "weight-limit"})
_BY_SUBJECT = frozenset({"day-zero", "arm", "consent", "stop-date"})
"""Facts that are missing once for the protocol, or once for a participant; the others once for a record."""


@dataclass(frozen=True)
class Verdicts:
    """What one partition gave."""

    findings: pl.DataFrame
    queries: pl.DataFrame
    departures: pl.DataFrame
    counts: pl.DataFrame


@dataclass(frozen=True)
class Place:
    """Where a partition's facts stand: study and site names, ids, and how records are named and read."""

    study: str
    files: dict[str, str]
    absent: frozenset[str]
    raw: Callable[[str, pl.Series], pl.DataFrame]


def judge(
    laid: Laid, tables: dict[str, pl.DataFrame], place: Place, lang: str, rules: Sequence[Rule] = RULES
) -> Verdicts:
    """The answers of every rule over every occasion of a partition, with their sentences."""
    wording = Wording(laid, lang, place.raw)
    findings, asked, open_facts, counts = [], [], [], []
    for rule in rules:
        table = tables[rule.table]
        applies, answer = _answers(rule, table)
        counts.append(_count(rule, applies, answer))
        hits = np.flatnonzero(applies & (answer == 1))
        if len(hits):
            found = _rows(rule, table[hits], wording, place)
            (asked if rule.asks else findings).append(found)
        unknown = np.flatnonzero(applies & (answer == 2))
        if len(unknown):
            open_facts.append(_missing(rule, table[unknown], unknown))
    queries = _queries(asked, open_facts, tables, wording, place)
    return Verdicts(_stack(findings, SCHEMA), queries, _departures(laid, tables, place), pl.concat(counts))


def _answers(rule: Rule, table: pl.DataFrame) -> tuple[np.ndarray, np.ndarray]:  # type: ignore[type-arg]
    """Whether each row is judged, and the answer: 1 deviates, 0 complies, 2 cannot tell."""
    seen = table.select(
        rule.applies.cast(pl.Boolean).alias("applies"), rule.deviates.cast(pl.UInt8).fill_null(2).alias("answer")
    )
    applies = seen["applies"].to_numpy()
    return np.broadcast_to(applies, len(table)), np.broadcast_to(seen["answer"].to_numpy(), len(table))


def _count(rule: Rule, applies: np.ndarray, answer: np.ndarray) -> pl.DataFrame:  # type: ignore[type-arg]
    judged = int(applies.sum())
    by = np.bincount(answer[applies], minlength=3)
    row = (rule.code, judged, int(by[0]), int(by[1]), int(by[2]), len(applies) - judged)
    return pl.DataFrame([row], schema=list(COUNTS), orient="row")


def _stack(frames: list[pl.DataFrame], schema: dict[str, pl.DataType]) -> pl.DataFrame:
    return pl.concat(frames) if frames else pl.DataFrame(schema=schema)


def _rows(rule: Rule, hits: pl.DataFrame, wording: Wording, place: Place) -> pl.DataFrame:
    """The hits of one rule as findings (or, where the rule asks, as queries)."""
    hits = hits.with_columns(
        measure=(rule.measure if rule.measure is not None else pl.lit(None)).cast(pl.Float64),
        measure_unit=pl.lit(rule.measure_unit), table=pl.lit(_table_of(rule)),
    )  # fmt: skip
    texts = {
        f: wording.fill(rule_text(rule, f, wording.lang), hits) for f in ("message", "expected", "observed", "because")
    }
    importance = _importance(wording.protocol, rule, hits["measure"])
    basis, source = _origins(rule, hits, wording)
    return _assemble(hits, wording, place, rule.code, rule.code, rule.asks).with_columns(
        pl.Series("importance", importance), pl.lit(rule.category).alias("category"), pl.lit(rule.term).alias("term"),
        hits["measure"], pl.lit(rule.measure_unit or None).alias("measure_unit"), pl.Series("basis", basis), pl.Series("source", source),
        *(texts[f].alias(f) for f in texts),
    ).select(pl.col(f).cast(t) for f, t in SCHEMA.items())  # fmt: skip


def _table_of(rule: Rule) -> str:
    return {"doses": "administrations", "weights": "observations", "people": "subjects", "criteria": "subjects"}.get(
        rule.table, ""
    )


def _assemble(hits: pl.DataFrame, wording: Wording, place: Place, code: str, rules: str, asks: bool) -> pl.DataFrame:
    """The fields that every finding and query shares: who, what, when, which record."""
    subjects = wording.laid.evidence.frames["subjects"]
    subject = subjects["subject"].gather(hits["s"])
    site = subjects["site"].gather(hits["s"])
    activity = wording.by_part(hits, lambda p: p.activity) if "criterion" not in hits.columns else hits["criterion"]
    when = _date_of(hits)
    where = pl.Series(
        [
            str(o) if o is not None else str(d) if d is not None else ""
            for o, d in zip(hits["occurrence"], when, strict=True)
        ],
        dtype=pl.String,
    )
    event = pl.select(
        pl.concat_str(pl.lit(place.study), subject, activity.fill_null(""), where, separator="/")
    ).to_series()
    frame = pl.DataFrame({f: pl.Series([None] * len(hits), dtype=t) for f, t in SCHEMA.items()})
    return frame.with_columns(
        event.alias("event"), (event + f"/{code}").alias("id"), pl.lit(code).alias("code"), pl.lit(rules).alias("rule"),
        pl.lit("cannot tell" if asks else "deviates").alias("verdict"), pl.lit("unclassified").alias("importance"),
        subject.alias("subject"), site.alias("site"), subjects["arm"].gather(hits["s"]).alias("arm"), activity.alias("activity"),
        hits["occurrence"].alias("occurrence"), when.alias("date"), _record(hits, place).alias("record"),
        pl.lit(wording.protocol.version).alias("version"), pl.lit("not reconciled").alias("logged"), pl.lit("new").alias("state"),
    )  # fmt: skip


def _date_of(hits: pl.DataFrame) -> pl.Series:
    """The day a row is about: when it happened, else when it was due."""
    candidates = [
        hits[c].cast(pl.Int32).cast(pl.Date) if hits[c].dtype != pl.Date else hits[c]
        for c in ("day", "due", "at", "first", "zero_recorded")
        if c in hits.columns
    ]
    found = candidates[0]
    for other in candidates[1:]:
        found = (
            found.set(found.is_null(), None)
            if found.null_count() == 0
            else pl.select(pl.coalesce(found, other)).to_series()
        )
    return found


def _record(hits: pl.DataFrame, place: Place) -> pl.Series:
    """Where the record stands: `administrations.csv:12`."""
    if "table" in hits.columns and len(hits) and hits["table"][0]:
        tables = hits["table"]
    elif "treatment" in hits.columns:
        tables = pl.Series(["administrations" if t else "visits" for t in hits["treatment"]], dtype=pl.String)
    else:
        tables = pl.Series(["administrations"] * len(hits), dtype=pl.String)
    if "death_table" in hits.columns:
        tables = pl.select(pl.when(hits["death_row"].is_null()).then(tables).otherwise(hits["death_table"])).to_series()
    files = tables.replace_strict(place.files, default=None, return_dtype=pl.String)
    rows = hits["death_row"].fill_null(hits["row"]) if "death_row" in hits.columns else hits["row"]
    return pl.select(pl.concat_str(files, rows.cast(pl.String), separator=":")).to_series()


def _origins(rule: Rule, hits: pl.DataFrame, wording: Wording) -> tuple[list[str], list[str]]:
    """Stated or assumed, and the protocol's paragraph, of the fields that the verdict rests on: per part of the plan."""
    protocol = wording.protocol
    if not rule.rests_on:
        return ["stated"] * len(hits), ["ICH E6(R3)"] * len(hits)
    found: dict[str | None, tuple[str, str]] = {}
    keys = hits["criterion"].to_list() if "criterion" in hits.columns else hits["part"].to_list()
    for key in dict.fromkeys(keys):
        if "criterion" in hits.columns:
            block = "exclude" if key in protocol.eligibility.exclude else "include"
            paths = [f"eligibility.{block}.{key}.if"]
        elif key is None:
            paths = [f"milestones.day-zero" if f == "milestones" else f for f in rule.rests_on]
        else:
            paths = [_path(wording.laid.plan.parts[key].path, f) for f in rule.rests_on]
        origins = [(p, protocol.origin(p)) for p in paths]
        basis = "assumed" if any(o.basis == "assumed" for _, o in origins) else "stated"
        source = "; ".join(dict.fromkeys(f"{p.rpartition('.')[2]}: {o.text} ({o.basis})" for p, o in origins))
        found[key] = (basis, source)
    return [found[k][0] for k in keys], [found[k][1] for k in keys]


def _path(part: str, field: str) -> str:
    """Where a field of a part stands: a tolerance or a maximum belongs to its dose, a weight policy to the protocol."""
    if field in ("tolerance", "max"):
        return f"{part}.dose.{field}"
    return {"weight": "weight.within", "modifications": "modifications"}.get(field, f"{part}.{field}")


def _importance(protocol: Protocol, rule: Rule, measure: pl.Series) -> list[str]:
    """The sponsor's criterion applied to the measure; *unclassified* where the protocol has none for the rule."""
    criterion = protocol.importance.rules.get(rule.code)
    if criterion is None:
        return ["unclassified"] * len(measure)
    yes, no = ("important", "not important") if criterion.important else ("not important", "important")
    if criterion.side is None or criterion.bound is None:
        return [yes] * len(measure)
    bound = criterion.bound.days if isinstance(criterion.bound, Duration) else float(criterion.bound.value)
    inside = {"from": lambda v: v >= bound, "above": lambda v: v > bound, "below": lambda v: v < bound}[criterion.side]
    return ["unclassified" if v is None else yes if inside(round(v, 9)) else no for v in measure]


def _missing(rule: Rule, rows: pl.DataFrame, index: np.ndarray) -> pl.DataFrame:  # type: ignore[type-arg]
    """Which facts are missing in each row that a rule cannot judge: (table row, fact, rule)."""
    pieces = []
    for name in rule.inputs():
        fact = column(rule.table, name).fact
        if not fact:
            continue
        null = rows[name].is_null()
        facts = rows[fact[1:]] if fact.startswith("@") else pl.Series([fact] * len(rows), dtype=pl.String)
        chosen = null.arg_true()
        pieces.append(pl.DataFrame({"at": pl.Series(index).gather(chosen), "fact": facts.gather(chosen)}))
    return pl.concat(pieces).unique(maintain_order=True).with_columns(rule=pl.lit(rule.code), table=pl.lit(rule.table))


def _queries(
    asked: list[pl.DataFrame],
    open_facts: list[pl.DataFrame],
    tables: dict[str, pl.DataFrame],
    wording: Wording,
    place: Place,
) -> pl.DataFrame:
    """Doubts of rules that ask, and one query per missing fact with the rules that it blocks."""
    pieces = list(asked)
    if open_facts:
        for (table, fact), group in pl.concat(open_facts).group_by("table", "fact", maintain_order=True):
            pieces.append(_ask(str(table), str(fact), group, tables[str(table)], wording, place))
    queries = _stack([p for p in pieces if len(p)], SCHEMA)
    return _merged(queries)


def _ask(
    table: str, fact: str, group: pl.DataFrame, rows: pl.DataFrame, wording: Wording, place: Place
) -> pl.DataFrame:
    blocked = group.group_by("at", maintain_order=True).agg(pl.col("rule").unique(maintain_order=True).str.join(", "))
    hits = rows[blocked["at"].to_numpy()].with_columns(rules=blocked["rule"])
    hits = _once(hits, fact, place)
    hits = hits.with_columns(
        table=pl.lit({"doses": "administrations", "people": "subjects", "criteria": "subjects"}.get(table, ""))
    )
    template = catalogue(wording.lang)["facts"][fact]
    message = wording.fill(template, hits)
    extra = hits["affected"] if "affected" in hits.columns else None
    if extra is not None:
        message = pl.select(pl.format("{} ({}×)", message, extra)).to_series()
    frame = _assemble(hits, wording, place, f"query-{fact}", "", asks=True)
    if fact in _BY_PROTOCOL or extra is not None:
        frame = frame.with_columns(
            pl.lit(None, pl.String).alias("subject"), pl.lit(None, pl.Int32).alias("occurrence"), pl.lit(None, pl.Date).alias("date"),
            pl.format("{}/protocol/{}/{}", pl.lit(place.study), pl.col("activity"), pl.lit(f"query-{fact}")).alias("id"),
            pl.lit(None, pl.String).alias("record"), pl.lit(None, pl.String).alias("site"), pl.lit(None, pl.String).alias("arm"),
        )  # fmt: skip
    return frame.with_columns(message.alias("message"), hits["rules"].alias("rule"), pl.lit(fact).alias("code")).select(
        pl.col(f).cast(t) for f, t in SCHEMA.items()
    )


def _once(hits: pl.DataFrame, fact: str, place: Place) -> pl.DataFrame:
    """One row per missing fact: for the protocol, for a participant, or for a record."""
    if fact in _BY_PROTOCOL or (fact == "count" and "viable_or_total" in place.absent):
        keys = ["part"]
    elif fact in _BY_SUBJECT:
        keys = ["s"]
    else:
        return hits
    others = [pl.col(c).first() for c in hits.columns if c not in (*keys, "rules")]
    rules = pl.col("rules").str.split(", ").explode().unique(maintain_order=True).str.join(", ").first()
    grouped = hits.group_by(keys, maintain_order=True).agg(*others, rules.alias("rules"), pl.len().alias("affected"))
    return grouped.drop("affected") if fact in _BY_SUBJECT else grouped


def _merged(queries: pl.DataFrame) -> pl.DataFrame:
    """A dose that an implausible weight blocks is no second question: its rules join the query about the weight."""
    blocked = queries.filter(pl.col("code") == "weight-implausible")
    if not len(blocked):
        return queries
    rules = blocked.group_by("subject").agg(
        pl.col("rule").str.split(", ").explode().unique(maintain_order=True).str.join(", ").alias("more")
    )
    rest = queries.filter(pl.col("code") != "weight-implausible").join(
        rules, on="subject", how="left", maintain_order="left"
    )
    joined = pl.when((pl.col("code") == "weight_implausible") & pl.col("more").is_not_null()).then(
        pl.format("{}, {}", "rule", "more")
    )
    return rest.with_columns(rule=joined.otherwise(pl.col("rule"))).drop("more")


def _departures(laid: Laid, tables: dict[str, pl.DataFrame], place: Place) -> pl.DataFrame:
    """What the protocol orders or allows: complying rows that are counted and named, never findings."""
    planned, doses = tables["planned"], tables["doses"]
    subjects = laid.evidence.frames["subjects"]
    parts = pl.Series([p.activity for p in laid.plan.parts], dtype=pl.String)
    pieces = []
    if len(planned):
        absent = planned.filter(
            pl.col("treatment")
            & ~pl.col("done")
            & pl.col("excused").fill_null(value=False)
            & pl.col("expected").fill_null(value=False)
        )
        absent = absent.filter(pl.col("denied") | pl.col("over"))
        kinds = absent["excuse"].replace_strict(EXCUSES, default=None, return_dtype=pl.String)
        pieces.append(
            absent.select(
                "s",
                "part",
                "occurrence",
                "row",
                date=pl.col("due"),
                kind=kinds,
                days=pl.lit(None, pl.Int32),
                percent=pl.lit(None, pl.Float64),
            )
        )
        late = planned.filter(pl.col("treatment") & pl.col("done") & (pl.col("delayed") > 0))
        late = late.with_columns(
            waited=(pl.col("day") - pl.col("due")).dt.total_days().cast(pl.Int32) + pl.col("delayed")
        )
        pieces.append(
            late.filter(pl.col("waited") > 0).select(
                "s",
                "part",
                "occurrence",
                "row",
                date=pl.col("day"),
                kind=pl.lit("delay"),
                days="waited",
                percent=pl.lit(None, pl.Float64),
            )
        )
    cut = doses.filter(pl.col("status") == PARTLY)
    if len(cut):
        given = pl.Series(np.where(laid.doses.amount >= 0, laid.doses.amount, 0))
        percent = given.filter(pl.Series(laid.doses.status == PARTLY)) * 100 / cut["amount"]
        events = (
            laid.evidence.frames["events"]
            .select("s", day="start")
            .unique()
            .with_columns(kind=pl.lit("incomplete, stopped for safety"))
        )
        with_event = cut.select("s", "part", "occurrence", "row", "day").join(
            events, on=["s", "day"], how="left", maintain_order="left"
        )
        pieces.append(
            with_event.select(
                "s",
                "part",
                "occurrence",
                "row",
                date=pl.col("day"),
                kind=pl.col("kind").fill_null("incomplete"),
                days=pl.lit(None, pl.Int32),
                percent=percent,
            )
        )
    if not any(len(p) for p in pieces):
        return pl.DataFrame(schema=DEPARTURES)
    rows = pl.concat([p.cast({"date": pl.Date}) for p in pieces if len(p)])
    record = pl.select(
        pl.concat_str(pl.lit(place.files.get("administrations", "")), rows["row"].cast(pl.String), separator=":")
    ).to_series()
    return rows.select(
        subjects["subject"].gather(rows["s"]).alias("subject"), subjects["site"].gather(rows["s"]).alias("site"),
        parts.gather(rows["part"]).alias("activity"), "occurrence", "date", "kind", "days", "percent", record.alias("record"),
    )  # fmt: skip
