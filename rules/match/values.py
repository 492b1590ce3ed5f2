"""Values on record that the protocol's conditions read, and whether every comparison with them can be made."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from protocol.conditions import Compare, Condition, Inside, leaves
from protocol.model import Protocol
from protocol.walk import values
from rules.arrays import MISSING, NONE, Flags, Points
from rules.happened.evidence import Evidence
from rules.happened.truth import each_value
from rules.match.frame import Array, occasions_frame
from rules.timing.grid import Laid

if TYPE_CHECKING:
    from rules.telling.wording import Wording

NOT_WORKED_OUT = ("endpoints", "products")
"""Blocks of a protocol whose conditions nothing is judged by."""


def value_occasions(laid: Laid) -> pl.DataFrame:
    """One row per value of a measure that a condition of the protocol reads; those it compares with can be told."""
    e = laid.evidence
    read = _comparisons(e.protocol)
    found = [(name, e.measure(name), read[name]) for name in sorted(read)]
    found = [(name, points, made) for name, points, made in found if len(points.s)]

    def all_of_them(column: str) -> Array:
        return np.concatenate([np.zeros(0, np.int32), *(getattr(points, column) for _, points, _ in found)])

    usable = np.concatenate([_usable(e, points, made) for _, points, made in found] or [np.zeros(0, np.bool_)])
    nothing = np.full(len(usable), NONE, np.int32)
    return occasions_frame(
        "values",
        {"s": all_of_them("s"), "part": nothing, "row": all_of_them("row"), "occurrence": nothing, "usable": usable},
        at=all_of_them("day"),
        criterion=pl.Series([name for name, points, _ in found for _ in points.s], dtype=pl.String),
    )


def _comparisons(protocol: Protocol) -> dict[str, list[Inside | Compare]]:
    """What the protocol compares each recorded measure with."""
    made: dict[str, list[Inside | Compare]] = {}
    for path, condition in values(protocol, Condition):
        for leaf in leaves([condition]) if path[0] not in NOT_WORKED_OUT else ():
            measure = protocol.measures.get(leaf.name) if isinstance(leaf, Inside | Compare) else None
            if isinstance(leaf, Inside | Compare) and measure is not None and not measure.cases:
                made.setdefault(leaf.name, []).append(leaf)
    return made


def _usable(e: Evidence, points: Points, made: list[Inside | Compare]) -> Flags:
    """Of each value whether it is exact, or tells enough for every comparison."""
    exact: Flags = points.value == points.most
    usable: Flags = exact & (points.value != MISSING)
    if not exact.all():
        usable |= ~exact & np.all([each_value(comparison, e, points)[1] for comparison in made], axis=0)
    return usable


# --- its words ----------------------------------------------------------------------------------------------------


def _comparisons_text(w: Wording, hits: pl.DataFrame) -> pl.Series:
    """The comparisons of the protocol that wait for a value, as written."""
    made = {name: "; ".join(dict.fromkeys(leaf.text for leaf in of)) for name, of in _comparisons(w.protocol).items()}
    return hits["criterion"].replace_strict(made, return_dtype=pl.String)


def _reading(w: Wording, hits: pl.DataFrame) -> pl.Series:
    """What is asked about a value: its day where that is open, else its unit or its word."""
    kinds = []
    for name, on in zip(hits["criterion"], _cells(w, hits, "at"), strict=True):
        measure = w.protocol.measures[name]
        kind = "words" if measure.values else "unit" if measure.unit else "number"
        kinds.append("day" if len(on) < len("2024-03-07") else kind)
    asked = {kind: w.fill(w.phrases[f"unusable_{kind}"], hits) for kind in set(kinds)}
    return pl.Series([asked[kind][i] for i, kind in enumerate(kinds)], dtype=pl.String)


def _measured(w: Wording, hits: pl.DataFrame) -> pl.Series:
    titles = {name: m.title.in_(w.lang) if m.title is not None else name for name, m in w.protocol.measures.items()}
    return hits["criterion"].replace_strict(titles, return_dtype=pl.String)


def _wanted(w: Wording, hits: pl.DataFrame) -> pl.Series:
    """The unit, or the words, in which the protocol has a measure."""
    wanted = {name: ", ".join(m.values) or m.unit or "" for name, m in w.protocol.measures.items()}
    return hits["criterion"].replace_strict(wanted, return_dtype=pl.String)


def _written(w: Wording, hits: pl.DataFrame) -> pl.Series:
    return (_cells(w, hits, "value") + " " + _cells(w, hits, "unit")).str.strip_chars()


def _cells(w: Wording, hits: pl.DataFrame, column: str) -> pl.Series:
    """Cells of the records as recorded; empty where there are none."""
    raw = w.raw("observations", hits["row"], (column,))
    nothing = pl.Series([""]).new_from_index(0, len(hits))
    return raw[column].cast(pl.String).str.strip_chars().fill_null("") if column in raw.columns else nothing


READING_WORDS: dict[str, Callable[[Wording, pl.DataFrame], pl.Series]] = {
    "reading": _reading,
    "comparisons": _comparisons_text,
    "measured": _measured,
    "measured_on": lambda w, hits: _cells(w, hits, "at").str.slice(0, len("2024-03-07")),
    "wanted": _wanted,
    "written": _written,
}
"""The words of a template about a value: functions from the hits of a rule to a column of text."""
