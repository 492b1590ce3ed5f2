"""Hits of a rule as rows of a report: who, what, when, which record, which paragraph, how important."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import polars as pl

from protocol.model import Protocol
from protocol.timing import Duration
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
    hits = hits.with_columns(
        measure=(rule.measure if rule.measure is not None else pl.lit(None)).cast(pl.Float64),
        measure_unit=pl.lit(rule.measure_unit),
        table=pl.lit(_table_of(rule)),
    )
    written = [wording.fill(rule_text(rule, text, wording.lang), hits).alias(text) for text in texts]
    importance = _importance(wording.protocol, rule, hits["measure"])
    basis, source = _origins(rule, hits, wording)
    return (
        assemble(hits, wording, place, rule.code, rule.code, rule.asks)
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


def _table_of(rule: Rule) -> str:
    observed = dict.fromkeys(("weights", "values"), "observations")
    return {"doses": "administrations", **observed, "people": "subjects", "criteria": "subjects"}.get(rule.table, "")


def assemble(hits: pl.DataFrame, wording: Wording, place: Place, code: str, rules: str, asks: bool) -> pl.DataFrame:
    """The fields that every finding and query shares: who, what, when, which record."""
    subjects = wording.laid.evidence.frames["subjects"]
    subject = subjects["subject"].gather(hits["s"])
    site = subjects["site"].gather(hits["s"])
    activity = _activity(hits, wording, code)
    when = _date_of(hits)
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


def _activity(hits: pl.DataFrame, wording: Wording, code: str) -> pl.Series:
    """What a row is about: an activity of the protocol, a criterion, the weight, or what the rule looks at."""
    if "criterion" in hits.columns:
        return hits["criterion"]
    about = "weight" if "grams" in hits.columns else code.partition("_")[0] if "zero_recorded" in hits.columns else None
    activity = wording.by_part(hits, lambda p: p.activity)
    return activity if about is None else activity.fill_null(about)


def _date_of(hits: pl.DataFrame) -> pl.Series:
    """The day a row is about: when it happened, else when it was due."""
    candidates = [
        hits[c].cast(pl.Int32).cast(pl.Date) if hits[c].dtype != pl.Date else hits[c]
        for c in ("late", "day", "due", "at", "first", "zero_recorded")
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
