"""iCalendar: what is due to whom, as all-day events that a re-import updates; when, and never how much.

An event is the occurrence of one participant (its UID never changes). A calendar that is there already is what
others may have imported: events that did not change stay as they are, changed ones count their SEQUENCE up, and
those that are not due any more are cancelled. No clock is read: DTSTAMP and the first SEQUENCE are the as-of day.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from uuid import UUID, uuid5

from protocol.errors import Fault, StudyError
from protocol.model import Activity, Protocol

if TYPE_CHECKING:
    import polars as pl
    from icalendar import Calendar, Event

WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "all": "visits and doses",
        "site": "site {}",
        "no site": "no site",
        "window": "Window: {} to {}",
        "one day": "Window: this day only",
        "no window": "No window is stated",
        "time": "Time: {} to {}, best at {}",
        "valid": "Counts from {} to {}",
        "course": "Until {}",
        "day": "Study day {}, protocol version {}",
        "closed": "Moved inside its window: the site is closed on the day itself",
        "assumed": "Assumed, not stated by the protocol",
        "done": "Done",
        "cancelled": "cancelled",
    },
    "zh": {
        "all": "访视与给药",
        "site": "{}中心",
        "no site": "无中心",
        "window": "时间窗：{} 至 {}",
        "one day": "时间窗：仅限当日",
        "no window": "方案未规定时间窗",
        "time": "时间：{} 至 {}，最佳 {}",
        "valid": "计入范围：{} 至 {}",
        "course": "至 {}",
        "day": "研究日 {}，方案版本 {}",
        "closed": "当日中心不开放，已在时间窗内调整",
        "assumed": "为假定，方案未写明",
        "done": "已完成",
        "cancelled": "已取消",
    },
}
PRODUCT = "-//perprotocol//ical//EN"
_NAMESPACE = UUID("5b0c3c1e-7c0a-5d0e-9a43-0f6f3d1f7a11")
_OPEN = "…"


@dataclass(frozen=True)
class Style:
    """How events are told: the language, the day of the run, and whether the protocol's titles are shown."""

    lang: str
    as_of: date
    titles: bool = False
    blinded: bool = False

    def __call__(self, key: str, *values: object) -> str:
        """A phrase of the language with its places filled; an open end is an ellipsis."""
        return WORDS[self.lang][key].format(*(_OPEN if value is None else value for value in values))


def calendars(rows: pl.DataFrame, trial: Protocol, by: str, style: Style) -> dict[str, Calendar]:
    """One calendar for each participant or site (`by`), or one of all: rows of a schedule whose day is known."""
    told = dict(_events(rows, trial, style))
    made: dict[str, Calendar] = {}
    for number, row in enumerate(rows.iter_rows(named=True)):
        key = str(row[by] or "") if by else ""
        if number in told:
            made.setdefault(key, _calendar(trial, by, key, style)).add_component(told[number])
    return made


def file_name(key: str) -> str:
    """The name of the file of a participant or site: another key never has the same, and no key leaves its folder."""
    return f"{quote(key, safe='') or '_'}.ics"


def read_calendar(path: Path) -> Calendar | None:
    """The calendar in a file, None where there is no file; StudyError for one that this export did not write."""
    from icalendar import Calendar  # noqa: PLC0415  an extra

    if not path.exists():
        return None
    try:
        found = Calendar.from_ical(path.read_bytes())
    except ValueError:
        found = None
    if not isinstance(found, Calendar) or str(found.get("PRODID")) != PRODUCT:
        raise _in_the_way(path, "is there, and is no calendar that this export wrote")
    return found


def renew(path: Path, new: Calendar, style: Style) -> Calendar:
    """The calendar that updates the one in the file: unchanged events as they were, those not due cancelled."""
    old = read_calendar(path)
    if old is None:
        return new
    if old["UID"] != new["UID"]:
        raise _in_the_way(path, "holds another calendar (of another trial, participant or site, or not blinded alike)")
    known = {event.uid: event for event in old.events}
    for event in new.events:
        before = known.pop(event.uid, None)
        if before is not None:
            _follow(event, before, style)
    for before in known.values():
        new.add_component(_cancelled(before, style))
    return new


def write(calendar: Calendar) -> bytes:
    """The calendar as the text of a file: UTF-8, lines ended and folded as RFC 5545 says."""
    text: bytes = calendar.to_ical()
    return text


def _in_the_way(path: Path, why: str) -> StudyError:
    return StudyError([Fault(str(path), None, None, "", "", why, "name another place, or remove it")])


# --- calendars and events ----------------------------------------------------------------------------------------


def _calendar(trial: Protocol, by: str, key: str, style: Style) -> Calendar:
    from icalendar import Calendar, vText  # noqa: PLC0415  an extra

    name = {"subject": key, "site": style("site", key) if key else style("no site")}.get(by, style("all"))
    if style.titles:
        name = f"{trial.title.in_(style.lang) if trial.title else trial.protocol} · {name}"
    calendar = Calendar()
    for field, value in (
        ("version", "2.0"),
        ("prodid", PRODUCT),
        ("method", "PUBLISH"),
        ("uid", _id(trial.protocol, by, key, "blinded" if style.blinded else "")),
        ("name", vText(name)),
        ("x-wr-calname", vText(name)),
    ):
        calendar.add(field, value)
    return calendar


def _events(rows: pl.DataFrame, trial: Protocol, style: Style) -> Iterator[tuple[int, Event]]:
    """The events of the rows whose day is known, with the number of the row."""
    from icalendar import Event  # noqa: PLC0415  an extra

    several = set(rows.filter(rows["occurrence"] > 1)["activity"])
    for number, row in enumerate(rows.iter_rows(named=True)):
        if row["due"] is None:
            continue
        event = Event()
        event.add("uid", _id(trial.protocol, *(row[f] for f in ("subject", "kind", "activity", "occurrence"))))
        event.add("dtstart", row["due"])
        event.add("dtend", row["due"] + timedelta(days=1))
        _stamp(event, _first_sequence(style), style)
        event.add("summary", _summary(row, trial, row["activity"] in several, style))
        event.add("description", "\n".join(_lines(row, style)))
        event.add("categories", [row["kind"]])
        event.add("class", "PRIVATE")
        event.add("transp", "TRANSPARENT")
        if row["status"] in ("done", "not given", "not expected"):
            event.add("status", "CONFIRMED" if row["status"] == "done" else "CANCELLED")
        yield number, event


def _summary(row: Mapping[str, Any], trial: Protocol, several: bool, style: Style) -> str:
    """Who and what: the participant's id, and the activity by its id, or by its title where that was asked for."""
    activities: Mapping[str, Activity] = {**trial.treatments, **trial.visits, **trial.assessments}
    element = activities.get(row["activity"])
    title = element.title.in_(style.lang) if style.titles and element is not None and element.title else row["activity"]
    return f"{row['subject']} · {title}" + (f" {row['occurrence']}" if several else "")


def _lines(row: Mapping[str, Any], style: Style) -> Iterator[str]:
    """What a person must know of the day: window, times, whose word it is; never a dose."""
    ends = row["opens"], row["closes"]
    if ends == (row["due"], row["due"]):
        yield style("one day")
    else:
        yield style("window", *ends) if any(ends) else style("no window")
    if row["due_time"] is not None:
        yield style("time", row["opens_time"], row["closes_time"], row["due_time"])
    if row["valid_from"] is not None:
        yield style("valid", row["valid_from"], row["valid_to"])
    elif row["valid_to"] is not None:
        yield style("course", row["valid_to"])
    if row["closed"]:
        yield style("closed")
    yield style("day", row["study_day"], row["version"])
    if row["basis"] == "assumed":
        yield style("assumed")
    if row["status"] == "done":
        yield style("done")


def _id(*parts: object) -> str:
    """An id that says nothing and never changes for the same parts."""
    return str(uuid5(_NAMESPACE, "\n".join(map(str, parts))))


# --- updates ------------------------------------------------------------------------------------------------------


def _first_sequence(style: Style) -> int:
    """Days since 1970: a later run counts higher, even where the file before it is lost."""
    return (style.as_of - date(1970, 1, 1)).days


def _stamp(event: Event, sequence: int, style: Style) -> None:
    for field in ("dtstamp", "sequence"):
        event.pop(field, None)
    event.add("dtstamp", datetime.combine(style.as_of, time(), UTC))
    event.add("sequence", sequence)


def _follow(event: Event, before: Event, style: Style) -> None:
    """The event keeps stamp and number where it did not change, else counts on."""
    now = event.sequence
    event["SEQUENCE"], event["DTSTAMP"] = before["SEQUENCE"], before["DTSTAMP"]
    if event.to_ical() != before.to_ical():
        _stamp(event, max(now, before.sequence + 1), style)


def _cancelled(before: Event, style: Style) -> Event:
    """The event as no longer due: its day and nothing else that it said."""
    from icalendar import Event  # noqa: PLC0415  an extra

    event = Event()
    for field in ("UID", "DTSTART", "DTEND"):
        event[field] = before[field]
    event.add("summary", style("cancelled"))
    event.add("status", "CANCELLED")
    _stamp(event, _first_sequence(style), style)
    _follow(event, before, style)
    return event
