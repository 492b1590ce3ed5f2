"""The command as people and programs rely on it: verbs, formats, languages, exit statuses, and bad input."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from docs.generate import verbs
from rules.deviations import BY_CODE
from tests.command import ROOT, run

EXAMPLE = "examples/uc-msc-saa"
CHILD = "--subject 001 --arm msc --day-zero 2024-03-01"
WEIGHED = f'{CHILD} --weight "16.2 kg"'
DOSE = "--treatment uc-msc --on 2024-03-15"

# The fields that interface.md promises, in its order.
SCHEDULE = (
    "subject,site,arm,activity,kind,cycle,occurrence,study_day,due,valid_from,opens,closes,valid_to,dose,dose_low,"
    "dose_high,dose_unit,level,weight_kg,version,basis,source,status,due_time,opens_time,closes_time,closed"
)
FINDING = (
    "id,event,code,rule,verdict,importance,category,term,subject,site,arm,activity,occurrence,date,measure,"
    "measure_unit,expected,observed,because,message,record,source,version,basis,logged,decision,state,primary,cause,"
    "proposed_importance,detected,serious_breach,excluded_from,site_aware,sponsor_aware"
)

SMALL = """
protocol: small
version: 1
first_day: 0
sources: {doc: protocol of this test}
source: doc
basis: stated
arms: {one: everyone}
treatments:
  drug: {due: day 0, every: 7 d, times: 2, window: ±1 d, dose: {amount: 10 mg, tolerance: ±10 %}}
"""


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Work in a new folder with the examples at hand."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    yield tmp_path


def study(place: Path, doses: str) -> None:
    """Write a small protocol, and a study of one participant with these doses, complete up to February."""
    (place / "small.yaml").write_text(SMALL, "utf-8")
    (place / "small").mkdir()
    (place / "small/subjects.csv").write_text("subject,arm,day_zero\n1,one,2024-01-01\n", "utf-8")
    (place / "small/study.yaml").write_text("data_cut: 2024-02-01\n", "utf-8")
    rows = "".join(f"1,drug,{dose},mg\n" for dose in doses.split())
    (place / "small/administrations.csv").write_text("subject,treatment,start,amount,unit\n" + rows, "utf-8")


# --- what must hold ---------------------------------------------------------------------------------------------------


def test_the_calendar_of_a_child_typed_in() -> None:
    """Three doses of UC-MSC a week apart from day 14, each 1.62e7 cells for 16.2 kg."""
    answer = run(f"schedule uc-msc-saa {WEIGHED} --format json")
    cells = [row for row in answer.rows if row["activity"] == "uc-msc"]
    assert [row["due"] for row in cells] == ["2024-03-15", "2024-03-22", "2024-03-29"]
    assert {(row["dose"], row["dose_unit"]) for row in cells} == {(1.62e7, "cells")}
    assert answer.status == 0


def test_a_control_gets_no_cells() -> None:
    """The control arm has ATG and no UC-MSC."""
    rows = run(f"schedule uc-msc-saa {WEIGHED.replace('msc', 'control')} --format json").rows
    assert {"atg"} == {row["activity"] for row in rows} & {"atg", "uc-msc"}


@pytest.mark.parametrize(
    ("typed", "status", "said"),
    [
        (f'{WEIGHED} --given "1.62e7 cells"', 0, "As the protocol says, if it is given so"),
        (f'{WEIGHED} --given "1.62e8 cells"', 1, "a slip by a factor of 10"),
        (f'{CHILD} --birth-date 2020-02-01 --given "1.62e8 cells"', 1, "a slip by a factor of 10"),
        (f'{CHILD} --birth-date 2020-02-01 --given "1.62e7 cells"', 3, "implies 16.2 kg"),
        (f'{CHILD} --given "1.62e8 cells"', 3, "implies 162 kg"),
        ('--subject 001 --day-zero 2024-03-01 --weight "16.2 kg" --given "1.62e7 cells"', 3, "Which arm"),
        (f'{WEIGHED.replace("msc", "control")} --given "1.62e7 cells"', 1, "does not get it"),
    ],
)
def test_a_dose_typed_in_has_one_of_three_answers(typed: str, status: int, said: str) -> None:
    """0 complies, 1 deviates with the slip named, 3 cannot tell; never a word for another."""
    answer = run(f"validate uc-msc-saa {typed} {DOSE}")
    assert (answer.status, said in answer.out) == (status, True), answer
    assert answer.out.split("  ")[0] == {0: "WOULD COMPLY", 1: "WOULD DEVIATE", 3: "CANNOT TELL"}[status]


def test_a_verdict_shows_what_it_rests_on() -> None:
    """Weight with its day and age, the arithmetic, the paragraph, and whether anything is assumed."""
    out = run(f'validate uc-msc-saa {WEIGHED} --weighed-on 2024-03-13 --given "1.62e7 cells" {DOSE}').out
    for said in ("16.2 kg (2024-03-13, 2 d)", "1e6 cells/kg × 16.2 kg", "the design card", "Basis: assumed"):
        assert said in out


def test_a_dose_of_a_course_is_judged_as_its_share_of_a_day() -> None:
    """5 mg/kg a day in two doses is 40.5 mg each; without a dose in the protocol: *cannot tell*."""
    day = f"validate uc-msc-saa {WEIGHED} --on 2024-03-01"
    right = run(f'{day} --treatment ciclosporin --given "40 mg"')
    assert (right.status, "72.9 mg to 89.1 mg a day" in right.out) == (0, True)
    assert run(f'{day} --treatment ciclosporin --given "80 mg"').status == 1
    silent = run(f'{day} --treatment g-csf --given "80 ug"')
    assert (silent.status, "not judged" in silent.out) == (3, True)


def test_a_product_shared_by_arms_is_the_treatment_of_the_arm() -> None:
    """Primaquine typed in is the ladder of the participant's arm, not the first ladder of the protocol."""
    person = "--subject 9 --arm ladder-c --day-zero 2024-03-01 --treatment primaquine"
    assert run(f'validate primaquine-challenge {person} --given "10 mg" --on 2024-03-01').status == 0
    assert run(f'validate primaquine-challenge {person} --given "7.5 mg" --on 2024-03-01').status == 1


def test_a_dose_typed_in_stands_beside_the_records() -> None:
    """The child's recorded weight and arm count; records of the same dose, or weight, of that day stand aside."""
    dose = "--subject 109 --treatment uc-msc --on 2015-10-27"
    assert run(f'validate uc-msc-saa {EXAMPLE} {dose} --given "1.59e8 cells"').status == 1
    right = run(f'validate uc-msc-saa {EXAMPLE} {dose} --given "1.63e7 cells" --format json')
    assert (right.status, right.rows[0]["verdict"], len(right.rows)) == (0, "complies", 1)
    less = run(f'validate uc-msc-saa {EXAMPLE} {dose} --given "1.63e7 cells" --weight "12.2 kg" --format json')
    assert (less.status, less.rows[0]["weight_kg"]) == (1, 12.2)
    # Half the weight of the week before is no weight to judge a dose by.
    half = run(f'validate uc-msc-saa {EXAMPLE} {dose} --given "1.63e7 cells" --weight "8.0 kg" --format json')
    assert half.status == 3


# --- exit statuses ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("doses", "plain", "strict"),
    [("2024-01-01,10 2024-01-08,10", 0, 0), ("2024-01-01,10", 0, 3), ("2024-01-01,10 2024-01-11,10", 1, 1)],
    ids=["everything right", "one dose without a record", "one dose late"],
)
def test_the_status_of_an_audit(place: Path, doses: str, plain: int, strict: int) -> None:
    """Deviations give 1; queries alone give 0, and 3 with --strict."""
    study(place, doses)
    assert run("audit small.yaml small").status == plain
    assert run("audit small.yaml small --strict").status == strict


def test_the_status_of_the_doses_on_record(place: Path) -> None:
    """One row an administration; 1 as soon as one of them deviates."""
    study(place, "2024-01-01,10 2024-01-11,10")
    late = run("validate small.yaml small --format json")
    assert ([row["verdict"] for row in late.rows], late.status) == (["complies", "deviates"], 1)


# --- formats ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "fields"),
    [
        (f"schedule uc-msc-saa {EXAMPLE} --subject 109", SCHEDULE),
        (f"due uc-msc-saa {EXAMPLE} --from 2015-03-09", f"{SCHEDULE},first_allowed_day,last_compliant_day,moves"),
        (f"audit uc-msc-saa {EXAMPLE}", FINDING),
    ],
)
def test_json_and_csv_have_the_promised_fields(line: str, fields: str) -> None:
    """An array of flat objects, and a header, both with the fields of the interface in order."""
    rows = run(f"{line} --format json").rows
    assert rows
    assert all(",".join(row) == fields for row in rows)
    assert not any(isinstance(value, dict | list) for row in rows for value in row.values())
    assert run(f"{line} --format csv").out.splitlines()[0] == fields


def test_every_format_says_the_same(place: Path) -> None:
    """Parquet holds the rows of JSON; a table, Markdown and a page without anything from elsewhere show them."""
    line = f"validate uc-msc-saa {EXAMPLE} --subject 109"
    rows = run(f"{line} --format json").rows
    run(f"{line} --format parquet -o doses.parquet")
    assert [str(day) for day in pl.read_parquet("doses.parquet")["date"]] == [row["date"] for row in rows]
    assert run(f"{line} --format markdown").out.startswith("| Participant |")
    assert "1.59×10⁸ cells" in run(line).out
    run(f"{line} --format html -o doses.html")
    page = (place / "doses.html").read_text("utf-8")
    assert "1.59×10⁸ cells" in page
    assert 'src="http' not in page
    assert 'href="http' not in page


def test_an_audit_in_a_file_has_its_manifest_beside_it(place: Path) -> None:
    """Nothing goes to standard output; the manifest names the file's hash."""
    answer = run(f"audit uc-msc-saa {EXAMPLE} --format html -o audit.html --lang zh")
    assert (answer.status, answer.out) == (1, "")
    assert "wrote audit.html" in answer.err
    assert "方案依从性核查" in (place / "audit.html").read_text("utf-8")
    manifest = json.loads((place / "audit.html.manifest.json").read_text("utf-8"))
    assert list(manifest["results"]) == ["audit.html"]


def test_chinese_everywhere() -> None:
    """Calendar, verdict, audit, worklist and rules have Chinese headings or sentences."""
    assert "受试者" in run(f"schedule uc-msc-saa {WEIGHED} --lang zh").out
    assert run(f'validate uc-msc-saa {WEIGHED} --given "1.62e8 cells" {DOSE} --lang zh').out.startswith(
        "将构成方案偏离"
    )
    assert "无法判断" in run(f"validate uc-msc-saa {EXAMPLE} --subject 109 --lang zh").out
    assert "质疑" in run(f"audit uc-msc-saa {EXAMPLE} --lang zh").out
    assert "受试者" in run(f"due uc-msc-saa {EXAMPLE} --from 2015-03-09 --lang zh").out
    assert "晚于给药窗给药" in run("explain --list --lang zh").out


def test_results_and_remarks_are_kept_apart() -> None:
    """The day that was taken is a remark on standard error; --quiet says nothing there."""
    answer = run(f"schedule uc-msc-saa {WEIGHED} --format json")
    assert answer.rows
    assert "as of " in answer.err
    assert "taken as measured on 2024-03-01" in answer.err
    assert run(f"schedule uc-msc-saa {WEIGHED} --quiet").err == ""
    assert "as of " not in run(f"schedule uc-msc-saa {WEIGHED} --as-of 2024-03-01").err


# --- the other verbs --------------------------------------------------------------------------------------------------


def test_the_worklist_has_the_last_compliant_day() -> None:
    """What is open in the week, what is overdue, each with its last day on time."""
    rows = run(f"due uc-msc-saa {EXAMPLE} --from 2015-03-09 --to 2015-03-15 --format json").rows
    assert all(row["status"] == "overdue" or row["opens"] <= "2015-03-15" for row in rows)
    assert all(row["last_compliant_day"] >= "2015-03-09" for row in rows if row["status"] != "overdue")


@pytest.mark.parametrize("code", BY_CODE)
def test_every_rule_explains_itself(code: str) -> None:
    """The page of a rule has its title and its reasons; the list has its code."""
    out = run(f"explain {code}").out
    assert out.startswith(f"{code}: {BY_CODE[code].title}\n")
    assert "Why it matters" in out


def test_the_list_of_rules_has_every_code() -> None:
    """`explain` alone and `explain --list` name all rules."""
    assert [row["code"] for row in run("explain --list --format json").rows] == list(BY_CODE)
    assert run("explain").out == run("explain --list").out


def test_a_new_study_folder_can_be_filled_at_once(place: Path) -> None:
    """The tables of `init` are read back after one row is written into them."""
    assert "begin with new/README.md" in run("init new").err
    with (place / "new/subjects.csv").open("a", encoding="utf-8") as file:
        file.write("001,msc" + "," * 12 + "\n")
    assert run("audit uc-msc-saa new").status == 0


def test_the_demo_shows_the_main_job(place: Path) -> None:
    """One calendar, one verdict, the audit, and a page."""
    answer = run("demo -o shown")
    assert answer.status == 0
    for said in ("uc-msc", "DEVIATES", "Detected deviations: 8"):
        assert said in answer.out
    assert (place / "shown/uc-msc-saa.en.html").is_file()


@pytest.mark.parametrize("group", ["", "import", "export"])
def test_the_list_of_verbs_says_what_each_is_in_a_whole_line(group: str) -> None:
    """No line of the first help is cut off."""
    listed = run(f"{group} --help").out.partition("Commands:")[2]
    assert "demo" in listed or "usdm" in listed
    assert "..." not in listed


def test_the_version_is_told() -> None:
    """By itself, as other commands do."""
    assert re.fullmatch(r"perprotocol \d+\.\d+\.\d+\n", run("--version").out)


OWN_FILES = {
    "study.json",
    "export.csv",
    "bundle.json",
    "tabulations",
    "protocol.yaml",
    "words.yaml",
    "lzzt study",
    ".ndjson",
}


@pytest.mark.parametrize("name", list(verbs()))
def test_the_examples_in_help_work(name: str) -> None:
    """What `--help` shows can be typed: found or not found, and never bad input.

    What begins with a file of the reader's own is typed in the tests of its format.
    """
    examples = [line for line in (verbs()[name].epilog or "").split("\n\n") if line.startswith("perprotocol ")]
    assert examples
    for line in examples:
        if any(word in line for word in OWN_FILES):
            continue
        answer = run(line.removeprefix("perprotocol "))
        assert answer.status in (0, 1), (line, answer.err)


def test_one_participant_keeps_the_place_of_every_record() -> None:
    """Narrowed to a participant, a verdict still names the file and the line."""
    rows = run(f"validate uc-msc-saa {EXAMPLE} --subject 109 --format json --quiet").rows
    assert {row["subject"] for row in rows} == {"109"}
    assert all("administrations.csv:" in row["record"] for row in rows)
