"""What a good monitor would say, case by case: the findings, queries and departures are these and no others."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

import protocol
from rules.audit import Report, audit, schedule, validate
from rules.facts import Study, from_frames

FOLDER = Path(__file__).parent / "situations"
Case = dict[str, Any]


def _read(file: Path) -> Any:
    """The file with every value as text, as a table would hold it."""
    return yaml.load(file.read_text("utf-8"), yaml.BaseLoader)


def _cases() -> Iterator[tuple[str, Case]]:
    for file in sorted(FOLDER.glob("S*.yaml")):
        for case in _read(file)["cases"]:
            yield f"{file.stem} {case['title']}", case


CASES = dict(_cases())
BASE: dict[str, Any] = _read(FOLDER / "base.yaml")


def _study(case: Case) -> Study:
    """The tables of every word of `base` and of the case, with the cells that their rows leave out."""
    tables: dict[str, list[dict[str, str]]] = {}
    for given in (*(BASE[word] for word in case.get("base", "").split()), case.get("tables", {})):
        for name, rows in given.items():
            tables.setdefault(name, []).extend(BASE["fill"].get(name, {}) | row for row in rows)
    cut, final = date.fromisoformat(case["data_cut"]), case.get("final") == "yes"
    return from_frames("s", tables, data_cut=cut, final=final, settings=case.get("settings"))


def _names(case: Case) -> list[str]:
    named: str = case["protocol"]
    return named.split()


def _versions(case: Case) -> list[protocol.Protocol]:
    """The protocol of the case, or its versions, oldest first; the case may give the newest another transition rule."""
    versions = [protocol.read(FOLDER / "protocols" / f"{name}.yaml") for name in _names(case)]
    if rule := case.get("transition"):
        versions[-1] = versions[-1].model_copy(update={"transition": None if rule == "not stated" else rule})
    return versions


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _check_rows(frame: pl.DataFrame, rows: list[dict[str, Any]]) -> None:
    """The rows are those of the case, each once, and no others; of child 001 unless the case says otherwise."""
    left = list(frame.iter_rows(named=True))
    for row in rows:
        fitting = [found for found in left if _fits(found, {"subject": "001"} | row)]
        assert fitting, (row, left)
        left.remove(fitting[0])
    assert not left


def _fits(found: dict[str, Any], row: dict[str, Any]) -> bool:
    """Whether a row says what the case says, and its message has the words of the case."""
    words = row.get("contains", [])
    same = all(_text(found[column]) == value for column, value in row.items() if column != "contains")
    return same and all(word in found["message"] for word in words)


def _check_verdicts(case: Case, verdicts: pl.DataFrame) -> None:
    """The complying doses are exactly those of the case, and their reasons have its words."""
    by_dose = {f"{row['activity']} {_text(row['occurrence'])}": row for row in verdicts.iter_rows(named=True)}
    complying = [f"{activity} {_text(occurrence)}" for activity, occurrence in _complying(verdicts)]
    assert sorted(complying) == sorted(case.get("complies", [])), {
        dose: row["message"] for dose, row in by_dose.items()
    }
    for dose, words in case.get("because", {}).items():
        assert all(word in by_dose[dose]["because"] for word in words), by_dose[dose]["because"]


def _complying(verdicts: pl.DataFrame) -> list[tuple[str, int]]:
    return verdicts.filter(pl.col("verdict") == "complies").select("activity", "occurrence").rows()


def _check_report(case: Case, report: Report) -> None:
    _check_rows(report.findings, case.get("findings", []))
    _check_rows(report.queries, case.get("queries", []))
    whole = pl.col("percent").round(0).cast(pl.Int32)
    for cause in case.get("causes", []):
        assert [r for r in report.causes.iter_rows(named=True) if all(_text(r[c]) == v for c, v in cause.items())]
    _check_rows(report.corrected, case.get("closed", []))
    _check_rows(report.departures.with_columns(whole), case.get("departures", []))


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_situation_is_judged_as_a_good_monitor_judges_it(case: Case) -> None:
    """Findings, queries, departures and complying doses are exactly those of the case."""
    plan = _versions(case)
    study = _study(case)
    _check_report(case, audit(plan, study))
    _check_verdicts(case, validate(plan, study))
    calendar = schedule(plan, study)
    for occurrence, expected in case.get("schedule", {}).items():
        [row] = [r for r in calendar.iter_rows(named=True) if f"{r['activity']} {r['occurrence']}" == occurrence]
        assert {column: _text(row[column]) for column in expected} == expected


def test_every_protocol_of_the_situations_is_used() -> None:
    """No protocol lies here without a case."""
    assert {f.stem for f in (FOLDER / "protocols").glob("*.yaml")} == {
        name for case in CASES.values() for name in _names(case)
    }
