"""Deviations by rule and site as a drawing: a square a number, darker where there are more, and the total as a bar."""

from __future__ import annotations

import polars as pl

from rules.page.labels import Labels
from rules.page.marks import text_width
from rules.page.markup import Markup, tag
from rules.page.shapes import circle, drawing, rect, text, titled

MOST_RULES, MOST_SITES = 30, 20
"""Rules and sites that are drawn, those with most deviations first; the others stand together as one."""

WIDTH = 1080.0
_GUTTER, _BAR = 330.0, 150.0
_ROW, _HEAD = 24.0, 30.0
_WIDEST, _LONGEST = 46.0, 260.0
_ONE = 24.0
"""The longest that a bar is for one deviation: a total of 1 is never drawn as if it were many."""
_FAINT = 6
"""Where no number is larger than this, none is drawn at its darkest."""

_OTHERS = "\0"
"""The name of all that have no row or column of their own."""


def draw_matrix(findings: pl.DataFrame, labels: Labels) -> Markup:
    """The drawing as one SVG element; a row a rule, a column a site, most first."""
    rules, rows = _most(findings["code"], MOST_RULES)
    named = findings.with_columns(site=pl.col("site").fill_null(""))
    sites, columns = _most(named["site"], MOST_SITES)
    placed = named.with_columns(
        row=pl.col("code").replace_strict(rows, default=len(rules) - 1, return_dtype=pl.Int32),
        column=pl.col("site").replace_strict(columns, default=len(sites) - 1, return_dtype=pl.Int32),
    )
    counts = {(r, c): n for r, c, n in placed.group_by("row", "column").agg(pl.len()).iter_rows()}
    grave = placed.filter(pl.col("importance") == "important").group_by("row").agg(pl.len())
    important: dict[int, int] = dict(grave.iter_rows())
    totals = [sum(counts.get((r, c), 0) for c in range(len(sites))) for r in range(len(rules))]
    most, widest = max(counts.values(), default=1), max(totals, default=1)
    pitch = min((WIDTH - _GUTTER - _BAR) / max(len(sites), 1), _WIDEST)
    places = [_GUTTER + pitch * (c + 0.5) for c in range(len(sites))]
    heads = [_site(site, labels) for site in sites]
    parts = [_short(head, x, _HEAD - 8, pitch - 2, 9.5, "tick") for head, x in zip(heads, places, strict=True)]
    left = _GUTTER + pitch * len(sites) + 16
    unit = min(min(WIDTH - left - 40, _LONGEST) / widest, _ONE)
    for r, code in enumerate(rules):
        y, name = _HEAD + _ROW * r, labels("others") if code == _OTHERS else labels.code(code)
        parts.append(_short(name, 0, y + 16, _GUTTER - 20, 11.5, "lane"))
        for c, (head, x) in enumerate(zip(heads, places, strict=True)):
            parts.append(_square(counts.get((r, c), 0), most, x, y, f"{name}, {head}"))
        parts.append(_bar(totals[r], important.get(r, 0), left, y, unit, labels))
    return drawing(labels("matrix drawn", n=len(findings)), WIDTH, _HEAD + _ROW * len(rules) + 4, "chart", *parts)


def _most(names: pl.Series, most: int) -> tuple[list[str], dict[str, int]]:
    """The names, most frequent first, at most so many and one for all others; and the place of each that is shown."""
    ordered = names.value_counts().sort("count", names.name, descending=[True, False])[names.name].to_list()
    kept = ordered if len(ordered) <= most else ordered[: most - 1]
    return kept + ([_OTHERS] if len(kept) < len(ordered) else []), {name: n for n, name in enumerate(kept)}


def _site(site: str, labels: Labels) -> str:
    return labels("others") if site == _OTHERS else site or labels("no site")


def _short(full: str, x: float, y: float, room: float, size: float, look: str) -> Markup:
    """A name cut off where there is no room for more; the whole of it stands in its title."""
    shown = full
    while text_width(shown, size) > room and len(shown) > 2:
        shown = shown[:-2].rstrip("…") + "…"
    return text((tag("title", full), shown), x, y, look)


def _square(number: int, most: int, x: float, y: float, what: str) -> Markup:
    """A number on a ground as dark as it is large among the others; a dot for none."""
    if not number:
        return circle(x, y + 12, 1, "none")
    share = 0.12 + 0.78 * number / max(most, _FAINT)
    ground = rect(x - 12, y + 1, 24, 21, "cell", rx="3", fill_opacity=f"{share:.2f}")
    return titled(f"{what}: {number}", ground, text(number, x, y + 15.5, "count light" if share > 0.55 else "count"))


def _bar(total: int, important: int, x: float, y: float, unit: float, labels: Labels) -> Markup:
    """The total as an outline, what is important of it filled: told apart without colour."""
    filled = rect(x, y + 5, important * unit, 13, "bar full") if important else None
    shapes = (
        rect(x, y + 5, max(total * unit, 1), 13, "bar"),
        filled,
        text(total, x + total * unit + 6, y + 15.5, "total"),
    )
    return titled(f"{total}, {important} {labels.value('important')}", *shapes)
