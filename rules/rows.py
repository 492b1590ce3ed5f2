"""Hits of a rule as rows of a report: who, what, when, which record, which paragraph, how important."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import polars as pl

from protocol.model import Protocol
from protocol.timing import Duration
from rules.occasions import TABLES
from rules.rule import Rule
from rules.slots import Part
from rules.wording import Wording, rule_text

FIELDS = (
    "id",
    "event",
    "code",
    "rule",
    "verdict",
    "importance",
    "category",
    "term",
    "subject",
    "site",
    "arm",
    "activity",
    "occurrence",
    "date",
    "measure",
    "measure_unit",
    "expected",
    "observed",
    "because",
    "message",
    "record",
    "source",
    "version",
    "basis",
    "logged",
    "decision",
    "state",
)
"""The fields of a finding or a query, in order."""

SCHEMA: dict[str, pl.DataType] = {f: pl.String() for f in FIELDS} | {
    "occurrence": pl.Int32(),
    "date": pl.Date(),
    "measure": pl.Float64(),
}


@dataclass(frozen=True)
class Place:
    """Where a partition's facts stand: study and site names, ids, and how records are named and read."""

    study: str
    files: dict[str, str]
    absent: frozenset[str]
    raw: Callable[[str, pl.Series], pl.DataFrame]


TEXTS = ("message", "expected", "observed", "because")


def finding_rows(
    rule: Rule, hits: pl.DataFrame, wording: Wording, place: Place, texts: Sequence[str] = TEXTS
) -> pl.DataFrame:
    """The hits of one rule as findings (or, where the rule asks, as queries); of the texts only those wanted."""
    hits = located(hits, rule.table).with_columns(
        measure=(rule.measure if rule.measure is not None else pl.lit(None)).cast(pl.Float64),
        measure_unit=pl.lit(rule.measure_unit),
    )
    written = [wording.fill(rule_text(rule, text, wording.lang), hits).alias(text) for text in texts]
    importance = _importance(wording.protocol, rule, hits["measure"])
    basis, source = _origins(rule, hits, wording)
    return (
        assemble(hits, rule.table, wording, place, rule.code, rule.code, rule.asks)
        .with_columns(
            importance.alias("importance"),
            pl.lit(rule.category).alias("category"),
            pl.lit(rule.term).alias("term"),
            hits["measure"],
            pl.lit(rule.measure_unit or None).alias("measure_unit"),
            basis.alias("basis"),
            source.alias("source"),
            *written,
        )
        .select(pl.col(f).cast(t) for f, t in SCHEMA.items())
    )


def located(hits: pl.DataFrame, table: str) -> pl.DataFrame:
    """Rows of an occasions table with `table`: the table of the study in which each row's record stands."""
    records = TABLES[table].records
    return hits.with_columns(table=pl.col(records[1:]) if records.startswith("@") else pl.lit(records))


def assemble(
    hits: pl.DataFrame, table: str, wording: Wording, place: Place, code: str, rules: str, asks: bool
) -> pl.DataFrame:
    """The fields that every finding and query shares: who, what, when, which record, as the table declares them."""
    described = TABLES[table]
    subjects = wording.laid.evidence.frames["subjects"]
    subject = subjects["subject"].gather(hits["s"])
    site = subjects["site"].gather(hits["s"])
    activity = _about(hits, described.about, code, wording)
    when = _day(hits, described.day)
    where = pl.select(
        pl.coalesce(hits["occurrence"].cast(pl.String), when.dt.to_string("%Y-%m-%d"), pl.lit(""))
    ).to_series()
    event = pl.select(
        pl.concat_str(pl.lit(place.study), subject, activity.fill_null(""), where, separator="/")
    ).to_series()
    frame = pl.DataFrame({f: pl.Series([None] * len(hits), dtype=t) for f, t in SCHEMA.items()})
    return frame.with_columns(
        event.alias("event"),
        (event + f"/{code}").alias("id"),
        pl.lit(code).alias("code"),
        pl.lit(rules).alias("rule"),
        pl.lit("cannot tell" if asks else "deviates").alias("verdict"),
        pl.lit("unclassified").alias("importance"),
        subject.alias("subject"),
        site.alias("site"),
        subjects["arm"].gather(hits["s"]).alias("arm"),
        activity.alias("activity"),
        hits["occurrence"].alias("occurrence"),
        when.alias("date"),
        _record(hits, place).alias("record"),
        pl.lit(wording.protocol.version).alias("version"),
        pl.lit("not reconciled").alias("logged"),
        pl.lit("new").alias("state"),
    )


def _about(hits: pl.DataFrame, about: str, code: str, wording: Wording) -> pl.Series:
    """What each row is about, as its occasions table declares it."""
    if about == "@part":
        return wording.by_part(hits, lambda p: p.activity)
    if about.startswith("@") and about != "@rule":
        return hits[about[1:]]
    return _same(code.partition("_")[0] if about == "@rule" else about, len(hits))


def _day(hits: pl.DataFrame, columns: tuple[str, ...]) -> pl.Series:
    """The day a row is about: the first of the columns that its occasions table declares."""
    days = [hits[c] if hits[c].dtype == pl.Date else hits[c].cast(pl.Int32).cast(pl.Date) for c in columns]
    return pl.select(pl.coalesce(days)).to_series()


def _record(hits: pl.DataFrame, place: Place) -> pl.Series:
    """Where the record stands: `administrations.csv:12`."""
    files = hits["table"].cast(pl.String).replace_strict(place.files, default=None, return_dtype=pl.String)
    return pl.select(pl.concat_str(files, hits["row"].cast(pl.String), separator=":")).to_series()


def _same(text: str, n: int) -> pl.Series:
    return pl.Series([text], dtype=pl.String).new_from_index(0, n)


def _origins(rule: Rule, hits: pl.DataFrame, wording: Wording) -> tuple[pl.Series, pl.Series]:
    """Stated or assumed, and the paragraphs, of the protocol's fields that the verdict rests on."""
    protocol = wording.protocol
    if not rule.rests_on:
        fixed = pl.Series(["stated", rule.section("Reference")])
        return fixed[:1].new_from_index(0, len(hits)), fixed[1:].new_from_index(0, len(hits))
    keys = hits["criterion" if "criterion" in hits.columns else "part"]
    basis, source = {}, {}
    for key in keys.unique():
        origins = [(p, protocol.origin(p)) for p in _paths_of(rule, key, wording)]
        basis[key] = "assumed" if any(o.basis == "assumed" for _, o in origins) else "stated"
        source[key] = "; ".join(dict.fromkeys(f"{p.rpartition('.')[2]}: {o.text} ({o.basis})" for p, o in origins))
    return tuple(keys.replace_strict(texts, return_dtype=pl.String) for texts in (basis, source))  # type: ignore[return-value]


def _paths_of(rule: Rule, key: str | int | None, wording: Wording) -> list[str]:
    """Where the fields that a rule rests on stand: of a criterion, of the protocol, or of one part of the plan."""
    if isinstance(key, str):
        block = "exclude" if key in wording.protocol.eligibility.exclude else "include"
        return [f"eligibility.{block}.{key}.if"]
    if key is None:
        return ["milestones.day-zero" if f == "milestones" else f for f in rule.rests_on]
    return [p for f in rule.rests_on for p in _paths(wording.protocol, wording.laid.plan.parts[key], f)]


def _paths(protocol: Protocol, part: Part, field: str) -> list[str]:
    """Where a field of a part stands: a tolerance or a maximum belongs to its dose, a stop to its modification."""
    if field in ("tolerance", "max"):
        return [f"{part.path}.dose.{field}"]
    if field == "weight":
        return ["weight.within"]
    if field == "modifications":
        product = getattr(part.element, "product", None)
        targets = {part.activity, "all", *(product.values() if isinstance(product, dict) else [product])}
        mine = [k for k, m in protocol.modifications.items() if any(a.target in targets for a in (*m.then, *m.may))]
        return [f"modifications.{k}.if" for k in mine]
    return [f"{part.path}.{field}"]


def _importance(protocol: Protocol, rule: Rule, measure: pl.Series) -> pl.Series:
    """The sponsor's criterion applied to the measure; *unclassified* where the protocol has none for the rule."""
    criterion = protocol.importance.rules.get(rule.code)
    words = pl.Series(["unclassified", "important", "not important"])
    if criterion is None:
        return words.gather([0]).new_from_index(0, len(measure))
    yes, no = (words[1], words[2]) if criterion.important else (words[2], words[1])
    if criterion.side is None or criterion.bound is None:
        return pl.Series([yes]).new_from_index(0, len(measure))
    bound = criterion.bound.days if isinstance(criterion.bound, Duration) else float(criterion.bound.value)
    compare = {"from": operator.ge, "above": operator.gt, "below": operator.lt}[criterion.side]
    inside = compare(pl.lit(measure.round(9)), bound)
    judged = pl.when(inside).then(pl.lit(yes)).when(~inside).then(pl.lit(no)).otherwise(pl.lit(words[0]))
    return pl.select(judged).to_series()


def stack(frames: list[pl.DataFrame], schema: dict[str, pl.DataType] | pl.Schema) -> pl.DataFrame:
    """Tables of one schema as one; empty with that schema where there are none."""
    return pl.concat(frames) if frames else pl.DataFrame(schema=schema)
