"""Rules × occasions -> findings, queries, permitted departures, and the count of every rule's answers.

A rule that raises stops the run; none is ever skipped. A missing fact is one query, however many rules it blocks.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

from rules.deviations import RULES
from rules.rule import Rule
from rules.telling.departures import read_departures
from rules.telling.queries import missing_facts, read_queries
from rules.telling.rows import SCHEMA, Place, finding_rows, stack
from rules.telling.wording import Wording
from rules.timing.grid import Laid

COUNTS = ("rule", "judged", "complies", "deviates", "cannot tell", "not applicable")


@dataclass(frozen=True)
class Verdicts:
    """What one partition gave."""

    findings: pl.DataFrame
    queries: pl.DataFrame
    departures: pl.DataFrame
    counts: pl.DataFrame


def judge(laid: Laid, tables: dict[str, pl.DataFrame], place: Place, lang: str) -> Verdicts:
    """The answers of every rule over every occasion of a partition, with their sentences."""
    wording = Wording(laid, lang, place.raw)
    findings: list[pl.DataFrame] = []
    asked: list[pl.DataFrame] = []
    untold: list[pl.DataFrame] = []
    counts: list[tuple[str, int, int, int, int, int]] = []
    answers = {a.rule.code: a for name, table in tables.items() for a in answer(name, table)}
    for rule, hits, unknown, count in (answers[rule.code] for rule in RULES):
        table = tables[rule.table]
        counts.append((rule.code, *count))
        if len(hits):
            (asked if rule.asks else findings).append(finding_rows(rule, table[hits], wording, place))
        if len(unknown):
            untold.append(missing_facts(rule, table[unknown], unknown))
    queries = read_queries(asked, untold, tables, wording, place)
    departures = read_departures(laid, tables, place)
    return Verdicts(
        stack(findings, SCHEMA), queries, departures, pl.DataFrame(counts, schema=list(COUNTS), orient="row")
    )


Index: TypeAlias = npt.NDArray[np.int64]


class Answers(NamedTuple):
    """What one rule says of a table: the rows that deviate, those that cannot be told, and the count of all answers."""

    rule: Rule
    deviates: Index
    untold: Index
    counts: tuple[int, int, int, int, int]


def answer(name: str, table: pl.DataFrame) -> list[Answers]:
    """The answers of all rules about an occasions table, in their order."""
    asked = [rule for rule in RULES if rule.table == name]
    if not len(table):
        return [Answers(rule, _NOBODY, _NOBODY, (0, 0, 0, 0, 0)) for rule in asked]
    seen = table.select_seq(_expressions(name)).get_columns()
    return [_answers(rule, column.to_numpy(), len(table)) for rule, column in zip(asked, seen, strict=True)]


COMPLIES, DEVIATES, UNTELLABLE, NOT_APPLICABLE = range(4)


def _answers(rule: Rule, codes: npt.NDArray[np.uint8], n: int) -> Answers:
    """Rows and counts of one rule; what a rule asks about cannot be told."""
    each = 1 if len(codes) == n else n
    by = [each * int(np.count_nonzero(codes == code)) for code in range(4)]
    which = np.broadcast_to(codes, n)
    hits, unknown = (np.flatnonzero(which == code) if by[code] else _NOBODY for code in (DEVIATES, UNTELLABLE))
    deviates, untold = (0, by[DEVIATES] + by[UNTELLABLE]) if rule.asks else (by[DEVIATES], by[UNTELLABLE])
    judged = n - by[NOT_APPLICABLE]
    counts = (int(judged), int(by[COMPLIES]), int(deviates), int(untold), int(by[NOT_APPLICABLE]))
    return Answers(rule, hits, unknown, counts)


_NOBODY = np.zeros(0, np.int64)


@cache
def _expressions(table: str) -> list[pl.Expr]:
    """The answer of each rule to a row: 0 complies, 1 deviates, 2 cannot tell, 3 not applicable."""
    answers = []
    for rule in RULES:
        if rule.table == table:
            told = rule.deviates.cast(pl.UInt8).fill_null(UNTELLABLE)
            guarded = pl.when(rule.applies.cast(pl.Boolean)).then(told).otherwise(pl.lit(NOT_APPLICABLE, pl.UInt8))
            answers.append(guarded.alias(rule.code))
    return answers
