"""Real doses: who of the primaquine challenge differs from the ladder of the others, and whose record ends early."""

import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

import protocol
import rules

SCRIPT = Path(__file__).parent.parent / "examples" / "import_primaquine.py"
REAL_DATA = os.environ.get("PERPROTOCOL_REAL_DATA")
needs_data = pytest.mark.skipif(
    not REAL_DATA, reason="PERPROTOCOL_REAL_DATA is not set: it names the folder with primaquine/primaquine_doses.csv"
)
HEADER = "ID,study,Clock_Time,Calendar_Day,Day,Time,PQdose,weight,PQ_mg_kg\n"

DIFFER = {
    ("13", "underdose"): [14, 15],
    ("13", "unplanned_dose"): [16],
    ("23", "underdose"): [12],
    ("24", "underdose"): [10, 11, 12, 13, 14],
}
END_EARLY = {"7": range(15, 20), "11": range(11, 16), "12": range(15, 16), "14": range(11, 16), "18": range(3, 20)}


def run_script(table: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """The script run as a user runs it."""
    return subprocess.run(
        [sys.executable, str(SCRIPT), str(table), str(folder)], check=False, capture_output=True, text=True
    )


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> rules.Report:
    """The audit of the imported study."""
    folder = tmp_path_factory.mktemp("primaquine")
    run = run_script(Path(str(REAL_DATA)) / "primaquine" / "primaquine_doses.csv", folder)
    assert run.returncode == 0, run.stderr
    return rules.audit(protocol.read("primaquine-challenge"), rules.read_study(folder))


def days_by_volunteer(report: rules.Report, rows: pl.DataFrame) -> dict[tuple[str, str], list[int]]:
    """Volunteer and code with their days, counted from the first dose."""
    given, people = report.study.administrations, report.study.subjects
    first = given.group_by("s").agg(pl.col("start").min()).join(people.select("s", "subject"), on="s")
    dated = rows.join(first, on="subject").with_columns(day=(pl.col("date") - pl.col("start")).dt.total_days())
    grouped = dated.sort("day").group_by("subject", "code").agg("day")
    return {(subject, code): days for subject, code, days in grouped.iter_rows()}


@needs_data
def test_only_volunteers_13_23_and_24_differ_from_their_ladder(report: rules.Report) -> None:
    """On which days and how; nobody else."""
    assert days_by_volunteer(report, report.findings) == DIFFER


@needs_data
def test_records_of_five_volunteers_end_early(report: rules.Report) -> None:
    """A question for each day without a record, never a finding; of nobody else."""
    expected = {(volunteer, "dose_no_record"): list(days) for volunteer, days in END_EARLY.items()}
    assert days_by_volunteer(report, report.queries) == expected


@needs_data
def test_verdicts_on_inferred_ladders_are_assumed(report: rules.Report) -> None:
    """The ladders are read off the doses, so no finding claims to be stated."""
    assert report.findings["basis"].unique().to_list() == ["assumed"]


@needs_data
def test_every_dose_of_both_parts_is_read(report: rules.Report) -> None:
    """403 doses of 24 and 16 volunteers, none refused, at the dates as written."""
    study = report.study
    assert len(study.administrations) == 403
    assert study.subjects["subject"].str.starts_with("p2-").sum() == 16
    assert len(study.subjects) == 40
    written = study.tables["administrations"].raw["start"].str.slice(0, 10).to_list()
    assert study.administrations["start"].cast(pl.String).to_list() == written


def test_times_and_weights_are_kept_as_written(tmp_path: Path) -> None:
    """A time near midnight stays on its day, the weight is written once, and the last day is the data cut."""
    table = tmp_path / "primaquine_doses.csv"
    rows = (
        "1,Part1,2018-11-24T23:30:00Z,2018-11-24,1,1,7.5,70.2,0.1\n"
        "1,Part1,2018-11-23T01:00:00Z,2018-11-23,0,0,7.5,70.2,0.1\n"
        "1,Part2,2022-04-19T01:00:00Z,2022-04-19,0,0,45.0,53.0,0.8\n"
    )
    table.write_text(HEADER + rows, "utf-8")
    assert run_script(table, tmp_path / "study").returncode == 0
    study = rules.read_study(tmp_path / "study")
    assert study.subjects.select("subject", "arm").rows() == [("1", "ladder-a"), ("p2-1", "single")]
    assert study.administrations["start"].cast(pl.String).to_list() == ["2018-11-23", "2018-11-24", "2022-04-19"]
    assert study.observations["grams"].to_list() == [70200, 53000]
    assert str(study.data_cut) == "2022-04-19"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a,b\n1,2\n", "has no ID, study"),
        (HEADER + "25,Part1,2018-11-23T01:00:00Z,2018-11-23,0,0,7.5,70,0.1\n", "primaquine_doses.csv:2: Part1 25"),
        (HEADER + "1,Part1,2018-11-23T01:00:00Z,2018-11-24,0,0,7.5,70,0.1\n", "is not on 2018-11-24"),
    ],
)
def test_another_table_is_refused(tmp_path: Path, text: str, says: str) -> None:
    """What is not the table described is named with its line, and no folder is written."""
    table = tmp_path / "primaquine_doses.csv"
    table.write_text(text, "utf-8")
    run = run_script(table, tmp_path / "study")
    assert run.returncode == 2
    assert says in run.stderr
    assert not (tmp_path / "study").exists()
