"""Working days: the days on which the site is not closed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import polars as pl
import pytest

from protocol import Protocol, ScalarError
from protocol.timing import Duration, Moment, Window
from rules import Report, audit, from_frames
from tests.test_schedule import AFTER_ALL, protocol_of

FRIDAY = date(2024, 3, 1)
WEEKEND = {"closed": "saturday, sunday"}


def results(body: str) -> Protocol:
    """A visit that is counted in working days from day zero, a Friday."""
    return protocol_of(f"treatments: {{drug: {{dose: 1 mg}}}}\nvisits: {{results: {{{body}}}}}")


def judged(protocol: Protocol, on: str, closed: dict[str, str], site: str = "01", zero: date = FRIDAY) -> Report:
    """An audit of one visit."""
    who = [{"subject": "1", "arm": "active", "day_zero": zero, "site": site}]
    visits = [{"subject": "1", "visit": "results", "date": on}]
    study = replace(from_frames("wd", {"subjects": who, "visits": visits}), settings=closed)
    return audit(protocol, study, as_of=AFTER_ALL)


def codes(report: Report) -> list[str]:
    """What is found and asked."""
    return [*report.findings["code"], *report.queries["code"]]


AFTER = results("due: 3 wd after day-zero, window: ±1 wd")


@pytest.mark.parametrize(
    ("on", "late"),
    [("2024-03-04", True), ("2024-03-05", False), ("2024-03-07", False), ("2024-03-08", True)],
)
def test_three_working_days_after_a_friday(on: str, late: bool) -> None:
    """It is the Wednesday, and a working day either way: Tuesday to Thursday."""
    assert codes(judged(AFTER, on, WEEKEND)) == (["visit_out_of_window"] if late else [])


@pytest.mark.parametrize(("on", "late"), [("2024-03-11", False), ("2024-03-12", True)])
def test_a_holiday_is_no_working_day(on: str, late: bool) -> None:
    """With Monday and Tuesday closed the third is Friday, and the window reaches over the weekend to Monday."""
    closed = {"closed": "saturday, sunday, 2024-03-04 to 2024-03-05"}
    assert codes(judged(AFTER, on, closed)) == (["visit_out_of_window"] if late else [])


def test_the_calendar_is_the_site_s_own() -> None:
    """A site with a calendar of its own does not share the others'."""
    closed = WEEKEND | {"closed 02": "friday, saturday"}
    assert codes(judged(AFTER, "2024-03-07", closed)) == []
    assert codes(judged(AFTER, "2024-03-07", closed, site="02")) == ["visit_out_of_window"]


@pytest.mark.parametrize(("zero", "due"), [("2024-03-02", "2024-03-04"), ("2024-03-03", "2024-03-04")])
def test_from_a_closed_day_the_first_working_day_is_the_next_open_one(zero: str, due: str) -> None:
    """From Saturday and from Sunday it is Monday."""
    protocol = results("due: 1 wd after day-zero, window: ±0 d")
    assert codes(judged(protocol, due, WEEKEND, zero=date.fromisoformat(zero))) == []


def test_working_days_before_a_day_are_counted_backwards() -> None:
    """Two before a Monday are the Thursday; within three are Wednesday to Monday."""
    monday = date(2024, 3, 4)
    two = results("due: 2 wd before day-zero, window: ±0 d")
    assert codes(judged(two, "2024-02-29", WEEKEND, zero=monday)) == []
    assert codes(judged(two, "2024-03-01", WEEKEND, zero=monday)) == ["visit_out_of_window"]
    three = results("due: within 3 wd before day-zero")
    found = [codes(judged(three, day, WEEKEND, zero=monday)) for day in ("2024-02-28", "2024-02-27", "2024-03-04")]
    assert found == [[], ["visit_out_of_window"], []]


def test_without_closed_days_working_days_are_asked_for_once() -> None:
    """Nobody guesses the weekend."""
    report = judged(AFTER, "2024-03-06", {})
    assert codes(report) == ["working-days"]
    assert codes(judged(results("due: day 4, window: ±1 wd"), "2024-03-05", {})) == ["working-days"]
    drug = protocol_of(
        "treatments: {drug: {dose: 1 mg, due: [1 wd after day-zero, 8 wd after day-zero], window: ±0 d}}"
    )
    who = [{"subject": s, "arm": "active", "day_zero": FRIDAY} for s in "12"]
    rows = [
        {"subject": s, "treatment": "drug", "start": FRIDAY + timedelta(days=n), "amount": 1, "unit": "mg"}
        for s in "12"
        for n in (3, 12)
    ]
    study = from_frames("wd", {"subjects": who, "administrations": rows})
    asked = audit(drug, study, as_of=AFTER_ALL)
    assert [code for code in codes(asked) if code != "tolerance"] == ["working-days"]
    told = audit(drug, replace(study, settings=WEEKEND), as_of=AFTER_ALL)
    assert [code for code in codes(told) if code != "tolerance"] == []


@pytest.mark.parametrize(("on", "found"), [(5, ["interval_too_short"]), (6, [])])
def test_an_interval_in_working_days(on: int, found: list[str]) -> None:
    """Four working days after a Friday are the next Thursday."""
    body = "due: [day 0, day 6], window: ±3 d, limits: [{from: previous, opens: 4 wd}]"
    protocol = protocol_of(f"treatments: {{drug: {{dose: {{amount: 1 mg, tolerance: ±5 %}}, {body}}}}}")
    rows = [
        {"subject": "1", "treatment": "drug", "start": FRIDAY + timedelta(days=n), "amount": 1, "unit": "mg"}
        for n in (0, on)
    ]
    who = [{"subject": "1", "arm": "active", "day_zero": FRIDAY}]
    study = replace(from_frames("wd", {"subjects": who, "administrations": rows}), settings=WEEKEND)
    report = audit(protocol, study, as_of=AFTER_ALL)
    assert codes(report) == found
    assert not len(report.findings) or report.findings.select(pl.col("measure")).item() == 1


@pytest.mark.parametrize("text", ["3 wd + 1 d", "1.5 wd"])
def test_what_is_no_number_of_working_days_is_refused(text: str) -> None:
    """Whole ones, alone."""
    with pytest.raises(ScalarError):
        Window.parse(f"±{text}")


def test_working_days_are_no_days() -> None:
    """They are read in moments and windows, and refused as a plain duration."""
    with pytest.raises(ScalarError, match="only whole days are counted"):
        Duration.parse("3 wd")
    assert (Window.parse("-1 wd to +2 wd").low.working, Window.parse("+2 wd").high.working) == (-1, 2)
    assert (
        Moment.parse("3 wd before day-zero").alternatives[0].offset
        == -Moment.parse("3 wd after day-zero").alternatives[0].offset
    )  # type: ignore[operator]
