"""Spans, windows, anchors, moments and cycles have one grammar each; months are added as calendars have them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from dateutil.relativedelta import relativedelta
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from protocol.errors import ScalarError
from protocol.scalar import Scalar
from protocol.timing import (
    Anchor,
    Cycles,
    Duration,
    DurationRange,
    FirstDay,
    Instant,
    Moment,
    MonthsPolicy,
    Window,
    add,
    day_number_of,
    offset_of,
)

EPOCH = date(1970, 1, 1)

DURATIONS = {
    "days": ("7 d", 0, 7, 0, False),
    "weeks are days": ("3 wk", 0, 21, 0, False),
    "years are months": ("18 y", 216, 0, 0, False),
    "half a year": ("0.5 y", 6, 0, 0, False),
    "a sum": ("3 mo + 4 wk", 3, 28, 0, False),
    "a difference": ("4 wk - 4 d", 0, 24, 0, False),
    "a difference with a true minus": ("4 wk − 4 d", 0, 24, 0, False),
    "three terms": ("19 mo + 4 wk - 1 d", 19, 27, 0, False),
    "hours are minutes by the clock": ("24 h", 0, 0, 1440, True),
    "an hour and a half": ("1.5 h", 0, 0, 90, True),
    "no minutes": ("0 min", 0, 0, 0, True),
    "before": ("-4 d", 0, -4, 0, False),
    "no space": ("7d", 0, 7, 0, False),
}

WINDOWS = {
    "both sides alike": ("±3 d", -3, 3),
    "both sides unlike": ("-1 d to +3 d", -1, 3),
    "a true minus": ("−1 d to +3 d", -1, 3),
    "late only": ("+3 d", 0, 3),
    "early only": ("-3 d", -3, 0),
    "no room": ("±0 d", 0, 0),
    "from the day itself": ("0 d to +3 d", 0, 3),
    "late at both ends": ("+2 d to +1 wk", 2, 7),
    "early at both ends": ("-7 d to -3 d", -7, -3),
    "a space after the sign": ("± 3 d", -3, 3),
}

ANCHORS: dict[str, tuple[str, dict[str, Any]]] = {
    "a milestone": ("randomised", {"name": "randomised"}),
    "an occurrence by number": ("atg 1", {"name": "atg", "number": 1}),
    "the start of an occurrence": ("start of atg 1", {"edge": "start", "name": "atg", "number": 1}),
    "the end of each": ("end of each study-drug", {"edge": "end", "which": "each", "name": "study-drug"}),
    "the last dose of any treatment": ("last treatment", {"which": "last", "name": "treatment"}),
    "a date that never moves": ("planned visit-12", {"planned": True, "name": "visit-12"}),
    "everything at once": (
        "planned end of first atg",
        {"planned": True, "edge": "end", "which": "first", "name": "atg"},
    ),
    "a study day": ("day 8", {"day": 8}),
    "a day before": ("day -1", {"day": -1}),
    "the one before": ("previous", {"previous": True}),
    "an id that begins with a digit": ("5-fu 2", {"name": "5-fu", "number": 2}),
}

CYCLES = {
    "every cycle": ("cycle", (1, None, 1), [1, 2, 3, 4, 5, 6]),
    "one cycle": ("cycle 1", (1, 1, 1), [1]),
    "from the second on": ("cycle 2 on", (2, None, 1), [2, 3, 4, 5, 6]),
    "the first four": ("cycle 1 to 4", (1, 4, 1), [1, 2, 3, 4]),
    "every second from the third": ("cycle every 2nd from 3", (3, None, 2), [3, 5]),
}

REFUSED: dict[str, tuple[type[Scalar], str, str, str]] = {
    "a bare m": (Duration, "5 m", "unknown unit 'm'", "'5 min' or '5 mo'"),
    "a unit written out": (Duration, "5 weeks", "unknown unit 'weeks'", "'5 wk'"),
    "a unit in capitals": (Duration, "5 D", "unknown unit 'D'", "'5 d'"),
    "a number without its unit": (Duration, "7", "no duration", "'7 d'"),
    "two terms without a sign": (Duration, "3 mo 4 wk", "no duration", "'4 wk - 4 d'"),
    "hours and days in one sum": (Duration, "1 d + 2 h", "mixes clock time", "all of it in h and min"),
    "half a day": (Duration, "0.5 d", "not whole", "'12 h'"),
    "half a month": (Duration, "2.5 mo", "not whole", "days"),
    "a full-width digit": (Duration, "７ d", "full-width", "'7 d'"),
    "no duration at all": (Duration, "soon", "no duration", "min, h, d"),
    "an infusion time with one end": (DurationRange, "1 h", "not a range", "'1 h to 6 h'"),
    "an infusion time that shrinks": (DurationRange, "6 h to 1 h", "later end first", "'1 h to 6 h'"),
    "a window without its sign": (Window, "3 d", "without its sign", "'±3 d'"),
    "a window whose ends have no sign": (Window, "1 d to 3 d", "without its sign", "'+1 d' or '-1 d'"),
    "a negative window": (Window, "±-3 d", "negative size", "'±3 d'"),
    "a window that ends before it begins": (Window, "+3 d to -1 d", "later end first", "'-1 d to +3 d'"),
    "a window of hours and days": (Window, "-4 h to +1 d", "mixes clock time", "both in days"),
    "a window of a bare m": (Window, "±3 m", "unknown unit 'm'", "'3 min' or '3 mo'"),
    "a sum after ±": (Window, "±2 wk - 4 d", "a sum after ±", "both ends"),
    "no window at all": (Window, "a week", "no window", "'±3 d'"),
    "the first and a number": (Anchor, "first atg 2", "both 'first' and number 2", "'first atg' or 'atg 2'"),
    "an occurrence 0": (Anchor, "atg 0", "counts from 0", "'atg 1'"),
    "a word of the grammar": (Anchor, "each", "no anchor", "id of an anchor"),
    "a title for an id": (Moment, "Visit 3", "no moment", "'visit-3'"),
    "days with a comma": (Moment, "days 1, 8", "no moment", "[day 1, day 8]"),
    "a week by number": (Moment, "week 2", "some from 0 and some from 1", "'day 14'"),
    "days that run backwards": (Moment, "days 4 to 0", "later day first", "'days 0 to 4'"),
    "a signed offset": (Moment, "-3 d after atg", "negative beside 'after'", "'3 d before"),
    "a sum below zero": (Moment, "4 d - 1 wk before atg", "negative beside 'before'", "'3 d after"),
    "an offset with a plus": (Moment, "+3 d after atg", "a sign beside 'after'", "'3 d after"),
    "an offset from nothing": (Moment, "6 mo", "no moment", "'6 mo after day-zero'"),
    "a span that runs backwards": (Moment, "within 24 h to 8 h after atg", "later end first", "'8 h to 24 h'"),
    "a span of hours and days": (Moment, "within 8 h to 1 d after atg", "mixes clock time", "both in days"),
    "an alternative without a moment": (Moment, "day 3 or ", "no moment", "'day 14'"),
    "a cycle 0": (Cycles, "cycle 0", "count from 1", "cycle 1 to 4"),
    "cycles that run backwards": (Cycles, "cycle 4 to 2", "count from 1", "cycle 1 to 4"),
    "cycles with a comma": (Cycles, "cycle 1, 2", "names no cycles", "'cycle 2 on'"),
    "a first day 2": (FirstDay, "2", "no first day", "0, 1"),
}


def cases(table: dict[str, Any]) -> pytest.MarkDecorator:
    """One test for each titled row."""
    return pytest.mark.parametrize("row", table.values(), ids=table.keys())


@cases(DURATIONS)
def test_a_duration_is_months_days_and_minutes(row: tuple[str, int, int, int, bool]) -> None:
    """A sum of terms is kept as written and known in its three parts."""
    text, *parts = row
    duration = Duration.parse(text)
    assert [duration.months, duration.days, duration.minutes, duration.clock] == parts
    assert str(duration) == text


def test_a_day_is_not_24_hours() -> None:
    """Equal length is not equal meaning; equal meaning is equal whatever the text."""
    assert Duration.parse("1 d") != Duration.parse("24 h")
    assert Duration.parse("1 wk") == Duration.parse("7 d")
    assert Duration.parse("0 d") != Duration.parse("0 min")


@pytest.mark.parametrize(("text", "sign"), [("1 mo - 4 wk", 1), ("4 wk - 28 d", 0), ("-1 min", -1), ("3 d - 1 wk", -1)])
def test_a_duration_has_a_sign(text: str, sign: int) -> None:
    """Before, at or after; its negation has the other sign and reads back."""
    duration = Duration.parse(text)
    assert duration.sign == sign
    assert (-duration).sign == -sign
    assert Duration.parse(str(-duration)) == -duration


@cases(WINDOWS)
def test_a_window_has_two_inclusive_ends_in_days(row: tuple[str, int, int]) -> None:
    """The signs say on which side of the due day the window lies."""
    text, low, high = row
    window = Window.parse(text)
    assert (window.low.days, window.high.days, window.low.clock, window.high.clock) == (low, high, False, False)
    assert str(window) == text


def test_a_window_of_hours_is_clock_time_at_both_ends() -> None:
    """The end that is not written is clock time too."""
    for text, low, high in [("±4 h", -240, 240), ("+10 min", 0, 10), ("-4 h to +30 min", -240, 30)]:
        window = Window.parse(text)
        assert (window.low.minutes, window.high.minutes, window.low.clock, window.high.clock) == (low, high, True, True)


def test_windows_of_equal_meaning_are_equal() -> None:
    """± is short for both ends."""
    assert Window.parse("±7 d") == Window.parse("-1 wk to +1 wk")


def test_an_infusion_time_may_be_a_range() -> None:
    """Both ends are durations."""
    over = DurationRange.parse("45 min to 1.5 h")
    assert (over.low.minutes, over.high.minutes, str(over)) == (45, 90, "45 min to 1.5 h")


@cases(ANCHORS)
def test_an_anchor_is_read_in_its_parts(row: tuple[str, dict[str, Any]]) -> None:
    """What the text does not say stays empty."""
    text, parts = row
    anchor = Anchor.parse(text)
    assert anchor == Anchor(text, **parts)
    assert str(anchor) == text


def test_a_moment_on_a_study_day() -> None:
    """`day N` is the protocol's own number, `days A to B` a series, `within days` once among them."""
    assert Instant.parse("day 14") == Instant("", "day", day=14)
    assert Instant.parse("days 0 to 4") == Instant("", "days", first=0, last=4)
    assert Instant.parse("within days -14 to -1") == Instant("", "within_days", first=-14, last=-1)


def test_a_moment_at_an_offset_from_an_anchor() -> None:
    """After is positive, before negative, and an anchor alone is at zero."""
    after, before = Instant.parse("14 d after visit-8"), Instant.parse("2 d before visit-3")
    assert (after.kind, after.offset, str(after.anchor)) == ("at", Duration.parse("14 d"), "visit-8")
    assert (before.kind, before.offset) == ("at", Duration.parse("-2 d"))
    assert Instant.parse("planned visit-12").offset == Duration.parse("0 d")
    assert Instant.parse("0 min after end of each isatuximab").offset == Duration.parse("0 min")


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("within 4 h after randomised", "0 min", "4 h"),
        ("within 14 d before day-zero", "-14 d", "0 d"),
        ("within 8 h to 24 h after study-drug 1", "8 h", "24 h"),
        ("within 30 min to 60 min before each isatuximab", "-60 min", "-30 min"),
        ("within 2 d before day 1", "-2 d", "0 d"),
        ("within 4 wk - 4 d to 4 wk after previous", "24 d", "28 d"),
    ],
)
def test_a_moment_anywhere_in_a_span(text: str, low: str, high: str) -> None:
    """The span is signed and in order of time: what is before an anchor runs up to it."""
    instant = Instant.parse(text)
    assert (instant.kind, instant.low, instant.high) == ("within", Duration.parse(low), Duration.parse(high))


def test_alternatives_are_each_a_moment() -> None:
    """`A or B` is whichever comes first; neither reads the other's words."""
    moment = Moment.parse("30 d after last treatment or new-therapy")
    assert [str(instant.anchor) for instant in moment.alternatives] == ["last treatment", "new-therapy"]
    assert str(moment) == "30 d after last treatment or new-therapy"


@cases(CYCLES)
def test_cycles_are_named_by_number(row: tuple[str, tuple[int, int | None, int], list[int]]) -> None:
    """The text says which of the first six cycles are meant."""
    text, parts, included = row
    cycles = Cycles.parse(text)
    assert (cycles.name, (cycles.first, cycles.last, cycles.step)) == ("cycle", parts)
    assert [number for number in range(7) if cycles.includes(number)] == included


@cases(REFUSED)
def test_a_text_outside_the_grammar_is_refused_with_what_to_write(row: tuple[type[Scalar], str, str, str]) -> None:
    """The error says why, and what to write instead."""
    kind, text, why, remedy = row
    with pytest.raises(ScalarError) as caught:
        kind.parse(text)
    assert why in caught.value.why
    assert remedy in caught.value.remedy


@pytest.mark.parametrize(
    ("first_day", "numbers"),
    [("0", [-2, -1, 0, 1, 2]), ("1", [-2, -1, 1, 2, 3]), ("1 after 0", [-1, 0, 1, 2, 3])],
)
def test_days_are_numbered_as_the_protocol_numbers_them(first_day: str, numbers: list[int]) -> None:
    """The five days from two before day-zero to two after it have these numbers, and back."""
    rule = FirstDay.parse(first_day)
    assert [day_number_of(offset, rule) for offset in range(-2, 3)] == numbers
    assert [offset_of(number, rule) for number in numbers] == list(range(-2, 3))


def test_a_day_that_does_not_exist_is_an_error() -> None:
    """Where the first day is 1 and the one before it -1, there is no day 0."""
    with pytest.raises(ScalarError, match="does not exist"):
        offset_of(0, FirstDay.parse("1"))


def on(day: date) -> int:
    """Days since 1970-01-01."""
    return (day - EPOCH).days


@pytest.mark.parametrize(
    ("start", "text", "policy", "reached"),
    [
        (date(2024, 1, 31), "1 mo", "clamp", date(2024, 2, 29)),
        (date(2024, 1, 31), "1 mo", "roll", date(2024, 3, 1)),
        (date(2024, 1, 31), "2 mo", "clamp", date(2024, 3, 31)),
        (date(2023, 3, 31), "6 mo", "roll", date(2023, 10, 1)),
        (date(2024, 2, 29), "1 y", "clamp", date(2025, 2, 28)),
        (date(2024, 2, 29), "1 y", "roll", date(2025, 3, 1)),
        (date(2024, 12, 31), "2 mo", "roll", date(2025, 3, 1)),
        (date(2024, 5, 31), "-3 mo", "clamp", date(2024, 2, 29)),
        (date(2024, 1, 31), "1 mo + 4 wk - 1 d", "clamp", date(2024, 3, 27)),
        (date(2024, 1, 31), "4 wk - 4 d", "roll", date(2024, 2, 24)),
    ],
)
def test_a_month_that_lacks_the_day_follows_the_policy(
    start: date, text: str, policy: MonthsPolicy, reached: date
) -> None:
    """Months are added at once, the policy settles the day, and then days are added."""
    assert EPOCH + timedelta(days=add(on(start), Duration.parse(text), policy)) == reached


def test_clock_time_moves_no_date() -> None:
    """24 h added to a date is an error of the program, not a day."""
    with pytest.raises(ValueError, match="clock time"):
        add(0, Duration.parse("24 h"), "clamp")


dates = st.dates(date(1900, 1, 1), date(2100, 12, 31))


@given(dates, st.integers(-600, 600), st.integers(-400, 400))
@example(date(2024, 1, 31), 1, 0)
def test_clamped_months_are_those_of_dateutil(start: date, months: int, days: int) -> None:
    """An independent calendar agrees on every date."""
    duration = Duration.parse(f"{months} mo {days:+d} d")
    assert EPOCH + timedelta(days=add(on(start), duration, "clamp")) == start + relativedelta(months=months, days=days)


@given(dates, st.integers(-600, 600))
@example(date(2024, 1, 31), 1)
def test_rolled_months_differ_from_clamped_only_where_the_day_is_missing(start: date, months: int) -> None:
    """Rolled is the clamped date, or the day after it where the month lacks the day."""
    clamped = start + relativedelta(months=months)
    rolled = EPOCH + timedelta(days=add(on(start), Duration.parse(f"{months} mo"), "roll"))
    assert rolled == (clamped if clamped.day == start.day else clamped + timedelta(days=1))
    assert rolled.day in (start.day, 1)


ids = st.sampled_from(["atg", "visit-8", "study-drug", "treatment", "t-cells", "5-fu"])
spans = st.builds("{} {}".format, st.integers(0, 99), st.sampled_from(["min", "h", "d", "wk", "mo", "y"]))
sums = st.builds("{} mo {} {} wk".format, st.integers(3, 20), st.sampled_from("+-−"), st.integers(0, 9))
windows = st.builds("{}{}".format, st.sampled_from(["±", "+", "-", "−", "± "]), spans)
anchors = st.builds(
    "{}{}{}".format,
    st.sampled_from(["", "planned ", "start of ", "end of ", "planned end of "]),
    st.sampled_from(["", "first ", "last ", "each "]),
    ids,
) | st.builds("{} {}".format, ids, st.integers(1, 99))
day_moments = st.builds("day {}".format, st.integers(-99, 999))
instants = day_moments | anchors | st.builds("{} {} {}".format, spans | sums, st.just("after"), anchors | day_moments)
within = st.builds("within {} {} {}".format, spans, st.sampled_from(["after", "before"]), anchors)
moments = st.lists(instants | within, min_size=1, max_size=3).map(" or ".join)
SCALARS: list[tuple[type[Scalar], st.SearchStrategy[str]]] = [
    (Duration, spans | sums),
    (Window, windows),
    (Anchor, anchors | day_moments),
    (Moment, moments),
]
written = st.sampled_from(SCALARS).flatmap(lambda pair: st.tuples(st.just(pair[0]), pair[1]))


@given(written)
def test_reading_what_was_printed_gives_the_same_scalar(pair: tuple[type[Scalar], str]) -> None:
    """Parsing the text of a scalar is the identity, and the text is the one written."""
    kind, text = pair
    scalar = kind.parse(text)
    assert str(scalar) == text
    assert kind.parse(str(scalar)) == scalar
    assert hash(kind.parse(f"  {text} ")) == hash(scalar)


@given(moments)
def test_a_moment_has_one_alternative_for_each_or(text: str) -> None:
    """No alternative swallows another, and each carries what its kind needs."""
    moment = Moment.parse(text)
    assert len(moment.alternatives) == text.count(" or ") + 1
    for instant in moment.alternatives:
        assert (instant.kind == "day") == (instant.day is not None)
        assert (instant.kind == "at") == (instant.offset is not None)
        assert (instant.kind == "within") == (instant.low is not None and instant.high is not None)


@given(st.sampled_from([Duration, DurationRange, Window, Anchor, Moment, Cycles, FirstDay]), st.text(max_size=20))
def test_any_text_is_a_scalar_or_a_fault(kind: type[Scalar], text: str) -> None:
    """Nothing a person can type escapes as another exception."""
    try:
        assert str(kind.parse(text)) == text.strip()
    except ScalarError as fault:
        assert fault.why and fault.remedy


class Due(BaseModel):
    """A model with fields of time."""

    due: Moment
    window: Window | None = None
    first_day: FirstDay | None = None


def test_scalars_are_fields_of_a_model() -> None:
    """A model reads texts (and numbers, where editors see them) and writes the same texts."""
    due = Due.model_validate({"due": "day 14", "window": "±3 d", "first_day": 0})
    assert due.model_dump() == {"due": "day 14", "window": "±3 d", "first_day": "0"}
    assert Due.model_validate_json(due.model_dump_json()) == due
    properties = Due.model_json_schema()["properties"]
    assert properties["due"]["type"] == "string"
    assert properties["first_day"]["anyOf"][0]["type"] == ["string", "number"]


def test_every_fault_of_a_model_is_reported_at_once() -> None:
    """Pydantic collects the errors of all fields."""
    with pytest.raises(ValidationError) as caught:
        Due.model_validate({"due": "week 2", "window": "3 d"})
    assert [error["loc"] for error in caught.value.errors()] == [("due",), ("window",)]
