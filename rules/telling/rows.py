"""Hits of a rule as rows of a report: who, what, when, which record, which paragraph, how important."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import polars as pl

from protocol.model import Protocol
from rules.happened.belonging import site_on
from rules.occasions import TABLES
from rules.planning.slots import Part
from rules.rule import Rule
from rules.telling.importance import bound_in
from rules.telling.phrases import day_texts, of_subjects
from rules.telling.wording import Wording, rule_text

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

Said: TypeAlias = pl.Series | str | float | None
"""A field of every row, or what is the same for all rows."""

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
    raw: Callable[..., pl.DataFrame]
    """Rows of a table as recorded, by their lines: all cells, or those of some columns."""


TEXTS = ("message", "expected", "observed", "because")


def finding_rows(
    rule: Rule, hits: pl.DataFrame, wording: Wording, place: Place, texts: Sequence[str] = TEXTS
) -> pl.DataFrame:
    """The hits of one rule as findings (or, where the rule asks, as queries); of the texts only those wanted."""
    hits = measured(rule, hits)
    basis, source = origins(rule, hits, wording)
    written = wording.fill_all([rule_text(rule, text, wording.lang) for text in texts], hits)
    said = {
        "importance": _importance(wording.protocol, rule, hits["measure"]),
        "category": rule.category,
        "term": rule.term,
        "measure": hits["measure"],
        "measure_unit": rule.measure_unit or None,
        "basis": basis,
        "source": source,
        **dict(zip(texts, written, strict=True)),
    }
    return assemble(hits, rule.table, wording, place, rule.code, said | {"rule": rule.code}, asks=rule.asks)


def measured(rule: Rule, hits: pl.DataFrame) -> pl.DataFrame:
    """The hits of a rule with what its sentences need: their table, and by how much they deviate."""
    hits = located(hits, rule.table)
    measure = same(None, len(hits)) if rule.measure is None else hits.select(rule.measure).to_series()
    unit = same(rule.measure_unit, len(hits)).alias("measure_unit")
    return hits.hstack([measure.cast(pl.Float64).alias("measure"), unit])


def located(hits: pl.DataFrame, table: str) -> pl.DataFrame:
    """Rows of an occasions table with `table`: the table of the study in which each row's record stands."""
    records = TABLES[table].records
    if records == "@table":
        return hits
    named = hits[records[1:]] if records.startswith("@") else same(records, len(hits))
    return hits.hstack([named.alias("table")])


def assemble(
    hits: pl.DataFrame, table: str, wording: Wording, place: Place, code: str, said: Mapping[str, Said], *, asks: bool
) -> pl.DataFrame:
    """Findings and queries: who, what, when and which record, as the table declares them, and what is `said` of them.

    Fields of which nothing is said are null.
    """
    described, n = TABLES[table], len(hits)
    subject, arm = (of_subjects(wording, hits, column) for column in ("subject", "arm"))
    activity = _about(hits, described.about, code, wording)
    when = _day(hits, described.day)
    site = hits["site"] if "site" in hits.columns else site_on(wording.laid.evidence, hits["s"], when)
    where = pl.coalesce(pl.lit(hits["occurrence"]).cast(pl.String), pl.lit(day_texts(when)), pl.lit(""))
    event = pl.concat_str(pl.lit(place.study), pl.lit(subject), pl.lit(activity).fill_null(""), where, separator="/")
    ids = hits.select(event=event, id=pl.concat_str(event, pl.lit(f"/{code}")))
    fields: dict[str, Said] = {
        "id": ids["id"],
        "event": ids["event"],
        "code": code,
        "verdict": "cannot tell" if asks else "deviates",
        "importance": "unclassified",
        "subject": subject,
        "site": site,
        "arm": arm,
        "activity": activity,
        "occurrence": hits["occurrence"],
        "date": when,
        "record": _record(hits, place),
        "version": wording.protocol.version,
        "logged": "not reconciled",
        "state": "new",
        **said,
    }
    return pl.DataFrame([_field(name, fields.get(name), n) for name in SCHEMA])


def _field(name: str, said: Said, n: int) -> pl.Series:
    dtype = SCHEMA[name]
    if isinstance(said, pl.Series):
        return said.cast(dtype).alias(name)
    return pl.Series(name, [said], dtype=dtype).new_from_index(0, n)


def _about(hits: pl.DataFrame, about: str, code: str, wording: Wording) -> pl.Series:
    """What each row is about, as its occasions table declares it."""
    if about == "@part":
        return wording.by_part(hits, lambda p: p.activity)
    if about.startswith("@") and about != "@rule":
        return hits[about[1:]]
    return same(code.partition("_")[0] if about == "@rule" else about, len(hits))


def _day(hits: pl.DataFrame, columns: tuple[str, ...]) -> pl.Series:
    """The day a row is about: the first of the columns that its occasions table declares."""
    first, *others = (hits[c] if hits[c].dtype == pl.Date else hits[c].cast(pl.Int32).cast(pl.Date) for c in columns)
    return hits.select(pl.coalesce(first, *others)).to_series() if others and first.null_count() else first


def _record(hits: pl.DataFrame, place: Place) -> pl.Series:
    """Where the record stands: `administrations.csv:12`."""
    tables = hits["table"].cast(pl.String)
    known = tables.unique(maintain_order=True)
    row, nothing = hits["row"].cast(pl.String), pl.Series([None], dtype=pl.String).new_from_index(0, len(hits))
    for table in known:
        if (file := place.files.get(table)) is not None:
            text = f"{file}:" + row
            nothing = text if len(known) == 1 else text.zip_with((tables == table).fill_null(value=False), nothing)
    return nothing


def same(text: str | None, n: int) -> pl.Series:
    """One text for n rows."""
    return pl.Series([text], dtype=pl.String).new_from_index(0, n)


def origins(rule: Rule, hits: pl.DataFrame, wording: Wording) -> tuple[pl.Series, pl.Series]:
    """Stated or assumed, and the paragraphs, of the protocol's fields that the verdict rests on."""
    if not rule.rests_on:
        return same("stated", len(hits)), same(rule.section("Reference"), len(hits))
    if "criterion" in hits.columns:
        keys = hits["criterion"]
        said = {key: _origin(rule, key, wording) for key in keys.unique()}
        return tuple(keys.replace_strict({k: s[i] for k, s in said.items()}, return_dtype=pl.String) for i in (0, 1))  # type: ignore[return-value]
    of, present = wording.parts(hits)
    texts: list[tuple[str | None, str | None]] = [(None, None)] * (len(wording.laid.plan.parts) + 1)
    for part in present:
        texts[part] = _origin(rule, part if part < len(wording.laid.plan.parts) else None, wording)
    if len(present) == 1:
        return same(texts[present[0]][0], len(hits)), same(texts[present[0]][1], len(hits))
    return tuple(pl.Series([text[i] for text in texts], dtype=pl.String)[of] for i in (0, 1))  # type: ignore[return-value]


def _origin(rule: Rule, key: str | int | None, wording: Wording) -> tuple[str, str]:
    """Basis and source of a rule's verdicts about one criterion, one part of the plan, or the protocol."""
    origins = [(p, wording.protocol.origin(p)) for p in _paths_of(rule, key, wording)]
    basis = "assumed" if any(o.basis == "assumed" for _, o in origins) else "stated"
    return basis, "; ".join(dict.fromkeys(f"{p.rpartition('.')[2]}: {o.text} ({o.basis})" for p, o in origins))


def _paths_of(rule: Rule, key: str | int | None, wording: Wording) -> list[str]:
    """Where the fields that a rule rests on stand: of a criterion, of the protocol, or of one part of the plan."""
    if isinstance(key, str) and key in wording.protocol.prohibited:
        return [f"prohibited.{key}.terms"]
    if isinstance(key, str) and key in wording.protocol.modifications:
        return [f"modifications.{key}.{field}" for field in ("if", "then")]
    if isinstance(key, str):
        block = "exclude" if key in wording.protocol.eligibility.exclude else "include"
        return [f"eligibility.{block}.{key}.if"]
    if key is None:
        return ["milestones.day-zero" if f == "milestones" else f for f in rule.rests_on]
    return [p for f in rule.rests_on for p in _paths(wording.protocol, wording.laid.plan.parts[key], f)]


def _paths(protocol: Protocol, part: Part, field: str) -> list[str]:
    """Where a field of a part stands: a tolerance or a maximum belongs to its dose, a stop to its modification."""
    if field in ("tolerance", "max", "max_total"):
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
    if criterion is None:
        return same("unclassified", len(measure))
    yes, no = ("important", "not important") if criterion.important else ("not important", "important")
    if criterion.side is None:
        return same(yes, len(measure))
    if (bound := bound_in(criterion, rule.measure_unit)) is None:
        return same("unclassified", len(measure))
    compare = {"from": operator.ge, "above": operator.gt, "below": operator.lt}[criterion.side]
    inside = compare(pl.lit(measure).round(9), bound)
    judged = pl.when(inside).then(pl.lit(yes)).when(~inside).then(pl.lit(no)).otherwise(pl.lit("unclassified"))
    return pl.select(judged).to_series()


def stack(frames: list[pl.DataFrame], schema: dict[str, pl.DataType] | pl.Schema) -> pl.DataFrame:
    """Tables of one schema as one; empty with that schema where there are none."""
    return pl.concat(frames) if frames else pl.DataFrame(schema=schema)


def to_sponsor(asked: Iterable[Mapping[str, object]]) -> pl.DataFrame:
    """Questions about the protocol, of no participant."""
    said = {"verdict": "cannot tell", "importance": "unclassified", "logged": "not reconciled", "state": "new"}
    return pl.DataFrame([said | question for question in map(dict, asked)], schema=SCHEMA)
