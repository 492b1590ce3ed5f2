"""Protocols as USDM files: valid by the published schema, read back equal, and honest about what others changed."""

from __future__ import annotations

import json
import os
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import protocol
import rules
from perprotocol.cli import app
from perprotocol.formats.usdm import Imported, export_usdm, extended, import_usdm
from perprotocol.formats.usdm.spans import read_span, write_span, write_window
from perprotocol.formats.usdm.versions import OURS, every_map, lowered, raised
from protocol import Protocol
from protocol.timing import Duration, Window
from tests.trials import INVENTED, QUICK, trial

ROOT = Path(__file__).resolve().parents[2]
REAL = os.environ.get("PERPROTOCOL_REAL_DATA")
real = pytest.mark.skipif(REAL is None, reason="PERPROTOCOL_REAL_DATA is not set: no schema, no USDM files")
FILES = ("CDISC_Pilot_Study", "Alexion_NCT04573309_Wilsons", "simple_1", "cycles_1")
VERSIONS = pytest.mark.parametrize("version", ["4.0", "3.5"])


def documents() -> dict[str, Protocol]:
    """Every protocol at hand: the library, those for tests, and the blocks that use the whole language."""
    found: dict[str, Protocol] = {name: protocol.read(name) for name in protocol.library()}
    found |= {file.stem: protocol.read(file) for file in sorted((ROOT / "tests/good_documents").glob("*.yaml"))}
    return found | {name: trial(name) for name in INVENTED}


@cache
def schema() -> jsonschema.Draft202012Validator:
    """The published schema of a USDM 4 file."""
    api = json.loads((Path(str(REAL)) / "schemas/USDM_API_v4.json").read_text("utf-8"))
    name = next(name for name in api["components"]["schemas"] if name.startswith("Wrapper"))
    return jsonschema.Draft202012Validator({"$ref": f"#/components/schemas/{name}", "components": api["components"]})


def back(data: dict[str, Any], folder: Path) -> Imported:
    """The import of a file."""
    file = folder / "study.json"
    file.write_text(json.dumps(data, ensure_ascii=False), "utf-8")
    return import_usdm(file)


@VERSIONS
@pytest.mark.parametrize("name", list(documents()))
def test_a_protocol_goes_out_and_comes_back_as_it_was(name: str, version: str, tmp_path: Path) -> None:
    """Equal, written the same to the letter, and with nothing to ask about."""
    trial = documents()[name]
    imported = back(export_usdm(trial, version), tmp_path)
    assert imported.protocol == trial
    assert imported.text == protocol.write(trial)
    assert {remark.kind for remark in imported.remarks} <= {"read", "restored"}


@real
@VERSIONS
@pytest.mark.parametrize("name", FILES)
def test_a_file_of_the_field_goes_in_out_and_in_again_without_loss(name: str, version: str, tmp_path: Path) -> None:
    """What was understood of it is understood again, and gives the same calendar."""
    first = import_usdm(Path(str(REAL)) / "usdm" / f"{name}.json")
    again = back(export_usdm(first.protocol, version), tmp_path)
    assert again.text == first.text
    assert calendar(again.protocol).equals(calendar(first.protocol))


@real
@pytest.mark.parametrize("name", FILES)
def test_what_is_written_of_a_file_is_valid(name: str) -> None:
    """By the published schema."""
    trial = import_usdm(Path(str(REAL)) / "usdm" / f"{name}.json").protocol
    assert [error.message for error in schema().iter_errors(export_usdm(trial))] == []


@real
@pytest.mark.parametrize("name", list(documents()))
def test_what_is_written_is_valid(name: str) -> None:
    """By the published schema."""
    assert [error.message for error in schema().iter_errors(export_usdm(documents()[name]))] == []


@real
def test_the_schema_would_notice() -> None:
    """Without the type of an arm, or with a window that is a number, the file is not valid."""
    data = export_usdm(protocol.read("lzzt"))
    design = data["study"]["versions"][0]["studyDesigns"][0]
    del design["arms"][0]["type"]
    design["scheduleTimelines"][0]["timings"][1]["windowLower"] = 3
    assert len(list(schema().iter_errors(data))) >= 2 or list(schema().iter_errors(data))


def calendar(trial: Protocol) -> pl.DataFrame:
    """What is due to a participant of each arm."""
    rows = [{"subject": arm, "arm": arm, "day_zero": "2024-01-08", "birth_date": "2000-01-01"} for arm in trial.arms]
    study = rules.from_frames("all", {"subjects": pl.DataFrame(rows)})
    return rules.schedule(trial, study, as_of=date(2024, 1, 8), blinded=False)


def stripped(data: dict[str, Any]) -> dict[str, Any]:
    """The file without our extension attributes, as a tool leaves it that keeps only what it knows."""
    data = json.loads(json.dumps(data))
    for found in every_map(data):
        if "extensionAttributes" in found:
            found["extensionAttributes"] = []
    return data


def test_usdm_itself_says_days_and_windows(tmp_path: Path) -> None:
    """Without our attributes the visits of lzzt are still due on the same days, in the same windows."""
    trial = protocol.read("lzzt")
    plain = back(stripped(export_usdm(trial)), tmp_path).protocol
    columns = ["subject", "activity", "occurrence", "due", "opens", "closes"]
    wanted, found = (calendar(one).filter(pl.col("kind") == "visit").select(columns) for one in (trial, plain))
    named = pl.col("activity").is_in([f"visit-{n}" for n in (3, 4, 5, 7, 8, 9, 10, 11, 12, 13)] + ["phone"])
    assert len(found.filter(named)) == 3 * 14
    assert found.filter(named).sort(columns).equals(wanted.filter(named).sort(columns))


def test_usdm_itself_says_who_gets_how_much(tmp_path: Path) -> None:
    """Arms, amounts with their unit, routes, and three doses seven days apart from day 14."""
    plain = back(stripped(export_usdm(protocol.read("uc-msc-saa"))), tmp_path).protocol
    cells = plain.treatments["uc-msc"]
    assert (cells.arm, str(cells.due[0]), str(cells.every), cells.times) == (("msc",), "day 14", "7 d", 3)
    assert (str(cells.dose[0].amount), str(cells.window), cells.route) == ("1000000 cells/kg", "±1 d", "intravenous")
    assert cells.dose[0].tolerance is None


def test_what_usdm_has_no_place_for_stands_in_attributes_of_its_object() -> None:
    """Ceiling, rounding, tolerance and importance by name, at the intervention and at the study."""
    trial = protocol.read_text(
        "protocol: small\nversion: 1\nfirst_day: 0\narms: {a: everybody}\n"
        "treatments: {drug: {due: day 0, dose: {amount: 8 mg/kg, max: 800 mg, round: down 5 mg, tolerance: ±5 %}}}\n"
        "importance: {overdose: important from 20 %}\n"
    )
    data = export_usdm(trial)
    said = {
        (one["instanceType"], attribute["url"].removeprefix(OURS)): attribute["valueString"]
        for one in every_map(data)
        for attribute in one.get("extensionAttributes") or []
        if one["instanceType"] != "ExtensionAttribute"
    }
    wanted = {"dose/max": "800 mg", "dose/round": "down 5 mg", "dose/tolerance": "±5 %"}
    assert {name: said["StudyIntervention", name] for name in wanted} == wanted
    assert said["StudyVersion", "importance/overdose"] == "important from 20 %"
    assert extended(data) == len([name for _, name in said if name != "form" and not name.endswith("order")])
    administration = data["study"]["versions"][0]["studyInterventions"][0]["administrations"][0]
    assert (administration["dose"]["value"], administration["dose"]["unit"]["standardCode"]["decode"]) == (
        8,
        "Milligram per Kilogram",
    )


# What others change


def design_of(data: dict[str, Any]) -> dict[str, Any]:
    """The study design of a file."""
    found: dict[str, Any] = data["study"]["versions"][0]["studyDesigns"][0]
    return found


def test_a_window_that_another_tool_changed_is_read(tmp_path: Path) -> None:
    """USDM says it, so USDM counts; everything else comes back."""
    trial = protocol.read("lzzt")
    data = export_usdm(trial)
    for timing in design_of(data)["scheduleTimelines"][0]["timings"]:
        if timing["name"] == "visit-4 timing":
            timing |= {"windowLower": "P5D", "windowUpper": "P5D", "windowLabel": None}
    found = back(data, tmp_path).protocol
    assert str(found.visits["visit-4"].window) == "±5 d"
    assert found.visits["visit-5"] == trial.visits["visit-5"]


def test_a_dose_that_another_tool_changed_counts_and_is_told(tmp_path: Path) -> None:
    """The attribute said 1e6 cells/kg in place of 1000000: now that USDM says 2000000, this is read and shown."""
    data = export_usdm(protocol.read("uc-msc-saa"))
    for intervention in data["study"]["versions"][0]["studyInterventions"]:
        if intervention["name"] == "uc-msc":
            intervention["administrations"][0]["dose"]["value"] = 2_000_000
    imported = back(data, tmp_path)
    dose = imported.protocol.treatments["uc-msc"].dose[0]
    assert (str(dose.amount), str(dose.tolerance)) == ("2000000 cells/kg", "±10 %")
    assert [(r.kind, r.path, r.values["now"], r.values["ours"]) for r in imported.remarks if r.key == "changed"] == [
        ("contradiction", "treatments.uc-msc.dose.amount", "2000000 cells/kg", "1e6 cells/kg")
    ]


def test_a_visit_that_another_tool_added_is_read_and_asked_about(tmp_path: Path) -> None:
    """An encounter with a point of its own and no timing."""
    data = export_usdm(protocol.read("lzzt"))
    design = design_of(data)
    encounter = design["encounters"][-1] | {"id": "Encounter_new", "name": "extra", "label": "extra visit"}
    design["encounters"].append(encounter | {"extensionAttributes": []})
    line = design["scheduleTimelines"][0]
    last = line["instances"][-1]
    point = last | {"id": "Instance_new", "name": "EXTRA", "encounterId": "Encounter_new", "activityIds": []}
    last |= {"defaultConditionId": "Instance_new", "timelineExitId": None}
    line["instances"].append(point)
    imported = back(data, tmp_path)
    assert str(imported.protocol.visits["extra"].title) == "extra visit"
    assert [(r.kind, r.key) for r in imported.remarks if r.place.endswith("EXTRA")] == [("question", "no_timing")]


# Versions, spans, the command


def test_version_3_keeps_things_where_version_3_had_them() -> None:
    """Interventions and conditions at the design, sentences in the criteria, scopes in the identifiers."""
    data = export_usdm(protocol.read("act15377"), "3.5")
    version = data["study"]["versions"][0]
    design = version["studyDesigns"][0]
    assert data["usdmVersion"] == "3.5.0"
    assert design["instanceType"] == "StudyDesign"
    assert design["studyInterventions"][0]["administrations"][0]["instanceType"] == "AgentAdministration"
    assert version["studyIdentifiers"][1]["studyIdentifierScope"]["organizationType"]["decode"] == "Study Registry"
    assert not {"studyInterventions", "conditions", "organizations"} & set(version)
    assert all("extensionAttributes" not in one for one in every_map(data))


def test_raising_what_was_lowered_changes_nothing_that_is_read() -> None:
    """Attributes become annotations and attributes again, whatever their values."""
    data = export_usdm(protocol.read("uc-msc-saa"))

    def attributes(file: dict[str, Any]) -> list[tuple[object, ...]]:
        return sorted(
            (
                one["id"],
                each["url"],
                str(each["valueString"]),
                str([i["valueString"] for i in each["extensionAttributes"]]),
            )
            for one in every_map(file)
            for each in one.get("extensionAttributes") or []
            if one["instanceType"] != "ExtensionAttribute"
        )

    assert attributes(raised(lowered(data))) == attributes(data)


@pytest.mark.parametrize(
    ("iso", "text"),
    [
        ("P14D", "14 d"),
        ("P2W", "2 wk"),
        ("P1DT12H", "36 h"),
        ("PT1H30M", "90 min"),
        ("PT4H", "4 h"),
        ("P6M", "6 mo"),
        ("P1Y2M", "1 y + 2 mo"),
        ("PT0M", "0 min"),
        ("P0D", "0 d"),
        ("P0.5D", "12 h"),
        ("P1W2D", "1 wk + 2 d"),
        ("P0.5Y", "6 mo"),
        ("PT120S", "2 min"),
    ],
)
def test_a_span_of_usdm_is_a_span_of_a_protocol(iso: str, text: str) -> None:
    """Months stay months, half days are hours, and nothing is rounded."""
    assert read_span(iso).text == text
    assert Duration.parse(text)


@pytest.mark.parametrize("iso", ["P", "PT", "14 days", "-P3D", "P1MT12H", "P0.5M", "PT30S", "P1.7W3", ""])
def test_a_span_that_a_protocol_cannot_say_is_refused(iso: str) -> None:
    """A part of a month, seconds, a sign, or no duration at all."""
    with pytest.raises(protocol.ScalarError):
        read_span(iso)


@given(st.integers(0, 400), st.sampled_from(["min", "h", "d", "wk", "mo", "y"]))
def test_spans_go_out_and_come_back(number: int, unit: str) -> None:
    """Whatever the size and unit, it means the same."""
    duration = Duration.parse(f"{number} {unit}")
    found = read_span(str(write_span(duration)))
    assert (found.months, found.days, found.minutes) == (duration.months, duration.days, duration.minutes)
    assert found.clock == duration.clock


@pytest.mark.parametrize("text", ["±3 d", "+33 d", "-4 h to +0 h", "-14 d to +0 d", "±10 min", "-1 d to +3 d"])
def test_windows_go_out_and_come_back(text: str) -> None:
    """As two magnitudes, both zero or more."""
    from perprotocol.formats.usdm.spans import window_text

    lower, upper = (read_span(size) for size in write_window(Window.parse(text)) or ("", ""))
    assert Window.parse(str(window_text(lower, upper))) == Window.parse(text)


@pytest.mark.parametrize("text", ["±10 % or 30 min whichever is less", "+3 wd", "+2 d to +5 d"])
def test_a_window_that_usdm_has_no_place_for_is_no_window_there(text: str) -> None:
    """A share of time, working days, a window that leaves its target out."""
    assert write_window(Window.parse(text)) is None


ANCHORS = ["day-zero", "visit-0", "drug", "drug 2", "last drug", "each drug", "birth", "stop", "end of drug"]
SPANS = st.builds("{} {}".format, st.integers(1, 40), st.sampled_from(["min", "h", "d", "wk", "mo"]))
MOMENTS = st.one_of(
    st.builds("day {}".format, st.integers(-20, 60)),
    st.builds("days {} to {}".format, st.integers(0, 3), st.integers(4, 9)),
    st.builds("{} {} {}".format, SPANS, st.sampled_from(["before", "after"]), st.sampled_from(ANCHORS)),
    st.builds("within {} {} {}".format, SPANS, st.sampled_from(["before", "after"]), st.sampled_from(ANCHORS)),
    st.sampled_from(ANCHORS),
    st.builds("{} after {} or stop".format, SPANS, st.sampled_from(ANCHORS)),
)
PARTS = st.fixed_dictionaries(
    {"due": st.lists(MOMENTS, min_size=1, max_size=3)},
    optional={
        "every": SPANS,
        "times": st.integers(1, 5).map(str),
        "window": st.sampled_from(["±3 d", "+2 d", "-1 d to +4 d", "±2 h"]),
        "late": st.sampled_from(["keep", "shift"]),
        "arm": st.sampled_from(["a", "b"]),
        "mode": st.sampled_from(["telephone", "video"]),
        "epoch": st.sampled_from(["Screening", "Treatment 1", "study"]),
        "title": st.sampled_from(["a visit", {"en": "a visit", "zh": "访视"}, "<b> & co"]),
        "does": st.sampled_from(["weight", ["labs"], ["labs", "weight"]]),
    },
)


@settings(QUICK, max_examples=40)
@given(st.lists(PARTS, min_size=1, max_size=4))
def test_whatever_visits_a_protocol_has_it_comes_back(parts: list[dict[str, Any]]) -> None:
    """Random moments, series, windows and titles: out and in again, to the letter."""
    import tempfile

    import yaml

    for part in parts:
        if "every" not in part:
            part.pop("times", None)
    document = {
        "protocol": "random",
        "version": "1",
        "first_day": "0",
        "arms": {"a": "one", "b": "two"},
        "milestones": {"stop": {"title": "the stop"}},
        "treatments": {"drug": {"due": "day 0", "every": "7 d", "times": "4", "dose": "5 mg"}},
        "visits": {"visit-0": {"due": "day 0"}} | {f"visit-{n + 1}": part for n, part in enumerate(parts)},
        "assessments": {"labs": "laboratory"},
    }
    trial = protocol.read_text(yaml.safe_dump(json.loads(json.dumps(document)), allow_unicode=True))
    with tempfile.TemporaryDirectory() as folder:
        assert back(export_usdm(trial), Path(folder)).text == protocol.write(trial)


def test_the_command_writes_a_whole_file_or_none(tmp_path: Path) -> None:
    """The file is JSON, the remark says how much stands in attributes, and a bad protocol writes nothing."""
    out = tmp_path / "study.json"
    result = CliRunner().invoke(app, ["export", "usdm", "uc-msc-saa", "-o", str(out)])
    assert result.exit_code == 0
    assert "fields that USDM has no place for are extension attributes" in result.stderr
    assert json.loads(out.read_text("utf-8"))["usdmVersion"] == "4.0.0"
    missing = tmp_path / "missing.json"
    assert CliRunner().invoke(app, ["export", "usdm", "no-such", "-o", str(missing)]).exit_code == 2
    assert not missing.exists()


def test_the_command_prints_to_standard_output(tmp_path: Path) -> None:
    """Without -o; and version 3.5 where it is asked for."""
    result = CliRunner().invoke(app, ["export", "usdm", "uc-msc-saa", "--usdm-version", "3.5"])
    assert json.loads(result.stdout)["usdmVersion"] == "3.5.0"
