"""A small USDM file, changed and broken on purpose: what becomes of it, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

import protocol
from perprotocol.cli import app
from perprotocol.formats.usdm import Imported, export_usdm, import_usdm
from tests.formats.test_usdm_import import calendar, days


def small() -> dict[str, Any]:
    """The smallest study with a loop, a visit and a dose."""

    def code(decode: str) -> dict[str, Any]:
        return {"id": f"Code_{decode}", "code": decode, "decode": decode, "instanceType": "Code"}

    def timing(number: int, kind: str, value: str, to: str) -> dict[str, Any]:
        return {
            "id": f"Timing_{number}", "name": f"T{number}", "type": code(kind), "value": value, "valueLabel": "",
            "relativeToFrom": code("Start to Start"), "relativeFromScheduledInstanceId": f"Instance_{number}",
            "relativeToScheduledInstanceId": to, "instanceType": "Timing",
        }  # fmt: skip

    def point(number: int, then: str | None) -> dict[str, Any]:
        return {
            "id": f"Instance_{number}", "name": f"I{number}", "defaultConditionId": then, "activityIds": [],
            "encounterId": f"Encounter_{number}", "instanceType": "ScheduledActivityInstance",
        }  # fmt: skip

    decision = {
        "id": "Decision_1", "name": "AGAIN", "defaultConditionId": "Instance_3",
        "instanceType": "ScheduledDecisionInstance",
        "conditionAssignments": [{"id": "CA_1", "condition": "Cycle 1 to 3", "conditionTargetId": "Instance_2"}],
    }  # fmt: skip
    timings = [timing(1, "Fixed Reference", "P1D", "Instance_1"), timing(2, "After", "P7D", "Instance_1")]
    timings += [timing(3, "After", "P1DT12H", "Instance_1")]
    timings += [timing(4, "After", "P7D", "Instance_2") | {"relativeFromScheduledInstanceId": "Decision_1"}]
    line = {
        "id": "Timeline_1", "name": "Main", "mainTimeline": True, "entryCondition": "", "entryId": "Instance_1",
        "exits": [], "timings": timings, "instanceType": "ScheduleTimeline",
        "instances": [point(1, "Instance_2"), point(2, "Decision_1"), decision, point(3, None)],
    }  # fmt: skip
    encounters = [
        {"id": f"Encounter_{n}", "name": f"V{n}", "contactModes": [], "instanceType": "Encounter"} for n in (1, 2, 3)
    ]
    dose = {"id": "Quantity_1", "value": 5, "unit": {"standardCode": code("Milligram")}, "instanceType": "Quantity"}
    administration = {
        "id": "Administration_1", "name": "A1", "dose": dose, "route": {"standardCode": code("Oral")},
        "frequency": {"standardCode": code("Daily")}, "duration": {"id": "D1", "durationWillVary": False},
        "instanceType": "Administration",
    }  # fmt: skip
    drug = {
        "id": "StudyIntervention_1", "name": "drug", "role": code("Experimental"), "administrations": [administration],
        "instanceType": "StudyIntervention",
    }  # fmt: skip
    design = {
        "id": "Design_1", "name": "design", "arms": [{"id": "Arm_1", "name": "one", "type": code("x")}],
        "encounters": encounters, "scheduleTimelines": [line], "instanceType": "InterventionalStudyDesign",
    }  # fmt: skip
    version = {
        "id": "Version_1", "versionIdentifier": "1", "studyDesigns": [design], "studyInterventions": [drug],
        "instanceType": "StudyVersion",
    }  # fmt: skip
    return {"study": {"name": "small", "versions": [version], "instanceType": "Study"}, "usdmVersion": "4.0"}


def read(data: dict[str, Any], tmp_path: Path) -> Imported:
    """The import of a study."""
    file = tmp_path / "small.json"
    file.write_text(json.dumps(data, indent=1), "utf-8")
    return import_usdm(file)


def line_of(data: dict[str, Any]) -> dict[str, Any]:
    """The main timeline of a study."""
    found: dict[str, Any] = data["study"]["versions"][0]["studyDesigns"][0]["scheduleTimelines"][0]
    return found


def test_a_loop_is_a_cycle_and_a_day_and_a_half_is_36_hours(tmp_path: Path) -> None:
    """A visit inside a loop of three rounds; P1DT12H counted as clock time."""
    trial = read(small(), tmp_path).protocol
    assert (str(trial.cycles["again"].from_), str(trial.cycles["again"].every), trial.cycles["again"].times) == (
        "7 d after v1", "7 d", 3,
    )  # fmt: skip
    assert str(trial.visits["v3"].due[0]) == "36 h after v1"
    assert days(calendar(trial, "one"), "v2") == [(7, None, None), (14, None, None), (21, None, None)]


CHANGES = yaml.safe_load((Path(__file__).parent / "usdm_changes.yaml").read_text("utf-8"))


def put(data: Any, path: str, value: object) -> None:
    """Set the value at a path of the study version; one place behind a list adds to it."""
    node = data["study"]["versions"][0]
    *parents, last = path.split(".")
    for key in parents:
        node = node[int(key)] if isinstance(node, list) else node[key]
    if isinstance(node, list) and int(last) == len(node):
        node.append(value)
    else:
        node[int(last) if isinstance(node, list) else last] = value


def at(plain: Any, path: str) -> object:
    """Return the value at a path of the protocol as a document writes it; a short form is that of its title."""
    for key in path.split("."):
        plain = plain.get(key) if isinstance(plain, dict) else plain if key == "title" else None
    return plain


@pytest.mark.parametrize("case", CHANGES, ids=lambda case: case["title"])
def test_a_change_to_the_file_is_told_and_read(case: dict[str, Any], tmp_path: Path) -> None:
    """What the report says of it, and what the protocol then holds."""
    data = small()
    for place, value in case["set"].items():
        put(data, place, str(value) if isinstance(value, date) else value)
    imported = read(json.loads(json.dumps(data, default=str)), tmp_path)
    if "says" in case:
        kind, key, values = case["says"]
        wanted_values = {name: str(value) for name, value in values.items()}
        told = [remark for remark in imported.remarks if (remark.kind, remark.key) == (kind, key)]
        fitting = [remark for remark in told if wanted_values.items() <= remark.values.items()]
        assert fitting, imported.remarks
        assert fitting[0].path == case.get("path", fitting[0].path)
    assert not [remark.key for remark in imported.remarks if remark.key in case.get("silent", ())]
    plain = yaml.load(imported.text, yaml.BaseLoader)
    wanted = {place: None if text is None else str(text) for place, text in case.get("holds", {}).items()}
    assert {place: at(plain, place) for place in wanted} == wanted


@pytest.mark.parametrize("case", CHANGES, ids=lambda case: case["title"])
def test_a_change_survives_a_way_out_and_in_again(case: dict[str, Any], tmp_path: Path) -> None:
    """Whatever was understood is understood again."""
    data = small()
    for place, value in case["set"].items():
        put(data, place, str(value) if isinstance(value, date) else value)
    first = read(json.loads(json.dumps(data, default=str)), tmp_path)
    assert read(export_usdm(first.protocol), tmp_path).text == first.text


Break = Callable[[dict[str, Any]], object]
FAULTS: list[tuple[str, Break, tuple[str, ...]]] = [
    ("another version", lambda d: d.update(usdmVersion="2.9"), ("usdmVersion", "'2.9'", "4.0 or 3.x")),
    ("no version", lambda d: d.pop("usdmVersion"), ("usdmVersion", "is missing")),
    (
        "a dangling id",
        lambda d: line_of(d)["timings"][1].update(relativeToScheduledInstanceId="Instance_9"),
        ("Timing Timing_2.relativeToScheduledInstanceId", "'Instance_9'", "the id of nothing"),
    ),
    (
        "a loop without an exit",
        lambda d: line_of(d)["instances"][2].update(defaultConditionId="Instance_1"),
        ("ScheduleTimeline Main.instances", "goes round without an exit: I1, I2, AGAIN"),
    ),
    (
        "two objects of one id",
        lambda d: line_of(d)["instances"].append(dict(line_of(d)["instances"][0])),
        ("'Instance_1'", "is the id of two"),
    ),
    ("a missing value", lambda d: line_of(d)["timings"][0].pop("value"), ("timings[0].value", "is missing")),
    ("no arms", lambda d: d["study"]["versions"][0]["studyDesigns"][0].update(arms=[]), ("arms",)),
]


@pytest.mark.parametrize(("broken", "found"), [case[1:] for case in FAULTS], ids=[case[0] for case in FAULTS])
def test_what_cannot_be_used_is_said_with_its_place(broken: Break, found: tuple[str, ...], tmp_path: Path) -> None:
    """Exit status 2, what is wrong where, and nothing written."""
    data = small()
    broken(data)
    file, out = tmp_path / "broken.json", tmp_path / "out.yaml"
    file.write_text(json.dumps(data, indent=1), "utf-8")
    result = CliRunner().invoke(app, ["import", "usdm", str(file), "-o", str(out)])
    assert (result.exit_code, result.stdout, out.exists()) == (2, "", False)
    assert all(part in result.stderr for part in ("broken.json", *found)), result.stderr


def test_every_fault_of_a_file_is_said_at_once(tmp_path: Path) -> None:
    """A dangling id, an endless loop: two lines."""
    data = small()
    for name in ("a dangling id", "a loop without an exit"):
        next(broken for title, broken, _ in FAULTS if title == name)(data)
    with pytest.raises(protocol.DocumentError) as caught:
        read(data, tmp_path)
    assert len(caught.value.faults) == 2
    assert all(fault.line for fault in caught.value.faults)


@pytest.mark.parametrize("size", [10, 400, 2000])
def test_a_file_that_ends_too_early_is_said_to_be_cut(size: int, tmp_path: Path) -> None:
    """The place is where it ends."""
    file = tmp_path / "cut.json"
    file.write_text(json.dumps(small(), indent=1)[:size], "utf-8")
    result = CliRunner().invoke(app, ["import", "usdm", str(file)])
    assert result.exit_code == 2
    assert "cut.json:" in result.stderr


@pytest.mark.parametrize("text", ["[]", '{"a": 1}', "no json"])
def test_what_is_no_usdm_file_is_refused(text: str, tmp_path: Path) -> None:
    """Other JSON, or none."""
    file = tmp_path / "other.json"
    file.write_text(text, "utf-8")
    assert CliRunner().invoke(app, ["import", "usdm", str(file)]).exit_code == 2


def test_a_supplement_with_faults_says_all_of_them(tmp_path: Path) -> None:
    """A path that is not there, with those that are; an unknown field is the protocol's own message."""
    file = tmp_path / "more.yaml"
    file.write_text("remove: [treatments.drag, visits.v9]\n", "utf-8")
    study = tmp_path / "small.json"
    study.write_text(json.dumps(small()), "utf-8")
    result = CliRunner().invoke(app, ["import", "usdm", str(study), "--supplement", str(file)])
    assert result.exit_code == 2
    assert "'treatments.drag' is no path of the imported protocol; write one of: drug" in result.stderr
    assert "visits.v9" in result.stderr
