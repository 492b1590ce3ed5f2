"""Courses, treatments taken by days: what a good monitor finds in their records, and nothing else."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest

import protocol
import rules

TABLET = """
protocol: tablets
version: 1
first_day: 0
arms: {{everyone: anyone}}
milestones: {{day-zero: recorded-start}}
events: {{rash: rash}}
measures: {{alt: {{unit: U/L}}}}
treatments:
  drug: {{{how}}}
modifications:
  {modifications}
"""
ONCE = "frequency: once daily, from: day 0, for: 28 d, window: ±1 d, dose: {amount: 10 mg, tolerance: ±10 %}"
NO_CHANGE = "rash: {if: event rash, then: stop drug}"
Row = dict[str, Any]


def _trial(how: str = ONCE, modifications: str = NO_CHANGE) -> protocol.Protocol:
    text = TABLET.format(how=how, modifications=modifications).replace("milestones: {day-zero: recorded-start}\n", "")
    return protocol.read_text(text)


def _report(plan: protocol.Protocol, doses: list[Row], cut: str | None = "2024-06-01", **tables: list[Row]) -> Any:
    who = {"subject": "001", "arm": "everyone", "day_zero": "2024-03-01", "birth_date": "2020-01-05"}
    filled = {name: [{"subject": "001"} | row for row in rows] for name, rows in tables.items() if name != "final"}
    given = [{"subject": "001", "treatment": "drug", "amount": "10", "unit": "mg"} | row for row in doses]
    how: dict[str, Any] = {"final": bool(tables.get("final"))}
    study = rules.from_frames(
        "s",
        {"subjects": [who], "administrations": given, **filled},
        data_cut=date.fromisoformat(cut) if cut else None,
        **how,
    )
    return rules.audit(plan, study)


def _said(report: Any) -> list[tuple[str, float | None]]:
    """Codes of findings with their measure, and of queries."""
    return [*report.findings.select("code", "measure").rows(), *((q, None) for q in report.queries["code"])]


def _interval(start: str, end: str = "", **more: str) -> Row:
    return {"start": start, "end": end, "frequency": "once daily", **more}


WHOLE = _interval("2024-03-01", "2024-03-28")


def test_a_course_taken_as_planned_has_nothing_to_say() -> None:
    """One interval from the first day to the last."""
    assert _said(_report(_trial(), [WHOLE])) == []


def test_an_interval_without_an_end_goes_on_up_to_the_data_cut() -> None:
    """Before the course is over an open interval is no early end; beyond it, it is continued."""
    assert _said(_report(_trial(), [_interval("2024-03-01")], "2024-03-20")) == []
    assert _said(_report(_trial(), [_interval("2024-03-01")], "2024-03-28")) == []
    assert _said(_report(_trial(), [_interval("2024-03-01")], "2024-03-30")) == [("course_after_end", 2)]


def test_an_interval_without_an_end_is_asked_about_where_the_study_names_no_data_cut() -> None:
    """Up to when the records go is then one question for the study."""
    seen = {"observations": [{"measure": "alt", "value": "20", "unit": "U/L", "at": "2024-03-20"}]}
    assert _said(_report(_trial(), [_interval("2024-03-01")], None, **seen)) == [("data-cut", None)]


def test_one_interval_without_an_end_stops_nothing_behind_it() -> None:
    """It lasts until the next one begins."""
    rows = [_interval("2024-03-01"), _interval("2024-03-11", "2024-03-28", amount="20")]
    assert _said(_report(_trial(), rows)) == [("dose_off_level", pytest.approx(81.8, abs=0.1))]


@pytest.mark.parametrize(("first", "said"), [("2024-03-02", []), ("2024-03-03", [("course_start_out_of_window", 1)])])
def test_the_window_of_a_course_is_that_of_its_first_day(first: str, said: list[Any]) -> None:
    """A course of 28 days has 28 days from the day on which it was begun."""
    last = str(date.fromisoformat(first).replace(day=date.fromisoformat(first).day + 27))
    assert _said(_report(_trial(), [_interval(first, last)])) == said


def test_a_course_with_nothing_on_record_is_asked_about_and_in_final_data_is_a_finding() -> None:
    """Silence is no proof; a record that says *not taken* is."""
    assert _said(_report(_trial(), [])) == [("course_no_record", None)]
    assert _said(_report(_trial(), [], final=[{}])) == [("course_not_started", None)]
    denied = {"start": "2024-03-01", "status": "not given", "amount": "", "unit": ""}
    assert _said(_report(_trial(), [denied])) == [("course_not_started", None)]
    assert _said(_report(_trial(), [], "2024-03-02")) == []


def test_a_course_that_ends_early_without_a_reason_is_a_finding() -> None:
    """One day short is one day; a discontinuation, a death or a stop of the protocol is a reason."""
    short = [_interval("2024-03-01", "2024-03-27")]
    assert _said(_report(_trial(), short)) == [("course_ended_early", 1)]
    for name in ("discontinuation of drug", "discontinuation", "withdrawal", "death"):
        assert _said(_report(_trial(), short, milestones=[{"milestone": name, "date": "2024-03-27"}])) == []
    assert _said(_report(_trial(), short, events=[{"event": "rash", "start": "2024-03-27"}])) == []
    assert _said(_report(_trial(), short, "2024-03-27")) == []


def test_a_course_that_goes_on_after_a_stop_is_a_finding() -> None:
    """The day on which the stop came does not count."""
    event = [{"event": "rash", "start": "2024-03-10"}]
    assert _said(_report(_trial(), [_interval("2024-03-01", "2024-03-10")], events=event)) == []
    assert _said(_report(_trial(), [_interval("2024-03-01", "2024-03-12")], events=event)) == [("course_after_stop", 2)]


def test_an_interval_without_an_end_ends_with_the_treatment() -> None:
    """The record was not closed; nobody took the drug after leaving."""
    left = [{"milestone": "withdrawal", "date": "2024-03-10"}]
    assert _said(_report(_trial(), [_interval("2024-03-01")], milestones=left)) == []


SPACED = ONCE + ", gap: 2 d, adherence: 80 to 120 %"


@pytest.mark.parametrize(("again", "said"), [("2024-03-13", []), ("2024-03-14", [("course_gap", 3)])])
def test_a_gap_is_a_finding_beyond_the_protocols_longest(again: str, said: list[Any]) -> None:
    """Two days are allowed, three are not; the share of doses taken does not repeat it."""
    rows = [_interval("2024-03-01", "2024-03-10"), _interval(again, "2024-03-28")]
    assert _said(_report(_trial(SPACED), rows)) == said


def test_days_of_a_hold_are_no_gap() -> None:
    """A hold on record takes its days out; without an end it leaves the gap open."""
    rows = [_interval("2024-03-01", "2024-03-10"), _interval("2024-03-18", "2024-03-28")]
    hold = {"event": "hold", "start": "2024-03-11", "detail": "drug"}
    assert _said(_report(_trial(SPACED), rows, events=[hold | {"end": "2024-03-17"}])) == []
    assert _said(_report(_trial(SPACED), rows)) == [("course_gap", 7)]


def test_a_course_that_runs_through_a_hold_of_the_protocol_is_a_finding() -> None:
    """Held from the day of the high value until the low one; the first day does not count."""
    plan = _trial(SPACED, "liver: {if: alt > 100 U/L, then: hold drug, until: alt < 50 U/L}")
    values = [("2024-03-10", "120"), ("2024-03-15", "40")]
    alt = [{"measure": "alt", "value": v, "unit": "U/L", "at": at} for at, v in values]
    assert _said(_report(plan, [WHOLE], observations=alt)) == [("course_during_hold", 4)]
    paused = [_interval("2024-03-01", "2024-03-10"), _interval("2024-03-15", "2024-03-28")]
    assert _said(_report(plan, paused, observations=alt)) == []


def _single(days: range, times: tuple[str, ...] = ("",)) -> list[Row]:
    return [{"start": f"2024-03-{d:02d} {t}".strip()} for d in days for t in times]


def test_single_doses_are_joined_to_days() -> None:
    """A dose a day is a course; four missed of 28 are inside the range, seven are not."""
    assert _said(_report(_trial(SPACED), _single(range(1, 29)), final=[{}])) == []
    few = [row for n, row in enumerate(_single(range(1, 29))) if n % 7 != 3]
    assert _said(_report(_trial(SPACED), few, final=[{}])) == []
    fewer = [row for n, row in enumerate(_single(range(1, 29))) if n % 4 != 1]
    assert _said(_report(_trial(SPACED), fewer, final=[{}])) == [("adherence_low", 75)]


def test_single_doses_that_cease_are_asked_about() -> None:
    """Nobody recorded that the course was ended: no record is no proof, until the data are final."""
    assert _said(_report(_trial(SPACED), _single(range(1, 20)))) == [("course-end", None)]
    assert _said(_report(_trial(SPACED), _single(range(1, 20)), "2024-03-21")) == []
    assert _said(_report(_trial(SPACED), _single(range(1, 20)), final=[{}])) == [("course_ended_early", 7)]


TWICE = ONCE.replace("once", "twice").replace("28", "10") + ", gap: 1 d, adherence: 90 to 110 %"


def test_two_doses_of_a_day_are_two_doses_with_times_and_without() -> None:
    """They are neither one dose recorded twice nor one dose of twice the amount."""
    assert _said(_report(_trial(TWICE), _single(range(1, 11), ("08:00", "20:00")), final=[{}])) == []
    assert _said(_report(_trial(TWICE), _single(range(1, 11), ("", "")), final=[{}])) == []
    assert _said(_report(_trial(TWICE), _single(range(1, 11), ("08:00",)), final=[{}])) == [("adherence_low", 50)]


def test_a_dose_after_midnight_does_not_use_up_the_next_days() -> None:
    """The dose of 2 March was taken at 00:20; that of 3 March in its own evening."""
    daily = ONCE.replace("28 d", "4 d") + ", gap: 0 d, adherence: 100 to 100 %"
    rows = [{"start": t} for t in ("2024-03-01 20:30", "2024-03-03 00:20", "2024-03-03 20:00", "2024-03-04 20:10")]
    assert _said(_report(_trial(daily), rows, final=[{}])) == []


def test_another_frequency_is_one_finding_whatever_the_dose() -> None:
    """Ten milligrams twice a day in place of once; the single dose is right."""
    twice = [WHOLE | {"frequency": "BID"}]
    assert _said(_report(_trial(), twice)) == [("frequency_wrong", None)]
    daily = "frequency: twice daily, from: day 0, for: 28 d, dose: {amount: 20 mg/d, tolerance: ±10 %}"
    assert _said(_report(_trial(daily), [WHOLE | {"amount": "20"}])) == [("frequency_wrong", None)]
    assert _said(_report(_trial(daily), twice)) == []


def test_an_interval_that_does_not_say_how_often_is_asked_about_once() -> None:
    """Dose and frequency wait for the same fact."""
    report = _report(_trial(), [WHOLE | {"frequency": ""}])
    assert _said(report) == [("frequency", None)]
    assert report.queries["rule"].to_list() == ["dose_off_level, frequency_wrong"]
    assert _said(_report(_trial(), [{"start": "2024-03-01"}])) == [("frequency", None)]


def test_two_records_of_the_same_days_are_asked_about() -> None:
    """The day on which one follows the other is not meant."""
    rows = [_interval("2024-03-01", "2024-03-20"), _interval("2024-03-15", "2024-03-28", amount="20")]
    assert _said(_report(_trial(), rows)) == [("records_overlap", None)]
    follows = [_interval("2024-03-01", "2024-03-15"), _interval("2024-03-15", "2024-03-28")]
    assert _said(_report(_trial(), follows)) == []


def test_the_dose_of_a_day_is_divided_by_its_frequency() -> None:
    """5 mg/kg a day of 16.2 kg is 81 mg, twice 40.5 mg; limits are exact."""
    plan = _trial("frequency: twice daily, from: day 0, for: 28 d, dose: {amount: 5 mg/kg/d, tolerance: ±10 %}")
    weight = [{"measure": "weight", "value": "16.2", "unit": "kg", "at": "2024-02-29"}]
    for amount, said in (("44.55", []), ("44.56", ["dose_off_level"]), ("36.45", []), ("36.44", ["dose_off_level"])):
        report = _report(plan, [WHOLE | {"frequency": "BID", "amount": amount}], observations=weight)
        assert report.findings["code"].to_list() == said, amount
    assert _said(_report(plan, [WHOLE | {"frequency": "BID"}])) == [("weight", None)]


TAPER = """frequency: once daily, gap: 3 d, dose: {start: 10 mg, tolerance: ±5 %, max: 15 mg}, steps: [
  {from: day 0, before: day 14},
  {for: 14 d, dose: 50 %},
  {for: 14 d, dose: 20 %}]"""


def test_a_taper_counts_from_the_dose_in_force_when_it_began() -> None:
    """50 and 20 % of the 12 mg that were taken before it; on the day of a change both doses are right."""
    plan = _trial(TAPER)
    rows = [
        _interval("2024-03-01", "2024-03-05"),
        _interval("2024-03-06", "2024-03-15", amount="12"),
        _interval("2024-03-16", "2024-03-28", amount="6"),
        _interval("2024-03-29", "2024-04-11", amount="2.4"),
    ]
    assert _said(_report(plan, rows)) == []
    rows[2]["amount"] = "5"
    assert [code for code, _ in _said(_report(plan, rows))] == ["dose_off_level"]
    rows[1]["amount"], rows[2]["amount"], rows[3]["amount"] = "16", "8", "3.2"
    assert [code for code, _ in _said(_report(plan, rows))] == ["dose_off_level"]


LADDER = "frequency: once daily, steps: [{from: day 0, before: day 14, dose: 10 mg}, {to: day 27, dose: 20 mg}]"


def test_only_the_days_off_the_step_are_named() -> None:
    """The dose was raised three days too late: the days between are off, and no others."""
    plan = _trial(LADDER)
    rows = [_interval("2024-03-01", "2024-03-17"), _interval("2024-03-18", "2024-03-28", amount="20")]
    report = _report(plan, rows)
    assert _said(report) == [("dose_off_level", 50)]
    assert "from 2024-03-16 to 2024-03-17" in report.findings["message"][0]


def test_without_a_tolerance_only_the_dose_of_another_step_is_off_for_certain() -> None:
    """11 mg in place of 10 cannot be told; 20 mg is the next step."""
    plan = _trial(LADDER)
    later = _interval("2024-03-15", "2024-03-28", amount="20")
    assert _said(_report(plan, [_interval("2024-03-01", "2024-03-14", amount="11"), later])) == [("tolerance", None)]
    assert _said(_report(plan, [_interval("2024-03-01", "2024-03-28", amount="20")])) == [("dose_off_level", 100)]


def test_every_other_day_is_taken_every_other_day() -> None:
    """The day between two doses is no gap, and the last of them no early end."""
    plan = _trial("frequency: every other day, from: day 0, for: 28 d, gap: 0 d, adherence: 90 to 110 %, dose: 10 mg")
    single = [{"start": f"2024-03-{d:02d}"} for d in range(1, 29, 2)]
    assert _said(_report(plan, single, final=[{}])) == []
    assert _said(_report(plan, [WHOLE | {"frequency": "QOD"}])) == []
    assert _said(_report(plan, [WHOLE])) == [("frequency_wrong", None)]


def test_a_placebo_of_nothing_is_no_doubtful_amount() -> None:
    """Where the protocol's dose is 0 mg, 0 mg on record is right."""
    plan = _trial("frequency: once daily, from: day 0, for: 28 d, dose: 0 mg")
    assert _said(_report(plan, [WHOLE | {"amount": "0"}])) == []


def test_a_dose_that_a_modification_sets_is_right_from_then_on() -> None:
    """After the rash 5 mg are right, and the 10 mg of the step are not; on the day of the rash both are."""
    plan = _trial(modifications="rash: {if: event rash, then: set drug to 5 mg}")
    rash = [{"event": "rash", "start": "2024-03-10"}]
    lowered = [_interval("2024-03-01", "2024-03-10"), _interval("2024-03-11", "2024-03-28", amount="5")]
    assert _said(_report(plan, lowered, events=rash)) == []
    assert _said(_report(plan, lowered)) == [("dose_off_level", pytest.approx(44.4, abs=0.1))]
    assert _said(_report(plan, [WHOLE], events=rash)) == [("dose_off_level", pytest.approx(81.8, abs=0.1))]


def test_a_dose_whose_size_an_order_leaves_open_is_judged_by_its_value_and_not_by_days() -> None:
    """Seen to within a time, what followed the value is judged; without a time the days are, within the span."""
    rash = [{"event": "rash", "start": "2024-03-10"}]
    by_value = _trial(modifications="rash: {if: event rash, then: reduce drug by 25 to 50 %, within: 7 d}")
    assert _said(_report(by_value, [WHOLE], events=rash)) == []
    by_days = _trial(modifications="rash: {if: event rash, then: reduce drug by 25 to 50 %}")
    assert _said(_report(by_days, [WHOLE], events=rash)) == [("dose_off_level", pytest.approx(21.2, abs=0.1))]
    wrong = [_interval("2024-03-01", "2024-03-28", amount="20")]
    report = _report(by_value, wrong, events=rash)
    assert _said(report) == [("dose_off_level", pytest.approx(81.8, abs=0.1))]
    assert "from 2024-03-01 to 2024-03-09" in report.findings["message"][0]


def test_the_calendar_shows_a_course_from_its_first_day_to_its_last_with_the_dose_of_a_day() -> None:
    """One row for each step; its dose is that of a day where the protocol's is."""
    plan = _trial("""frequency: twice daily, steps: [
      {from: day 0, before: day 14, dose: 5 mg/kg/d}, {for: 14 d, dose: 2.5 mg/kg/d}, {for: 7 d, dose: 1 mg/kg/d}]""")
    who = {"subject": "001", "arm": "everyone", "day_zero": "2024-03-01"}
    weight = {"subject": "001", "measure": "weight", "value": "16.2", "unit": "kg", "at": "2024-02-29"}
    dose = {
        "subject": "001",
        "treatment": "drug",
        "start": "2024-03-02",
        "frequency": "BID",
        "amount": "40.5",
        "unit": "mg",
    }
    tables = {"subjects": [who], "observations": [weight], "administrations": [dose]}
    calendar = rules.schedule(plan, rules.from_frames("s", tables, data_cut=date(2024, 3, 20)))
    shown = calendar.select("due", "valid_to", "dose", "dose_unit", "status").rows()
    assert [(str(due), str(last), *more) for due, last, *more in shown] == [
        ("2024-03-01", "2024-03-14", 81.0, "mg/d", "done"),
        ("2024-03-15", "2024-03-28", 40.5, "mg/d", "open"),
        ("2024-03-29", "2024-04-04", 16.2, "mg/d", "upcoming"),
    ]


def test_every_record_of_a_course_has_its_verdict() -> None:
    """What is said of an interval of single doses is said of each of them, and of no other."""
    rows = [*_single(range(1, 15)), *({"start": f"2024-03-{d}", "amount": "20"} for d in range(15, 29))]
    given = [{"subject": "001", "treatment": "drug", "amount": "10", "unit": "mg"} | row for row in rows]
    who = {"subject": "001", "arm": "everyone", "day_zero": "2024-03-01"}
    study = rules.from_frames("s", {"subjects": [who], "administrations": given}, data_cut=date(2024, 6, 1))
    verdicts = rules.validate(_trial(), study)
    assert verdicts["verdict"].to_list() == ["complies"] * 14 + ["deviates"] * 14
    assert verdicts["codes"].drop_nulls().unique().to_list() == ["dose_off_level"]


def test_a_course_judged_alone_or_among_others_is_judged_alike() -> None:
    """Each participant's findings are the same in one study and in a study of their own."""
    plan, weeks = _trial(SPACED), ["2024-03-13", "2024-03-14", "2024-03-20"]
    subjects, doses = [], []
    for n, again in enumerate(weeks):
        subjects.append({"subject": str(n), "arm": "everyone", "day_zero": "2024-03-01"})
        for row in (_interval("2024-03-01", "2024-03-10"), _interval(again, "2024-03-28")):
            doses.append({"subject": str(n), "treatment": "drug", "amount": "10", "unit": "mg"} | row)
    cut = date(2024, 6, 1)
    everyone = {"subjects": subjects, "administrations": doses[::-1]}
    together = rules.audit(plan, rules.from_frames("s", everyone, data_cut=cut))
    alone = [
        rules.audit(
            plan,
            rules.from_frames(
                "s",
                {"subjects": [who], "administrations": [d for d in doses if d["subject"] == who["subject"]]},
                data_cut=cut,
            ),
        ).findings
        for who in subjects
    ]
    same = ["subject", "code", "measure", "message"]
    assert together.findings.select(same).rows() == pl.concat(alone).select(same).rows()


def test_months_of_a_course_count_from_the_day_on_which_it_was_begun() -> None:
    """Begun on 1 March where 29 February was due, 6 months end on 31 August and not on the 29th."""
    months = _trial(ONCE.replace("28 d", "6 mo"))
    subjects = [{"subject": "1", "arm": "everyone", "day_zero": "2024-02-29"}]
    dose = {"subject": "1", "treatment": "drug", "amount": "10", "unit": "mg"} | _interval("2024-03-01", "2024-08-31")
    tables = {"subjects": subjects, "administrations": [dose]}
    assert _said(rules.audit(months, rules.from_frames("s", tables, data_cut=date(2025, 1, 1)))) == []


def test_where_the_protocol_limits_no_gap_all_days_without_the_drug_lower_the_share() -> None:
    """Eighteen of 28 days are fewer than 80 %."""
    fewer = [_interval("2024-03-01", "2024-03-09"), _interval("2024-03-20", "2024-03-28")]
    plan = _trial(ONCE + ", adherence: 80 to 120 %")
    assert _said(_report(plan, fewer)) == [("adherence_low", pytest.approx(64.29, abs=0.1))]
