"""Conditions are judged on what the records say by the day that counts, and what cannot be used is asked about."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from protocol import Protocol, read_text
from rules import Report, audit, from_frames

Row = dict[str, Any]
END = date(2024, 9, 1)
HEAD = """
protocol: conditions
version: 1
first_day: 0
months: clamp
source: team
basis: assumed
sources: {team: a protocol for tests}
arms: {a: A}
weight: {use: latest, within: 7 d}
"""
MEASURES = "measures: {alt: {unit: U/L}, response: {values: [none, partial, complete]}}\n"


def of(body: str, measures: str = MEASURES) -> Protocol:
    """The protocol of these blocks."""
    return read_text(HEAD + measures + body, "conditions")


def dose(start: str, treatment: str = "x", amount: str = "10") -> Row:
    """A dose on record."""
    return {"subject": "1", "treatment": treatment, "start": start, "amount": amount, "unit": "mg"}


def seen(measure: str, value: str, at: str, unit: str | None = None) -> Row:
    """A value on record."""
    return {"subject": "1", "measure": measure, "value": value, "unit": unit, "at": at}


def judged(protocol: Protocol, doses: list[Row], values: list[Row], born: str = "2019-06-01") -> Report:
    """The audit of one participant whose day zero is 1 March 2024."""
    subject = {"subject": "1", "arm": "a", "birth_date": born, "day_zero": "2024-03-01"}
    tables = {"subjects": [subject], "administrations": doses, "observations": values}
    return audit(protocol, from_frames("s", tables, data_cut=END, final=True))


def codes(report: Report) -> list[tuple[str, int | None]]:
    """Code and occurrence of every finding and query but those about the weight itself."""
    both = [*report.findings.iter_rows(named=True), *report.queries.iter_rows(named=True)]
    return [(row["code"], row["occurrence"]) for row in both if not row["code"].startswith("weight")]


# --- weight -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("measures", [MEASURES, MEASURES.replace("{alt:", "{weight: {unit: kg}, alt:")])
@pytest.mark.parametrize("limit", ["20 kg", "20000 g", "44.0925 lb"])
@pytest.mark.parametrize(("value", "unit", "light"), [("16", "kg", True), ("160", "kg", False), ("30", "lb", True)])
def test_a_weight_is_compared_in_whatever_unit(measures: str, limit: str, value: str, unit: str, light: bool) -> None:
    """The band for the light is used for the light only, with the weight declared as a measure or not."""
    low, high = (f"{{if: weight {op} {limit}, amount: {mg} mg, tolerance: ±5 %}}" for op, mg in (("<", 10), (">=", 20)))
    bands = f"[{low}, {high}]"
    protocol = of(f"treatments: {{x: {{due: day 0, window: ±1 d, dose: {bands}}}}}", measures)
    amount = "10" if light else "20"
    report = judged(protocol, [dose("2024-03-01", amount=amount)], [seen("weight", value, "2024-03-01", unit)])
    assert codes(report) == []
    other = "20" if light else "10"
    report = judged(protocol, [dose("2024-03-01", amount=other)], [seen("weight", value, "2024-03-01", unit)])
    assert codes(report) == [("overdose" if light else "underdose", 1)]


# --- age ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("born", ["2019-03-01", "2014-03-01", "2017-05-05"])
def test_an_age_range_is_answered_with_both_its_ends(born: str) -> None:
    """A child within the range is held to the dose of the range, from one birthday to the other."""
    bands = "[{if: age < 5 y, amount: 10 mg, tolerance: ±5 %}, {if: age 5 to 10 y, amount: 100 mg, tolerance: ±5 %}]"
    protocol = of(f"treatments: {{x: {{due: day 0, window: ±1 d, dose: {bands}}}}}")
    assert codes(judged(protocol, [dose("2024-03-01", amount="100")], [], born)) == []
    assert codes(judged(protocol, [dose("2024-03-01", amount="10")], [], born)) == [("underdose", 1)]


def test_an_age_range_in_days_ends_after_its_last_day() -> None:
    """On the day after the higher end an occurrence is no longer due."""
    protocol = of("treatments: {x: {due: day 0, window: ±1 d, dose: 10 mg, if: age 0 d to 28 d}}")
    assert codes(judged(protocol, [], [], "2024-02-02")) == [("dose_not_given", 1)]
    assert codes(judged(protocol, [], [], "2024-02-01")) == []


# --- the day that counts ------------------------------------------------------------------------------------------


def test_an_age_limit_passed_later_does_not_accuse_earlier_doses() -> None:
    """A child who turns five between two doses needs the first and not the second."""
    protocol = of("treatments: {x: {due: [day 0, day 100], window: ±1 d, dose: 10 mg, if: age < 5 y}}")
    assert codes(judged(protocol, [dose("2024-03-01")], [], "2019-05-01")) == []
    assert codes(judged(protocol, [], [], "2019-05-01")) == [("dose_not_given", 1)]


def test_a_value_measured_after_the_doses_does_not_accuse_them() -> None:
    """A dose given while the value allowed it stays planned when a later value would not."""
    protocol = of("treatments: {x: {due: day 0, window: ±1 d, dose: 10 mg, if: alt < 100 U/L}}")
    values = [seen("alt", "50", "2024-02-28", "U/L"), seen("alt", "500", "2024-03-20", "U/L")]
    assert codes(judged(protocol, [dose("2024-03-01")], values)) == []
    assert codes(judged(protocol, [], values)) == [("dose_not_given", 1)]


def test_a_branch_waits_for_the_value_that_chooses_it() -> None:
    """Doses due after the response was seen are expected of those with that response only."""
    protocol = of("treatments: {x: {due: [day 35, day 42], window: ±1 d, dose: 10 mg, if: response = partial}}")
    given = [dose("2024-04-05"), dose("2024-04-12")]
    partial, none = ([seen("response", word, "2024-03-29")] for word in ("partial", "none"))
    assert codes(judged(protocol, given, partial)) == []
    assert codes(judged(protocol, [], partial)) == [("dose_not_given", 1), ("dose_not_given", 2)]
    assert codes(judged(protocol, [], none)) == []


# --- values that cannot be used -----------------------------------------------------------------------------------

STOP = """
treatments: {x: {due: [day 0, day 14], window: ±1 d, dose: 10 mg, if: alt <= 100 U/L}}
"""
FINE = seen("alt", "50", "2024-02-28", "U/L")
BOTH = [dose("2024-03-01"), dose("2024-03-15")]


@pytest.mark.parametrize(
    "odd",
    [
        seen("alt", "8.3", "2024-03-07", "ukat/L"),
        seen("alt", "500", "2024-03-07"),
        seen("alt", "raised", "2024-03-07", "U/L"),
        seen("alt", ">50", "2024-03-07", "U/L"),
        seen("alt", "500", "2024-03", "U/L"),
    ],
)
def test_a_value_that_cannot_be_used_leaves_the_condition_open_and_is_asked_about_once(odd: Row) -> None:
    """From its first possible day an older value no longer speaks for the participant, and one query asks."""
    report = judged(of(STOP), [dose("2024-03-01")], [FINE, odd])
    assert report.findings.is_empty() or set(report.findings["occurrence"]) == {1}
    assert list(report.queries["code"]).count("value_unusable") == 1
    later = seen("alt", "60", "2024-04-02", "U/L")
    assert list(judged(of(STOP), BOTH, [FINE, odd, later]).queries["code"]).count("value_unusable") == 1


@pytest.mark.parametrize(("value", "needed"), [("<5", True), (">500", False), ("≥100", None), ("≤100", True)])
def test_a_bound_proves_what_it_can(value: str, needed: bool | None) -> None:
    """A value above 500 is above 100, and one below 5 is not; neither is asked about."""
    report = judged(of(STOP), [dose("2024-03-01")], [FINE, seen("alt", value, "2024-03-07", "U/L")])
    missing = [row["occurrence"] for row in report.findings.iter_rows(named=True) if row["code"] == "dose_not_given"]
    assert missing == ([2] if needed else [])
    assert ("value_unusable" in list(report.queries["code"])) == (needed is None)


def test_a_value_that_no_condition_reads_is_not_asked_about() -> None:
    """Only what the protocol compares is worth a question."""
    protocol = of("treatments: {x: {due: day 0, window: ±1 d, dose: {amount: 10 mg, tolerance: ±5 %}}}")
    report = judged(protocol, [dose("2024-03-01")], [seen("alt", "8.3", "2024-03-07", "ukat/L")])
    assert report.queries.is_empty()


def test_the_question_says_what_is_wrong_with_the_value() -> None:
    """The value as recorded, the unit wanted or the missing day, and the record stand in the query."""
    odd = [
        seen("alt", "8.3", "2024-03-07", "ukat/L"),
        seen("alt", "500", "2024-03-08"),
        seen("alt", "500", "2024-04", "U/L"),
    ]
    report = judged(of(STOP), BOTH, [FINE, *odd])
    asked = [row for row in report.queries.iter_rows(named=True) if row["code"] == "value_unusable"]
    assert [row["message"] for row in asked] == [
        "alt of 2024-03-07 is recorded as 8.3 ukat/L, which cannot be compared with U/L: what was it in U/L?",
        "alt of 2024-03-08 is recorded as 500, which cannot be compared with U/L: what was it in U/L?",
        "alt is recorded as 500 U/L on 2024-04, which is no whole date: on which day?",
    ]
    assert [row["record"] for row in asked] == ["observations:2", "observations:3", "observations:4"]
