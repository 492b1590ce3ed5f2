"""Words on record that match nothing in the protocol are named, and an as-of day cuts what had not happened yet."""

from datetime import date

import polars as pl

import protocol
import rules
from rules.happened.records import visit_named

TRIAL = """
protocol: trial
version: 1
first_day: 0
arms: {drug-arm: drug}
milestones: {day-zero: start of drug 1}
events: {anaphylaxis: anaphylactic reaction}
treatments:
  drug: {due: day 0, every: 7 d, times: 3, window: ±1 d, dose: {amount: 10 mg, tolerance: ±5 %}}
visits: {weekly: {due: day 7, every: 7 d, times: 2, window: ±1 d}}
modifications: {anaphylaxis: {if: event anaphylaxis, then: stop drug}}
"""
DOSES = [
    {"subject": "001", "treatment": "drug", "start": day, "amount": "10", "unit": "mg"}
    for day in ("2024-03-01", "2024-03-08", "2024-03-15")
]


def _study(**tables: list[dict[str, object]]) -> rules.Study:
    subjects = [{"subject": "001", "arm": "drug-arm", "day_zero": "2024-03-01"}]
    return rules.from_frames("trial", {"subjects": subjects, "administrations": DOSES, **tables})


def _event(event: str, detail: str = "") -> list[dict[str, object]]:
    return [{"subject": "001", "event": event, "start": "2024-03-08", "detail": detail}]


def test_a_misspelt_event_and_an_unknown_visit_are_named_with_the_nearest_word() -> None:
    """Nothing follows from them, so a person must see them."""
    seen = (("foo", "2024-03-08"), ("weekly 2", "2024-03-15"))
    visits: list[dict[str, object]] = [{"subject": "001", "visit": visit, "date": day} for visit, day in seen]
    report = rules.audit(protocol.read_text(TRIAL), _study(events=_event("anaphylaxsis"), visits=visits))
    assert report.unmatched.select("column", "word", "rows", "near").rows() == [
        ("event", "anaphylaxsis", 1, "anaphylaxis"),
        ("visit", "foo", 1, None),
    ]


def test_an_adverse_event_is_known_by_its_detail() -> None:
    """An adverse event whose detail says anaphylaxis, rash is an anaphylaxis: the dose after it is a finding."""
    report = rules.audit(protocol.read_text(TRIAL), _study(events=_event("adverse event", "Anaphylaxis, rash")))
    assert report.findings["code"].to_list() == ["dose_after_stop"]
    assert report.unmatched.is_empty()


def test_an_as_of_day_leaves_out_what_is_dated_after_it() -> None:
    """The report of 10 March knows nothing of the dose of 15 March, and says that rows were left out."""
    study = _study(events=_event("anaphylaxis"))
    trial = protocol.read_text(TRIAL)
    assert rules.audit(trial, study, as_of=date(2024, 3, 10)).findings.is_empty()
    report = rules.audit(trial, study, as_of=date(2024, 3, 10))
    assert ("administrations", "after") in report.not_judged
    calendar = rules.schedule(trial, study, as_of=date(2024, 3, 10)).filter(pl.col("activity") == "drug")
    assert calendar["status"].to_list() == ["done", "done", "not expected"]


def test_the_arithmetic_names_the_ceiling_that_binds() -> None:
    """5 mg/kg of 94.8 kg is 474 mg; the sentence says why 400 mg is meant."""
    text = TRIAL.replace("amount: 10 mg", "amount: 5 mg/kg, max: 400 mg")
    weight = [{"subject": "001", "measure": "weight", "value": "94.8", "unit": "kg", "at": "2024-03-01"}]
    verdicts = rules.validate(protocol.read_text(text), _study(observations=weight))
    assert ", at most 400 mg = 400 mg" in verdicts["because"][0]


def test_a_visit_whose_name_begins_like_another_is_itself() -> None:
    """`visit-10` is a visit of its own and no tenth `visit-1`."""
    assert visit_named(protocol.read("lzzt"), "visit-10") == "visit-10"
    assert visit_named(protocol.read("uc-msc-saa"), "weekly 2") == "weekly"


def test_a_pause_of_what_the_protocol_does_not_give_is_named() -> None:
    """It pauses nothing, so the word stands beside the other words that match nothing."""
    subjects = [{"subject": "001", "arm": "drug-arm", "day_zero": "2024-03-01"}]
    settings = {"paused": "2024-03-01 to 2024-03-31 of durg, since 2024-04-10 of drug"}
    study = rules.facts.from_frames("s", {"subjects": subjects}, settings=settings)
    unmatched = rules.audit(protocol.read_text(TRIAL), study).unmatched
    assert unmatched.select("table", "column", "word").rows() == [("study.yaml", "paused", "durg")]
