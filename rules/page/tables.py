"""Tables of numbers and words as HTML."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

import polars as pl

from rules.page.labels import Labels
from rules.page.markup import Child, Markup, tag

Cell = Callable[[dict[str, object]], Child]


def html_table(frame: pl.DataFrame, labels: Labels, names: Sequence[str] = (), first: Cell | None = None) -> Markup:
    """The frame as a table with headings in the language; numbers right, a zero faint, words of the engine translated.

    `names` chooses columns, all by default; `first` writes the first cell of a row instead of the plain value.
    """
    names = names or frame.columns
    kinds = [_kind(frame.schema[name]) for name in names]
    head = [tag("th", labels.column(name), scope="col", class_=kind) for name, kind in zip(names, kinds, strict=True)]
    rows = []
    for row in frame.iter_rows(named=True):
        cells = [
            tag("td", shown(row[name], labels, name), class_="n zero" if kind and row[name] == 0 else kind)
            for name, kind in zip(names, kinds, strict=True)
        ]
        if first is not None:
            cells[0] = tag("th", first(row), scope="row")
        rows.append(tag("tr", *cells))
    table = tag("table", tag("thead", tag("tr", *head)), tag("tbody", *rows))
    return tag("div", table, class_="scroll")


TRANSLATED = frozenset(
    {
        "verdict",
        "importance",
        "category",
        "term",
        "basis",
        "state",
        "status",
        "kind",
        "decision",
        "gives",
        "found",
        "change",
        "caused_by",
        "match",
        "primary",
        "proposed_importance",
        "title",
    }
)
"""Columns whose words are the engine's; ids, codes and names stay as they are in every language."""


def shown(value: object, labels: Labels, name: str = "") -> str:
    """A value as people read it: nothing for null, whole numbers without a point, the engine's words translated.

    A decimal keeps the digits of its column.
    """
    if value is None:
        return ""
    if isinstance(value, float):
        return number(value)
    if isinstance(value, Decimal):
        return str(value).replace("-", "−")
    if isinstance(value, str):
        if name == "logged":
            return labels.logged(value)
        return labels.value(value) if name in TRANSLATED else value
    return str(value)


def number(value: float) -> str:
    """A number as people write it: 16.2, 16200000, 1.62×10⁷ from eight digits on."""
    text = f"{value:.10g}"
    if "e" not in text and abs(value) < 1e7:
        return text
    digits, _, power = f"{value:.6e}".partition("e")
    exponent = str(int(power)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{digits.rstrip('0').rstrip('.')}×10{exponent}"


def _kind(dtype: pl.DataType) -> str | None:
    if dtype.is_numeric():
        return "n"
    return "date" if dtype.is_temporal() else None
