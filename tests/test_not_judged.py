"""What the engine cannot judge yet is scheduled where possible and named, never passed over."""

import os
from pathlib import Path

import polars as pl
import pytest

import protocol
import rules
from rules.plan import compile_plan
from rules.telling.wording import catalogue

CYCLES = """
protocol: cycles
version: 1
first_day: 1
arms: {everyone: anyone}
milestones: {day-zero: start of drug 1}
measures: {anc: {unit: 10^9/L}}
cycles: {cycle: {from: day 1, every: 21 d, times: 3}}
treatments:
  drug: {in: cycle, due: [day 1, day 8], window: ±1 d, dose: {amount: 10 mg, tolerance: ±5 %}}
  tablet: {frequency: twice daily, from: day 1, for: 60 d, dose: 5 mg}
assessments:
  counts: {in: cycle, due: within 2 d before day 1, measures: [anc]}
modifications:
  low: {if: anc < 1 10^9/L, then: reduce tablet to 50 %, scope: next cycle}
"""

REAL = os.environ.get("PERPROTOCOL_REAL_DATA")


def _calendar(text: str, zero: str = "2024-03-01") -> pl.DataFrame:
    study = rules.from_frames("one", {"subjects": [{"subject": "001", "arm": "everyone", "day_zero": zero}]})
    return rules.schedule(protocol.read_text(text), study)


def test_days_and_moments_inside_a_cycle_are_scheduled_in_every_cycle() -> None:
    """Day 8 of the second cycle is 28 days after the first day; counts open two days before each first day."""
    calendar = _calendar(CYCLES)
    drug = calendar.filter(pl.col("activity") == "drug")["due"].dt.to_string().to_list()
    assert drug == ["2024-03-01", "2024-03-08", "2024-03-22", "2024-03-29", "2024-04-12", "2024-04-19"]
    counts = calendar.filter(pl.col("activity") == "counts")["opens"].dt.to_string().to_list()
    assert counts == ["2024-02-28", "2024-03-20", "2024-04-10"]


def test_what_is_not_judged_is_named_with_a_reason_in_both_languages() -> None:
    """A course and its reduction are named by their path; each reason has its text."""
    plan = compile_plan(protocol.read_text(CYCLES))
    assert set(plan.not_judged) == {
        ("treatments.tablet", "no-gap"),
        ("treatments.tablet", "no-adherence"),
        ("treatments.tablet", "no-window"),
        ("modifications.low", "modification"),
    }
    for lang in ("en", "zh"):
        assert {reason for _, reason in plan.not_judged} <= set(catalogue(lang)["notes"])


@pytest.mark.skipif(REAL is None, reason="PERPROTOCOL_REAL_DATA is not set: the ten real protocols are not at hand")
def test_ten_real_protocols_are_scheduled_and_audited() -> None:
    """Each gives a calendar, an audit without a fault, and reasons that have a text in both languages."""
    files = sorted((Path(str(REAL)).parent / "protocols").glob("*.yaml"))
    assert len(files) == 10
    for file in files:
        trial = protocol.read(str(file))
        subject = {
            "subject": "001",
            "arm": next(iter(trial.arms)),
            "day_zero": "2024-03-01",
            "birth_date": "2010-01-05",
        }
        study = rules.from_frames("one", {"subjects": [subject]})
        assert len(rules.schedule(trial, study)) > 0, file.name
        report = rules.audit(trial, study)
        assert report.not_judged, file.name
        assert {reason for _, reason in report.not_judged} <= set(catalogue("zh")["notes"]), file.name


def test_own_consents_are_named_as_not_judged_where_nobody_says_who_signed() -> None:
    """A study without the column is not asked about every participant."""
    trial = protocol.read_text(CYCLES.replace("first_day: 1", "consent: {own_from: 8 y}\nfirst_day: 1"))
    child = {"subject": "001", "arm": "everyone", "birth_date": "2014-01-01", "day_zero": "2024-03-01"}
    signed = {"subject": "001", "version": "1", "signed": "2024-02-20"}
    silent, told = (
        rules.audit(trial, rules.from_frames("s", {"subjects": [child], "consents": [signed | by]}))
        for by in ({}, {"by": "guardian"})
    )
    assert ("consent.own_from", "no-signer") in silent.not_judged
    assert ("consent.own_from", "no-signer") not in told.not_judged
