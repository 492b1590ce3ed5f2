"""What a modification orders to be repeated: found where it came too late, asked about where no record tells."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

import protocol
import rules

TRIAL = """
protocol: repeats
version: 1
first_day: 0
sources: {doc: protocol v1.0, team: the study team must confirm}
source: doc
basis: stated
arms: {active: everyone}
measures: {alt: {unit: U/L}, hb: {unit: g/L}}
treatments: {drug: {due: day 0, every: 28 d, times: 3, window: ±3 d, dose: {amount: 10 mg, tolerance: ±5 %}}}
assessments: {labs: {title: {en: safety laboratory, zh: 安全性检验}, measures: [alt, hb]}}
modifications:
  liver: {if: alt > 200 U/L, then: [hold drug, repeat labs every 7 d], until: alt < 80 U/L, assumed: {then: team}}
"""
HIGH = ("2024-03-08", 300)


def report(*values: tuple[str, int], cut: str = "2024-04-20", final: bool = False, lang: str = "en") -> rules.Report:
    """The audit of one participant with these values of ALT, who got the first dose."""
    tables: dict[str, list[dict[str, object]]] = {
        "subjects": [{"subject": "1", "arm": "active", "day_zero": "2024-03-01"}],
        "administrations": [
            {"subject": "1", "treatment": "drug", "start": "2024-03-01", "amount": 10, "unit": "mg"},
            {"subject": "1", "treatment": "drug", "start": "2024-03-29", "status": "not given", "reason": "on hold"},
        ],
        "observations": [{"subject": "1", "measure": "alt", "value": v, "unit": "U/L", "at": day} for day, v in values],
    }
    study = rules.from_frames("s", tables, data_cut=date.fromisoformat(cut), final=final)
    return rules.audit(protocol.read_text(TRIAL), study, lang=lang)


def told(found: rules.Report) -> list[str]:
    """The codes that concern the repetition."""
    rows = [*found.findings.iter_rows(named=True), *found.queries.iter_rows(named=True)]
    return [row["code"] for row in rows if row["activity"] == "labs"]


@pytest.mark.parametrize(
    ("title", "values", "cut", "codes"),
    [
        ("On the seventh day it is in time.", [("2024-03-15", 60)], "2024-04-20", []),
        ("On the eighth it is not.", [("2024-03-16", 60)], "2024-04-20", ["not_repeated"]),
        ("While it lasts, every seven days.", [("2024-03-15", 150), ("2024-03-22", 60)], "2024-04-20", []),
        ("A later gap is found.", [("2024-03-15", 150), ("2024-03-23", 60)], "2024-04-20", ["not_repeated"]),
        ("Once it is over nothing more is due.", [("2024-03-14", 60)], "2024-06-20", []),
        ("Before the seven days are over nothing is asked.", [], "2024-03-15", []),
        ("After that it is asked.", [], "2024-03-16", ["repeat"]),
    ],
    ids=lambda value: value if isinstance(value, str) and value.endswith(".") else "",
)
def test_an_assessment_is_repeated_while_its_reason_lasts(
    title: str, values: list[tuple[str, int]], cut: str, codes: list[str]
) -> None:
    """Counted from the value that ordered it, and from each result after it."""
    assert told(report(HIGH, *values, cut=cut)) == codes, title


def test_final_data_say_that_it_was_not_done() -> None:
    """What is not on record once the data are final was not done."""
    assert told(report(HIGH, final=True)) == ["not_repeated"]


def test_without_its_reason_nothing_is_to_be_repeated() -> None:
    """A value inside its limits orders nothing."""
    assert told(report(("2024-03-08", 100))) == []


@pytest.mark.parametrize(("lang", "name"), [("en", "safety laboratory"), ("zh", "安全性检验")])
def test_the_finding_names_assessment_day_and_order(lang: str, name: str) -> None:
    """And rests on an assumption where the order does."""
    found = report(HIGH, ("2024-03-20", 60), lang=lang).findings
    [row] = found.filter(pl.col("activity") == "labs").iter_rows(named=True)
    assert all(word in row["message"] for word in (name, "2024-03-08", "2024-03-15", "repeat labs every 7 d"))
    assert (row["code"], row["basis"], row["date"]) == ("not_repeated", "assumed", date(2024, 3, 8))
