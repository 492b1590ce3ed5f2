"""The marks of a timeline, and where their texts go so that none lies on another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from unicodedata import east_asian_width

from rules.page.axis import Axis
from rules.page.markup import Markup, tag

_RANK = {"dose": 0, "visit": 0, "denied": 0, "departure": 1, "query": 2, "finding": 3}
_MOST_LINES = 4
_SPACE = 8.0
_RUN = 130.0


@dataclass(frozen=True)
class Mark:
    """Something on a day: its shape, what is said when it is pointed at, its text beside it, and where it leads to."""

    shape: str
    day: date
    activity: str | None
    title: str
    text: str = ""
    link: str = ""

    @property
    def rank(self) -> int:
        """What lies on top is drawn last."""
        return _RANK[self.shape]

    def joined(self, other: Mark) -> Mark:
        """Two marks at one place as one."""
        return replace(self, title=f"{self.title}\n{other.title}")


@dataclass(frozen=True)
class Placed:
    """A text over a lane: where it begins, on which line from the top, and the x of its mark."""

    mark: Mark
    text: str
    x: float
    left: float
    line: int


def text_width(text: str, size: float = 11.5) -> float:
    """About how wide a text is drawn, in pixels."""
    return sum(size if east_asian_width(c) in "WF" else size * 0.54 for c in text)


def draw_mark(mark: Mark, x: float, y: float) -> Markup:
    """The mark with its middle at (x, y), leading to its place on the page."""
    shape = {
        "dose": lambda: tag("circle", cx=f"{x:.1f}", cy=f"{y:.1f}", r="3.8", class_="dose"),
        "visit": lambda: tag("rect", x=f"{x - 3.6:.1f}", y=f"{y - 3.6:.1f}", width="7.2", height="7.2", class_="visit"),
        "denied": lambda: tag("path", d=f"M{x - 4:.1f} {y - 4:.1f}l8 8m0 -8l-8 8", class_="denied"),
        "finding": lambda: tag("path", d=f"M{x:.1f} {y - 6.4:.1f}l6.4 6.4l-6.4 6.4l-6.4 -6.4z", class_="finding"),
        "departure": lambda: tag("path", d=f"M{x:.1f} {y - 5.5:.1f}l5.8 10.4h-11.6z", class_="departure"),
        "query": lambda: tag(
            "g",
            tag("rect", x=f"{x - 6:.1f}", y=f"{y - 6.5:.1f}", width="12", height="13", rx="3"),
            tag("text", "?", x=f"{x:.1f}", y=f"{y + 4:.1f}"),
            class_="query",
        ),
    }[mark.shape]()
    content = tag("g", tag("title", mark.title), shape)
    return tag("a", content, href=f"#{mark.link}") if mark.link else content


def place_labels(marks: Sequence[Mark], axis: Axis) -> tuple[list[Placed], int]:
    """The texts of marks, each on the highest line that is free there; and how many lines they need.

    The same text again and again, close by, is written once with its number. Where four lines are full the mark stands
    alone: its sentence is in its title and in the list.
    """
    runs: list[list[Mark]] = []
    for mark in sorted(marks, key=lambda m: (m.day, -m.rank, m.text)):
        last = next((run for run in reversed(runs) if (run[0].text, run[0].shape) == (mark.text, mark.shape)), None)
        if last is not None and axis.x(mark.day) - axis.x(last[-1].day) < _RUN:
            last.append(mark)
        else:
            runs.append([mark])
    ends: list[float] = []
    placed = []
    for run in runs:
        text = run[0].text if len(run) == 1 else f"{run[0].text} ×{len(run)}"
        x = axis.x(run[0].day)
        width = text_width(text, 10.5)
        left = min(x - 4, axis.right - width) if axis.right - width > 0 else x
        line = next((n for n, end in enumerate(ends) if end + _SPACE <= left), len(ends))
        if line < _MOST_LINES:
            ends[line : line + 1] = [left + width]
            placed.append(Placed(run[0], text, x, left, line))
    return placed, len(ends) if len(ends) <= _MOST_LINES else _MOST_LINES
