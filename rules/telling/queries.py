"""What cannot be told: one query per missing fact, with the rules that it blocks, never one per rule."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from rules.deviations import RULES
from rules.occasions import column
from rules.rule import Rule
from rules.telling.begun import unclosed_holds
from rules.telling.rows import SCHEMA, Place, Said, assemble, located, stack
from rules.telling.wording import Wording, catalogue

_BY_PROTOCOL = frozenset({
    "tolerance", "dose", "weight-limit", "data-cut", "infusion-limit", "redose", "working-days",
    "interruption",
})  # fmt: skip
_BY_SUBJECT = frozenset({"day-zero", "since-dose", "arm", "consent", "stop-date", "signer"})
_BY_SERIES = frozenset({"policy", "prerequisite", "order", "infusion-time", "hour"})
"""Facts that are missing once for the protocol, for a participant, or for one activity of a participant; the others
once for a record."""
_COLUMNS = {"count": "viable_or_total", "counted": "counted", "brand": "brand", "bag": "bag"}
"""Facts that are missing once for an activity where the study has no such column at all."""

_UNTOLD = {
    "matched", "spaced", "spaced_to", "dosed", "countable", "out_of_order", "timed", "repeated", "after_end",
    "absent", "experimental",
}  # fmt: skip
"""Columns that nobody can fill while the arm is not known."""
_BY_PLAN = tuple(
    rule.code
    for rule in RULES
    if rule.table in ("planned", "assessments", "courses")
    or _UNTOLD & {*rule.applies.meta.root_names(), *rule.deviates.meta.root_names()}
)
_BY_ARM = tuple(rule.code for rule in RULES if "in_arm" in rule.deviates.meta.root_names())
_WAITING = {"day-zero": ", ".join(_BY_PLAN), "arm": ", ".join((*_BY_PLAN, *_BY_ARM))}
"""Rules that wait for the plan: nothing can be placed without an arm and a day zero."""

UNTOLD = pl.Schema({"at": pl.Int64(), "fact": pl.String(), "rule": pl.String(), "table": pl.String()})
"""A missing fact: row of the occasions table, fact, rule that it blocks, table."""


def missing_facts(rule: Rule, rows: pl.DataFrame, index: npt.NDArray[np.generic]) -> pl.DataFrame:
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
    # Without a name a fact is asked for where it is missing, and not again where it only adds up.
    unique = pl.concat(pieces).drop_nulls("fact").unique(maintain_order=True)
    return unique.with_columns(rule=pl.lit(rule.code), table=pl.lit(rule.table)).cast(UNTOLD)


def read_queries(
    asked: list[pl.DataFrame],
    open_facts: list[pl.DataFrame],
    tables: dict[str, pl.DataFrame],
    wording: Wording,
    place: Place,
) -> pl.DataFrame:
    """Doubts of rules that ask, and one query per missing fact with the rules that it blocks."""
    pieces = list(asked)
    asking: dict[str, set[str]] = {}
    if open_facts:
        for (table, fact), group in pl.concat(open_facts).group_by("table", "fact", maintain_order=True):
            pieces.append(_ask(str(table), str(fact), group, tables[str(table)], wording, place))
            asking.setdefault(str(fact), set()).add(str(table))
    several = frozenset(fact for fact, of in asking.items() if len(of) > 1)
    queries = stack([p for p in pieces if len(p)], SCHEMA)
    return _merged(once_each(queries, several))


def once_each(queries: pl.DataFrame, several: frozenset[str]) -> pl.DataFrame:
    """A fact that is missing once is one query, whichever tables ask for it (`several`: more than one do)."""
    shared = pl.col("code").is_in([*_BY_SUBJECT, *_BY_SERIES])
    concerned = shared | pl.col("code").is_in(list(several))
    asked, rest = queries.filter(concerned), queries.filter(~concerned)
    keys = (
        pl.when(shared).then("subject").otherwise("id").alias("of"),
        pl.when(shared).then(None).otherwise("record").alias("at"),
        pl.when(~pl.col("code").is_in(list(_BY_SUBJECT))).then("activity").alias("about"),
    )
    others = [pl.col(c).first() for c in queries.columns if c not in ("code", "rule")]
    rules = pl.col("rule").str.split(", ").explode().unique(maintain_order=True).str.join(", ")
    once = asked.group_by("code", *keys, maintain_order=True).agg(*others, rules).select(queries.columns)
    return pl.concat([once, rest])


def _ask(
    table: str, fact: str, group: pl.DataFrame, rows: pl.DataFrame, wording: Wording, place: Place
) -> pl.DataFrame:
    blocked = group.group_by("at", maintain_order=True).agg(pl.col("rule").unique(maintain_order=True).str.join(", "))
    blocked = blocked.sort("at")
    hits = rows[blocked["at"].to_numpy()].with_columns(rules=blocked["rule"])
    hits = located(_once(hits, fact, place), table)
    if fact in _WAITING:
        rules = pl.concat_str("rules", pl.lit(_WAITING[fact]), separator=", ").str.split(", ")
        hits = hits.with_columns(rules=rules.list.unique(maintain_order=True).list.join(", "))
    code = f"query-{fact}"
    said: dict[str, Said] = {
        "message": wording.fill(catalogue(wording.lang)["facts"][fact], hits),
        "rule": hits["rules"],
        "code": fact,
    }
    if fact == "hold-end":
        said["record"] = pl.select(
            pl.format("{}:{}", pl.lit(place.files.get("events", "events")), unclosed_holds(wording, hits))
        ).to_series()
    if fact == "weight-implausible":
        weighing = pl.format("{}:{}", pl.lit(place.files.get("observations", "observations")), "weight_row")
        said["record"] = hits.select(weighing).to_series()
    if fact in _BY_PROTOCOL or "affected" in hits.columns:
        part = pl.lit(wording.by_part(hits, lambda p: p.activity))
        said |= dict.fromkeys(("subject", "occurrence", "date", "record", "site", "arm"))
        said["id"] = hits.select(pl.format("{}/protocol/{}/{}", pl.lit(place.study), part, pl.lit(code))).to_series()
        said |= {"measure": hits["affected"] if "affected" in hits.columns else 1.0, "measure_unit": "occasions"}
    return assemble(hits, table, wording, place, code, said, asks=True)


def _once(hits: pl.DataFrame, fact: str, place: Place) -> pl.DataFrame:
    """One row per missing fact: for the protocol, for a participant, or for a record."""
    if fact in _BY_PROTOCOL or _COLUMNS.get(fact) in place.absent:
        keys = ["part"]
    elif fact in _BY_SUBJECT:
        keys = ["s"]
    elif fact in _BY_SERIES:
        keys = ["s", "part"]
    else:
        return hits
    rules = pl.col("rules").str.split(", ").explode().unique(maintain_order=True).str.join(", ").first()
    once = hits.select(*keys, "rules", at=pl.int_range(pl.len(), dtype=pl.Int64)).group_by(keys, maintain_order=True)
    grouped = once.agg(pl.col("at").first(), rules, affected=pl.len())
    first = hits[grouped["at"].to_numpy()].with_columns(grouped["rules"])
    return first if "s" in keys else first.with_columns(grouped["affected"])


_ASKED_BY = (
    ("weight-implausible", "weight_implausible"),
    ("weight-implausible", "weight_jumped"),
    ("hold-end", "hold_not_closed"),
)
"""Facts that a rule asks about, once for the record they stand in."""


def _merged(queries: pl.DataFrame) -> pl.DataFrame:
    """What an implausible weight or a hold without an end blocks is no second question: it joins the one about that."""
    rules = pl.col("rule").str.split(", ").explode().unique(maintain_order=True).str.join(", ")
    for fact, asking in _ASKED_BY:
        blocked = queries.filter(pl.col("code") == fact)
        if not len(blocked):
            continue
        more = blocked.group_by("record", "code").agg(rules.alias("more")).with_columns(code=pl.lit(asking))
        asked = queries.filter(pl.col("code") == asking)["record"]
        alone = ~pl.col("record").is_in(asked.implode()).fill_null(value=False)
        rest = queries.filter((pl.col("code") != fact) | alone)
        joined = rest.join(more, on=["record", "code"], how="left", maintain_order="left")
        both = pl.concat_str("rule", "more", separator=", ", ignore_nulls=True)
        queries = joined.with_columns(rule=both).drop("more")
    return queries
