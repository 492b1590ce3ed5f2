"""Bad FHIR: refused with its place, or left out one by one where that was asked for."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from fhir_files import DOSE, PATIENT, WEIGHT, changed, rows, run, write

BAD = yaml.safe_load((Path(__file__).parent / "fhir_bad.yaml").read_text("utf-8"))


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Work in a new folder."""
    monkeypatch.chdir(tmp_path)
    yield tmp_path


@pytest.mark.parametrize("case", BAD, ids=lambda case: str(case["title"]))
def test_bad_fhir_is_refused_with_its_place_and_a_remedy(case: dict[str, Any]) -> None:
    """Status 2, the sentence of the case, no traceback, and no folder."""
    name = case.get("name", "in.ndjson")
    changes = [(PATIENT, "patient"), (DOSE, "dose"), (WEIGHT, "observation")]
    sound = [changed(body, **case.get(key, {})) for body, key in changes]
    write(*sound, *case.get("resources", ()))
    if "raw" in case or "bytes" in case:
        Path("in.ndjson").unlink()
        Path(name).write_bytes(bytes.fromhex(case["bytes"]) if "bytes" in case else case["raw"].encode())
    if "map" in case:
        Path("words.yaml").write_text(case["map"], "utf-8")
    options = case.get("options", "") + (" --mapping words.yaml" if "map" in case else "")
    status, out, err = run(f"import fhir {name} -o study {options}")
    assert (status, out) == (2, "")
    assert case["says"] in err
    assert not Path("study").exists()
    assert {path.name for path in Path().iterdir()} <= {name, "words.yaml"}


def test_all_faults_of_all_files_come_at_once() -> None:
    """Who corrects an export wants to see everything that is wrong with it."""
    write(changed(DOSE, status="nope"), changed(DOSE, id="a2", subject=None), name="one.ndjson")
    write(changed(WEIGHT, status="nope"), name="two.ndjson")
    _, _, err = run("import fhir one.ndjson two.ndjson -o study")
    assert [line.partition(": ")[0] for line in err.splitlines()] == ["one.ndjson:1", "one.ndjson:2", "two.ndjson:1"]


def test_a_folder_that_holds_something_is_left_alone() -> None:
    """Nothing is written over a study."""
    write(DOSE)
    Path("study").mkdir()
    Path("study/subjects.csv").write_text("subject\n1\n", "utf-8")
    status, _, err = run("import fhir in.ndjson -o study")
    assert status == 2
    assert "study' is there already and is not empty" in err
    assert [path.name for path in Path("study").iterdir()] == ["subjects.csv"]


def test_with_partial_single_resources_are_left_out_and_listed() -> None:
    """A bad code, a reference to nobody, a bad unit and a bad component cost their own rows alone."""
    panel = {"code": {"text": "hb"}, "valueQuantity": {"value": "80", "unit": "g/L"}}
    write(
        PATIENT,
        DOSE,
        changed(DOSE, id="a2", status="nope"),
        changed(DOSE, id="a3", subject={"reference": "Patient/999"}),
        changed(DOSE, id="a4", dosage={"dose": {"value": 1, "unit": "tablet"}}),
        changed(DOSE, id="a5", medicationCodeableConcept=None, medicationReference={"reference": "Medication/7"}),
        WEIGHT,
        changed(WEIGHT, id="w2", component=[panel]),
        changed(PATIENT, id="102", gender="F"),
        changed(DOSE, id="a6", subject={"reference": "Patient/102"}),
    )
    assert run("import fhir in.ndjson -o study")[0] == 2
    status, out, err = run("import fhir in.ndjson --partial -o study --format json")
    assert status == 0, err
    assert [row["record"] for row in rows("administrations")] == ["a1", "a6"]
    assert [row["record"] for row in rows("observations")] == ["w1"]
    with Path("study/left-out.csv").open(encoding="utf-8") as file:
        listed = {row["place"]: row["element"] for row in csv.DictReader(file)}
    assert listed == {
        "in.ndjson:3": "MedicationAdministration/a2.status",
        "in.ndjson:4": "MedicationAdministration/a3.subject",
        "in.ndjson:5": "MedicationAdministration/a4.dosage.dose.unit",
        "in.ndjson:6": "MedicationAdministration/a5.medication",
        "in.ndjson:8": "Observation/w2.component[0].valueQuantity.value",
        "in.ndjson:9": "Patient/102.gender",
    }
    said = [row for row in json.loads(out) if "left-out.csv" in row["message"]]
    assert [row["number"] for row in said] == [6]
    assert run("validate uc-msc-saa study --as-of 2024-04-01")[0] != 2


def test_a_file_cut_short_is_no_partial_import() -> None:
    """Nobody knows what else was in it: that is refused all the same."""
    Path("in.ndjson").write_text(json.dumps(DOSE) + "\n" + json.dumps(DOSE)[:-9], "utf-8")
    status, _, err = run("import fhir in.ndjson --partial -o study")
    assert status == 2
    assert "in.ndjson:2:" in err
    assert not Path("study").exists()
