"""At most so many doses, or days with a dose, in any span of time."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import combinations
from random import Random
from typing import Any

import polars as pl
import pytest

from protocol import Protocol
from rules import audit, from_frames
from tests.test_schedule import AFTER_ALL, protocol_of

ZERO = date(2024, 3, 1)
Row = dict[str, Any]


def rescue(quota: str) -> Protocol:
    """A drug that is given when it is needed, so often at most."""
    return protocol_of(f"treatments: {{rescue: {{dose: 1 mg, due: day 0, every: 1 d, times: 60, at_most: {quota}}}}}")


def doses(*starts: str | int) -> list[Row]:
    """Doses of one participant, on days counted from day zero or at these times."""
    days = [str(ZERO + timedelta(days=start)) if isinstance(start, int) else start for start in starts]
    return [{"subject": "1", "treatment": "rescue", "start": day, "amount": 1, "unit": "mg"} for day in days]


def judged(quota: str, rows: list[Row]) -> tuple[list[str], list[str]]:
    """The days of the doses that were too many, and the questions that the rule waits for."""
    who = [{"subject": s, "arm": "active", "day_zero": ZERO} for s in {row["subject"] for row in rows}]
    report = audit(rescue(quota), from_frames("quota", {"subjects": who, "administrations": rows}), as_of=AFTER_ALL)
    found = report.findings.filter(pl.col("code") == "too_many_in_span")
    asked = report.queries.filter(pl.col("rule").str.contains("too_many_in_span"))
    return [str(day) for day in found["date"]], sorted(asked["code"])


@pytest.mark.parametrize(("third", "too_many"), [(6, 1), (7, 0)])
def test_two_doses_in_any_seven_days(third: int, too_many: int) -> None:
    """A third on the seventh day is one too many; on the eighth the first lies outside."""
    assert [len(found) for found in judged("2 doses in any 7 d", doses(0, 3, third))] == [too_many, 0]


def test_every_span_counts_wherever_it_begins() -> None:
    """Neither the week of the calendar nor that of the first dose: days 5, 7 and 9 are three in five days."""
    assert judged("2 doses in any 7 d", doses(0, 5, 7, 9)) == (["2024-03-10"], [])


def test_several_doses_of_a_day_are_one_day() -> None:
    """Three days in any thirty: a fourth day is too many, a second dose on the third is not."""
    rows = doses(0, 10, "2024-03-21 08:00", "2024-03-21 20:00")
    assert judged("3 days in any 30 d", [*rows, *doses(30)]) == ([], [])
    assert judged("3 days in any 30 d", [*rows, *doses(29)]) == (["2024-03-30"], [])


@pytest.mark.parametrize(
    ("second", "found", "asked"),
    [("2024-03-02 09:59", 1, []), ("2024-03-02 10:00", 0, []), ("2024-03-02", 0, ["time"]), ("2024-03-03", 0, [])],
)
def test_a_span_in_hours_is_clock_time(second: str, found: int, asked: list[str]) -> None:
    """To the minute; without a time only what no time could change."""
    days, questions = judged("1 dose in any 24 h", doses("2024-03-01 10:00", second))
    assert (len(days), questions) == (found, asked)


def test_without_the_time_of_a_dose_before_that_is_asked() -> None:
    """The dose itself has its time."""
    assert judged("1 dose in any 24 h", doses("2024-03-01", "2024-03-02 09:00")) == ([], ["doses-before"])


def test_a_dose_not_given_counts_nothing_and_one_given_twice_in_the_records_counts_once() -> None:
    """Only doses count."""
    rows = doses(0, 2, 4)
    assert judged("2 doses in any 7 d", [rows[0], rows[1] | {"status": "not given", "amount": None}, rows[2]])[0] == []
    twice = [row | {"start": f"{row['start']} 09:00"} for row in (rows[0], rows[1], rows[1])]
    assert judged("2 doses in any 7 d", twice)[0] == []


def test_a_dose_that_may_not_have_been_given_leaves_it_open() -> None:
    """Whether the third is too many hangs on the second."""
    first, second, third = doses(0, 2, 4)
    unknown = second | {"status": "unknown", "amount": None}
    assert judged("2 doses in any 7 d", [first, unknown, third]) == ([], ["doses-before"])


@pytest.mark.parametrize(("last", "found", "asked"), [(7, 0, ["doses-before"]), (40, 0, [])])
def test_a_month_for_a_day_is_told_where_every_day_says_the_same(last: int, found: int, asked: list[str]) -> None:
    """In March two doses, of one only the month is known."""
    rows = doses("2024-03", 4, last)
    days, questions = judged("2 doses in any 7 d", rows)
    assert (len(days), [code for code in questions if code != "date"]) == (found, asked)


def test_two_quotas_are_one_finding() -> None:
    """The day from which both allow it."""
    assert judged("[1 dose in any 3 d, 1 dose in any 7 d]", doses(0, 1)) == (["2024-03-02"], [])


@pytest.mark.parametrize("seed", range(8))
def test_the_verdict_is_that_of_counting_in_every_span(seed: int) -> None:
    """Against the definition: a dose is too many where some span that ends with it holds more than allowed."""
    random, rows, expected = Random(seed), [], []
    count, span = random.randint(1, 3), random.randint(3, 9)
    for subject in "123":
        days = sorted(random.sample(range(40), random.randint(0, 14)))
        rows += [row | {"subject": subject} for row in doses(*days)]
        for day in days:
            held = [other for other in days if day - span < other <= day]
            if any(True for _ in combinations(held, count + 1)):
                expected.append(str(ZERO + timedelta(days=day)))
    days = [f"{count} days in any {span} d"] if count < span else []
    for quota in [f"{count} doses in any {span} d", *days]:
        assert sorted(judged(quota, random.sample(rows, len(rows)))[0]) == sorted(expected)
