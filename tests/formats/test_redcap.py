"""An export of REDCap comes in by its mapping: repeated, checked, coded, labelled, missing; each fault at its line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pytest
import yaml

import rules
from perprotocol.formats.redcap.dictionary import box, read_dictionary
from perprotocol.formats.redcap.export import read_export
from perprotocol.formats.redcap.mapping import read_mapping
from protocol import StudyError
from tests.command import run

PROJECT = Path(__file__).resolve().parents[2] / "examples/redcap"
CASES = yaml.safe_load((Path(__file__).parent / "redcap/cases.yaml").read_text("utf-8"))
CHECKED = "checked: yes\nsubject: record_id\nmissing: [NI]\n"


def imported(place: Path, export: str, mapping: str, options: str = "") -> tuple[int, str]:
    """Write both files, import them into `study`, and return status and standard error."""
    (place / "export.csv").write_text(export, "utf-8")
    (place / "mapping.yaml").write_text(mapping, "utf-8")
    status, _, said = run(f"import redcap {place}/export.csv --mapping {place}/mapping.yaml -o {place}/study {options}")
    return status, said


# --- in ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["export.csv", "export-labels.csv"])
def test_codes_and_labels_give_the_same_study(tmp_path: Path, name: str) -> None:
    """Raw or with labels, at the head and in the cells, the example is the same study, and an audit reads it."""
    line = f"import redcap {PROJECT}/{name} --dictionary {PROJECT}/dictionary.csv --mapping {PROJECT}/mapping.yaml"
    assert run(f"{line} -o {tmp_path}/study")[0] == 0
    study = rules.read_study(tmp_path / "study")
    raw = {name: table.raw.drop("source") for name, table in study.tables.items()}
    assert raw["subjects"].row(0) == ("R-001", "msc", "01", "male", "2019-05-04")
    assert [table.height for table in raw.values()] == [3, 3, 18, 13, 6, 4]
    cells = raw["administrations"].filter(treatment="uc-msc")
    assert cells.select("start", "amount", "unit", "occurrence", "bag").row(2) == (
        "2024-03-31 10:20", "16.2", "10^6 cells", "3", "B-19",
    )  # fmt: skip
    assert raw["events"]["event"].to_list() == ["fever", "methylprednisolone", "methylprednisolone", "paracetamol"]
    assert raw["visits"]["visit"].unique().sort().to_list() == ["admission", "screening", "weekly 2"]
    assert study.tables["visits"].raw["source"][0] == f"{name}:2"
    status, out, _ = run(f"audit uc-msc-saa {tmp_path}/study --as-of 2024-04-30 --format json")
    assert (status, "dose_late" in out) == (1, True)


def test_a_code_for_missing_is_an_empty_cell(tmp_path: Path) -> None:
    """Of a height of NI and a count of -99 no row is made."""
    line = f"import redcap {PROJECT}/export.csv --mapping {PROJECT}/mapping.yaml -o {tmp_path}/study"
    assert run(line)[0] == 0
    values = rules.read_study(tmp_path / "study").tables["observations"].raw["value"].to_list()
    assert not {"NI", "-99"} & set(values)


def test_a_code_that_the_mapping_names_goes_before_missing(tmp_path: Path) -> None:
    """NI is missing, unless `codes` says that it means not done."""
    rows = "tables: {observations: [{measure: =anc, value: {field: anc, codes: {NI: not done}}, at: day}]}"
    assert imported(tmp_path, "record_id,anc,day\n1,NI,2024-01-02\n", CHECKED + rows)[0] == 0
    assert rules.read_study(tmp_path / "study").tables["observations"].raw["value"].to_list() == ["not done"]


def test_a_repeating_instrument_takes_its_day_from_the_event(tmp_path: Path) -> None:
    """`event: same` is the line of the same record and event that does not repeat, `event: NAME` that of another."""
    export = (
        "record_id,redcap_event_name,redcap_repeat_instrument,redcap_repeat_instance,day,kg\n"
        "1,base,,,2024-01-02,\n1,base,vitals,1,,16.2\n1,week,,,2024-01-09,\n1,week,vitals,1,,16.3\n1,week,vitals,2,,16.4\n"
    )
    rows = (
        "tables:\n  observations:\n"
        "    - {measure: =weight, value: kg, unit: =kg, form: vitals, at: {field: day, event: same}}\n"
        "    - {measure: =weight, value: kg, unit: =kg, on: [week], at: {field: day, event: base}}\n"
    )
    assert imported(tmp_path, export, CHECKED + rows)[0] == 0
    raw = rules.read_study(tmp_path / "study").tables["observations"].raw
    assert raw["at"].to_list() == ["2024-01-02", "2024-01-09", "2024-01-09", "2024-01-02", "2024-01-02"]


def test_every_column_says_what_it_is_read_as(tmp_path: Path) -> None:
    """What nobody reads is on the list, with how many cells it fills; a kind of row that no line gives is said."""
    line = f"import redcap {PROJECT}/export.csv --mapping {PROJECT}/mapping.yaml -o {tmp_path}/study --format csv"
    _, out, _ = run(line)
    told = pl.read_csv(out.encode())
    unread = told.filter(pl.col("read_as").is_null() & ~pl.col("column").str.ends_with("_complete"))
    assert unread["column"].to_list() == ["initials"]
    assert set(told["column"]) | {"redcap_repeat_instrument"} == set(pl.read_csv(PROJECT / "export.csv").columns)
    rows = "tables: {observations: [{measure: =weight, value: kg, unit: =kg, at: day, form: vitls}]}"
    _, said = imported(tmp_path / "study", "record_id,kg,day\n1,16,2024-01-02\n", CHECKED + rows)
    assert "mapping.yaml:4: no line of export.csv gives such observations" in said


def test_a_study_may_be_one_workbook(tmp_path: Path) -> None:
    """With a name in .xlsx the study is a workbook, in which a recorded formula is a text."""
    line = f"import redcap {PROJECT}/export.csv --mapping {PROJECT}/mapping.yaml -o {tmp_path}/study.xlsx"
    assert run(line)[0] == 0
    assert len(rules.read_study(tmp_path / "study.xlsx").administrations) == 13
    cells = [cell for row in openpyxl.load_workbook(tmp_path / "study.xlsx")["administrations"] for cell in row]
    assert [cell.quotePrefix for cell in cells if cell.value == "=late, family away"] == [True]


def test_rows_with_a_fault_are_left_out_only_when_asked_for(tmp_path: Path) -> None:
    """All faults end the command; --partial leaves out those rows, and lists each with its line and why."""
    export = "record_id,kg,day\n1,16.2,2024-01-02\n2,16.2,soon\n3,heavy,\n"
    rows = "tables: {observations: [{measure: =weight, value: kg, unit: =kg, at: day}]}"
    status, said = imported(tmp_path, export, CHECKED + rows)
    assert (status, len(said.splitlines()), (tmp_path / "study").exists()) == (2, 3, False)
    assert imported(tmp_path, export, CHECKED + rows, "--partial")[0] == 0
    assert rules.read_study(tmp_path / "study").observations["s"].to_list() == [0]
    left = pl.read_csv(tmp_path / "study/left-out.csv")
    assert left.select("line", "column", "value").rows() == [(3, "day", "soon"), (4, "day", ""), (4, "kg", "heavy")]


# --- a first mapping --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", ["", f"--dictionary {PROJECT}/dictionary.csv"])
def test_a_draft_proposes_what_it_can_and_is_not_read_as_it_is(tmp_path: Path, options: str) -> None:
    """Weights, days and sex are proposed, the rest is listed; unfilled and unchecked it says so, then it is read."""
    draft = tmp_path / "mapping.yaml"
    line = f"import redcap {PROJECT}/export.csv {options}"
    assert run(f"{line} --draft {draft}")[0] == 0
    text = draft.read_text("utf-8")
    assert "inf_amount" in text and "value: weight_kg, unit: =kg" in text
    assert ("1: male, 2: female" in text) is bool(options)
    with pytest.raises(StudyError, match="TO FILL"):
        read_mapping(draft)
    for word, filled in (
        ("screening_arm_1: TO FILL", "screening_arm_1: screening"),
        ("=TO FILL", "=1"),
        ("TO FILL", "admission"),
    ):
        text = text.replace(word, filled)
    draft.write_text(text, "utf-8")
    status, _, said = run(f"{line} --mapping {draft} -o {tmp_path}/study")
    assert (status, "is a draft that nobody has checked" in said) == (2, True)
    draft.write_text(
        text.replace("checked: no", "checked: yes").replace("missing: []", 'missing: [NI, "-99"]'), "utf-8"
    )
    assert run(f"{line} --mapping {draft} -o {tmp_path}/study")[0] == 0
    study = rules.read_study(tmp_path / "study")
    assert [len(study.data(name)) for name in ("subjects", "visits", "observations", "consents")] == [3, 6, 11, 3]
    status, _, said = run(f"{line} --draft {draft}")
    assert (status, "is there already" in said) == (2, True)


def test_a_dictionary_is_read_as_it_is_downloaded(tmp_path: Path) -> None:
    """Choices have codes and labels, a label may hold a comma, a box is a column; another file is none."""
    known = read_dictionary(PROJECT / "dictionary.csv")
    assert known["arm"].choices == {"1": "MSC", "2": "Control"}
    assert known["untreated"].choices == {"1": "Yes", "0": "No"}
    assert known["initials"].identifier
    assert list(known["premed"].columns()) == ["premed___1", "premed___2"]
    assert box("site", "-1") == "site____1"
    (tmp_path / "api.csv").write_text(
        "field_name,form_name,field_type,field_label,select_choices_or_calculations\n"
        'a,f,radio,A,"1, one, or so | 2, two"\n',
        "utf-8",
    )
    assert read_dictionary(tmp_path / "api.csv")["a"].choices == {"1": "one, or so", "2": "two"}
    with pytest.raises(StudyError, match="is no data dictionary"):
        read_dictionary(PROJECT / "export.csv")


@pytest.mark.parametrize("separator", [",", ";", "\t", "|", "^"])
def test_the_separators_that_redcap_offers_are_read(tmp_path: Path, separator: str) -> None:
    """An export may be separated by comma, semicolon, tab, pipe or caret, and begin with a byte order mark."""
    (tmp_path / "e.csv").write_text(f"record_id{separator}dob\n1{separator}2020-01-02\n", "utf-8-sig")
    assert read_export(tmp_path / "e.csv", {}).lines.columns[:3] == ["line of the export", "record_id", "dob"]


# --- bad input --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["title"])
def test_each_fault_stands_at_its_line(tmp_path: Path, case: dict[str, Any]) -> None:
    """Status 2, every fault of the file with its place and what to write instead, and nothing written."""
    status, said = imported(tmp_path, case["export"], case["mapping"].replace("{M}", CHECKED))
    assert said.splitlines() == case["said"]
    assert (status, (tmp_path / "study").exists()) == (2, False)


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    """Nothing is written into a folder that is not empty."""
    (tmp_path / "study").mkdir()
    (tmp_path / "study/x").touch()
    status, said = imported(tmp_path, "record_id\n1\n", CHECKED + "tables: {subjects: [{arm: =a}]}")
    assert (status, "is not empty" in said) == (2, True)
    assert [path.name for path in (tmp_path / "study").iterdir()] == ["x"]
