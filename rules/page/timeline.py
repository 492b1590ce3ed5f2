"""One participant's course as a drawing: what was planned, what was recorded, and what was found, in SVG.

Windows are bars, due days ticks, doses circles and visits squares. A deviation is a red diamond with its code, a query
an amber box with a question mark, an allowed departure a blue triangle: never told apart by colour alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import polars as pl

from protocol.model import Protocol
from protocol.timing import FirstDay, day_number_of, offset_of
from rules.page.axis import Axis, lay_axis, ticks
from rules.page.labels import Labels
from rules.page.marks import Mark, Placed, draw_mark, place_labels, text_width
from rules.page.markup import Markup, join, tag

WIDTH = 1080.0
GUTTER = 172.0
AHEAD = timedelta(31)
"""How far beyond the day of the run planned windows are drawn."""

_AXIS = 46.0
_LABEL = 13.0
_ROW = 19.0
_NUMBER = 10.0
_FOOT = 3.0
_LEAST = 33.0
_MOST_ROWS = 3


@dataclass(frozen=True)
class Window:
    """A planned occurrence: its days and what is said of it when pointed at."""

    activity: str
    number: int
    due: date
    opens: date
    closes: date
    title: str


@dataclass
class Lane:
    """One line of the drawing."""

    name: str
    windows: list[Window] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)


@dataclass(frozen=True)
class Course:
    """Everything drawn of one participant: rows of the calendar, records and what was found."""

    calendar: pl.DataFrame
    records: pl.DataFrame
    findings: pl.DataFrame
    queries: pl.DataFrame
    departures: pl.DataFrame


def draw_timeline(
    subject: str, course: Course, protocol: Protocol, as_of: date, labels: Labels, anchor: Callable[[str], str]
) -> Markup:
    """The course as one SVG element, or a sentence where there is nothing to draw. `anchor` names an id on the page."""
    lanes = _lanes(course, protocol, as_of, labels, anchor)
    spans = [(w.opens, w.closes) for lane in lanes for w in lane.windows]
    spans += [(m.day, m.day) for lane in lanes for m in lane.marks]
    if not spans:
        return tag("p", labels("no timeline"), class_="quiet")
    axis = lay_axis(spans, GUTTER, WIDTH - GUTTER - 16)
    body, y = [], _AXIS
    for lane in lanes:
        drawn, height = _draw_lane(lane, axis, y)
        body.append(drawn)
        y += height
    zero = day_zero_of(course.calendar, protocol.first_day)
    said = labels("drawn as", subject=subject, findings=len(course.findings), queries=len(course.queries))
    dues = sorted({w.due for lane in lanes for w in lane.windows})
    parts = [
        _stretches(axis, y),
        _dates(axis, dues, zero, protocol.first_day, labels),
        *body,
        _lines(axis, zero, as_of, y, labels),
    ]
    return tag(
        "svg",
        tag("title", said),
        *parts,
        viewBox=f"0 0 {WIDTH:g} {y + 6:g}",
        class_="timeline",
        role="img",
        aria_label=said,
    )


def _lanes(course: Course, protocol: Protocol, as_of: date, labels: Labels, anchor: Callable[[str], str]) -> list[Lane]:
    """A lane for each treatment in the order of its first day, one for the visits, one for what belongs to neither."""
    lanes: dict[str, Lane] = {}
    for row in course.calendar.filter(pl.col("opens") <= as_of + AHEAD).iter_rows(named=True):
        lane = _lane(lanes, row["activity"], protocol, labels)
        name = title_of(protocol, row["activity"], labels.lang)
        days = {k: str(row[k]) for k in ("due", "opens", "closes")}
        title = labels("window title", name=name, n=row["occurrence"], status=labels.value(row["status"]), **days)
        lane.windows.append(Window(row["activity"], row["occurrence"], row["due"], row["opens"], row["closes"], title))
    for row in course.records.iter_rows(named=True):
        if row["activity"] is None:
            lane = lanes.setdefault(f"word {row['word']}", Lane(row["word"]))
        else:
            lane = _lane(lanes, row["activity"], protocol, labels)
        shape = "denied" if row["status"] == "not given" else "visit" if row["visit"] else "dose"
        said = {"word": row["word"], "status": labels.value(row["status"]), "day": row["day"], "record": row["record"]}
        title = labels("record title", **said)
        lane.marks.append(Mark(shape, row["day"], row["activity"], title))
    found = (("finding", course.findings), ("query", course.queries), ("departure", course.departures))
    for shape, rows in found:
        for row in rows.filter(pl.col("date").is_not_null()).iter_rows(named=True):
            lane = _lane(lanes, row["activity"], protocol, labels)
            lane.marks.append(_flag(shape, row, labels, anchor))
    order = {"visits": 1, "participant": 2}
    return [lanes[key] for key in sorted(lanes, key=lambda k: order.get(k, 0))]


def _lane(lanes: dict[str, Lane], activity: str | None, protocol: Protocol, labels: Labels) -> Lane:
    """The lane of a planned activity; what belongs to no treatment and no visit belongs to the participant."""
    if activity in protocol.visits:
        return lanes.setdefault("visits", Lane(labels("visits")))
    if activity is None or activity not in protocol.treatments:
        return lanes.setdefault("participant", Lane(labels("participant lane")))
    return lanes.setdefault(f"treatment {activity}", Lane(title_of(protocol, activity, labels.lang)))


def _flag(shape: str, row: dict[str, object], labels: Labels, anchor: Callable[[str], str]) -> Mark:
    """A finding, query or departure as a mark with its text, its sentence and its place on the page."""
    day, activity = row["date"], row["activity"]
    assert isinstance(day, date)
    if shape == "departure":
        kind = labels.value(str(row["kind"]))
        return Mark(shape, day, str(activity), f"{labels('departure')}: {kind}", kind)
    text = str(row["code"]) if shape == "finding" else labels("query").lower()
    title = f"{labels(shape)}, {labels.code(str(row['code']))}: {row['message']}"
    return Mark(shape, day, str(activity), title, text, anchor(str(row["id"])))


def title_of(protocol: Protocol, activity: str, lang: str) -> str:
    """What an activity or a criterion is called; its id where it has no title."""
    blocks = (
        protocol.treatments,
        protocol.visits,
        protocol.assessments,
        protocol.eligibility.include,
        protocol.eligibility.exclude,
    )
    for block in blocks:
        element = block.get(activity)
        if element is not None and element.title is not None:
            return str(element.title.in_(lang))
    return activity


# --- the lanes ----------------------------------------------------------------------------------------------------


def _draw_lane(lane: Lane, axis: Axis, y: float) -> tuple[Markup, float]:
    """The lane from `y` on, and its height."""
    rows = _rows(lane.windows)
    count = min(max(rows, default=0) + 1, _MOST_ROWS)
    several = {w.activity for w in lane.windows if w.number > 1}
    pitch = _ROW + (_NUMBER if several else 0)
    texts, lines = place_labels([m for m in lane.marks if m.text], axis)
    top = y + 6 + lines * _LABEL
    place = {id(w): top + pitch * (row % count) for w, row in zip(lane.windows, rows, strict=True)}

    def middle(mark: Mark) -> float:
        mine = (w for w in lane.windows if w.activity == mark.activity)
        near = min(mine, key=lambda w: abs((w.due - mark.day).days), default=None)
        return (place[id(near)] if near is not None else top) + _ROW / 2

    flagged = {(m.day, m.activity) for m in lane.marks if m.shape == "finding"}
    kept = [m for m in lane.marks if m.shape not in ("dose", "visit") or (m.day, m.activity) not in flagged]
    content = [
        tag("line", x1="0", x2=f"{WIDTH:g}", y1=f"{y:.1f}", y2=f"{y:.1f}", class_="rule"),
        _name(lane.name, top + (pitch * (count - 1) + _ROW) / 2 + 4),
        *(_window(w, axis, place[id(w)]) for w in lane.windows),
        *_numbers([w for w in lane.windows if w.activity in several], place, axis),
        *(_leader(text, y, middle(text.mark)) for text in texts),
        *(draw_mark(m, axis.x(m.day), middle(m)) for m in _apart(kept)),
        *(_text(text, y) for text in texts),
    ]
    return tag("g", *content), max(6 + lines * _LABEL + pitch * count + _FOOT, _LEAST)


def _leader(text: Placed, y: float, middle: float) -> Markup:
    """The thin line from a text to its mark."""
    top, x = y + 4 + (text.line + 1) * _LABEL, f"{text.x:.1f}"
    return tag("line", x1=x, x2=x, y1=f"{top:.1f}", y2=f"{middle - 6:.1f}", class_=f"leader {text.mark.shape}")


def _text(text: Placed, y: float) -> Markup:
    where = {"x": f"{text.left:.1f}", "y": f"{y + 2 + (text.line + 1) * _LABEL:.1f}"}
    return tag("text", text.text, **where, class_=f"code {text.mark.shape}")


def _apart(marks: Sequence[Mark]) -> list[Mark]:
    """Recorded doses and visits first, so that what was found lies on top; the same shape twice on a day is one."""
    seen: dict[tuple[str, date, str | None], Mark] = {}
    for mark in sorted(marks, key=lambda m: (m.rank, m.day)):
        place = (mark.shape, mark.day, mark.activity)
        seen[place] = mark if place not in seen else seen[place].joined(mark)
    return list(seen.values())


def _rows(windows: Sequence[Window]) -> list[int]:
    """The line of each window, so that windows that overlap lie under one another."""
    ends: list[date] = []
    found = [0] * len(windows)
    for i in sorted(range(len(windows)), key=lambda i: (windows[i].opens, windows[i].closes)):
        line = next((n for n, end in enumerate(ends) if end < windows[i].opens), len(ends))
        ends[line : line + 1] = [windows[i].closes]
        found[i] = line
    return found


def _window(window: Window, axis: Axis, y: float) -> Markup:
    left, right, due = axis.x(window.opens, 0), axis.x(window.closes, 1), axis.x(window.due)
    bar = tag(
        "rect",
        x=f"{left:.1f}",
        y=f"{y + 4:.1f}",
        width=f"{max(right - left, 2):.1f}",
        height="11",
        rx="2.5",
        class_="window",
    )
    tick = tag("line", x1=f"{due:.1f}", x2=f"{due:.1f}", y1=f"{y + 2:.1f}", y2=f"{y + 17:.1f}", class_="due")
    return tag("g", tag("title", window.title), bar, tick)


def _numbers(windows: Sequence[Window], place: Mapping[int, float], axis: Axis) -> list[Markup]:
    """The numbers of the occurrences under their due days, where there is room."""
    found: list[Markup] = []
    last: dict[float, float] = {}
    for window in sorted(windows, key=lambda w: w.due):
        x, y = axis.x(window.due), place[id(window)] + _ROW + 6
        if x - last.get(y, -99.0) >= 11:
            found.append(tag("text", window.number, x=f"{x:.1f}", y=f"{y:.1f}", class_="number"))
            last[y] = x
    return found


def _name(name: str, middle: float) -> Markup:
    """The name of a lane in one or two lines."""
    words: Iterable[str] = name.split(" ") if " " in name else name
    lines, space = [""], " " if " " in name else ""
    for word in words:
        longer = f"{lines[-1]}{space}{word}" if lines[-1] else word
        if text_width(longer) <= GUTTER - 16 or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    shown = lines if len(lines) <= 2 else [lines[0], f"{lines[1]}…"]
    top = middle - 6.5 * (len(shown) - 1)
    spans = [tag("tspan", line, x="0", y=f"{top + 13 * i:.1f}") for i, line in enumerate(shown)]
    return tag("text", tag("title", name), *spans, class_="lane")


# --- the axis -----------------------------------------------------------------------------------------------------


def _stretches(axis: Axis, bottom: float) -> Markup:
    """The ground of every stretch, and the mark of a cut between two."""
    parts = []
    for i, s in enumerate(axis.stretches):
        parts.append(
            tag(
                "rect",
                x=f"{s.left:.1f}",
                y=f"{_AXIS:g}",
                width=f"{s.right - s.left:.1f}",
                height=f"{bottom - _AXIS:.1f}",
                class_="ground",
            )
        )
        parts.append(
            tag("line", x1=f"{s.left:.1f}", x2=f"{s.right:.1f}", y1=f"{_AXIS:g}", y2=f"{_AXIS:g}", class_="base")
        )
        if i:
            x = (axis.stretches[i - 1].right + s.left) / 2
            parts += [
                tag(
                    "line",
                    x1=f"{x + d - 2.5:.1f}",
                    x2=f"{x + d + 2.5:.1f}",
                    y1=f"{_AXIS + 5:g}",
                    y2=f"{_AXIS - 5:g}",
                    class_="base",
                )
                for d in (-2, 2)
            ]
    return join(parts)


def _dates(axis: Axis, dues: Sequence[date], zero: date | None, first: FirstDay | None, labels: Labels) -> Markup:
    """Day numbers under dates, the year where it begins or changes."""
    parts: list[Markup] = [_head(labels.column("date"), 20)]
    parts += [_head(labels.column("study_day"), 33)] if zero is not None else []
    year, last = 0, -99.0
    for stretch in axis.stretches:
        for day in ticks(stretch, zero, dues):
            x = axis.x(day)
            parts.append(tag("line", x1=f"{x:.1f}", x2=f"{x:.1f}", y1=f"{_AXIS - 4:g}", y2=f"{_AXIS:g}", class_="base"))
            if x - last < 32:
                continue
            last = x
            if zero is not None:
                number = str(_number((day - zero).days, first)).replace("-", "−")
                parts.append(tag("text", number, x=f"{x:.1f}", y="33", class_="tick"))
            parts.append(tag("text", f"{day:%m-%d}", x=f"{x:.1f}", y="20", class_="tick quiet"))
            if day.year != year:
                year = day.year
                parts.append(tag("text", year, x=f"{x:.1f}", y="8", class_="tick quiet"))
    return join(parts)


def _head(text: str, y: float) -> Markup:
    return tag("text", text, x=f"{GUTTER - 14:g}", y=f"{y:g}", class_="head")


def _lines(axis: Axis, zero: date | None, as_of: date, bottom: float, labels: Labels) -> Markup:
    """Day zero and the day of the run, through all lanes."""
    parts = []
    for day, name, share in ((zero, "zero", 0.5), (as_of, "today", 1.0)):
        if day is not None and axis.shows(day):
            x = axis.x(day, share)
            line = tag("line", x1=f"{x:.1f}", x2=f"{x:.1f}", y1=f"{_AXIS:g}", y2=f"{bottom:.1f}", class_=name)
            text = labels("day zero") if name == "zero" else f"{labels('as of')} {day}"
            parts.append(tag("g", tag("title", f"{text}, {day}"), line))
    return join(parts)


def _number(offset: int, first: FirstDay | None) -> int:
    return offset if first is None else day_number_of(offset, first)


def day_zero_of(calendar: pl.DataFrame, first: FirstDay | None) -> date | None:
    """Day zero as the calendar counts from it."""
    counted = calendar.filter(pl.col("study_day").is_not_null() & pl.col("due").is_not_null())
    if not len(counted):
        return None
    number, due = counted["study_day"][0], counted["due"][0]
    offset: int = number if first is None else offset_of(number, first)
    return due - timedelta(offset)  # type: ignore[no-any-return]
