"""All participants of a site as lanes: from day zero on, their doses, what was found, and how it ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from protocol.timing import FirstDay
from rules.page.axis import Axis, lay_axis, ticks
from rules.page.labels import Labels
from rules.page.markup import Markup, join, tag
from rules.page.shapes import circle, diamond, drawing, line, path, rect, text, titled
from rules.page.timeline import Course, day_zero_of

WIDTH = 1080.0
_GUTTER, _RIGHT = 120.0, 30.0
_HEAD, _ROW = 26.0, 15.0
_NOUGHT = date(2000, 1, 1)
"""Stands for day zero of everyone, so that one axis of days serves all."""

ENDS = {"death": "death", "completion": "completed"}
"""Milestones that end a lane, with their mark; any other end is a leaving."""


@dataclass(frozen=True)
class Lane:
    """One participant: days since day zero from which to which, doses, deviations, and how it ended."""

    subject: str
    first: int
    last: int
    doses: tuple[int, ...]
    found: tuple[tuple[int, str, str], ...]
    """Day, sentence and id of each deviation."""
    end: str


def read_lanes(
    courses: Mapping[str, Course], spans: pl.DataFrame, ends: Mapping[str, str], first: FirstDay | None, as_of: date
) -> list[Lane]:
    """The lanes of those whose beginning is known and past, the longest first.

    `spans` has subject, from and to; `ends` how someone left; `first` the number of the protocol's first day.
    Nothing after `as_of` is shown.
    """
    lanes = []
    for row in spans.iter_rows(named=True):
        course = courses.get(row["subject"])
        if course is None or row["from"] is None or row["to"] < row["from"]:
            continue
        zero = day_zero_of(course.calendar, first) or row["from"]
        given = course.records.filter(~pl.col("visit") & (pl.col("status") != "not given"))["day"]
        given = given.filter(given <= as_of)
        found = course.findings.filter(pl.col("date").is_not_null()).select("date", "message", "id")
        lanes.append(
            Lane(
                row["subject"],
                (row["from"] - zero).days,
                (row["to"] - zero).days,
                tuple(sorted({(day - zero).days for day in given})),
                tuple(((day - zero).days, message, key) for day, message, key in found.iter_rows()),
                ends.get(row["subject"], ""),
            )
        )
    return sorted(lanes, key=lambda lane: (lane.first - lane.last, lane.subject))


def lay_days(lanes: Sequence[Lane]) -> Axis:
    """One axis for all lanes; days on which nobody has anything but the passing of time are cut out."""
    days = {0}
    for lane in lanes:
        days |= {lane.first, lane.last, *lane.doses, *(day for day, _, _ in lane.found)}
    return lay_axis(((_at(day), _at(day)) for day in days), _GUTTER, WIDTH - _GUTTER - _RIGHT)


def draw_lanes(lanes: Sequence[Lane], axis: Axis, labels: Labels, anchor: Callable[[str], str]) -> Markup:
    """The lanes as one SVG element, in their order. `anchor` names a deviation on the page."""
    bottom = _HEAD + _ROW * len(lanes)
    drawn = [_lane(lane, _HEAD + _ROW * (n + 0.5), axis, labels, anchor) for n, lane in enumerate(lanes)]
    days = _days(axis, bottom, labels)
    return drawing(labels("lanes drawn", n=len(lanes)), WIDTH, bottom + 6, "chart lanes", days, *drawn)


def _at(day: int) -> date:
    return _NOUGHT + timedelta(day)


def _lane(lane: Lane, y: float, axis: Axis, labels: Labels, anchor: Callable[[str], str]) -> Markup:
    left, right = axis.x(_at(lane.first), 0), axis.x(_at(lane.last), 1)
    parts = [text(lane.subject, _GUTTER - 10, y + 3.5, "who")]
    parts.append(rect(left, y - 3, max(right - left, 2), 6, "window", rx="3"))
    parts += [circle(axis.x(_at(day)), y, 2.4, "dose") for day in lane.doses]
    for day, message, key in lane.found:
        mark = titled(message, diamond(axis.x(_at(day)), y, 5.2, "finding"))
        parts.append(tag("a", mark, href=f"#{anchor(key)}"))
    return tag("g", *parts, _end(lane, right + 6, y, labels))


def _end(lane: Lane, x: float, y: float, labels: Labels) -> Markup:
    """How the lane ended: a stroke for completed, a dagger for death, a cross for left, an arrow where it goes on."""
    shape = {
        "death": f"M{x:.1f} {y - 5:.1f}v10m-3.5 -6.5h7",
        "completed": f"M{x:.1f} {y - 4:.1f}v8",
        "left": f"M{x - 3.5:.1f} {y - 3.5:.1f}l7 7m0 -7l-7 7",
    }.get(lane.end, f"M{x - 2:.1f} {y:.1f}h8m-3.5 -3.5l3.5 3.5l-3.5 3.5")
    word = f"lane {lane.end or 'goes on'}"
    return titled(f"{lane.subject}: {labels(word)}", path(shape, "denied"))


def _days(axis: Axis, bottom: float, labels: Labels) -> Markup:
    """The ground of every stretch with its days, counted from day zero."""
    parts = [text(labels("lane days"), _GUTTER - 10, 12, "head")]
    last, before = -99.0, None
    for stretch in axis.stretches:
        parts.append(rect(stretch.left, _HEAD - 4, stretch.right - stretch.left, bottom - _HEAD + 4, "ground"))
        if before is not None:
            x = (before.right + stretch.left) / 2
            parts += [line(x + d - 2.5, 23, x + d + 2.5, 13, "base") for d in (-2, 2)]
        before = stretch
        for day in ticks(stretch, _NOUGHT, ()):
            x = axis.x(day)
            if x - last >= 30:
                last, number = x, str((day - _NOUGHT).days).replace("-", "−")
                parts += [text(number, x, 12, "tick quiet"), line(x, 16, x, 22, "base")]
    x = axis.x(_NOUGHT)
    return join([*parts, line(x, _HEAD - 4, x, bottom, "zero") if axis.shows(_NOUGHT) else None])
