"""Hours: windows and intervals by the clock, zones and clock changes, windows in proportion to the time."""

from __future__ import annotations

from datetime import datetime

import pytest

from protocol import Protocol, ScalarError
from protocol.timing import Window
from rules import Report, audit, from_frames, schedule
from rules.plan import compile_plan
from tests.test_schedule import AFTER_ALL, Row, protocol_of

SECOND = "treatments: {one: {dose: 1 mg, due: day 0, window: ±1 d}, two: {dose: 1 mg, %s}}"


def report_of(protocol: Protocol, doses: list[Row], zone: str = "", **tables: list[Row]) -> Report:
    """The audit of one participant."""
    rows = [{"subject": "1", "amount": 1, "unit": "mg"} | dose for dose in doses]
    more = {name: [{"subject": "1"} | row for row in part] for name, part in tables.items()}
    zero = str(rows[0]["start"])[:10]
    who = [{"subject": "1", "arm": "active", "day_zero": zero, "site": "01"}]
    study = from_frames("hours", {"subjects": who, "administrations": rows, **more}, time_zone=zone)
    return audit(protocol, study, as_of=AFTER_ALL)


def importance(text: str, doses: list[Row]) -> list[str]:
    """How important what is found is."""
    return report_of(protocol_of(text), doses).findings["importance"].to_list()


def codes(protocol: Protocol, doses: list[Row], zone: str = "", **tables: list[Row]) -> list[str]:
    """Codes of what is found and asked, but for records and tolerances that are missing."""
    report = report_of(protocol, doses, zone, **tables)
    found = [*report.findings["code"], *report.queries["code"]]
    return [code for code in found if code not in ("dose_no_record", "tolerance")]


def pair(first: str, second: str) -> list[Row]:
    """A first and a second dose."""
    return [{"treatment": "one", "start": first}, {"treatment": "two", "start": second}]


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        ("2024-03-01 17:59", ["dose_early"]),
        ("2024-03-01 18:00", []),
        ("2024-03-02 10:00", []),
        ("2024-03-02 10:01", ["dose_late"]),
        ("2024-03-01", ["time"]),
        ("2024-03-02", ["time"]),
        ("2024-03-03", ["dose_late"]),
    ],
)
def test_eight_to_twenty_four_hours_after_the_first_infusion(second: str, expected: list[str]) -> None:
    """Two recorded times decide; without one only what no time could change."""
    protocol = protocol_of(SECOND % "due: within 8 h to 24 h after one 1")
    assert codes(protocol, pair("2024-03-01 10:00", second)) == expected


@pytest.mark.parametrize(
    ("criterion", "expected"),
    [
        ("from 5 min", "important"),
        ("above 5 min", "not important"),
        ("from 20 min", "not important"),
        ("above 4 min", "important"),
        ("below 5 min", "not important"),
        ("below 6 min", "important"),
    ],
)
def test_a_criterion_in_minutes_is_met_by_exactly_as_many(criterion: str, expected: str) -> None:
    """Five minutes late are five minutes, though a twelfth of an hour has no end as days."""
    late = SECOND % "due: within 8 h to 24 h after one 1" + f"\nimportance: {{dose_late: important {criterion}}}\n"
    assert importance(late, pair("2024-03-01 10:00", "2024-03-02 10:05")) == [expected]


@pytest.mark.parametrize(("criterion", "expected"), [("from 20 min", "important"), ("above 20 min", "not important")])
def test_twenty_minutes_are_not_more_than_twenty(criterion: str, expected: str) -> None:
    """What rounds up as days is no more for it."""
    late = SECOND % "due: within 8 h to 24 h after one 1" + f"\nimportance: {{dose_late: important {criterion}}}\n"
    assert importance(late, pair("2024-03-01 10:00", "2024-03-02 10:20")) == [expected]


def test_without_the_time_that_hours_count_from_that_time_is_asked() -> None:
    """It is the first infusion's time that is missing, not the second's."""
    protocol = protocol_of(SECOND % "due: within 8 h to 24 h after one 1")
    assert codes(protocol, pair("2024-03-01", "2024-03-01 23:00")) == ["anchor-time"]
    assert codes(protocol, pair("2024-03-01", "2024-03-02 09:00")) == ["anchor-time"]
    assert codes(protocol, pair("2024-03-01", "2024-03-04 09:00")) == ["dose_late"]


@pytest.mark.parametrize(("second", "expected"), [("09:39", ["interval_too_short"]), ("09:40", []), ("", ["time"])])
def test_an_interval_in_hours_is_hours(second: str, expected: list[str]) -> None:
    """24 h is not a day: to the minute, and across midnight."""
    body = "treatments: {drug: {dose: 1 mg, due: days 0 to 1, window: ±0 d, limits: [{from: previous, opens: 24 h}]}}"
    doses = [{"treatment": "drug", "start": "2024-03-01 09:40"}, {"treatment": "drug", "start": f"2024-03-02 {second}"}]
    assert codes(protocol_of(body), [dose | {"start": str(dose["start"]).strip()} for dose in doses]) == expected


def test_an_interval_in_days_counts_days() -> None:
    """Monday 15:00 and Thursday 09:00 are 66 hours and three days."""
    body = "treatments: {drug: {dose: 1 mg, due: [day 0, day 3], window: ±1 d, limits: [{from: previous, opens: 3 d}]}}"
    doses = [{"treatment": "drug", "start": at} for at in ("2024-03-04 15:00", "2024-03-07 09:00")]
    assert codes(protocol_of(body), doses) == []


def test_the_message_says_hours_and_minutes() -> None:
    """Not a part of a day."""
    protocol = protocol_of(SECOND % "due: within 8 h to 24 h after one 1")
    rows = [{"subject": "1", "amount": 1, "unit": "mg"} | d for d in pair("2024-03-01 10:00", "2024-03-02 12:10")]
    who = [{"subject": "1", "arm": "active", "day_zero": "2024-03-01"}]
    report = audit(protocol, from_frames("h", {"subjects": who, "administrations": rows}), as_of=AFTER_ALL)
    assert "2 h 10 min after its window" in report.findings["message"][0]


# --- zones and clock changes --------------------------------------------------------------------------------------

DAILY = protocol_of(
    "treatments: {drug: {dose: 1 mg, due: days 0 to 1, window: ±0 d, limits: [{from: previous, opens: 24 h}]}}"
)


@pytest.mark.parametrize(
    ("zone", "first", "second", "expected"),
    [
        ("", "2024-03-30 10:00", "2024-03-31 10:00", []),
        ("Europe/Paris", "2024-03-30 10:00", "2024-03-31 10:00", ["interval_too_short"]),
        ("Europe/Paris", "2024-03-30 10:00", "2024-03-31 11:00", []),
        ("Europe/Paris", "2024-10-26 10:00", "2024-10-27 09:00", []),
        ("Asia/Shanghai", "2024-03-30 10:00", "2024-03-31 10:00", []),
    ],
)
def test_hours_are_elapsed_hours_when_the_clocks_change(
    zone: str, first: str, second: str, expected: list[str]
) -> None:
    """In spring the same clock time a day later is 23 hours later, in autumn 25."""
    assert (
        codes(DAILY, [{"treatment": "drug", "start": first}, {"treatment": "drug", "start": second}], zone) == expected
    )


def test_a_clock_change_never_moves_a_window_of_whole_days() -> None:
    """Whatever the clocks do, a day is a day."""
    protocol = protocol_of("treatments: {drug: {dose: 1 mg, due: days 0 to 1, window: ±0 d}}")
    doses = [{"treatment": "drug", "start": at} for at in ("2024-03-30 23:59", "2024-03-31 00:01")]
    assert codes(protocol, doses, "Europe/Paris") == []


def test_after_a_transfer_the_zone_is_the_new_site_s() -> None:
    """From the day of the transfer on; 24 hours between two zones are counted in one."""
    sites = [
        {"site": "01", "from": "2024-01-01", "time_zone": "Asia/Shanghai"},
        {"site": "02", "from": "2024-03-02", "time_zone": "Europe/Paris"},
    ]
    at = [{"treatment": "drug", "start": start} for start in ("2024-03-01 10:00", "2024-03-02 04:00")]
    assert codes(DAILY, at, sites=sites) == []
    at[1]["start"] = "2024-03-02 02:59"
    assert codes(DAILY, at, sites=sites) == ["interval_too_short"]


def test_a_time_with_its_own_offset_is_that_moment() -> None:
    """Written in another zone it is the same moment."""
    moment = datetime.fromisoformat("2024-03-31T10:00+02:00").isoformat()
    at = [{"treatment": "drug", "start": "2024-03-30 10:00"}, {"treatment": "drug", "start": moment}]
    assert codes(DAILY, at, "Europe/Paris") == ["interval_too_short"]


# --- in proportion ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("window", "minutes", "ends"),
    [
        ("±10 % or 30 min whichever is less", 30, (-3, 3)),
        ("±10 % or 30 min whichever is less", 480, (-30, 30)),
        ("±10 % or 30 min whichever is less", 300, (-30, 30)),
        ("±10 % or 30 min whichever is more", 480, (-48, 48)),
        ("±10 percent", 480, (-48, 48)),
        ("±20 min", 480, (-20, 20)),
    ],
)
def test_a_window_in_proportion_to_the_time(window: str, minutes: int, ends: tuple[int, int]) -> None:
    """S34: three minutes at half an hour, thirty at eight hours and not forty-eight."""
    assert Window.parse(window).around(minutes) == ends


@pytest.mark.parametrize("text", ["±10 % or 3 d whichever is less", "±10 % or 30 min", "10 %"])
def test_a_proportion_that_says_too_little_is_refused(text: str) -> None:
    """Whole days, no word for which, no sign."""
    with pytest.raises(ScalarError):
        Window.parse(text)


@pytest.mark.parametrize(
    ("second", "expected"), [("10:26", ["dose_early"]), ("10:27", []), ("10:33", []), ("10:34", ["dose_late"])]
)
def test_a_proportional_window_judges_doses(second: str, expected: list[str]) -> None:
    """Half an hour after the first, three minutes either way."""
    protocol = protocol_of(SECOND % 'due: 30 min after one 1, window: "±10 % or 30 min whichever is less"')
    assert codes(protocol, pair("2024-03-01 10:00", f"2024-03-01 {second}")) == expected


def test_the_calendar_shows_the_clock_times() -> None:
    """Due, from and until in the site's own time; whole days have none."""
    who = [{"subject": "1", "arm": "active", "day_zero": "2024-03-30"}]
    doses = [{"subject": "1", "amount": 1, "unit": "mg", "treatment": "one", "start": "2024-03-30 18:00"}]
    study = from_frames("hours", {"subjects": who, "administrations": doses}, time_zone="Europe/Paris")
    table = schedule(protocol_of(SECOND % "due: within 8 h to 24 h after one 1"), study, as_of=AFTER_ALL)
    [two] = table.filter(table["activity"] == "two").iter_rows(named=True)
    assert [str(two[name]) for name in ("due", "opens", "closes")] == ["2024-03-31", "2024-03-31", "2024-03-31"]
    assert [two[name] for name in ("due_time", "opens_time", "closes_time")] == ["03:00", "03:00", "19:00"]
    assert table.filter(table["activity"] == "one")["due_time"].to_list() == [None]


@pytest.mark.parametrize(("second", "expected"), [("2024-03-05 20:00", []), ("2024-03-06 09:00", ["dose_late"])])
def test_a_delay_that_the_protocol_orders_moves_a_window_in_hours_by_days(second: str, expected: list[str]) -> None:
    """Due eight hours after the first, delayed by fever until the fifth: that day is right, the next one late."""
    protocol = protocol_of(
        "measures: {temperature: {unit: Cel}}\n"
        + SECOND % "due: 8 h after one 1, window: ±30 min"
        + "\nmodifications: {fever: {if: temperature > 38.5 Cel, then: delay two, until: temperature < 37.5 Cel}}"
    )
    fever = [
        {"measure": "temperature", "value": value, "unit": "Cel", "at": at}
        for value, at in (("39", "2024-03-01 12:00"), ("37", "2024-03-05 08:00"))
    ]
    assert codes(protocol, pair("2024-03-01 10:00", second), observations=fever) == expected


# --- what accompanies a dose ---------------------------------------------------------------------------------------

INFUSIONS = protocol_of(
    "treatments: {atg: {dose: 1 mg, due: days 0 to 1, window: ±1 d},"
    " steroid: {dose: 1 mg, due: within 2 h before each atg}}"
)


def infusions(*pairs_of: tuple[str, str]) -> list[str]:
    """Each infusion with its premedication."""
    rows = [{"treatment": "atg", "start": atg} for atg, _ in pairs_of]
    return codes(INFUSIONS, rows + [{"treatment": "steroid", "start": steroid} for _, steroid in pairs_of])


@pytest.mark.parametrize(
    ("steroid", "expected"),
    [
        ("2024-03-01 07:59", ["dose_early"]),
        ("2024-03-01 08:00", []),
        ("2024-03-01 10:00", []),
        ("2024-03-01 10:01", ["dose_late"]),
        ("2024-03-01", ["hour"]),
    ],
)
def test_premedication_is_judged_by_the_clock_of_its_own_infusion(steroid: str, expected: list[str]) -> None:
    """Too early, in time, after the infusion began, and without a time."""
    assert infusions(("2024-03-01 10:00", steroid)) == expected


def test_premedication_may_be_given_before_midnight() -> None:
    """Half past eleven is in time for an infusion at one."""
    assert infusions(("2024-03-01 01:00", "2024-02-29 23:30")) == []


def test_premedication_without_hours_is_one_question_and_never_one_a_dose() -> None:
    """Two infusions, no time recorded of any."""
    assert infusions(("2024-03-01", "2024-03-01"), ("2024-03-02", "2024-03-02")) == ["hour"]


# --- twice a day ---------------------------------------------------------------------------------------------------

TWICE = protocol_of(
    "milestones: {day-zero: start of drug 1}\n"
    "treatments: {drug: {dose: 1 mg, due: [day-zero, 12 h after day-zero], every: 1 d, times: 6, window: ±2 h}}"
)
SIX = [f"2024-03-0{day} {hour}:00" for day in (1, 2, 3) for hour in ("08", "20")]


@pytest.mark.parametrize(
    ("starts", "expected"),
    [
        (SIX, []),
        ([*SIX[:3], "2024-03-03 00:30", *SIX[4:]], ["dose_late"]),
        ([*SIX[:2], *SIX[3:]], []),
    ],
)
def test_a_dose_after_midnight_does_not_use_up_the_next_day_s(starts: list[str], expected: list[str]) -> None:
    """Every twelve hours: as planned; one that slipped past midnight; one that is missing, which the clock
    tells and days do not.
    """
    assert codes(TWICE, [{"treatment": "drug", "start": start} for start in starts]) == expected


TWICE_APART = protocol_of(
    "milestones: {day-zero: start of drug 1}\n"
    "treatments: {drug: {dose: 1 mg, due: [day-zero, 12 h after day-zero], every: 1 d, times: 6, window: ±2 h,"
    " limits: [{from: previous, opens: 8 h}]}}"
)


@pytest.mark.parametrize(
    ("starts", "expected"),
    [
        (["08:00", "20:00", "13:00", "20:00", "08:00", "20:00"], [("dose_late", 3), ("interval_too_short", 4)]),
        (["08:00", "20:00", "12:00", "20:00", "08:00", "20:00"], [("dose_late", 3)]),
        (["08:00", "20:00", "", "20:00", "08:00", "20:00"], [("dose_no_record", 3)]),
        (["08:00", "20:00", "08:00", "", "08:00", "20:00"], [("dose_no_record", 4)]),
        (["08:00", "20:00", "10:00", "22:00", "10:01", "20:00"], [("dose_late", 5)]),
        (["08:00", "20:00", "08:00", "18:00", "08:00", "17:59"], [("dose_early", 6)]),
        (["08:00", "20:00", "08:00 14:00", "20:00", "08:00", "20:00"], [("unplanned_dose", None)]),
        (["08:00", "20:00", "", "19:00", "08:00", "20:00"], [("dose_no_record", 3)]),
    ],
)
def test_of_two_doses_of_a_day_the_clock_tells_which_is_which(
    starts: list[str], expected: list[tuple[str, int | None]]
) -> None:
    """Late, too near, missing in the morning or the evening, at the limits of the window, and a third of a day."""
    times = [f"2024-03-0{1 + n // 2} {time}" for n, day in enumerate(starts) for time in day.split()]
    rows = [{"subject": "1", "treatment": "drug", "amount": 1, "unit": "mg", "start": start} for start in times]
    who = [{"subject": "1", "arm": "active", "day_zero": "2024-03-01"}]
    report = audit(TWICE_APART, from_frames("hours", {"subjects": who, "administrations": rows}), as_of=AFTER_ALL)
    found = [*report.findings.select("code", "occurrence").rows(), *report.queries.select("code", "occurrence").rows()]
    assert sorted(f for f in found if f[0] != "tolerance") == sorted(expected)


def test_one_time_that_is_not_known_leaves_identity_to_the_days() -> None:
    """Five of six doses, one of them without a time: nobody can tell which of its day is missing."""
    starts = [*SIX[:2], "2024-03-02", *SIX[4:]]
    assert "identity_untold" in codes(TWICE, [{"treatment": "drug", "start": start} for start in starts])


# --- visits -------------------------------------------------------------------------------------------------------


def sampled(body: str, at: str) -> list[str]:
    """A sample after an infusion at ten o'clock."""
    protocol = protocol_of(f"treatments: {{one: {{dose: 1 mg, due: day 0, window: ±1 d}}}}\nvisits: {{pk: {{{body}}}}}")
    assert ("visits.pk", "hours") not in compile_plan(protocol).not_judged
    return codes(protocol, pair("2024-03-01 10:00", "")[:1], visits=[{"visit": "pk", "date": at}])


LESS = 'due: 30 min after one 1, window: "±10 % or 30 min whichever is less"'
LONGER = 'due: 8 h after one 1, window: "±10 % or 30 min whichever is longer"'


@pytest.mark.parametrize(
    ("body", "at", "expected"),
    [
        (LESS, "2024-03-01 10:25", ["visit_out_of_window"]),
        (LESS, "2024-03-01 10:27", []),
        (LESS, "2024-03-01 10:33", []),
        (LESS, "2024-03-01 10:34", ["visit_out_of_window"]),
        (LESS, "2024-03-01", ["time"]),
        (LESS.replace("30 min after", "8 h after"), "2024-03-01 18:30", []),
        (LESS.replace("30 min after", "8 h after"), "2024-03-01 18:31", ["visit_out_of_window"]),
        (LONGER, "2024-03-01 18:48", []),
        (LONGER, "2024-03-01 18:49", ["visit_out_of_window"]),
    ],
)
def test_a_sample_is_judged_by_the_clock(body: str, at: str, expected: list[str]) -> None:
    """S34: three minutes at half an hour, thirty at eight hours and not forty-eight unless the longer counts."""
    assert sampled(body, at) == expected


def test_each_of_two_infusions_of_one_day_has_its_own_end() -> None:
    """The second ran past midnight, and so its sample was due on the day after."""
    protocol = protocol_of(
        "treatments: {one: {dose: 1 mg, due: [day 0, day 0], window: ±1 d}}\n"
        "assessments: {level: {due: within 15 min to 1 h after end of each one}}"
    )
    doses = [
        {"treatment": "one", "start": "2024-03-01 10:00", "end": "2024-03-01 15:00", "occurrence": 1},
        {"treatment": "one", "start": "2024-03-01 22:00", "end": "2024-03-02 04:00", "occurrence": 2},
    ]
    taken = {"measure": "level", "value": "1"}
    both = [taken | {"at": "2024-03-01 15:30"}, taken | {"at": "2024-03-02 04:30"}]
    assert codes(protocol, doses, observations=both) == []
    assert codes(protocol, doses, observations=both[1:]) == ["assessment_no_record"]
    assert codes(protocol, doses, observations=[both[0] | {"value": "not done"}, both[1]]) == ["assessment_missed"]
