"""Holds and stops: when a treatment was not to be given, and from which moment on."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
import pytest

import protocol
import rules

PROTOCOL = """protocol: t
version: 1
first_day: 0
months: clamp
source: team
basis: assumed
sources: {team: invented}
arms: {a: A}
treatments:
  x: {due: day 0, every: 7 d, times: 5, window: ±1 d, dose: 10 mg}
"""


def found(*codes: str, text: str = PROTOCOL, **tables: Any) -> list[str]:
    """The days in March 2024 of what is told under these codes, as two digits; a query carries a question mark."""
    child = {"subject": "1", "arm": "a", "birth_date": "2020-01-01", "day_zero": "2024-03-01"}
    rows = {name: [{"subject": "1"} | row for row in table] for name, table in tables.items()}
    study = rules.from_frames("t", {"subjects": [child]} | rows, data_cut=date(2024, 4, 30))
    report = rules.audit(protocol.read_text(text), study)
    told = [report.findings, report.queries]
    return [
        f"{row['date']:%d}" + "?" * n
        for n, frame in enumerate(told)
        for row in frame.filter(pl.col("code").is_in(codes)).iter_rows(named=True)
    ]


def doses(*starts: str, **more: str) -> list[dict[str, Any]]:
    """A dose of 10 mg on each day of March 2024, with or without a time."""
    return [{"treatment": "x", "amount": "10", "unit": "mg", "start": f"2024-03-{start}"} | more for start in starts]


def hold(start: str, end: str | None = None, **more: str) -> dict[str, Any]:
    """A hold on record in March 2024."""
    return {"event": "hold", "start": f"2024-03-{start}", "end": f"2024-03-{end}" if end else None} | more


def test_a_short_hold_inside_a_long_one_does_not_end_the_long_one() -> None:
    """All three doses lie in the long hold, whatever lies inside it."""
    events = [hold("03", "30"), hold("05", "06")]
    assert found("dose_during_hold", administrations=doses("08", "15", "22"), events=events) == ["08", "15", "22"]


def test_of_three_holds_that_overlap_the_one_that_reaches_furthest_ends_them() -> None:
    """Two chained holds and one apart: the days between them are free."""
    events = [hold("02", "05"), hold("04", "12"), hold("06", "07"), hold("20", "25")]
    given = doses("08", "15", "22")
    assert found("dose_during_hold", administrations=given, events=events) == ["08", "22"]


def test_a_hold_without_an_end_leaves_only_the_days_after_the_recorded_one_in_doubt() -> None:
    """A hold with an end proves its own days beside one whose end nobody recorded."""
    events = [hold("03"), hold("05", "10")]
    told = found("dose_during_hold", "hold_not_closed", administrations=doses("08", "15"), events=events)
    assert told == ["08", "03?"]


def test_on_the_day_on_which_a_hold_began_the_clock_decides() -> None:
    """A dose after the hour of the hold is in it, one before is not."""
    events = [hold("08T08:00", "20")]
    given = [*doses("08T07:00"), *doses("08T14:00", occurrence="2")]
    assert found("dose_during_hold", administrations=given[:1], events=events) == []
    assert found("dose_during_hold", administrations=given[1:], events=events) == ["08"]


@pytest.mark.parametrize(("held", "given"), [("08T08:00", "08"), ("08", "08T14:00"), ("08", "08"), ("08T00:00", "08")])
def test_without_both_times_the_day_on_which_a_hold_began_does_not_count(held: str, given: str) -> None:
    """The dose of that day may have come first; the next day is in the hold."""
    told = found("dose_during_hold", administrations=doses(given, "09"), events=[hold(held, "20")])
    assert told == ["09"]


def test_a_hold_of_some_hours_ends_at_its_hour() -> None:
    """Held at eight, ended at noon: a dose at ten is in it, one at two is not; a resumption at noon says the same."""
    ended = [hold("08T08:00", "08T12:00")]
    resumed = [hold("08T08:00"), hold("08T12:00") | {"event": "resume"}]
    for events in (ended, resumed):
        assert found("dose_during_hold", administrations=doses("08T10:00"), events=events) == ["08"]
        assert found("dose_during_hold", administrations=doses("08T14:00"), events=events) == []


def test_a_resumption_before_the_hour_of_a_hold_belongs_to_the_hold_before() -> None:
    """Resumed at eight and held again at ten of one day: the second hold lasts on."""
    events = [hold("02"), hold("08T08:00") | {"event": "resume"}, hold("08T10:00", "20")]
    assert found("dose_during_hold", administrations=doses("08T14:00"), events=events) == ["08"]
    assert found("dose_during_hold", administrations=doses("08T09:00"), events=events) == []


STOPPING = (
    PROTOCOL
    + """measures: {alt: {unit: U/L}}
events: {anaphylaxis: {terms: [anaphylaxis]}}
modifications:
  reaction: {if: event anaphylaxis, then: stop x}
  liver: {if: alt > 200 U/L, then: stop x}
"""
)


@pytest.mark.parametrize(
    ("at", "given", "told"),
    [
        ("08T08:00", "08T14:00", ["08"]),
        ("08T08:00", "08T07:00", []),
        ("08T08:00", "08", []),
        ("08", "08T14:00", []),
        ("08", "09", ["09"]),
    ],
)
def test_on_the_day_of_a_stop_the_clock_decides(at: str, given: str, told: list[str]) -> None:
    """A dose after the hour of the reaction, or of the value, is one after the stop."""
    reaction = [hold(at) | {"event": "anaphylaxis"}]
    alt = [{"measure": "alt", "value": "260", "unit": "U/L", "at": f"2024-03-{at}"}]
    assert found("dose_after_stop", text=STOPPING, administrations=doses(given), events=reaction) == told
    assert found("dose_after_stop", text=STOPPING, administrations=doses(given), observations=alt) == told


def test_a_value_stops_from_the_hour_it_was_reported() -> None:
    """Drawn at eight and reported at three: the dose at ten was given before anybody knew."""
    alt = {"measure": "alt", "value": "260", "unit": "U/L", "at": "2024-03-08T08:00"}
    for reported, told in (("08T15:00", []), ("09T09:00", []), ("08T09:00", ["08"])):
        values = [alt | {"reported": f"2024-03-{reported}"}]
        given = doses("08T10:00")
        assert found("dose_after_stop", text=STOPPING, administrations=given, observations=values) == told


PRODUCTS = """protocol: t
version: 1
first_day: 0
months: clamp
source: team
basis: assumed
sources: {team: invented}
arms: {a: A}
products: {drugx: {title: {en: Drug X, zh: 甲药}, terms: [xolimab]}}
treatments:
  load: {product: drugx, title: {en: Loading dose, zh: 负荷剂量}, due: day 0, dose: 10 mg}
  keep-up: {product: drugx, title: {en: Loading dose two, zh: 维持剂量}, due: day 7, dose: 10 mg}
  other: {due: day 7, dose: 10 mg}
"""


@pytest.mark.parametrize(
    ("detail", "held"),
    [
        ("drugx", ["load", "keep-up"]),
        ("Drug X, fever", ["load", "keep-up"]),
        ("发热，暂停甲药一周", ["load", "keep-up"]),
        ("Xolimab", ["load", "keep-up"]),
        ("keep_up for fever", ["keep-up"]),
        ("keep up", ["keep-up"]),
        ("loading dose", ["load"]),
        ("Loading dose two", ["keep-up"]),
        ("负荷剂量", ["load"]),
        ("load and other", ["load", "other"]),
        ("aspirin", []),
        ("another overload", []),
        ("drugx-2", []),
        ("", ["load", "keep-up", "other"]),
        (None, ["load", "keep-up", "other"]),
    ],
)
def test_a_hold_holds_what_its_detail_names(detail: str | None, held: list[str]) -> None:
    """Treatments are named by id, title or product; another drug's hold holds none, one without a detail holds all."""
    events = [hold("03", "20") | {"detail": detail}]
    for treatment in ("load", "keep-up", "other"):
        given = [row | {"treatment": treatment} for row in doses("08")]
        told = found("dose_during_hold", text=PRODUCTS, administrations=given, events=events)
        assert told == (["08"] if treatment in held else []), treatment


RESUMED: list[tuple[str | None, list[str]]] = [
    ("drugx", []),
    ("Loading dose", ["03?"]),
    (None, []),
    ("aspirin", ["03?"]),
]


@pytest.mark.parametrize(("detail", "told"), RESUMED)
def test_a_resumption_ends_the_hold_of_what_its_detail_names(detail: str | None, told: list[str]) -> None:
    """Aspirin begun again says nothing of a treatment on hold; of another one of the product the hold goes on."""
    events = [hold("03", detail="drugx"), hold("06") | {"event": "resume", "detail": detail}]
    given = [row | {"treatment": "load"} for row in doses("08")]
    assert found("dose_during_hold", "hold_not_closed", text=PRODUCTS, administrations=given, events=events) == told


VISITED = PROTOCOL + "visits: {check: {due: day 21, window: ±1 d}}\n"
EXPECTED = ("dose_not_given", "dose_no_record", "visit_missed", "visit_no_record")


def consent(withdrawn: str, **more: str) -> dict[str, Any]:
    """A consent form signed in time and withdrawn in March 2024."""
    return {"version": "1", "signed": "2024-02-20", "withdrawn": f"2024-03-{withdrawn}"} | more


@pytest.mark.parametrize("more", [{}, {"scope": ""}, {"scope": "whole trial"}, {"document": "main study"}])
def test_consent_withdrawn_for_the_whole_trial_ends_participation(more: dict[str, str]) -> None:
    """A dose and a visit afterwards are findings, and nothing more is expected, as after the milestone of that name."""
    tables = {"administrations": doses("01", "08", "15"), "consents": [consent("10", **more)]}
    late = [{"visit": "check", "date": "2024-03-22"}]
    assert found("dose_after_stop", text=VISITED, **tables) == ["15"]
    assert found(*EXPECTED, text=VISITED, **tables) == []
    assert len(found("procedure_after_withdrawal", text=VISITED, visits=late, **tables)) == 1


@pytest.mark.parametrize("more", [{"scope": "samples only"}, {"scope": "生物样本"}, {"document": "samples"}])
def test_consent_withdrawn_for_less_than_the_trial_ends_nothing(more: dict[str, str]) -> None:
    """Samples may no longer be kept; the doses go on, and are asked for."""
    given, late = doses("01", "08", "15"), [{"visit": "check", "date": "2024-03-22"}]
    tables = {"administrations": given, "consents": [consent("10", **more)], "visits": late}
    assert found("dose_after_stop", "procedure_after_withdrawal", text=VISITED, **tables) == []
    assert found(*EXPECTED, text=VISITED, **tables) == ["22?", "29?"]


def test_the_earlier_of_two_records_of_a_withdrawal_counts() -> None:
    """The form says the 10th, the milestone the 20th: the dose of the 15th came after."""
    for form, milestone in (("10", "20"), ("20", "10")):
        said = [{"milestone": "withdrawal of consent", "date": f"2024-03-{milestone}"}]
        tables = {"administrations": doses("15"), "consents": [consent(form)], "milestones": said}
        assert found("dose_after_stop", text=VISITED, **tables) == ["15"]


def test_a_withdrawal_known_to_the_month_leaves_the_doses_of_that_month_open() -> None:
    """Only the month of the withdrawal is on record: no dose of March is certainly after it."""
    form = consent("10") | {"withdrawn": "2024-03"}
    assert found("dose_after_stop", administrations=doses("08"), consents=[form]) == []
