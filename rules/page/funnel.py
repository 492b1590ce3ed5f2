"""Sites beside each other as a funnel: deviations for the time on study, between limits that narrow with it."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log10
from typing import Any

from rules.page.labels import Labels
from rules.page.markup import Markup, join
from rules.page.shapes import circle, diamond, drawing, line, path, rect, text, titled
from rules.rates import CUTS, LEAST_DAYS, Funnel

WIDTH, HEIGHT = 1080.0, 380.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 64.0, WIDTH - 120.0, 18.0, HEIGHT - 46.0
_POINTS = 60
_MOST_NAMED = 14
"""Sites up to which each is named; beyond that only those that stand out."""

PER = 100
"""Deviations are shown for so many subject-days."""


@dataclass(frozen=True)
class _Scale:
    """Where subject-days and rates lie on the drawing."""

    shortest: float
    longest: float
    top: float

    def x(self, days: float) -> float:
        return _LEFT + (_RIGHT - _LEFT) * (days - self.shortest) / (self.longest - self.shortest)

    def y(self, rate: float) -> float:
        return _BOTTOM - (_BOTTOM - _TOP) * min(rate * PER / self.top, 1.0)


def draw_funnel(funnel: Funnel, labels: Labels) -> Markup:
    """The drawing as one SVG element. A site that stands out is a diamond with its name, one of few days a ring."""
    sites = list(funnel.sites.iter_rows(named=True))
    longest = max(row["days"] for row in sites) * 1.06
    highest = max(*(row["rate"] for row in sites), funnel.limit(max(longest / 4, LEAST_DAYS), CUTS[-1]))
    scale = _Scale(min(LEAST_DAYS, *(row["days"] for row in sites)), longest, highest * PER * 1.12)
    parts = [_axes(scale, labels), _limits(funnel, scale, labels)]
    taken: list[tuple[float, float]] = []
    for row in sites:
        named = len(sites) <= _MOST_NAMED or row["flag"] in ("unusual", "far out")
        parts.append(_site(row, scale, labels, taken if named else None))
    return drawing(labels("funnel drawn", n=len(sites)), WIDTH, HEIGHT, "chart", *parts)


def _limits(funnel: Funnel, scale: _Scale, labels: Labels) -> Markup:
    """The mean, and the limits on both sides of it as far as they lie on the drawing; none of a single site."""
    mean = scale.y(funnel.mean)
    parts = [line(_LEFT, mean, _RIGHT, mean, "mean"), text(labels("funnel mean"), _RIGHT + 6, mean + 4, "end")]
    if (funnel.sites["days"] >= LEAST_DAYS).sum() < 2:
        return join(parts)
    written = mean + 4
    for cut, look in zip(CUTS, ("limit two", "limit three"), strict=True):
        said = labels("funnel limit", cut=f"{cut:g}")
        for sign, edge in ((-1, 0.0), (1, scale.top / PER)):
            crossing = cut**2 * funnel.dispersion * funnel.mean / (edge - funnel.mean) ** 2
            first = max(scale.shortest, crossing)
            if first >= scale.longest:
                continue
            days = [first + (scale.longest - first) * (n / _POINTS) ** 2 for n in range(_POINTS + 1)]
            places = [f"{scale.x(d):.1f} {scale.y(funnel.limit(d, sign * cut)):.1f}" for d in days]
            parts.append(titled(said, path("M" + "L".join(places), look)))
        written = min(scale.y(funnel.limit(scale.longest, cut)) + 4, written - 12)
        parts.append(text(said, _RIGHT + 6, written, "end"))
    return join(parts)


def _site(row: dict[str, Any], scale: _Scale, labels: Labels, taken: list[tuple[float, float]] | None) -> Markup:
    """A site's mark, with its name where `taken` says which places have one; beside another it stands to the left."""
    x, y, flag = scale.x(row["days"]), scale.y(row["rate"]), row["flag"]
    shape = {
        "far out": lambda: diamond(x, y, 6.4, "finding"), "unusual": lambda: diamond(x, y, 6, "unusual"),
        "few days": lambda: circle(x, y, 4, "few"),
    }.get(flag, lambda: circle(x, y, 4, "dose"))()  # fmt: skip
    said = {"site": row["site"], "number": row["number"], "days": row["days"], "z": f"{row['z']:+.1f}"}
    title = labels("funnel site", rate=f"{row['rate'] * PER:.3g}", **said) + (f", {labels(flag)}" if flag else "")
    if taken is None:
        return titled(title, shape)
    beside = any(abs(x - other) < 40 and abs(y - level) < 11 for other, level in taken)
    taken.append((x, y))
    look = "name" if flag in (None, "few days") else "name out"
    return titled(
        title, shape, text(row["site"], x - 9 if beside else x + 9, y + 4, f"{look} left" if beside else look)
    )


def _axes(scale: _Scale, labels: Labels) -> Markup:
    """Both axes with whole steps, and what they count."""
    parts = [rect(_LEFT, _TOP, _RIGHT - _LEFT, _BOTTOM - _TOP, "ground")]
    for value in steps(scale.longest, 8):
        x = scale.x(value)
        if x >= _LEFT:
            parts += [text(f"{value:g}", x, _BOTTOM + 15, "tick quiet"), line(x, _BOTTOM, x, _BOTTOM + 4, "base")]
    for value in steps(scale.top, 5):
        y = scale.y(value / PER)
        parts += [text(f"{value:g}", _LEFT - 8, y + 4, "head"), line(_LEFT, y, _RIGHT, y, "rule")]
    parts.append(line(_LEFT, _BOTTOM, _RIGHT, _BOTTOM, "base"))
    parts.append(text(labels("funnel days"), (_LEFT + _RIGHT) / 2, HEIGHT - 8, "tick quiet"))
    return join([*parts, text(labels("funnel rate"), _LEFT, 10, "start")])


def steps(most: float, about: int) -> list[float]:
    """Whole steps of 1, 2 or 5 from 0 up to the most, about so many."""
    power = 10.0 ** ceil(log10(most / about) - 1)
    step = next(power * n for n in (1, 2, 5, 10) if most / (power * n) <= about)
    return [step * n for n in range(int(most / step) + 1)]
