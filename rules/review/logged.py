"""Detected against logged: the site's own deviation log reconciled with the findings, many to many.

One entry of the log may be several findings, and one finding may stand in several entries. The rule that matched is
named (`MATCHES`, the strongest first). Without a log nothing is reconciled; its own text is never altered.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import polars as pl

from protocol.model import Protocol
from rules.deviations import BY_CODE
from rules.facts import Study
from rules.happened.records import activities_named
from rules.page.labels import Labels
from rules.telling.wording import rule_text

WITHIN = 3
"""Days by which the log's date may differ from the finding's where something else agrees."""

MATCHES = ("activity and occurrence", "activity and date", "category and date", "words and date", "same day")
"""What agrees, the strongest first: the activity is that of the finding, a date lies within `WITHIN` days, the category
is the finding's, the entry's term shares a word with the finding's rule; *same day* alone where the log names no
activity."""

BOTH, ONLY_DETECTED, ONLY_LOGGED = "detected and logged", "detected and not logged", "logged and not detected"

RECONCILIATION: dict[str, pl.DataType] = {
    "found": pl.String(), "subject": pl.String(), "site": pl.String(), "log": pl.String(), "logged_as": pl.String(),
    "logged_on": pl.Date(), "code": pl.String(), "activity": pl.String(), "occurrence": pl.Int32(), "date": pl.Date(),
    "match": pl.String(), "why": pl.String(), "finding": pl.String(),
}  # fmt: skip
"""A pair of log entry and finding with the rule that matched, or one of the two alone; *why* of an entry alone."""

EXPLAINS = {
    "subject": pl.String(), "activity": pl.String(), "occurrence": pl.Int32(), "date": pl.Date(), "code": pl.String(),
    "category": pl.String(), "id": pl.String(),
}  # fmt: skip
"""What is no finding and may explain an entry: `code` says which it is (query, departure, complies), `id` in words."""

Judged = Callable[[pl.Series], pl.DataFrame]
"""Of some participants the doses and visits that were judged and comply, as `EXPLAINS`."""


def reconcile(
    findings: pl.DataFrame, rest: pl.DataFrame, study: Study, protocol: Protocol, judged: Judged, lang: str
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The findings with `logged`, `site_aware` and `sponsor_aware`; and the reconciliation.

    `rest` holds queries and departures (`EXPLAINS`).
    """
    if "deviation_log" not in study.tables:
        nothing = [pl.lit(None, pl.Date).alias(name) for name in ("site_aware", "sponsor_aware")]
        return findings.with_columns(nothing), pl.DataFrame(schema=RECONCILIATION)
    log = _entries(study, protocol)
    pairs = _matched(log, findings)
    aware = pairs.group_by("id").agg(
        pl.lit("yes").first().alias("logged"), site_aware=pl.col("aware").min(), sponsor_aware=pl.col("reported").min()
    )
    told = findings.drop("logged").join(aware, on="id", how="left", maintain_order="left")
    told = told.with_columns(pl.col("logged").fill_null("no")).select(*findings.columns, "site_aware", "sponsor_aware")
    alone = told.filter(pl.col("logged") == "no").with_columns(found=pl.lit(ONLY_DETECTED))
    unmet = log.join(pairs.select("e"), on="e", how="anti", maintain_order="left")
    pieces = [
        _shaped(pairs.with_columns(found=pl.lit(BOTH))),
        _shaped(alone.rename({"id": "finding"})),
        _shaped(_explained(unmet, rest, judged, lang).with_columns(found=pl.lit(ONLY_LOGGED))),
    ]
    return told, pl.concat(pieces).sort("subject", "logged_on", "date", "code", "log", nulls_last=True)


def _shaped(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select(
        (pl.col(c) if c in rows.columns else pl.lit(None)).cast(t).alias(c) for c, t in RECONCILIATION.items()
    )


def _entries(study: Study, protocol: Protocol) -> pl.DataFrame:
    """The log with `e`, who, `log` (its place) and `activities`, null where it names none that the protocol knows."""
    log = study.deviation_log
    words = {w: activities_named(protocol, w) or None for w in log["activity"].drop_nulls().unique()}
    known = log["activity"].replace_strict(words, default=None, return_dtype=pl.List(pl.String))
    people = study.subjects.select("subject", "site")[log["s"]]
    place = pl.concat_str(pl.lit(study.tables["deviation_log"].file), pl.col("row").cast(pl.String), separator=":")
    return log.with_columns(
        *people.get_columns(),
        unnamed=pl.col("activity").is_null(), e=pl.int_range(pl.len()), activities=known, log=place,
        logged_as=pl.col("term"),
        logged_on=pl.col("date"), log_category=pl.col("category").str.to_lowercase(),
    ).select("e", "subject", "site", "log", "logged_as", "logged_on", "date_last", "log_category", "activities",
             "unnamed", pl.col("occurrence").alias("log_occurrence"), "aware", "reported")  # fmt: skip


def _matched(log: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Every entry beside every finding that it matches, with the strongest rule; the columns of both."""
    mine = rows.select("subject", "activity", "occurrence", "date", "code", "category", finding="id", id="id")
    both = log.join(mine, on="subject", maintain_order="left")
    named = pl.col("activities").list.len().fill_null(0) > 0
    same = pl.col("activities").list.contains(pl.col("activity")).fill_null(value=False)
    number = pl.col("log_occurrence").is_null() | (pl.col("log_occurrence") == pl.col("occurrence")).fill_null(
        value=True
    )
    apart = pl.max_horizontal(
        (pl.col("logged_on") - pl.col("date")).dt.total_days(),
        (pl.col("date") - pl.col("date_last")).dt.total_days(),
        0,
    )
    both = both.with_columns(
        apart=pl.when(pl.col("logged_on").is_not_null() & pl.col("date").is_not_null()).then(apart)
    )
    both = both.filter((same | ~named) & (number | ~same))
    near = (pl.col("apart") <= WITHIN).fill_null(value=False)
    alike = (pl.col("log_category") == pl.col("category")).fill_null(value=False)
    shared = pl.struct("logged_as", "code").is_in(_sharing(both.filter(near | same)))
    exact = pl.col("log_occurrence").is_not_null() & pl.col("occurrence").is_not_null()
    holds = (
        same & number & exact,
        same & near,
        alike & near,
        shared & near,
        pl.col("unnamed") & (pl.col("apart") == 0),
    )
    rule = pl.coalesce(
        pl.when(hold.fill_null(value=False)).then(pl.lit(name)) for name, hold in zip(MATCHES, holds, strict=True)
    )
    return both.with_columns(match=rule).filter(pl.col("match").is_not_null())


def _sharing(pairs: pl.DataFrame) -> pl.Series:
    """Pairs of the log's term and a rule's code that have a word in common, in English or in Chinese."""
    distinct = pairs.select("logged_as", "code").unique(maintain_order=True)
    kept = [bool(_words(term) & _rule_words(code)) for term, code in distinct.iter_rows()]
    return distinct.filter(pl.Series(kept, dtype=pl.Boolean)).to_struct("pair").implode()


_EMPTY = frozenset(
    (
        "方案",
        "偏离",
        "受试",
        "试者",
        "with",
        "from",
        "that",
        "this",
        "were",
        "after",
        "befor",
        "proto",
        "devia",
        "dose",
        "given",
        "visit",
    )
)
"""Beginnings of words that most terms share and that tell nothing."""


def _words(text: str) -> set[str]:
    """The words of a text that tell something: Latin ones by their first five letters, Chinese ones by two signs."""
    latin = {w[:5] for w in re.findall(r"[a-z]{4,}", text.lower())}
    signs = {run[i : i + 2] for run in re.findall(r"[\u4e00-\u9fff]{2,}", text) for i in range(len(run) - 1)}
    return (latin | signs) - _EMPTY


def _rule_words(code: str) -> set[str]:
    rule = BY_CODE.get(code)
    return (
        set()
        if rule is None
        else _words(" ".join((rule.title, rule.term, code.replace("_", " "), rule_text(rule, "title", "zh"))))
    )


_WHY = ("query", "departure", "complies")
"""What may explain an entry that no finding matches, the first before the others."""


def _explained(entries: pl.DataFrame, rest: pl.DataFrame, judged: Judged, lang: str) -> pl.DataFrame:
    """Entries that nothing detected matches, each with why: a query, a departure, what was judged, or no rule."""
    if not len(entries):
        return entries
    labels = Labels(lang)
    known = pl.concat([rest.select(*EXPLAINS), judged(entries["subject"].unique()).select(*EXPLAINS)])
    rank = pl.col("code").replace_strict({code: n for n, code in enumerate(_WHY)}, return_dtype=pl.Int8)
    near = _matched(entries, known).sort("e", rank, "date", maintain_order=True).unique("e", keep="first")
    told = {row["e"]: labels(f"why {row['code']}", of=row["id"]) for row in near.iter_rows(named=True)}
    categories = {rule.category for rule in BY_CODE.values()}

    def why(row: dict[str, object]) -> str:
        if row["e"] in told:
            return told[row["e"]]
        if row["log_category"] is not None and row["log_category"] not in categories:
            return labels("why no rule", category=row["log_category"])
        placed = row["logged_on"] is not None or (row["activities"] and row["log_occurrence"] is not None)
        return labels("why nothing" if placed else "why no place")

    return entries.with_columns(why=pl.Series(map(why, entries.iter_rows(named=True)), dtype=pl.String))
