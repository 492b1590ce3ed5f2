"""A study folder that went out as SDTM and came back gives the same audit, and every file is read by others."""

from __future__ import annotations

import json
import os
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import polars as pl
import pyreadstat
import pytest

import protocol
import rules
from perprotocol.formats.sdtm.exporting import export_study
from perprotocol.formats.sdtm.importing import import_study
from perprotocol.simulation.faults import KINDS
from perprotocol.simulation.folder import data_cut, write_folder
from perprotocol.simulation.study import simulate
from rules.audit import Report

EXAMPLE = Path(__file__).resolve().parents[2] / "examples/uc-msc-saa"
SEEN = ("findings", "queries", "departures", "counts", "unmatched", "reconciliation", "decisions")


@cache
def example() -> Report:
    """Return the audit of the example study."""
    study = rules.read_study(EXAMPLE)
    return rules.audit(protocol.read("uc-msc-saa"), study, as_of=study.data_cut)


def simulated(name: str, place: Path) -> Report:
    """Return the audit of a simulated study with one fault of every kind."""
    trial = protocol.read(name)
    made = simulate(trial, len(KINDS) + 40, 3, dict.fromkeys(KINDS, 1))
    write_folder(made, place / "simulated", name)
    return rules.audit(trial, rules.read_study(place / "simulated"), as_of=data_cut(made))


def there_and_back(report: Report, place: Path, form: str) -> Report:
    """Return the audit of the study that went out and came back."""
    export_study(report, place / "sdtm", form)
    told = import_study(place / "sdtm", report.protocol, place / "back")
    assert not told.notes.found, "an export of ours leaves nothing open"
    return rules.audit(report.protocol, rules.read_study(place / "back"), as_of=report.as_of)


def same(one: Report, other: Report) -> None:
    """Both audits say the same; only the lines of the files that they cite are others."""
    for name in SEEN:
        before, after = (getattr(report, name).drop("record", "log", "table", strict=False) for report in (one, other))
        assert before.equals(after), name
    assert one.not_judged == other.not_judged


@pytest.mark.parametrize("form", ["xpt", "json"])
def test_the_example_gives_the_same_audit(tmp_path: Path, form: str) -> None:
    """Findings, queries, departures, counts and the reconciled log are the same, in either form."""
    assert len(example().findings) == 8
    same(example(), there_and_back(example(), tmp_path, form))


@pytest.mark.parametrize("name", protocol.library())
def test_simulated_studies_give_the_same_audit(tmp_path: Path, name: str) -> None:
    """Whatever the protocol, and with every kind of fault in it, nothing is lost on the way."""
    report = simulated(name, tmp_path)
    assert len(report.findings)
    same(report, there_and_back(report, tmp_path, "json"))


def _folder(place: Path, name: str) -> Path:
    (place / name).mkdir()
    return place / name


@cache
def exported(place: Path, form: str) -> dict[str, Path]:
    """Return the files of the example as SDTM."""
    export_study(example(), place / form, form)
    return {path.stem.upper(): path for path in sorted((place / form).glob(f"*.{form}"))}


def test_every_transport_file_is_read_by_pyreadstat(tmp_path: Path) -> None:
    """Names, labels and rows are there, and nothing is longer than SDTM allows."""
    files = exported(tmp_path, "xpt")
    described = pl.read_csv(tmp_path / "xpt/define-datasets.csv")
    assert set(files) == set(described["dataset"])
    for name, path in files.items():
        frame, about = pyreadstat.read_xport(str(path), output_format="polars", disable_datetime_conversion=True)
        assert about.table_name == name
        assert about.file_label == described.filter(pl.col("dataset") == name)["label"].item()
        assert len(frame) == described.filter(pl.col("dataset") == name)["records"].item()
        for column, label in about.column_names_to_labels.items():
            assert len(column) <= 8
            assert label is not None and 0 < len(label) <= 40, (name, column)
        for texts in frame.select(pl.col(pl.String)):
            assert (texts.str.len_bytes().max() or 0) <= 200


def test_every_json_file_is_valid(tmp_path: Path) -> None:
    """CDISC's schema of Dataset-JSON 1.1 accepts each of them, and the keys make every row unique."""
    real = os.environ.get("PERPROTOCOL_REAL_DATA")
    if real is None:
        pytest.skip("PERPROTOCOL_REAL_DATA is not set: CDISC's schema is not at hand")
    schema = json.loads((Path(real) / "schemas/dataset-json-1.1.schema.json").read_text("utf-8"))
    judge = jsonschema.Draft201909Validator(schema)
    for name, path in exported(tmp_path, "json").items():
        data: dict[str, Any] = json.loads(path.read_text("utf-8"))
        judge.validate(data)
        assert data["name"] == name and data["records"] == len(data["rows"])
        columns = [column["name"] for column in data["columns"]]
        keys = [columns.index(c["name"]) for c in data["columns"] if "keySequence" in c]
        assert len({tuple(row[key] for key in keys) for row in data["rows"]}) == len(data["rows"]), name


@pytest.mark.parametrize("form", ["xpt", "json"])
def test_the_same_run_writes_the_same_bytes(tmp_path: Path, form: str) -> None:
    """No clock and no chance stands in a file."""
    one, other = exported(_folder(tmp_path, "one"), form), exported(_folder(tmp_path, "other"), form)
    assert {n: p.read_bytes() for n, p in one.items()} == {n: p.read_bytes() for n, p in other.items()}


def test_the_day_of_the_audit_is_when_a_file_was_made(tmp_path: Path) -> None:
    """A Dataset-JSON file was made on the day as of which the study was judged."""
    data = json.loads(exported(tmp_path, "json")["DM"].read_text("utf-8"))
    assert example().as_of == date(2020, 12, 31)
    assert data["datasetJSONCreationDateTime"] == "2020-12-31T00:00:00"
    _, about = pyreadstat.read_xport(str(exported(tmp_path, "xpt")["DM"]), metadataonly=True)
    assert about.creation_time.date() == about.modification_time.date() == example().as_of
