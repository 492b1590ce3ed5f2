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
WHERE = ("code", "subject", "activity", "occurrence")
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
    return from_frames("s", tables, data_cut=date.fromisoformat(case["data_cut"]), final=case.get("final") == "yes")


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _rows(frame: pl.DataFrame, columns: tuple[str, ...]) -> list[tuple[str, ...]]:
    return sorted(tuple(_text(row[c]) for c in columns) for row in frame.iter_rows(named=True))


def _expected(rows: list[dict[str, str]], columns: tuple[str, ...]) -> list[tuple[str, ...]]:
    """The rows as the case writes them: of child 001 unless it says otherwise, empty where it says nothing."""
    return sorted(tuple(({"subject": "001"} | row).get(c, "") for c in columns) for row in rows)


def _check_words(frame: pl.DataFrame, rows: list[dict[str, Any]]) -> None:
    """Every expected row finds one of its kind that is as important and has its words."""
    for row in rows:
        own = [found for found in frame.iter_rows(named=True) if _expected([row], WHERE) == _rows(_one(found), WHERE)]
        own = [found for found in own if found["importance"] == row.get("importance", found["importance"])]
        assert any(all(word in found["message"] for word in row.get("contains", ())) for found in own), (row, own)


def _one(row: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame([{column: row[column] for column in WHERE}])


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
    for name in ("findings", "queries"):
        frame: pl.DataFrame = getattr(report, name)
        rows = case.get(name, [])
        assert _rows(frame, WHERE) == _expected(rows, WHERE), (name, frame["message"].to_list())
        _check_words(frame, rows)
    columns = ("kind", "subject", "activity", "occurrence", "days", "percent")
    rounded = report.departures.with_columns(pl.col("percent").round(0).cast(pl.Int32))
    assert _rows(rounded, columns) == _expected(case.get("departures", []), columns)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_situation_is_judged_as_a_good_monitor_judges_it(case: Case) -> None:
    """Findings, queries, departures and complying doses are exactly those of the case."""
    plan = protocol.read(FOLDER / "protocols" / f"{case['protocol']}.yaml")
    study = _study(case)
    _check_report(case, audit(plan, study))
    _check_verdicts(case, validate(plan, study))
    calendar = schedule(plan, study)
    for occurrence, expected in case.get("schedule", {}).items():
        [row] = [r for r in calendar.iter_rows(named=True) if f"{r['activity']} {r['occurrence']}" == occurrence]
        assert {column: _text(row[column]) for column in expected} == expected


def test_every_protocol_of_the_situations_is_used() -> None:
    """No protocol lies here without a case."""
    assert {f.stem for f in (FOLDER / "protocols").glob("*.yaml")} == {case["protocol"] for case in CASES.values()}
