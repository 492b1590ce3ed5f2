"""The calendar: what is due when, within which window, before and after something is recorded."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from dateutil.relativedelta import relativedelta
from hypothesis import example, given, settings
from hypothesis import strategies as st

from perprotocol.simulation.days import move, number, written
from perprotocol.simulation.patient import Planned
from perprotocol.simulation.tables import frames_of, tables_of
from protocol import Protocol, read_text
from rules import audit, from_frames, schedule
from tests.trials import PLAIN, QUICK, cast, trial

ZERO = date(2024, 3, 1)
AFTER_ALL = date(2031, 1, 1)
Row = dict[str, Any]


def protocol_of(body: str, first_day: str = "0", months: str = "clamp") -> Protocol:
    """A protocol of one arm with these blocks."""
    return read_text(
        f"""
protocol: calendar
version: 1
first_day: {first_day}
months: {months}
source: team
basis: assumed
sources: {{team: a protocol for tests}}
arms: {{active: everybody}}
{body}
""",
        "calendar",
    )


def calendar(
    protocol: Protocol, zero: date | None = ZERO, as_of: date = AFTER_ALL, **tables: list[Row]
) -> pl.DataFrame:
    """The calendar of one participant with these records."""
    who = {"subject": "1", "arm": "active", "day_zero": zero}
    rows = {name: [{"subject": "1"} | row for row in part] for name, part in tables.items()}
    return schedule(protocol, from_frames("calendar", {"subjects": [who], **rows}), as_of=as_of)


def days_of(table: pl.DataFrame, activity: str, column: str = "due") -> list[int | None]:
    """Days counted from `ZERO` of each occurrence of an activity."""
    chosen = table.filter(pl.col("activity") == activity).sort("occurrence")
    return [None if day is None else (day - ZERO).days for day in chosen[column]]


def drug(body: str) -> Protocol:
    """One drug and nothing else."""
    return protocol_of(f"treatments: {{drug: {{dose: 1 mg, {body}}}}}")


def given_on(*days: int, treatment: str = "drug") -> list[Row]:
    """Doses on those days after `ZERO`."""
    return [{"treatment": treatment, "start": ZERO + timedelta(days=day), "amount": 1, "unit": "mg"} for day in days]


def visited(**days: int) -> list[Row]:
    """Visits on those days after `ZERO`."""
    return [{"visit": name.replace("_", "-"), "date": ZERO + timedelta(days=day)} for name, day in days.items()]


# --- against the simulator ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PLAIN)
@settings(QUICK, max_examples=2)
@given(seed=st.integers(0, 10_000))
def test_the_calendar_is_what_the_document_says(name: str, seed: int) -> None:
    """Due day and window of every occurrence equal those worked out from the document alone, given what happened."""
    protocol = trial(name)
    people = [cast(name).live(seed + i) for i in range(12)]
    found = schedule(protocol, from_frames("sim", frames_of(tables_of(protocol, people))), as_of=AFTER_ALL)
    judged = {key[0] for person in people for key, plan in person.planned.items() if not plan.line.course}
    rows = found.filter(pl.col("activity").is_in(judged), pl.col("status") != "not expected").select(
        "subject", "activity", "occurrence", "due", "opens", "closes"
    )
    expected = {
        (person.subject, *key, written(plan.due), *window_of(plan))
        for person in people
        for key, plan in person.planned.items()
        if not plan.line.course
    }
    assert {tuple(row) for row in rows.rows()} == expected


def window_of(plan: Planned) -> tuple[date | None, date | None]:
    """First and last day of a window, None where the protocol states none."""
    return (written(plan.opens), written(plan.closes)) if plan.windowed else (None, None)


# --- months -------------------------------------------------------------------------------------------------------

DATES = st.dates(date(1999, 1, 1), date(2026, 12, 31))


@settings(QUICK, max_examples=25)
@given(zero=DATES, every=st.integers(1, 7))
@example(zero=date(2024, 1, 31), every=1)
@example(zero=date(2024, 2, 29), every=6)
@example(zero=date(2023, 8, 31), every=6)
@pytest.mark.parametrize("months", ["clamp", "roll"])
def test_months_are_added_at_once_from_the_anchor(months: str, zero: date, every: int) -> None:
    """Occurrence k is anchor + k months: a day that a month lacks does not make the later ones earlier."""
    visits = f"visits: {{check: {{due: {every} mo after day-zero, every: {every} mo, times: 14, window: ±2 d}}}}"
    found = calendar(protocol_of(drugless(visits), months=months), zero)
    due = [zero + relativedelta(months=every * k) for k in range(1, 15)]
    if months == "roll":
        due = [day + timedelta(days=1) if day.day != zero.day else day for day in due]
    assert found["due"].to_list() == due
    assert found["opens"].to_list() == [day - timedelta(days=2) for day in due]
    assert found["closes"].to_list() == [day + timedelta(days=2) for day in due]


def drugless(body: str) -> str:
    """Blocks with a treatment that is never scheduled."""
    return f"treatments: {{rescue: {{dose: 1 mg}}}}\n{body}"


@settings(QUICK, max_examples=25)
@given(zero=DATES, months=st.integers(0, 30), days=st.integers(-20, 40))
@pytest.mark.parametrize("policy", ["clamp", "roll"])
def test_days_are_added_after_months(policy: str, zero: date, months: int, days: int) -> None:
    """`6 mo + 10 d` is ten days after six months; weeks and years are days and months."""
    sign = "+" if days >= 0 else "-"
    visits = f"visits: {{check: {{due: {months} mo {sign} {abs(days)} d after day-zero, window: ±0 d}}}}"
    if months * 30 + days < 0:
        return
    found = calendar(protocol_of(drugless(visits), months=policy), zero)
    assert found["due"].to_list() == [written(move(number(zero), months, days, policy))]


# --- moments and series -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "days"),
    [
        ("due: days 0 to 4", [0, 1, 2, 3, 4]),
        ("due: day 14", [14]),
        ("due: [day 0, day 3], every: 7 d, times: 5", [0, 3, 7, 10, 14]),
        ("due: day 14, every: 7 d, times: 3", [14, 21, 28]),
        ("due: day 0, every: 2 wk, to: day 28", [0, 14, 28]),
        ("due: day 0, every: 2 wk, before: day 28", [0, 14]),
        ("due: day 0, every: 2 wk, to: day 27", [0, 14]),
        ("due: [day 1, day 8], every: 21 d, before: day 29", [1, 8, 22]),
        ("due: days 0 to 2, every: 7 d, times: 4", [0, 1, 2, 7]),
    ],
)
def test_a_series_has_the_occurrences_that_its_words_say(body: str, days: list[int]) -> None:
    """`times` counts occurrences and not rounds; `to` includes its day and `before` does not."""
    found = calendar(drug(f"{body}, window: ±0 d"))
    assert days_of(found, "drug") == days
    assert found["occurrence"].to_list() == list(range(1, len(days) + 1))


@pytest.mark.parametrize(
    ("first_day", "numbers", "offsets"),
    [("0", [-1, 0, 1], [-1, 0, 1]), ("1", [-1, 1, 2], [-1, 0, 1]), ("1 after 0", [0, 1, 2], [-1, 0, 1])],
)
def test_days_are_numbered_as_the_protocol_numbers_them(first_day: str, numbers: list[int], offsets: list[int]) -> None:
    """The day of day zero is 0 or 1, and before day 1 comes day -1 or day 0; the calendar shows the same numbers."""
    due = ", ".join(f"day {number}" for number in numbers)
    protocol = protocol_of(f"treatments: {{drug: {{dose: 1 mg, due: [{due}], window: ±0 d}}}}", first_day)
    found = calendar(protocol)
    assert days_of(found, "drug") == offsets
    assert found["study_day"].to_list() == numbers


def test_within_is_once_anywhere_in_it() -> None:
    """The window of `within days -14 to -1` is those days, and the target the one next to day zero."""
    visits = "visits: {a: {due: within days -14 to -1}, b: {due: within 3 d to 5 d after day-zero}}"
    found = calendar(protocol_of(drugless(visits)))
    assert [days_of(found, "a", column) for column in ("due", "opens", "closes")] == [[-1], [-14], [-1]]
    assert [days_of(found, "b", column) for column in ("due", "opens", "closes")] == [[3], [3], [5]]


def test_without_a_window_there_is_none() -> None:
    """What the protocol does not state is not made up."""
    found = calendar(drug("due: day 3"))
    assert (days_of(found, "drug", "opens"), days_of(found, "drug", "closes")) == ([None], [None])


def test_without_day_zero_nothing_has_a_day() -> None:
    """The occurrences are there, and their days are open."""
    found = calendar(drug("due: days 0 to 2, window: ±1 d"), zero=None)
    assert days_of(found, "drug") == [None, None, None]
    assert found["status"].to_list() == ["upcoming"] * 3


# --- anchors ------------------------------------------------------------------------------------------------------

CHAIN = """
treatments: {drug: {dose: 1 mg, due: 7 d after second, window: ±1 d}}
visits:
  first-visit: {due: day 0, window: ±3 d}
  second: {due: 14 d after first-visit, window: ±3 d}
  fixed: {due: 28 d after planned first-visit, window: ±3 d}
"""


def test_an_activity_as_anchor_is_its_actual_day_and_before_that_its_planned_one() -> None:
    """What is counted from a visit moves with it; from a planned visit nothing moves."""
    before = calendar(protocol_of(CHAIN))
    assert [days_of(before, name) for name in ("second", "drug", "fixed")] == [[14], [21], [28]]
    one = calendar(protocol_of(CHAIN), visits=visited(first_visit=2))
    assert [days_of(one, name) for name in ("second", "drug", "fixed")] == [[16], [23], [28]]
    two = calendar(protocol_of(CHAIN), visits=visited(first_visit=2, second=15))
    assert [days_of(two, name) for name in ("second", "drug", "fixed")] == [[16], [22], [28]]


def test_a_missed_anchor_counts_from_its_planned_day() -> None:
    """A visit recorded as not done is no actual day."""
    missed = [{"visit": "first-visit", "date": ZERO + timedelta(days=2), "status": "not done"}]
    assert days_of(calendar(protocol_of(CHAIN), visits=missed), "second") == [14]


def test_each_repeats_what_is_counted_from_every_occurrence() -> None:
    """One premedication before each dose, on the day on which the dose is given."""
    body = """
treatments:
  drug: {dose: 1 mg, due: days 0 to 2, window: ±0 d}
  pre: {dose: 1 mg, due: within 2 h before each drug}
"""
    found = calendar(protocol_of(body), administrations=given_on(0, 1, 3))
    assert days_of(found, "drug") == [0, 1, 2]
    assert days_of(found, "pre") == [0, 1, 3]


def test_day_zero_is_found_by_the_event_that_defines_it() -> None:
    """The first dose is day zero, and doses later in the course count from it."""
    body = """
milestones: {day-zero: start of drug 1}
treatments: {drug: {dose: 1 mg, due: days 0 to 2, window: ±0 d}}
"""
    found = calendar(protocol_of(body), zero=None, administrations=given_on(5))
    assert days_of(found, "drug") == [5, 6, 7]


@pytest.mark.parametrize(
    ("event", "tables"),
    [
        ("screening", {"visits": visited(screening=5)}),
        ("randomisation", {"milestones": [{"milestone": "randomisation", "date": ZERO + timedelta(days=5)}]}),
        ("start of first treatment", {"administrations": given_on(5)}),
    ],
)
def test_day_zero_is_a_visit_a_milestone_or_the_first_dose_of_all(event: str, tables: dict[str, list[Row]]) -> None:
    """Whatever event the protocol names, on the day on which it took place."""
    body = f"""
milestones: {{day-zero: {event}, randomisation: {{}}}}
visits: {{screening: {{due: day 0, window: ±30 d}}}}
treatments: {{drug: {{dose: 1 mg, due: days 0 to 2, window: ±0 d}}}}
"""
    assert days_of(calendar(protocol_of(body), zero=None, **tables), "drug") == [5, 6, 7]


def test_a_dose_that_names_itself_a_later_one_is_not_day_zero() -> None:
    """The third dose alone on record: the recorded day zero counts, and without one nothing is known."""
    body = """
milestones: {day-zero: start of drug 1}
treatments: {drug: {dose: 1 mg, due: days 0 to 2, window: ±0 d}}
"""
    third = [dose | {"occurrence": "3"} for dose in given_on(2)]
    assert days_of(calendar(protocol_of(body), administrations=third), "drug") == [0, 1, 2]
    found = calendar(protocol_of(body), zero=None, administrations=third)
    assert days_of(found, "drug") == [None, None, None]


# --- late, missed, limits -----------------------------------------------------------------------------------------


def test_a_late_dose_moves_the_rest_only_where_the_protocol_says_so() -> None:
    """`keep` the grid, or `shift` the rest."""
    doses = given_on(0, 10)
    keep = calendar(drug("due: day 0, every: 7 d, times: 4, window: ±1 d, late: keep"), administrations=doses)
    shift = calendar(drug("due: day 0, every: 7 d, times: 4, window: ±1 d, late: shift"), administrations=doses)
    assert days_of(keep, "drug") == [0, 7, 14, 21]
    assert days_of(shift, "drug") == [0, 7, 17, 24]


def test_a_minimum_interval_pushes_target_and_window() -> None:
    """A limit counts from the recorded dose, and the day due is never before the limit allows it."""
    body = "due: day 0, every: 7 d, times: 3, window: ±2 d, limits: [{from: previous, opens: 6 d}]"
    found = calendar(drug(body), administrations=given_on(0, 10))
    assert days_of(found, "drug") == [0, 7, 16]
    assert days_of(found, "drug", "opens") == [-2, 6, 16]
    assert days_of(found, "drug", "closes") == [2, 9, 16]


def test_a_limit_without_a_recorded_dose_binds_nothing() -> None:
    """Before anything is given the grid stands."""
    body = "due: day 0, every: 7 d, times: 3, window: ±2 d, limits: [{from: previous, opens: 30 d}]"
    assert days_of(calendar(drug(body)), "drug") == [0, 7, 14]


def test_limits_alone_give_target_and_window() -> None:
    """The latest of the days from which, the earliest of the days up to which, and the target inside."""
    body = """
treatments:
  drug: {dose: 1 mg, due: day 0, window: ±5 d}
  other: {dose: 1 mg, due: day 1, window: ±5 d}
  boost:
    dose: 1 mg
    limits:
      - {from: drug 1, opens: 20 d, due: 30 d, closes: 60 d}
      - {from: other 1, opens: 35 d, closes: 50 d}
"""
    doses = given_on(0) + given_on(2, treatment="other")
    found = calendar(protocol_of(body), administrations=doses)
    assert [days_of(found, "boost", column) for column in ("due", "opens", "closes")] == [[37], [37], [52]]


MADE_UP = """
due: day 0, every: 28 d, times: 3, window: ±3 d, missed: make_up,
   limits: [{from: previous, valid_from: 21 d, opens: 24 d}]
"""


def test_a_dose_too_early_to_count_fills_no_occurrence_where_missed_ones_are_made_up() -> None:
    """The second dose is still due after a dose on day 10."""
    found = calendar(drug(MADE_UP.strip()), administrations=given_on(0, 10))
    assert found["status"].to_list()[0] == "done"
    assert "done" not in found["status"].to_list()[1:]


def test_the_interval_counts_from_a_dose_that_did_not_count() -> None:
    """The dose of day 10 fills nothing, yet the next is due no sooner than 24 days after it, and counts from 21."""
    body = drug(MADE_UP.strip())
    assert days_of(calendar(body, administrations=given_on(0, 10)), "drug", "opens")[1] == 34
    too_early_again = calendar(body, administrations=given_on(0, 10, 30))
    assert days_of(too_early_again, "drug", "opens")[1] == 54
    counts = calendar(body, administrations=given_on(0, 10, 31))
    assert counts["status"].to_list() == ["done", "done", "no record"]
    assert days_of(counts, "drug", "opens")[1:] == [34, 55]


# --- ends and the day of the run ----------------------------------------------------------------------------------

LONG = """
treatments: {drug: {dose: 1 mg, due: day 0, every: 7 d, times: 4, window: ±1 d}}
visits: {check: {due: day 10, every: 10 d, times: 3, window: ±1 d}}
"""


@pytest.mark.parametrize(
    ("milestone", "doses", "visits"),
    [("discontinuation", [0, 7], [10, 20, 30]), ("withdrawal", [0, 7], [10]), ("death", [0, 7], [10])],
)
def test_nothing_is_expected_after_what_ends_it(milestone: str, doses: list[int], visits: list[int]) -> None:
    """Discontinuation ends treatment, withdrawal and death everything; the day itself still belongs to it."""
    ends = [{"milestone": milestone, "date": ZERO + timedelta(days=10)}]
    found = calendar(protocol_of(LONG), milestones=ends)
    assert days_of(found, "drug") == doses
    assert days_of(found, "check") == visits


def test_the_status_follows_the_day_of_the_run() -> None:
    """Done, without a record, open, upcoming."""
    found = calendar(protocol_of(LONG), as_of=ZERO + timedelta(days=14), administrations=given_on(0))
    status = found.filter(pl.col("activity") == "drug")["status"].to_list()
    assert status == ["done", "no record", "open", "upcoming"]


def test_a_delay_that_the_protocol_orders_moves_the_day_due() -> None:
    """While the temperature is 38 or more the dose waits, and is due the day that has less."""
    body = """
measures: {temperature: {unit: Cel}}
treatments: {drug: {dose: 1 mg, due: day 7, window: ±1 d}}
modifications: {fever: {if: temperature >= 38 Cel, then: delay drug by up to 7 d, until: temperature < 38 Cel}}
"""
    values = [(6, 39), (8, 38), (10, 37)]
    seen = [{"measure": "temperature", "value": v, "unit": "Cel", "at": ZERO + timedelta(days=d)} for d, v in values]
    found = calendar(protocol_of(body), observations=seen)
    assert days_of(found, "drug") == [10]


# --- what is found on it ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("day", "code"), [(12, "dose_early"), (13, None), (15, None), (16, "dose_late")])
def test_both_ends_of_a_window_are_on_time(day: int, code: str | None) -> None:
    """The day before the first and the day after the last are not."""
    protocol = drug("due: day 14, window: ±1 d")
    who = {"subject": "1", "arm": "active", "day_zero": ZERO}
    doses = [{"subject": "1"} | row for row in given_on(day)]
    report = audit(protocol, from_frames("calendar", {"subjects": [who], "administrations": doses}), as_of=AFTER_ALL)
    assert report.findings["code"].to_list() == ([code] if code else [])
