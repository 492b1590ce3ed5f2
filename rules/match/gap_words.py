"""The words of a template about an assessment: what was not measured, and where it was to be."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from rules.telling.wording import Wording

Word = Callable[["Wording", pl.DataFrame], pl.Series | pl.Expr]


def _gaps(column: str) -> Word:
    def word(w: Wording, hits: pl.DataFrame) -> pl.Series:
        titles = {text: _titles(w, text) for text in hits[column].unique().drop_nulls()}
        return hits[column].replace_strict(titles, default=None, return_dtype=pl.String)

    return word


def _titles(w: Wording, gaps: str) -> str:
    """`counts=hb,platelets;t-cells` as people read it: `blood counts (hb, platelets), T-lymphocyte subsets`.

    `!` marks what the participant has no result of at any time.
    """
    said = []
    for gap in gaps.split(";"):
        name, _, measures = gap.removesuffix("!").partition("=")
        found = w.protocol.assessments.get(name)
        title = found.title.in_(w.lang) if found is not None and found.title is not None else name
        only = w.phrases["listed"].join(filter(None, measures.split(",")))
        said.append(title + (w.phrases["in_brackets"].replace("#", only) if only else ""))
        said[-1] += w.phrases["at_no_time"] if gap.endswith("!") else ""
    return w.phrases["listed"].join(said)


def _occasion(w: Wording, hits: pl.DataFrame) -> pl.Expr:
    """Where it was to be measured: at a visit, or on a day of its own."""
    visit = w.by_part(hits, lambda p: "" if p.kind == "visit" else None).is_not_null()
    return w.choose(hits, visit, "at_visit", "own_day")


GAP_WORDS: dict[str, Word] = {
    "occasion": _occasion,
    "missed": _gaps("gaps_missed"),
    "incomplete": _gaps("gaps_incomplete"),
    "untold": _gaps("gaps_untold"),
}
"""Functions from the hits of a rule to a column of text."""
