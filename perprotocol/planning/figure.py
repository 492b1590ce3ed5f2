"""The forecast as one picture (SVG): the weeks of a site, and what falls outside its window."""

from __future__ import annotations

from typing import Any

from perprotocol.planning.words import Words
from perprotocol.simulation.forecast import Forecast
from rules.page.markup import Child, Markup, tag

_WIDTH, _LEFT, _RIGHT = 760.0, 48.0, 16.0
_TOP, _HEIGHT, _ROW, _NAMES = 66.0, 190.0, 22.0, 232.0
_MOST_ROWS = 14
_STYLE = """
.plan { font-family: system-ui, "Noto Sans", "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", sans-serif; }
.plan text { fill: var(--ink, #1c2430); font-size: 12.5px; } .plan .soft { fill: var(--soft, #5b6675); }
.plan .title { font-size: 15px; font-weight: 600; } .plan .end { text-anchor: end; } .plan .mid { text-anchor: middle; }
.plan .grid { stroke: var(--line, #e3e7ec); } .plan .axis { stroke: var(--soft, #5b6675); fill: none; }
.plan .bar { fill: var(--window, #c3ccd9); } .plan .dark { fill: var(--blue, #1f5fbf); }
.plan .most { fill: none; stroke: var(--soft, #5b6675); stroke-width: 1.2; }
.plan .saved { fill: var(--amber, #8f5200); fill-opacity: .35; } .plan .kept { fill: var(--amber, #8f5200); }
"""


def draw_forecast(found: Forecast, words: Words) -> Markup:
    """Columns by week with a line for one run of ten; below a bar for each activity."""
    rows = _rows(found)
    below = _TOP + _HEIGHT + 96
    height = below + 34 + _ROW * len(rows) + 12
    parts: list[Child] = [
        tag("title", words("figure", protocol=found.protocol.protocol)),
        tag("style", Markup(_STYLE)),
        _weeks(found, words),
        _activities(found, rows, below, words),
    ]
    box = f"0 0 {_WIDTH:g} {height:g}"
    return tag("svg", *parts, xmlns="http://www.w3.org/2000/svg", viewBox=box, width=_WIDTH, role="img", class_="plan")


def _text(x: float, y: float, content: object, kind: str | None = None) -> Markup:
    return tag("text", str(content), x=round(x, 1), y=round(y, 1), class_=kind)


def _legend(x: float, y: float, entries: list[tuple[str, str]]) -> list[Child]:
    parts: list[Child] = []
    for kind, said in entries:
        swatch = {"x1": x, "x2": x + 16, "y1": y - 4, "y2": y - 4}
        line = tag("line", **swatch, class_=kind)
        parts.append(line if kind == "most" else tag("rect", x=x, y=y - 10, width=16, height=10, class_=kind))
        parts.append(_text(x + 22, y, said, "soft"))
        x += 22 + 22 + sum(12.5 if ord(c) > 0x2E80 else 6.6 for c in said)
    return parts


# --- weeks --------------------------------------------------------------------------------------------------------


def _weeks(found: Forecast, words: Words) -> list[Child]:
    rows = list(found.weeks.iter_rows(named=True))
    top = _ceiling(max((row["attendances_most"] for row in rows), default=1.0))
    wide = (_WIDTH - _LEFT - _RIGHT) / max(len(rows), 1)

    def y(value: float) -> float:
        return _TOP + _HEIGHT * (1 - value / top)

    parts: list[Child] = [_text(14, 24, words("a week"), "title")]
    infused = [("dark", words("infusions"))] if any(row["infusions"] for row in rows) else []
    entries = [("bar", words("mean")), *infused, ("most", words("most"))]
    parts += _legend(_LEFT, 46, entries)
    for part in (0, 0.25, 0.5, 0.75, 1):
        level = round(y(top * part), 1)
        parts.append(tag("line", x1=_LEFT, x2=_WIDTH - _RIGHT, y1=level, y2=level, class_="grid"))
        parts.append(_text(_LEFT - 8, level + 4, f"{top * part:g}", "soft end"))
    steps: list[str] = []
    for n, row in enumerate(rows):
        x = _LEFT + n * wide
        for kind, value in (("bar", row["attendances"]), ("dark", row["infusions"])):
            high = _HEIGHT * value / top
            parts.append(_bar(x + wide * 0.08, _TOP + _HEIGHT - high, wide * 0.84, high, kind))
        level = y(row["attendances_most"])
        steps.append(f"{'V' if steps else f'M{x:.1f} '}{level:.1f}H{x + wide:.1f}")
    parts.append(tag("path", d="".join(steps), class_="most"))
    parts.append(tag("path", d=f"M{_LEFT} {_TOP + _HEIGHT}H{_WIDTH - _RIGHT}", class_="axis"))
    step = next(size for size in (1, 2, 4, 8, 13, 26, 52, 104, 520) if len(rows) / size <= 14)
    for n, row in enumerate(rows):
        if (row["week"] - 1) % step == 0:
            parts.append(_text(_LEFT + (n + 0.5) * wide, _TOP + _HEIGHT + 18, row["week"], "soft mid"))
    parts.append(_text((_LEFT + _WIDTH - _RIGHT) / 2, _TOP + _HEIGHT + 38, words("week axis"), "soft mid"))
    return parts


def _bar(x: float, y: float, width: float, height: float, kind: str) -> Markup | None:
    if height <= 0:
        return None
    return tag("rect", x=round(x, 2), y=round(y, 1), width=round(width, 2), height=round(height, 1), class_=kind)


def _ceiling(value: float) -> float:
    """A round number, not below a value, that four lines divide."""
    size = 1.0
    while 10 * size < value:
        size *= 10
    return next(size * step for step in (1, 2, 4, 6, 8, 10) if size * step >= value)


# --- activities ---------------------------------------------------------------------------------------------------


def _rows(found: Forecast) -> list[dict[str, Any]]:
    told = found.activities.drop_nulls("outside").head(_MOST_ROWS)
    return list(told.iter_rows(named=True))


def _activities(found: Forecast, rows: list[dict[str, Any]], top: float, words: Words) -> list[Child]:
    """A bar for what is outside, of it darker what would remain with a window wider by a day on either side."""
    most = max((row["outside"] for row in rows), default=0.0) or 1.0
    parts: list[Child] = [_text(14, top, words("outside axis"), "title")]
    parts += _legend(_NAMES, top + 22, [("kept", words("kept")), ("saved", words("now"))])
    wide = _WIDTH - _NAMES - _RIGHT - 52
    for n, row in enumerate(rows):
        y = top + 40 + _ROW * n
        long = wide * row["outside"] / most
        kept = long * (1 - _saved(found, row["activity"]))
        title = words.title(found.protocol, row["activity"])
        parts.append(_text(_NAMES - 10, y + 11, _short(title), "end"))
        parts += [_bar(_NAMES, y, kept, 14, "kept"), _bar(_NAMES + kept, y, long - kept, 14, "saved")]
        parts.append(_text(_NAMES + long + 8, y + 11, f"{row['outside']:.1f}", "soft"))
    return parts


def _saved(found: Forecast, activity: str) -> float:
    """The share that a window wider by a day on either side saves."""
    changes = found.changes.filter((found.changes["activity"] == activity) & (found.changes["added"] == 2))
    return float(changes["saved"][0] / changes["outside"][0]) if len(changes) else 0.0


def _short(title: str) -> str:
    """A title that fits beside its bar."""
    room, kept = _NAMES - 24, ""
    for letter in title:
        room -= 12.5 if ord(letter) > 0x2E80 else 6.6
        if room < 0:
            return kept.rstrip() + "…"
        kept += letter
    return kept
