"""FHIR read into a study folder: every status, and every way to write who, what and when."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from fhir_files import DOSE, PATIENT, WEIGHT, Body, changed, rows, run, take, write

from perprotocol.formats.fhir import codes
from perprotocol.formats.fhir.reading.words import WORDS
from protocol.units import UNITS


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Work in a new folder."""
    monkeypatch.chdir(tmp_path)
    yield tmp_path


@pytest.mark.parametrize(
    ("status", "given", "amount", "reason"),
    [
        ("completed", "given", "55.0", ""),
        ("stopped", "partly given", "55.0", ""),
        ("not-done", "not given", "", ""),
        ("on-hold", "unknown", "55.0", "on-hold"),
        ("in-progress", "unknown", "55.0", "in-progress"),
        ("unknown", "unknown", "55.0", ""),
    ],
)
def test_every_status_of_a_dose_has_its_meaning(status: str, given: str, amount: str, reason: str) -> None:
    """A dose interrupted or under way is a question; one that was not done has no amount."""
    take(changed(DOSE, status=status))
    (row,) = rows("administrations")
    assert (row["status"], row.get("amount", ""), row.get("reason", "")) == (given, amount, reason)


def test_a_dose_entered_in_error_is_no_dose() -> None:
    """It is counted, and stands in no table."""
    report = take(DOSE, changed(DOSE, id="a2", status="entered-in-error"))
    assert [row["record"] for row in rows("administrations")] == ["a1"]
    assert {"number": 1, "message": "left out: entered in error", "record": "in.ndjson:2"}.items() <= report[-2].items()


@pytest.mark.parametrize("dosage", [{"text": "1 vial"}, {"rateQuantity": {"value": 5, "unit": "mg/h"}}])
def test_a_dose_in_words_or_as_a_rate_has_no_amount_and_is_counted(dosage: Body) -> None:
    """Nothing is worked out of a sentence; the site is asked for the amount."""
    report = take(changed(DOSE, dosage=dosage))
    assert "amount" not in rows("administrations")[0]
    assert "says its dose in words or as a rate only: no amount is taken" in {row["message"] for row in report}


def test_the_system_that_a_dose_comes_from_is_kept_without_the_request() -> None:
    """Two systems that say one dose are told apart by it; what a server adds behind a # changes with every request."""
    take(changed(DOSE, meta={"source": "urn:pharmacy#a1b2"}), changed(DOSE, id="a2", meta={"source": "#c3"}))
    assert [row["source"] for row in rows("administrations")] == ["urn:pharmacy", ""]


def test_the_meanings_are_the_whole_value_sets_of_both_releases() -> None:
    """The codes are those that fhir.resources lists for R4 and R5, none missing and none invented."""
    from fhir.resources import medicationadministration as dose5
    from fhir.resources import observation as observation5
    from fhir.resources import patient as patient5
    from fhir.resources import researchsubject as subject5
    from fhir.resources.R4B import medicationadministration as dose4
    from fhir.resources.R4B import observation as observation4
    from fhir.resources.R4B import patient as patient4
    from fhir.resources.R4B import researchsubject as subject4

    def value_set(model: Any, name: str) -> set[str]:
        extra = model.model_fields[name].json_schema_extra
        return set(extra["enum_values"]) - {"+"}  # a plus stands there for codes that are not spelt out

    for module in (dose4, dose5):
        assert value_set(module.MedicationAdministration, "status") == set(codes.ADMINISTERED)
    for module in (observation4, observation5):
        rest = {"corrected", "cancelled", "entered-in-error", "unknown"}
        assert value_set(module.Observation, "status") | rest == set(codes.OBSERVED)
    for module in (patient4, patient5):
        assert value_set(module.Patient, "gender") == set(codes.GENDERS)
    both = value_set(subject4.ResearchSubject, "status") | value_set(subject5.ResearchSubject, "status")
    assert both == set(codes.ENROLLED)


def test_numbers_keep_their_last_digit() -> None:
    """16.20 is measured to ten grams, and 1.620e7 cells to four figures."""
    write(PATIENT)
    text = json.dumps(DOSE).replace("55.0", "1.620e7").replace('"mg"', '"{cells}"')
    Path("in.ndjson").write_text(text + "\n" + json.dumps(WEIGHT).replace("16.2", "16.20"), "utf-8")
    assert run("import fhir in.ndjson -o study")[0] == 0
    assert rows("administrations")[0]["amount"] == "1.620e7"
    assert rows("administrations")[0]["unit"] == "{cells}"
    assert rows("observations")[0]["value"] == "16.20"


def test_r4_and_r5_say_the_same() -> None:
    """`occurence` and one `medication` element are R5's; the rows are equal."""
    take(PATIENT, DOSE)
    before = rows("administrations")
    newer = changed(DOSE, medicationCodeableConcept=None, effectiveDateTime=None)
    newer |= {"medication": {"concept": {"text": "atg"}}, "occurenceDateTime": DOSE["effectiveDateTime"]}
    run("import fhir in.ndjson -o other")
    write(PATIENT, newer)
    assert run("import fhir in.ndjson -o newer")[0] == 0
    with Path("newer/administrations.csv").open(encoding="utf-8") as file:
        assert list(csv.DictReader(file)) == before


@pytest.mark.parametrize("named", ["contained", "beside", "display", "R5"])
def test_a_medication_may_be_a_resource_of_its_own(named: str) -> None:
    """Contained, beside it, or only by the display of the reference; lot and expiry come along."""
    medication = {
        "resourceType": "Medication",
        "id": "m1",
        "code": {"text": "atg"},
        "batch": {"lotNumber": "T1", "expirationDate": "2025-06"},
    }
    reference = {"reference": "#m1" if named in ("contained", "R5") else "Medication/m1"}
    dose = changed(DOSE, medicationCodeableConcept=None, medicationReference=reference, contained=[medication])
    if named == "display":
        dose["medicationReference"] = {"reference": "Medication/other", "display": "atg"}
    if named == "R5":
        dose["medication"] = {"reference": dose.pop("medicationReference")}
    take(dose, *([medication] if named == "beside" else []))
    (row,) = rows("administrations")
    assert row["treatment"] == "atg"
    if named != "display":
        assert (row["lot"], row["expires"]) == ("T1", "2025-06")


@pytest.mark.parametrize(
    ("written", "options", "start"),
    [
        ("2024-03-15T10:20:00+08:00", "", "2024-03-15T10:20"),
        ("2024-03-15T23:30:00Z", "--time-zone Asia/Shanghai", "2024-03-16T07:30"),
        ("2024-03-15T23:30:00.123-05:00", "--time-zone Europe/Paris", "2024-03-16T05:30"),
        ("2024-03-15T10:20:15", "", "2024-03-15T10:20:15"),
        ("2024-03", "", "2024-03"),
        ("2024", "--time-zone Asia/Shanghai", "2024"),
    ],
)
def test_times_are_those_of_the_site(written: str, options: str, start: str) -> None:
    """A time is moved to the zone of the sites where that is given, else kept as it was written."""
    take(changed(DOSE, effectiveDateTime=written), options=options)
    assert rows("administrations")[0]["start"] == start


@pytest.mark.parametrize(
    "reference",
    [
        {"reference": "Patient/101"},
        {"reference": "Patient/101/_history/3"},
        {"reference": "https://hospital.example/fhir/Patient/101"},
        {"identifier": {"value": "101"}},
    ],
)
def test_a_participant_may_be_named_in_many_ways(reference: Body) -> None:
    """Without any Patient in the files the reference itself names the participant."""
    take(changed(DOSE, subject=reference))
    assert [row["subject"] for row in rows("subjects")] == ["101"]
    assert rows("administrations")[0]["subject"] == "101"


def test_a_bundle_names_people_by_its_own_addresses() -> None:
    """`urn:uuid` addresses hold inside a Bundle; other entries are counted."""
    entries = [
        {
            "fullUrl": "urn:uuid:1",
            "resource": changed(PATIENT, id=None, identifier=[{"system": "urn:s", "value": "7"}]),
        },
        {"fullUrl": "urn:uuid:2", "resource": changed(DOSE, subject={"reference": "urn:uuid:1"})},
        {"fullUrl": "urn:uuid:3", "resource": {"resourceType": "Encounter"}},
    ]
    links = [{"relation": "next", "url": "https://hospital.example/2"}]
    bundle = {"resourceType": "Bundle", "type": "searchset", "link": links, "entry": entries}
    Path("in.json").write_text(json.dumps(bundle), "utf-8")
    status, out, err = run("import fhir in.json -o study --subject-system urn:s --format json")
    assert status == 0, err
    assert [row["subject"] for row in rows("administrations")] == ["7"]
    said = {(row["kind"], row["message"]) for row in json.loads(out)}
    assert ("Encounter", "not read here") in said
    assert ("Bundle", "has a next page: make sure that every page is here") in said


def test_who_is_a_participant_is_said_by_research_subjects() -> None:
    """Where there are any, others take no part; arm, enrolment and milestones come with them."""
    subject = {
        "resourceType": "ResearchSubject",
        "status": "on-study",
        "study": {"reference": "ResearchStudy/saa"},
        "individual": {"reference": "Patient/101"},
        "assignedArm": "msc",
        "period": {"start": "2024-03-01"},
        "identifier": [{"system": "urn:trial", "value": "S-01"}],
    }
    newer = {
        "resourceType": "ResearchSubject",
        "status": "active",
        "study": {"reference": "ResearchStudy/saa"},
        "subject": {"reference": "Patient/102"},
        "assignedComparisonGroup": "control",
        "progress": [{"milestone": {"text": "randomised"}, "startDate": "2024-03-02"}],
    }
    others = [changed(PATIENT, id="102", deceasedDateTime="2024-05-01"), changed(PATIENT, id="103")]
    stray = changed(DOSE, id="a3", subject={"reference": "Patient/103"})
    report = take(PATIENT, *others, subject, newer, DOSE, stray)
    assert [(row["subject"], row["arm"], row["sex"]) for row in rows("subjects")] == [
        ("102", "control", "female"),
        ("S-01", "msc", "female"),
    ]
    assert {(row["subject"], row["milestone"], row["date"]) for row in rows("milestones")} == {
        ("102", "death", "2024-05-01"),
        ("102", "randomised", "2024-03-02"),
    }
    assert [row["record"] for row in rows("administrations")] == ["a1"]
    gone = [row for row in report if row["message"] == "left out: about somebody who takes no part in the study"]
    assert [(row["kind"], row["number"], row["record"]) for row in gone] == [
        ("MedicationAdministration", 1, "in.ndjson:7")
    ]


def test_one_person_under_two_ids_is_one_participant() -> None:
    """A Patient that is replaced by another keeps its records."""
    old = changed(PATIENT, id="old", link=[{"other": {"reference": "Patient/101"}, "type": "replaced-by"}])
    take(PATIENT, old, changed(DOSE, subject={"reference": "Patient/old"}))
    assert [row["subject"] for row in rows("subjects")] == ["101"]
    assert rows("administrations")[0]["subject"] == "101"


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"valueQuantity": {"value": 0.5, "unit": "10*9/L"}}, ("0.5", "10*9/L")),
        ({"valueQuantity": {"value": 25, "comparator": "<", "unit": "ng/mL"}}, ("<25", "ng/mL")),
        ({"valueQuantity": {"value": 5, "unit": "G/l", "system": codes.UCUM, "code": "10*9/L"}}, ("5", "10*9/L")),
        ({"valueCodeableConcept": {"text": "no reaction"}}, ("no reaction", "")),
        ({"valueString": "positive"}, ("positive", "")),
        ({"valueBoolean": True}, ("yes", "")),
        ({"valueInteger": 3}, ("3", "")),
        ({"dataAbsentReason": {"coding": [{"code": "not-performed"}]}}, ("not done", "")),
        ({"dataAbsentReason": {"coding": [{"code": "error"}]}}, ("not analysable", "")),
    ],
)
def test_a_value_is_read_in_every_form_a_table_can_hold(value: Body, told: tuple[str, str]) -> None:
    """Numbers, words, yes and no, and why there is none."""
    take(changed(WEIGHT, code={"text": "anc"}, valueQuantity=None) | value)
    (row,) = rows("observations")
    assert (row["value"], row.get("unit", "")) == told


def test_components_are_rows_of_their_own_and_limits_come_along() -> None:
    """Each part of a panel is a value with its own id."""
    parts = [
        {"code": {"text": "hb"}, "valueQuantity": {"value": 80, "unit": "g/L"}},
        {"code": {"text": "anc"}, "valueQuantity": {"value": 1.5, "unit": "10*9/L"}},
    ]
    limits = [{"low": {"value": 15, "unit": "kg"}, "high": {"value": 20}}]
    report = take(
        changed(WEIGHT, id="p", code={"text": "panel"}, valueQuantity=None, component=parts),
        changed(WEIGHT, referenceRange=limits),
        changed(WEIGHT, id="e", valueQuantity=None),
        changed(WEIGHT, id="r", status="registered"),
        changed(WEIGHT, id="d", effectiveDateTime=None),
    )
    assert [(row["record"], row["measure"], row["value"], row["low"], row["high"]) for row in rows("observations")] == [
        ("p#1", "hb", "80", "", ""),
        ("p#2", "anc", "1.5", "", ""),
        ("w1", "weight", "16.2", "15", "20"),
    ]
    assert {row["message"] for row in report if row["kind"] == "Observation" and row["table"] is None} == {
        "left out: no value that a table can hold",
        "left out: no result yet, or cancelled",
        "left out: nobody says when",
    }


def test_a_mapping_file_and_a_protocol_settle_the_names() -> None:
    """A code that the file names is that treatment; what the protocol does not know is other medication."""
    Path("words.yaml").write_text(
        "treatments: {'http://www.whocc.no/atc|L04AA04': atg, Saline: leave out}\nmeasures: {neutrophils: anc}\n",
        "utf-8",
    )
    atc = {"coding": [{"system": "http://www.whocc.no/atc", "code": "L04AA04", "display": "Thymo 25 mg"}]}
    report = take(
        changed(DOSE, medicationCodeableConcept=atc),
        changed(DOSE, id="a2", medicationCodeableConcept={"text": "Cyclosporine", "coding": [{"code": "ciclosporin"}]}),
        changed(
            DOSE,
            id="a3",
            medicationCodeableConcept={"text": "Paracetamol"},
            dosage={"dose": {"value": 1, "unit": "tablet"}},
        ),
        changed(DOSE, id="a4", medicationCodeableConcept={"text": "saline"}),
        changed(DOSE, id="a5", medicationCodeableConcept={"text": "Ondansetron"}, status="not-done", dosage=None),
        changed(WEIGHT, code={"text": "Neutrophils"}, valueQuantity={"value": 1, "unit": "10*9/L"}),
        changed(WEIGHT, id="h", code={"text": "血红蛋白"}, valueQuantity={"value": 80, "unit": "g/L"}),
        options="--mapping words.yaml --protocol uc-msc-saa",
    )
    assert [(row["record"], row["treatment"]) for row in rows("administrations")] == [
        ("a1", "atg"),
        ("a2", "ciclosporin"),
    ]
    (event,) = rows("events")
    assert (event["event"], event["detail"], event["start"], event["end"]) == (
        "concomitant medication",
        "Paracetamol",
        "2024-03-15T10:20",
        "2024-03-15",
    )
    assert [row["measure"] for row in rows("observations")] == ["anc", "hb"]
    said = {row["message"] for row in report}
    assert said >= {
        "Thymo 25 mg → atg",
        "left out, as the mapping file says: saline",
        "no treatment of the protocol, taken for concomitant medication: Paracetamol",
        "other medication, not given: left out",
    }
    settings = yaml.safe_load(Path("study/study.yaml").read_text("utf-8"))
    assert settings == {"name": "study", "protocol": "uc-msc-saa"}


def test_the_same_resource_in_two_pages_is_one_row() -> None:
    """Pages of a search overlap; two doses without ids are two doses."""
    write(DOSE, PATIENT, name="page1.ndjson")
    write(DOSE, PATIENT, changed(DOSE, id=None), changed(DOSE, id=None), name="page2.ndjson")
    assert run("import fhir . -o study")[0] == 0
    assert len(rows("administrations")) == 3
    assert len(rows("subjects")) == 1


def test_what_was_read_is_a_study() -> None:
    """The verbs read the folder, as CSV and as Parquet, and judge the dose."""
    write(PATIENT, DOSE, WEIGHT)
    for form in ("csv", "parquet"):
        assert run(f"import fhir in.ndjson --tables {form} -o {form}")[0] == 0
        status, out, err = run(f"validate uc-msc-saa {form} --as-of 2024-04-01 --format json")
        assert status in (0, 1, 3), err
        assert json.loads(out)[0]["subject"] == "101"


def test_every_unit_has_a_code_that_means_the_same() -> None:
    """A unit goes out as UCUM and comes back as itself; an AUC has no code."""
    for word in UNITS:
        code = codes.code_of_unit(word)
        if "AUC" in word or "min" in word[1:]:
            assert code is None or codes.same_unit(codes.unit_of_code(code), word)
        else:
            assert code is not None
            assert codes.same_unit(codes.unit_of_code(code), word)


def test_both_languages_say_everything() -> None:
    """No sentence of the report is missing in one language."""
    assert WORDS["en"].keys() == WORDS["zh"].keys()
    for key, sentence in WORDS["en"].items():
        assert sentence.count("{}") == WORDS["zh"][key].count("{}")
    write(DOSE)
    _, out, _ = run("import fhir in.ndjson -o study --lang zh")
    assert "写入研究数据的行" in out
