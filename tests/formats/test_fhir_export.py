"""FHIR as others read it: fhir.resources takes every resource of R4 and R5, codes and references are checked beside."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from fhir_files import Body, run
from fhir_reader import faults, read

import protocol
import rules
from perprotocol.formats.fhir.writing.elements import id_of, number, plain
from perprotocol.formats.fhir.writing.files import dump
from perprotocol.formats.fhir.writing.issues import ACT, ISSUES
from rules.deviations import BY_CODE, RULES

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = Path(__file__).parent / "golden"
RENEW = "look at the difference; renew it with: RENEW=1 python -m pytest tests/formats/test_fhir_export.py -k golden"
EXAMPLE = "examples/uc-msc-saa"
RELEASES = ("R4", "R5")

TRIAL = """
protocol: small
title: {en: a small trial, zh: 小型试验}
version: 2
first_day: 0
sources: {doc: protocol of this test}
source: doc
basis: stated
arms: {active: {title: cells}, control: {title: none}}
weight: {use: latest, within: 7 d}
treatments:
  cells:
    title: {en: cell infusion, zh: 细胞输注}
    arm: active
    route: intravenous
    due: day 14
    every: 7 d
    times: 2
    window: ±1 d
    over: 30 min to 60 min
    dose: {amount: 1e6 cells/kg, count: viable, tolerance: ±10 %, max: 5e7 cells}
  tablets: {frequency: twice daily, from: day 0, for: 28 d, dose: {start: 5 mg/kg/d, tolerance: ±10 %}}
visits:
  closing: {title: closing visit, due: 30 d after last cells, window: ±3 d, if: no event failure}
events: {failure: {title: failure}}
eligibility: {include: {child: age < 18 y}}
"""
STUDY = {
    "subjects.csv": "subject,arm,site,sex,birth_date,day_zero\nS/1,active,01,F,2019-05,2024-03-01\n",
    "observations.csv": "subject,measure,value,unit,at\nS/1,weight,16.20,kg,2024-03-12\nS/1,stage,II,,2024-03-01\n",
    "administrations.csv": (
        "subject,treatment,start,end,amount,unit,lot,expires,status,record\n"
        "S/1,cells,2024-03-15T10:20,2024-03-15T11:00,1.62e8,cells,L1,2024-12,given,a1\n"
        "S/1,cells,2024-03-25,,1.620e7,cells,,,,a2\n"
    ),
    "milestones.csv": "subject,milestone,date\nS/1,randomised,2024-02-28\n",
    "study.yaml": "name: small\ntime_zone: Europe/Paris\ndata_cut: 2024-06-01\n",
}


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Work in a new folder with a small trial, a study of one child and the examples at hand."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    (tmp_path / "small.yaml").write_text(TRIAL, "utf-8")
    monkeypatch.chdir(tmp_path)
    Path("study").mkdir()
    for name, text in STUDY.items():
        Path("study", name).write_text(text, "utf-8")
    yield tmp_path


def export(line: str) -> None:
    """Export what the line says."""
    status, out, err = run(f"export fhir {line}")
    assert (status, out) == (0, ""), err


def bodies(place: str) -> list[Body]:
    """The resources of a Bundle, a folder of NDJSON, or one file."""
    path = Path(place)
    if path.is_dir():
        return [json.loads(line) for file in sorted(path.iterdir()) for line in file.open(encoding="utf-8")]
    whole = json.loads(path.read_text("utf-8"))
    return [entry["resource"] for entry in whole["entry"]] if whole["resourceType"] == "Bundle" else [whole]


def of(found: list[Body], kind: str) -> list[Body]:
    """Those of one kind."""
    return [body for body in found if body["resourceType"] == kind]


def references(value: object) -> Iterator[str]:
    """Every reference within a resource."""
    if isinstance(value, dict):
        named = value.get("reference")
        if isinstance(named, str):
            yield named
        for part in value.values():
            yield from references(part)
    elif isinstance(value, list):
        for part in value:
            yield from references(part)


def check(found: list[Body], release: str) -> None:
    """fhir.resources reads each, its value sets hold, ids are unique, and references lead to what is there."""
    for body in found:
        assert list(faults(read(json.dumps(body), release), body["resourceType"])) == []
    keys = Counter(f"{body['resourceType']}/{body['id']}" for body in found)
    assert max(keys.values()) == 1
    for body in found:
        inside = {f"#{one['id']}" for one in body.get("contained", ())}
        assert {name for name in references(body) if not name.startswith("urn:")} <= inside | set(keys)


# --- read by a library that is not ours ---------------------------------------------------------------------------


def test_the_reader_sees_what_fhir_resources_lets_pass() -> None:
    """A code outside its value set, a reference to the wrong kind, and an element of None that must be there."""
    dose = {
        "resourceType": "MedicationAdministration",
        "status": "nope",
        "medicationCodeableConcept": {"text": "x"},
        "subject": {"reference": "Device/1"},
    }
    said = list(faults(read(json.dumps(dose | {"effectiveDateTime": "2024"}), "R4")))
    assert [one.split()[0] for one in said] == [".status", ".subject"]
    newer = {"resourceType": "DetectedIssue", "status": "registered"}
    assert ".status 'registered'" in next(iter(faults(read(json.dumps(newer), "R5"))))


@pytest.mark.parametrize("release", RELEASES)
def test_the_example_study_is_sound_in_both_releases(release: str) -> None:
    """Every resource of NDJSON stands every check; there is a plan and a group of requests for each participant."""
    export(f"uc-msc-saa {EXAMPLE} --as-of 2016-01-01 --release {release} -o folder")
    found = bodies("folder")
    check(found, release)
    kinds = Counter(body["resourceType"] for body in found)
    group = {"R4": "RequestGroup", "R5": "RequestOrchestration"}[release]
    assert kinds["Patient"] == kinds["CarePlan"] == kinds[group] == kinds["ResearchSubject"] == 18
    assert kinds["MedicationAdministration"] == 271


@pytest.mark.parametrize("release", RELEASES)
def test_a_bundle_is_whole(release: str) -> None:
    """Of one participant: every reference is the address of an entry, and the Bundle itself is read."""
    export(f"uc-msc-saa {EXAMPLE} --as-of 2016-01-01 --release {release} --subject 103 -o bundle.json")
    text = Path("bundle.json").read_text("utf-8")
    assert list(faults(read(text, release))) == []
    found = bodies("bundle.json")
    assert [body["identifier"][0]["value"] for body in of(found, "Patient")] == ["103"]
    named = {entry["fullUrl"] for entry in json.loads(text)["entry"]}
    assert len(named) == len(found)
    assert {name for body in found for name in references(body) if not name.startswith("#")} <= named


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("name", protocol.library())
def test_every_protocol_of_the_library_and_a_study_by_it_are_sound(name: str, release: str) -> None:
    """Courses, cycles, levels, blinded arms, surface and bands: whatever a protocol says, what is written is FHIR."""
    export(f"{name} --release {release} -o plan.json")
    check(bodies("plan.json"), release)
    assert run(f"simulate {name} -n 3 -o simulated")[0] == 0
    line = f"{name} simulated --time-zone Asia/Shanghai --as-of 2022-01-01 --unblinded"
    export(f"{line} --release {release} -o study.json")
    check(bodies("study.json"), release)


@pytest.mark.parametrize("release", RELEASES)
def test_small_golden_bundle(release: str) -> None:
    """What is written of one child, to be read by a person."""
    import os

    export(f"small.yaml study --as-of 2024-06-01 --release {release} -o out.json")
    found = bodies("out.json")
    check(found, release)
    golden = GOLDEN / f"small.{release}.json"
    written = json.dumps(found, indent=1, ensure_ascii=False) + "\n"
    if os.environ.get("RENEW"):
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(written, "utf-8")
    assert golden.read_text("utf-8") == written, RENEW


# --- what is said -------------------------------------------------------------------------------------------------


def test_an_action_is_one_occurrence_with_its_day_and_window() -> None:
    """Each row of the schedule is one action, which names the request that says what it is."""
    export("small.yaml study --as-of 2024-03-20 --only schedule -o out")
    (group,) = of(bodies("out"), "RequestGroup")
    calendar = rules.schedule(protocol.read("small.yaml"), rules.read_study("study"), as_of=date(2024, 3, 20))
    assert [action["id"] for action in group["action"]] == [
        f"{row['activity']}.{row['occurrence']}" for row in calendar.iter_rows(named=True)
    ]
    second = next(action for action in group["action"] if action["id"] == "cells.2")
    assert second["timingTiming"] == {
        "event": ["2024-03-22"],
        "repeat": {"boundsPeriod": {"start": "2024-03-21", "end": "2024-03-23"}},
    }
    assert second["title"] == "cell infusion"
    dose = next(r for r in of(bodies("out"), "MedicationRequest") if second["resource"]["reference"].endswith(r["id"]))
    assert (dose["status"], dose["intent"]) == ("active", "plan")


def test_a_dose_is_ordered_per_kg_and_calculated_for_the_child() -> None:
    """Two doseAndRate: the protocol's per kg, and what it comes to; the cap and the route stand beside them."""
    export("small.yaml study --as-of 2024-03-20 --only schedule -o out")
    dose, course = (
        next(r for r in of(bodies("out"), "MedicationRequest") if name in json.dumps(r))
        for name in ("cells", "tablets")
    )
    (told,) = dose["dosageInstruction"]
    ordered, calculated = told["doseAndRate"]
    assert ordered["type"]["coding"][0]["code"] == "ordered"
    assert (ordered["doseQuantity"]["value"], ordered["doseQuantity"]["code"]) == (1000000, "{cells}/kg")
    assert calculated["type"]["coding"][0]["code"] == "calculated"
    assert (calculated["doseQuantity"]["value"], calculated["doseQuantity"]["code"]) == (16200000, "{cells}")
    assert told["maxDosePerAdministration"]["value"] == 50000000
    assert told["route"]["coding"][0]["code"] == "47625008"
    assert told["timing"]["repeat"]["durationMax"] == 60
    assert "by 16.2 kg; allowed 14580000 to 17820000 cells" in told["text"]
    (daily,) = course["dosageInstruction"]
    assert daily["doseAndRate"][0]["rateQuantity"]["code"] == "mg/kg/d"
    assert (daily["timing"]["repeat"]["frequency"], daily["timing"]["repeat"]["period"]) == (2, 1)


def test_issues_are_of_dose_and_timing_only() -> None:
    """A tenfold dose and a late one are issues with the record they are about; a visit or a consent never is."""
    export("small.yaml study --as-of 2024-06-01 -o out")
    issues = of(bodies("out"), "DetectedIssue")
    assert {(one["code"]["coding"][0]["code"], one["code"]["coding"][1]["code"]) for one in issues} == {
        ("DOSEH", "overdose"),
        ("TIME", "dose_late"),
    }
    for one in issues:
        assert one["status"] == "preliminary"
        assert "severity" not in one
        assert [ref["reference"].partition("/")[0] for ref in one["implicated"]] == [
            "MedicationAdministration",
            "MedicationRequest",
        ]
    export(f"uc-msc-saa {EXAMPLE} --as-of 2020-12-31 --only issues -o issues")
    assert {one["code"]["coding"][1]["code"] for one in bodies("issues")} == {"overdose", "dose_late"}


def test_a_confirmed_finding_is_a_final_issue() -> None:
    """A candidate is preliminary until a person has confirmed it."""
    finding = rules.audit(protocol.read("small.yaml"), rules.read_study("study"), as_of=date(2024, 6, 1)).findings
    late = finding.filter(pl.col("code") == "dose_late")["id"][0]
    text = f"subject,kind,finding,decided,by\nS/1,confirmed,{late},2024-05-01,monitor\n"
    Path("study/decisions.csv").write_text(text, "utf-8")
    export("small.yaml study --as-of 2024-06-01 --only issues -o out")
    assert {(one["code"]["coding"][1]["code"], one["status"]) for one in bodies("out")} == {
        ("overdose", "preliminary"),
        ("dose_late", "final"),
    }


def test_every_rule_that_becomes_an_issue_is_one_of_dose_or_timing() -> None:
    """The codes are of the catalogue, none of consent, eligibility or visits, and HL7's codes are its own."""
    assert ISSUES.keys() <= BY_CODE.keys()
    named = {"DOSE", "DOSEH", "DOSEL", "DOSEIVL", "DOSEDUR", "DOSEDURH", "DOSEDURL", "MDOSE", "TIME"}
    assert {issue["code"] for issue in ISSUES.values()} == named
    assert {issue["system"] for issue in ISSUES.values()} == {ACT}
    assert {rule.category for rule in RULES if rule.code in ISSUES} == {"wrong study treatment, administration or dose"}


def test_a_plan_says_what_counts_from_what_and_by_how_much() -> None:
    """Offsets are exact, windows are around the target, and what only one arm gets says so."""
    export("small.yaml -o plan.json --lang zh")
    (plan,) = bodies("plan.json")
    assert (plan["url"], plan["version"], plan["title"]) == ("urn:perprotocol:protocol:small", "2", "小型试验")
    actions = {action["id"]: action for action in plan["action"]}
    first, second = actions["cells"]["action"]
    assert second["relatedAction"] == [
        {
            "actionId": "milestone.day-zero",
            "relationship": "after-start",
            "offsetDuration": {"value": 21, "unit": "d", "system": "http://unitsofmeasure.org", "code": "d"},
        }
    ]
    window = second["extension"][0]
    assert window["url"] == "urn:perprotocol:window-around-target"
    assert (window["valueRange"]["low"]["value"], window["valueRange"]["high"]["value"]) == (-1, 1)
    assert first["condition"][0]["expression"]["expression"] == "arm: active"
    assert first["definitionCanonical"] == "#cells.step.1"
    assert actions["closing"]["action"][0]["relatedAction"][0]["actionId"] == "cells.2"
    assert actions["eligibility"]["condition"][0]["expression"]["expression"] == "include child: age < 18 y"
    anchors = {ref["actionId"] for one in plan["action"] for a in one.get("action", ()) for ref in a["relatedAction"]}
    assert anchors <= actions.keys() | {a["id"] for one in plan["action"] for a in one.get("action", ())}


def test_numbers_go_out_with_every_digit() -> None:
    """1.620e7 cells were counted to four figures."""
    export("small.yaml study --as-of 2024-06-01 --only records -o out")
    text = Path("out/MedicationAdministration.ndjson").read_text("utf-8")
    assert '"value": 1.620E+7' in text or '"value": 16200000' not in text
    assert '"value": 1.62E+8' in text
    assert '"value": 16.20,' in Path("out/Observation.ndjson").read_text("utf-8")
    assert dump({"value": number("1.50"), "text": '"1"'}) == '{"value": 1.50, "text": "\\"1\\""}'
    assert str(plain(13300000.0)) == "13300000" and str(plain(45.85)) == "45.85" and plain(None) is None


def test_ids_are_ids_of_fhir_whatever_a_study_calls_its_participants() -> None:
    """An id that FHIR does not allow is replaced by a name made of it; the participant's own stands as identifier."""
    assert id_of("S-01") == "S-01"
    assert id_of("S/1") == id_of("S/1") != id_of("S/2")
    export("small.yaml study --as-of 2024-06-01 --only records -o out")
    (patient,) = of(bodies("out"), "Patient")
    assert patient["identifier"][0]["value"] == "S/1"
    assert patient["birthDate"] == "2019-05"


# --- blinding, bad input ------------------------------------------------------------------------------------------


def test_a_blinded_export_is_the_same_whatever_the_arms() -> None:
    """Exchanging the arms changes no byte of what a blinded reader gets."""
    blinded = TRIAL.replace("version: 2\n", "version: 2\nblinding: blinded\n")
    Path("small.yaml").write_text(blinded, "utf-8")
    Path("study/administrations.csv").write_text("subject,treatment,start\nS/1,tablets,2024-03-01\n", "utf-8")
    export("small.yaml study --as-of 2024-06-01 -o before")
    export("small.yaml study --as-of 2024-06-01 --unblinded -o seen")
    text = Path("study/subjects.csv").read_text("utf-8")
    Path("study/subjects.csv").write_text(text.replace("active", "control"), "utf-8")
    export("small.yaml study --as-of 2024-06-01 -o after")
    for file in Path("before").iterdir():
        assert file.read_bytes() == Path("after", file.name).read_bytes()
    assert "active" not in Path("before/ResearchSubject.ndjson").read_text("utf-8")
    assert "active" in Path("seen/ResearchSubject.ndjson").read_text("utf-8")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("small.yaml study -o study", "study' is there already and is not empty"),
        ("small.yaml study -o none/out.json", "none"),
        ("small.yaml study --subject 9 -o out", "'9' is nobody in the study"),
        ("small.yaml nowhere -o out", "nowhere"),
        ("small.yaml study --time-zone Mars/Base -o out", "is no time zone"),
        ("small.yaml study --release R3 -o out", "R3"),
    ],
)
def test_bad_usage_ends_with_2_and_a_word(line: str, said: str) -> None:
    """Nothing is written, and no traceback shown."""
    status, out, err = run(f"export fhir {line}")
    assert (status, out) == (2, "")
    assert said in err
    assert not Path("out").exists()


def test_a_time_without_a_zone_is_asked_for() -> None:
    """FHIR has no time of day without an offset, and none is guessed."""
    Path("study/study.yaml").write_text("name: small\n", "utf-8")
    status, _, err = run("export fhir small.yaml study --as-of 2024-06-01 -o out")
    assert status == 2
    assert "study.yaml: time_zone: is missing, and FHIR has no time of day without one" in err
    assert not Path("out").exists()
    export("small.yaml study --as-of 2024-06-01 --time-zone Asia/Shanghai -o out")
    assert "T10:20:00+08:00" in Path("out/MedicationAdministration.ndjson").read_text("utf-8")
