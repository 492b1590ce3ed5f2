"""Rules × occasions -> findings, queries, permitted departures, and the count of every rule's answers.

A rule that raises stops the run; none is ever skipped. A missing fact is one query, however many rules it blocks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from rules.departures import read_departures
from rules.deviations import RULES
from rules.grid import Laid
from rules.queries import UNTOLD, missing_facts, read_queries
from rules.rows import SCHEMA, Place, finding_rows, stack
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


def judge(
    laid: Laid, tables: dict[str, pl.DataFrame], place: Place, lang: str, rules: Sequence[Rule] = RULES
) -> Verdicts:
    """The answers of every rule over every occasion of a partition, with their sentences."""
    wording = Wording(laid, lang, place.raw)
    findings: list[pl.DataFrame] = []
    asked: list[pl.DataFrame] = []
    open_facts: list[pl.DataFrame] = []
    counts: list[pl.DataFrame] = []
    for rule in rules:
        table = tables[rule.table]
        applies, answer = _answers(rule, table)
        counts.append(_count(rule, applies, answer))
        hits = np.flatnonzero(applies & (answer == 1))
        if len(hits):
            found = finding_rows(rule, table[hits], wording, place)
            (asked if rule.asks else findings).append(found)
        unknown = np.flatnonzero(applies & (answer == 2))
        if len(unknown):
            open_facts.append(missing_facts(rule, table[unknown], unknown))
    queries = read_queries(asked, open_facts, tables, wording, place)
    departures = read_departures(laid, tables, place)
    return Verdicts(stack(findings, SCHEMA), queries, departures, pl.concat(counts), stack(open_facts, UNTOLD))


def _answers(rule: Rule, table: pl.DataFrame) -> tuple[npt.NDArray[np.generic], npt.NDArray[np.generic]]:
    """Whether each row is judged, and the answer: 1 deviates, 0 complies, 2 cannot tell."""
    seen = table.select(
        rule.applies.cast(pl.Boolean).alias("applies"), rule.deviates.cast(pl.UInt8).fill_null(2).alias("answer")
    )
    applies = seen["applies"].to_numpy()
    return np.broadcast_to(applies, len(table)), np.broadcast_to(seen["answer"].to_numpy(), len(table))


def _count(rule: Rule, applies: npt.NDArray[np.generic], answer: npt.NDArray[np.generic]) -> pl.DataFrame:
    """How many occasions a rule judged, and its answers; what a rule asks about cannot be told."""
    judged = int(applies.sum())
    by = np.bincount(answer[applies], minlength=3)
    deviates, untold = (0, by[1] + by[2]) if rule.asks else (by[1], by[2])
    row = (rule.code, judged, int(by[0]), int(deviates), int(untold), len(applies) - judged)
    return pl.DataFrame([row], schema=list(COUNTS), orient="row")
