"""What a site must expect: days booked, people who come late, work by week, and what a wider window would save."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path
from xml.etree import ElementTree

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

import protocol
from perprotocol.cli import app
from perprotocol.planning.figure import draw_forecast
from perprotocol.planning.report import TABLES
from perprotocol.planning.words import Words
from perprotocol.simulation.attendance import Clinic, Punctuality, come_on, on_the_ward
from perprotocol.simulation.days import number, written
from perprotocol.simulation.forecast import ACTIVITIES, CHANGES, WEEKDAYS, WEEKS, Forecast, Site, forecast
from perprotocol.simulation.script import Script
from rules.texts import read_texts

EXAMPLE = Path(__file__).parent.parent / "examples" / "uc-msc-saa"
MONDAY = number(date(2025, 1, 6))
ALWAYS = Clinic(frozenset())
ON_TIME = Punctuality(1.0)
TRIAL = """
protocol: trial
version: 1
first_day: 0
source: team
basis: assumed
sources: {team: a protocol for tests}
arms: {a: everybody}
treatments:
  drug: {due: day 0, every: 14 d, times: 3, window: -1 d to +2 d, route: intravenous, dose: 10 mg}
  daily: {due: days 3 to 5, window: ±0 d, dose: 10 mg}
  before-drug: {due: within 2 h before each drug, dose: 5 mg}
  tablets: {frequency: once daily, from: day 0, for: 60 d, dose: 5 mg}
visits:
  check: {due: day 7, every: 14 d, times: 4, window: ±1 d}
  call: {due: day 17, window: +3 d}
  loose: {due: day 62}
"""


def read(text: str = TRIAL) -> protocol.Protocol:
    """The trial of these tests."""
    return protocol.read_text(text)


def site(
    participants: int = 1, over: int = 1, clinic: Clinic | None = None, punctuality: Punctuality = ON_TIME
) -> Site:
    """A site of which nobody leaves."""
    return Site(participants, over, MONDAY, clinic or Clinic(), punctuality, leaves=0.0)


def told(found: Forecast, activity: str) -> dict[str, object]:
    """The row of one activity."""
    return found.activities.row(by_predicate=pl.col("activity") == activity, named=True)


# --- days ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("due", "low", "high", "booked"),
    [
        (0, -3, 3, 0),  # Monday
        (4, 0, 0, 4),  # Friday
        (5, -3, 3, 4),  # Saturday: Friday is nearer than Monday
        (6, -3, 3, 7),  # Sunday: Monday is nearer
        (5, 0, 3, 7),  # Saturday, nothing earlier allowed
        (6, -3, 0, 4),  # Sunday, nothing later allowed
        (5, 0, 0, 7),  # nothing inside: the next open day
        (6, -1, 0, 7),
    ],
)
def test_an_occurrence_is_booked_on_the_nearest_open_day_of_its_window(
    due: int, low: int, high: int, booked: int
) -> None:
    """Days from a Monday; a clinic closed at weekends; without an open day in the window the next after the target."""
    clinic = Clinic()
    assert clinic.book(MONDAY + due, MONDAY + due + low, MONDAY + due + high) - MONDAY == booked


def test_of_two_open_days_as_near_the_later_is_booked() -> None:
    """Closed on a Wednesday alone."""
    assert Clinic(frozenset({2})).book(MONDAY + 2, MONDAY, MONDAY + 4) == MONDAY + 3


@given(st.integers(0, 3000), st.integers(0, 9), st.integers(0, 9), st.sets(st.integers(0, 6), max_size=6))
def test_a_booked_day_is_open_and_inside_where_that_can_be(due: int, low: int, high: int, weekdays: set[int]) -> None:
    """And no open day of the window is nearer."""
    clinic = Clinic(frozenset(weekdays), frozenset({MONDAY + due}))
    day, opens, closes = MONDAY + due, MONDAY + due - low, MONDAY + due + high
    booked = clinic.book(day, opens, closes)
    inside = [d for d in range(opens, closes + 1) if clinic.is_open(d)]
    assert clinic.is_open(booked)
    if inside:
        assert booked in inside
        assert abs(booked - day) == min(abs(d - day) for d in inside)
    else:
        assert booked > day


def test_people_are_late_as_often_and_as_much_as_is_said() -> None:
    """A share comes on time, the others are late by so many days on average, and never by less than one."""
    late = [Punctuality(0.8, 4.0).late_by((n + 0.5) / 100_000) for n in range(100_000)]
    others = [days for days in late if days]
    assert len(others) == 20_000
    assert sum(others) / len(others) == pytest.approx(4.0, rel=0.01)
    assert {Punctuality(0.0, 1.0).late_by(n / 10) for n in range(10)} == {1}
    assert {Punctuality(1.0, 9.0).late_by(n / 10) for n in range(10)} == {0}


def test_what_is_due_on_consecutive_days_is_done_on_a_ward() -> None:
    """Closed days do not concern it; anything else is booked."""
    assert on_the_ward(Script(read(), "a")) == {"daily"}
    assert on_the_ward(Script(protocol.read("uc-msc-saa"), "msc")) == {"atg"}


# --- what falls outside -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", protocol.library())
def test_where_every_day_is_open_and_everybody_on_time_nothing_falls_outside(name: str) -> None:
    """Of any library protocol: what remains outside is the protocol's own, and there is none."""
    found = forecast(protocol.read(name), site(6, 90, ALWAYS), 1, 3)
    assert (found.outside, found.missed) == (0, 0)
    assert not len(found.changes)


def test_a_weekend_moves_what_has_room_and_throws_out_what_has_none() -> None:
    """Day zero is a Monday: the call of day 17 is a Thursday; with day zero on a Wednesday a Saturday."""
    assert forecast(read(), site(), 1, 1).outside == 0
    wednesday = Site(1, 1, MONDAY + 2, Clinic(), ON_TIME, leaves=0.0)
    assert forecast(read(), wednesday, 1, 1).outside == 0
    shut = forecast(read(TRIAL.replace("day 17, window: +3 d", "day 17, window: +1 d")), wednesday, 1, 1)
    assert told(shut, "call") | {"late": 100.0, "outside": 100.0, "shut": 100.0, "early": 0.0} == told(shut, "call")


def test_everybody_a_day_late_is_outside_exactly_where_the_window_has_no_day_after() -> None:
    """Every occurrence a day late, every day open: windows with a day after the target hold it, others do not."""
    found = forecast(read(TRIAL.replace("+3 d", "-3 d")), site(clinic=ALWAYS, punctuality=Punctuality(0.0, 1.0)), 1, 1)
    outside = dict(zip(found.activities["activity"], found.activities["outside"], strict=True))
    assert outside == {
        "call": 100, "drug": 0, "check": 0, "daily": 0, "before-drug": None, "loose": None,
    }  # fmt: skip
    assert told(found, "call")["late"] == 100


@pytest.mark.parametrize("every", ["1 d", "2 d", "3 d"])
def test_who_is_late_by_less_than_the_next_is_due_has_missed_nothing(every: str) -> None:
    """Everybody a day late; what is due every day is done on a ward."""
    text = TRIAL.replace("due: day 7, every: 14 d, times: 4, window: ±1 d", f"due: day 7, every: {every}, times: 4")
    found = forecast(read(text), site(clinic=ALWAYS, punctuality=Punctuality(0.0, 1.0)), 1, 1)
    assert told(found, "check")["missed"] == 0


def test_who_comes_when_the_next_is_due_has_missed_it() -> None:
    """Two days late for what is due every other day, or at the weekend; a closed day alone makes nobody miss it."""
    line = Script(read(TRIAL.replace("every: 14 d, times: 4, window: ±1 d", "every: 2 d, times: 4")), "a").of("check")[
        0
    ]
    assert come_on(ALWAYS, line, MONDAY, MONDAY, MONDAY, 1) == MONDAY + 1
    assert come_on(ALWAYS, line, MONDAY, MONDAY, MONDAY, 2) is None
    assert come_on(Clinic(), line, MONDAY + 4, MONDAY + 4, MONDAY + 4, 1) is None
    assert come_on(Clinic(), line, MONDAY + 5, MONDAY + 5, MONDAY + 5, 0) == MONDAY + 7


def test_an_activity_said_to_be_on_the_ward_is_never_late() -> None:
    """It takes place on its day, open or not."""
    late = Punctuality(0.0, 9.0)
    on_ward = Site(5, 30, MONDAY, Clinic(), late, frozenset({"check"}), leaves=0.0)
    assert told(forecast(read(), on_ward, 1, 1), "check")["outside"] == 0
    assert told(forecast(read(), site(5, 30, punctuality=late), 1, 1), "check")["outside"] > 50


# --- work ---------------------------------------------------------------------------------------------------------


def test_the_work_of_a_week_is_counted_by_hand() -> None:
    """One participant who begins on a Monday: three infusions, four checks, a ward, a call, a last visit."""
    found = forecast(read(), site(clinic=ALWAYS), 2, 1)
    weeks = {row["week"]: row for row in found.weeks.iter_rows(named=True)}
    assert {n: row["attendances"] for n, row in weeks.items()} == {
        1: 4, 2: 1, 3: 2, 4: 1, 5: 1, 6: 1, 7: 0, 8: 1, 9: 1,
    }  # fmt: skip
    assert [n for n, row in weeks.items() if row["infusions"]] == [1, 3, 5]
    assert weeks[1]["doses"] == 5
    assert weeks[3]["visits"] == 1
    assert weeks[2]["begins"] == written(MONDAY + 7)


def test_more_participants_are_more_work() -> None:
    """All of ten begin on the same day: ten times the work of one, in every run."""
    one, ten = (forecast(read(), site(n, clinic=ALWAYS), 2, 1).weeks for n in (1, 10))
    assert ten["attendances"].to_list() == [10 * number for number in one["attendances"]]
    assert ten["attendances_most"].to_list() == ten["attendances"].to_list()


def test_the_same_seed_gives_the_same_forecast() -> None:
    """And another one another."""
    late = site(8, 60, punctuality=Punctuality(0.7, 3.0))
    first, again, other = (forecast(read(), late, 2, seed) for seed in (1, 1, 2))
    assert all(getattr(first, name).equals(getattr(again, name)) for name in TABLES)
    assert not first.activities.equals(other.activities)


# --- wider windows ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("activity", "wider"), [("check", "±2 d"), ("check", "-1 d to +2 d"), ("call", "-1 d to +3 d")]
)
def test_what_a_wider_window_saves_is_what_the_wider_protocol_shows(activity: str, wider: str) -> None:
    """The number that remains outside is that of a forecast by the protocol with that window."""
    uses = site(40, 60, punctuality=Punctuality(0.6, 2.0))
    before = forecast(read(), uses, 2, 5)
    line = before.changes.filter((pl.col("activity") == activity) & (pl.col("wider") == wider)).row(0, named=True)
    widened = read()
    visit = widened.visits[activity].model_copy(update={"window": type(widened.visits[activity].window).parse(wider)})
    after = forecast(widened.model_copy(update={"visits": widened.visits | {activity: visit}}), uses, 2, 5)

    def outside(found: Forecast) -> float:
        row = found.activities.row(by_predicate=pl.col("activity") == activity, named=True)
        return row["outside"] * row["planned"]

    assert line["outside"] == pytest.approx(outside(before))
    assert line["after"] == pytest.approx(outside(after))
    assert line["saved"] == pytest.approx(line["outside"] - line["after"])
    assert line["saved"] > 0


def test_the_change_that_saves_most_for_each_day_stands_first() -> None:
    """Two days that save twice as much are no better than one."""
    changes = forecast(read(), site(40, 60, punctuality=Punctuality(0.6, 2.0)), 2, 5).changes
    each = (changes["saved"] / changes["added"]).to_list()
    assert each == sorted(each, reverse=True)
    assert len(each) > 3


# --- the verb -----------------------------------------------------------------------------------------------------


def run(*arguments: str) -> Result:
    """What the command prints."""
    few = ("--from", "2025-01-06", "--participants", "4", "--runs", "2", "-q")
    return CliRunner().invoke(app, ["plan", *arguments, *few], prog_name="perprotocol")


@pytest.mark.parametrize(
    ("table", "schema"), [("weeks", WEEKS), ("activities", ACTIVITIES), ("weekdays", WEEKDAYS), ("changes", CHANGES)]
)
def test_each_table_is_an_array_of_flat_objects(table: str, schema: dict[str, object]) -> None:
    """With its fields in order."""
    shown = run("uc-msc-saa", "--table", table, "--format", "json", "--on-time", "50")
    assert shown.exit_code == 0, shown.output
    assert list(json.loads(shown.stdout)[0]) == list(schema)


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("format", ["table", "markdown", "html"])
def test_people_read_it_in_their_language(format: str, lang: str) -> None:
    """Answers first, what it rests on last; the page has its picture and asks for nothing from elsewhere."""
    shown = run("lzzt", "--format", format, "--lang", lang)
    assert shown.exit_code == 0, shown.output
    words = Words(lang)
    for key in ("activities", "weekdays", "weeks"):
        assert words(key) in shown.stdout
    if format == "html":
        assert shown.stdout.count("<svg") == 1
        assert not re.search(r"(src|href)=\"(?!#)", shown.stdout)


def test_the_picture_is_a_file_of_its_own(tmp_path: Path) -> None:
    """Well formed, a column for every week and a bar for every activity."""
    path = tmp_path / "plan.svg"
    assert run("uc-msc-saa", "--figure", str(path), "--lang", "zh").exit_code == 0
    texts = [node.text for node in ElementTree.parse(path).iter("{http://www.w3.org/2000/svg}text")]
    assert "每周到访次数" in texts
    assert "脐带间充质干细胞" in texts


def test_closed_days_come_from_the_study_folder(tmp_path: Path) -> None:
    """Of its site, else of all sites, else the weekend; what is typed in goes before."""
    (tmp_path / "subjects.csv").write_text("subject\n1\n", "utf-8")
    (tmp_path / "study.yaml").write_text("closed: friday, saturday\nclosed 02: sunday\n", "utf-8")
    for arguments, said in (
        ((str(tmp_path),), "Friday, Saturday"),
        ((str(tmp_path), "--site", "02"), "Sunday;"),
        ((str(tmp_path), "--site", "03"), "Friday, Saturday"),
        ((str(tmp_path), "--closed", "monday, 2025-01-08 to 2025-01-09"), "Monday, 2025-01-08, 2025-01-09"),
        ((), "Saturday, Sunday"),
        (("--closed", ""), "no day"),
    ):
        shown = " ".join(run("lzzt", *arguments).stdout.split())
        assert f"closed on {said}" in shown, arguments


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--closed", "weekend"), "neither a weekday nor a date"),
        (("--closed", "monday, tuesday, wednesday, thursday, friday, saturday, sunday"), "leave one open"),
        (("--over", "12 h"), "write it as '52 wk'"),
        (("--over", "a year"), "--over"),
        (("--ward", "atgg"), "is nothing that uc-msc-saa plans"),
        (("--on-time", "120"), "--on-time"),
        (("--delay", "0.5"), "--delay"),
        ((str(EXAMPLE / "none"),), "is not there"),
    ],
)
def test_what_cannot_be_used_is_said(arguments: tuple[str, ...], said: str) -> None:
    """Exit status 2, the option, and what to write."""
    shown = run("uc-msc-saa", *arguments)
    assert shown.exit_code == 2
    assert said in " ".join(shown.stderr.replace("│", " ").split())


def test_both_languages_have_the_same_words() -> None:
    """Every phrase, value and heading, with the same places to fill in."""
    english, chinese = (read_texts("perprotocol.planning")[lang] for lang in ("en", "zh"))
    assert english.keys() == chinese.keys()
    for key, text in english.items():
        if isinstance(text, dict):
            assert text.keys() == chinese[key].keys(), key
        else:
            assert sorted(set(re.findall(r"\{\w*\}", text))) == sorted(set(re.findall(r"\{\w*\}", chinese[key]))), key
    assert {*WEEKS, *ACTIVITIES, *WEEKDAYS, *CHANGES} <= english["columns"].keys()


def test_a_picture_escapes_what_a_protocol_calls_things() -> None:
    """A title with markup stays a text."""
    text = TRIAL.replace("check: {", "check: {title: <script>, ")
    assert "<script>" not in draw_forecast(forecast(read(text), site(), 1, 1), Words("en"))
