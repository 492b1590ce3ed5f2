"""Rules × occasions -> findings, queries, permitted departures, and the count of every rule's answers.

A rule that raises stops the run; none is ever skipped. A missing fact is one query, however many rules it blocks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from rules.departures import DEPARTURES, read_departures
from rules.deviations import RULES
from rules.grid import Laid
from rules.queries import UNTOLD, missing_facts, read_queries
from rules.rows import SCHEMA, TEXTS, Place, finding_rows, stack
from rules.rule import Rule
from rules.wording import Wording

COUNTS = ("rule", "judged", "complies", "deviates", "cannot tell", "not applicable")


@dataclass(frozen=True)
class Verdicts:
    """What one partition gave."""

    findings: pl.DataFrame
    queries: pl.DataFrame
    departures: pl.DataFrame
    counts: pl.DataFrame
    untold: pl.DataFrame
    """Which fact is missing in which row of which occasions table, and the rule that it blocks."""


def judge(laid: Laid, tables: dict[str, pl.DataFrame], place: Place, lang: str) -> Verdicts:
    """The answers of every rule over every occasion of a partition, with their sentences."""
    wording = Wording(laid, lang, place.raw)
    found = _found(tables, RULES, wording, place)
    queries = read_queries(found.asked, found.untold, tables, wording, place)
    departures = read_departures(laid, tables, place)
    return Verdicts(stack(found.findings, SCHEMA), queries, departures, found.counts, stack(found.untold, UNTOLD))


def judge_doses(laid: Laid, doses: pl.DataFrame, place: Place, lang: str) -> Verdicts:
    """The answers of the rules about doses alone: what the verdict on a dose rests on."""
    rules = [rule for rule in RULES if rule.table == "doses"]
    found = _found({"doses": doses}, rules, Wording(laid, lang, place.raw), place, texts=("message",))
    nothing = pl.DataFrame(schema=DEPARTURES)
    return Verdicts(
        stack(found.findings, SCHEMA), stack(found.asked, SCHEMA), nothing, found.counts, stack(found.untold, UNTOLD)
    )


class _Found(NamedTuple):
    """Findings, doubts of rules that ask, missing facts by rule, and the counts of all answers."""

    findings: list[pl.DataFrame]
    asked: list[pl.DataFrame]
    untold: list[pl.DataFrame]
    counts: pl.DataFrame


def _found(
    tables: dict[str, pl.DataFrame], rules: Sequence[Rule], wording: Wording, place: Place, texts: Sequence[str] = TEXTS
) -> _Found:
    answers = {name: table.select(_expressions(name)) for name, table in tables.items()}
    found = _Found([], [], [], pl.DataFrame())
    counts = []
    for rule in rules:
        table = tables[rule.table]
        seen = answers[rule.table]
        applies = np.broadcast_to(seen[f"{rule.code} applies"].to_numpy(), len(table))
        answer = np.broadcast_to(seen[rule.code].to_numpy(), len(table))
        counts.append(_count(rule, applies, answer))
        if len(hits := np.flatnonzero(applies & (answer == DEVIATES))):
            (found.asked if rule.asks else found.findings).append(
                finding_rows(rule, table[hits], wording, place, texts)
            )
        if len(unknown := np.flatnonzero(applies & (answer == UNTELLABLE))):
            found.untold.append(missing_facts(rule, table[unknown], unknown))
    return found._replace(counts=pl.DataFrame(counts, schema=list(COUNTS), orient="row"))


DEVIATES, UNTELLABLE = 1, 2


@cache
def _expressions(table: str) -> list[pl.Expr]:
    """Whether each rule of a table judges a row, and its answer: 1 deviates, 0 complies, 2 cannot tell."""
    rules = [rule for rule in RULES if rule.table == table]
    guards = [rule.applies.cast(pl.Boolean).alias(f"{rule.code} applies") for rule in rules]
    return guards + [rule.deviates.cast(pl.UInt8).fill_null(UNTELLABLE).alias(rule.code) for rule in rules]


def _count(
    rule: Rule, applies: npt.NDArray[np.generic], answer: npt.NDArray[np.generic]
) -> tuple[str, int, int, int, int, int]:
    """How many occasions a rule judged, and its answers; what a rule asks about cannot be told."""
    judged = int(applies.sum())
    by = np.bincount(answer[applies], minlength=3)
    deviates, untold = (0, by[1] + by[2]) if rule.asks else (by[1], by[2])
    return rule.code, judged, int(by[0]), int(deviates), int(untold), len(applies) - judged
