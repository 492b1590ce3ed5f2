"""A Kaplan-Meier figure as SVG: steps, a mark for every end of observation, and the numbers at risk beneath.

It needs nothing beside itself; on the HTML page it takes the page's colours, dark ones included.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from protocol.model import Protocol
from rules.endpoints.estimates import Curve
from rules.endpoints.results import DAYS_A_MONTH, Drawn, in_months
from rules.endpoints.sets import EVERYONE
from rules.endpoints.words import Words
from rules.page.markup import Child, Markup, tag

_WIDTH, _LEFT, _RIGHT, _TOP, _HEIGHT = 760.0, 132.0, 24.0, 64.0, 268.0
_LINE = 19.0
_STEPS = (1, 2, 3, 6, 12, 24, 36, 60, 120, 240)
_STEPS_DAYS = (1, 2, 7, 14, 28, 56, 91, 182, 364)
_MOST_TICKS = 9
_MOST_ARMS = 6
_STYLE = """
.km { font-family: system-ui, "Noto Sans", "Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", sans-serif; }
.km text { fill: var(--ink, #1c2430); font-size: 12.5px; } .km .soft { fill: var(--soft, #5b6675); }
.km .title { font-size: 15px; font-weight: 600; } .km .end { text-anchor: end; } .km .mid { text-anchor: middle; }
.km .grid { stroke: var(--line, #e3e7ec); } .km .axis { stroke: var(--soft, #5b6675); fill: none; }
.km .curve { fill: none; stroke-width: 2.2; stroke-linejoin: round; } .km .mark { stroke-width: 1.6; }
.km .a0 { stroke: var(--blue, #1f5fbf); } .km .a1 { stroke: var(--amber, #8f5200); stroke-dasharray: 7 3; }
.km .a2 { stroke: var(--ink, #1c2430); stroke-dasharray: 2 3; } .km .a3 { stroke: var(--red, #b3261e); }
.km .a4 { stroke: var(--soft, #5b6675); stroke-dasharray: 10 3 2 3; }
.km .a5 { stroke: var(--blue, #1f5fbf); stroke-dasharray: 1 4; }
.km .mark { stroke-dasharray: none; }
"""


@dataclass(frozen=True)
class _Scale:
    """From days and shares to places of the figure."""

    last: float
    unit: float

    def x(self, day: float) -> float:
        return round(_LEFT + (_WIDTH - _LEFT - _RIGHT) * day / self.last, 1)

    def y(self, share: float) -> float:
        return round(_TOP + _HEIGHT * (1 - share), 1)

    def ticks(self) -> list[int]:
        """Days to label: whole steps of months or days from the beginning."""
        steps = _STEPS_DAYS if self.unit == 1 else _STEPS
        most = self.last / self.unit
        step = next((size for size in steps if most / size < _MOST_TICKS), steps[-1])
        return list(range(0, int(most) + 1, step))


def draw_curves(drawn: Drawn, protocol: Protocol, words: Words) -> Markup:
    """The figure of one endpoint in one set."""
    endpoint = protocol.endpoints[drawn.endpoint]
    curves = {arm: curve for arm, curve in drawn.curves.items() if curve.number}
    last = max((float(curve.days[-1]) for curve in curves.values()), default=1.0) or 1.0
    scale = _Scale(last * 1.02, DAYS_A_MONTH if in_months(endpoint, list(curves.values())) else 1.0)
    height = _TOP + _HEIGHT + 66 + _LINE * (len(curves) + 1)
    title = words.title(protocol, "endpoints", drawn.endpoint)
    titles = [words.title(protocol, "arms", arm) for arm in curves]
    said = words("figure", title=title, arms=words("listed").join(titles))
    parts: list[Child] = [
        tag("title", said),
        tag("style", Markup(_STYLE)),
        _head(title, drawn, protocol, words),
        _frame(scale, words),
        [_curve(curve, scale, n % _MOST_ARMS) for n, curve in enumerate(curves.values())],
        _legend(titles),
        _at_risk(list(curves.items()), scale, words),
    ]
    box = f"0 0 {_WIDTH:g} {height:g}"
    return tag("svg", *parts, xmlns="http://www.w3.org/2000/svg", viewBox=box, width=_WIDTH, role="img", class_="km")


def _text(x: float, y: float, content: str, kind: str | None = None) -> Markup:
    return tag("text", content, x=x, y=y, class_=kind)


def _head(title: str, drawn: Drawn, protocol: Protocol, words: Words) -> list[Child]:
    known = {name: words.title(protocol, "analysis_sets", name) for name in protocol.analysis_sets}
    of = words("everyone") if drawn.analysis_set == EVERYONE else known[drawn.analysis_set]
    beside = [of] if protocol.analysis_sets else []
    beside += [words("log-rank", p=p_text(drawn.p))] if drawn.p is not None else []
    parts: list[Child] = [_text(14, 24, title, "title")]
    return [*parts, tag("text", words("listed").join(beside), x=_WIDTH - _RIGHT, y=24, class_="soft end")]


def p_text(p: float) -> str:
    """`= 0.153`, `< 0.001`."""
    return "< 0.001" if p < 0.001 else f"= {p:.3f}"


def _frame(scale: _Scale, words: Words) -> list[Child]:
    parts: list[Child] = []
    for percent in (0, 25, 50, 75, 100):
        y = scale.y(percent / 100)
        parts.append(tag("line", x1=_LEFT, x2=_WIDTH - _RIGHT, y1=y, y2=y, class_="grid"))
        parts.append(_text(_LEFT - 10, y + 4, f"{percent} %", "soft end"))
    bottom = scale.y(0)
    for tick in scale.ticks():
        x = scale.x(tick * scale.unit)
        parts.append(tag("line", x1=x, x2=x, y1=bottom, y2=bottom + 5, class_="axis"))
        parts.append(_text(x, bottom + 20, str(tick), "soft mid"))
    parts.append(tag("path", d=f"M{_LEFT} {scale.y(1)}V{bottom}H{_WIDTH - _RIGHT}", class_="axis"))
    unit = words("months" if scale.unit > 1 else "days")
    parts.append(_text((_LEFT + _WIDTH - _RIGHT) / 2, bottom + 39, unit, "soft mid"))
    return parts


def _curve(curve: Curve, scale: _Scale, place: int) -> list[Child]:
    """The steps of a curve, and a mark wherever somebody was last observed without the event."""
    path = [f"M{scale.x(0)} {scale.y(1)}"]
    for time, share in zip(curve.times, curve.share, strict=True):
        path.append(f"H{scale.x(float(time))}V{scale.y(float(share))}")
    path.append(f"H{scale.x(float(curve.days[-1]))}")
    marks = []
    for day in dict.fromkeys(int(day) for day in curve.days[~curve.happened]):
        x, y = scale.x(day), scale.y(_share_at(curve, day))
        marks.append(tag("line", x1=x, x2=x, y1=y - 5, y2=y + 5, class_=f"mark a{place}"))
    return [tag("path", d="".join(path), class_=f"curve a{place}"), marks]


def _share_at(curve: Curve, day: int) -> float:
    passed = int((curve.times <= day).sum())
    return float(curve.share[passed - 1]) if passed else 1.0


def _legend(titles: Sequence[str]) -> list[Child]:
    """Each arm beside its line; a row each where they would not fit side by side."""
    parts: list[Child] = []
    x = _LEFT
    for n, title in enumerate(titles):
        parts.append(tag("line", x1=x, x2=x + 26, y1=44, y2=44, class_=f"curve a{n % _MOST_ARMS}"))
        parts.append(_text(x + 33, 48, title))
        x += 33 + 26 + _width(title)
    return parts


def _width(text: str) -> float:
    """About how wide a text is drawn: wide characters are twice as wide."""
    return sum(12.5 if ord(c) > 0x2E80 else 6.6 for c in text)


def _at_risk(curves: Sequence[tuple[str, Curve]], scale: _Scale, words: Words) -> list[Child]:
    """How many were still observed without the event at each label of the axis."""
    y = scale.y(0) + 66
    parts: list[Child] = [_text(14, y, words("at risk"), "soft")]
    for n, (arm, curve) in enumerate(curves):
        line = y + _LINE * (n + 1)
        parts.append(tag("line", x1=14, x2=34, y1=line - 4, y2=line - 4, class_=f"curve a{n % _MOST_ARMS}"))
        parts.append(_text(41, line, arm))
        for tick in scale.ticks():
            day = tick * scale.unit
            parts.append(_text(scale.x(day), line, str(curve.at_risk(day)), "mid"))
    return parts
