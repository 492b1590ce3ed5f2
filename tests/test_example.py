"""The synthetic study in examples/: made the same each time, with exactly the faults that its README lists."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

import polars as pl
import pytest
import yaml

import protocol
import rules

EXAMPLES = Path(__file__).parent.parent / "examples"
HOME = EXAMPLES / "uc-msc-saa"
EXPECTED: dict[str, list[dict[str, str]]] = yaml.load(
    Path(__file__).with_suffix(".yaml").read_text("utf-8"), Loader=yaml.BaseLoader
)


@pytest.fixture(scope="module")
def study() -> rules.Study:
    """The study as the files have it."""
    return rules.read_study(HOME)


@pytest.fixture(scope="module")
def report(study: rules.Study) -> rules.Report:
    """Its audit."""
    return rules.audit(protocol.read("uc-msc-saa"), study)


def as_text(rows: pl.DataFrame, expected: list[dict[str, str]]) -> list[dict[str, str]]:
    """The columns that each expected row names, as text; numbers to one decimal, ids without the study's name."""
    return [
        {name: shown(row, name) for name in (expected[n] if n < len(expected) else ("subject", "date"))}
        for n, row in enumerate(rows.iter_rows(named=True))
    ]


def shown(row: Mapping[str, Any], name: str) -> str:
    """One cell as the YAML file writes it."""
    cell = row[name]
    if isinstance(cell, float):
        return f"{round(cell, 1):g}"
    return str(cell).removeprefix("uc-msc-saa-example/")


def test_the_audit_finds_exactly_the_seeded_deviations(report: rules.Report) -> None:
    """Every finding, with its size, its importance and whether the site has logged it."""
    assert as_text(report.findings, EXPECTED["findings"]) == EXPECTED["findings"]


def test_the_audit_asks_exactly_about_the_seeded_doubts(report: rules.Report) -> None:
    """A weight in pounds, a dose and a weighing without record are questions, not findings."""
    assert as_text(report.queries, EXPECTED["queries"]) == EXPECTED["queries"]


def test_doses_not_given_after_anaphylaxis_are_permitted_departures(report: rules.Report) -> None:
    """What the protocol orders is counted and named, and no finding."""
    assert as_text(report.departures, EXPECTED["departures"]) == EXPECTED["departures"]


def test_the_readme_names_every_finding_and_query(report: rules.Report) -> None:
    """Subject, day and code stand on one line of the table in the README, and the table has no other line."""
    lines = [line for line in (HOME / "README.md").read_text("utf-8").splitlines() if line.count("|") == 6][2:]
    found = pl.concat([report.findings, report.queries]).sort("subject", maintain_order=True)
    assert len(lines) == len(found)
    for line, row in zip(lines, found.iter_rows(named=True), strict=True):
        assert line.startswith(f"| {row['subject']} | {row['date']} |"), row["id"]
        assert f"`{row['code']}`" in line, row["id"]


@pytest.mark.parametrize(("subject", "occurrence"), [("101", 3), ("103", 1), ("105", 3), ("201", 2)])
def test_what_only_looks_wrong_complies(study: rules.Study, subject: str, occurrence: int) -> None:
    """Volume and concentration, two bags, a dose after a late one, and total cells with their viability are right."""
    verdicts = rules.validate(protocol.read("uc-msc-saa"), study)
    mine = verdicts.filter((pl.col("subject") == subject) & (pl.col("activity") == "uc-msc"))
    assert mine.filter(pl.col("occurrence") == occurrence)["verdict"].to_list() == ["complies"]


def test_the_script_writes_the_same_files_again(tmp_path: Path) -> None:
    """Byte for byte, and all tables and settings that stand beside the README."""
    script = EXAMPLES / "make_uc_msc_saa.py"
    subprocess.run([sys.executable, str(script), str(tmp_path)], check=True, stdout=subprocess.DEVNULL)
    made = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    kept = {path.name: path.read_bytes() for path in HOME.iterdir() if path.name != "README.md"}
    assert made.keys() == kept.keys()
    assert [name for name in made if made[name] != kept[name]] == []


def test_every_row_says_that_it_is_synthetic(study: rules.Study) -> None:
    """No table can be taken for a patient's, even alone; what was published says where."""
    for name, table in study.tables.items():
        source = "BMC Pediatr 2021;21:102, abstract" if name == "published" else "synthetic"
        assert table.raw["source"].unique().to_list() == [source], name


def test_nine_children_in_each_group_have_a_median_age_of_four(study: rules.Study) -> None:
    """Ages in completed years on day zero."""
    for arm in ("msc", "control"):
        mine = study.subjects.filter(pl.col("arm") == arm)
        ages = [
            zero.year - born.year - ((zero.month, zero.day) < (born.month, born.day))
            for born, zero in mine.select("birth_date", "day_zero").iter_rows()
        ]
        assert (len(ages), median(ages)) == (9, 4)


def test_four_children_with_uc_msc_react_to_atg_on_different_days(study: rules.Study) -> None:
    """As many reactions as the article has, all in the group with UC-MSC."""
    reactions = study.events.filter(pl.col("event") == "anaphylaxis").select("s", "start")
    joined = reactions.join(study.subjects.select("s", "arm", "day_zero"), on="s")
    assert joined["arm"].to_list() == ["msc"] * 4
    assert sorted((joined["start"] - joined["day_zero"]).dt.total_days()) == [0, 1, 2, 3]


def test_the_controls_signed_no_consent(study: rules.Study) -> None:
    """A concurrent group: each child with UC-MSC has a consent, no control has one."""
    signed = study.subjects.join(study.consents.select("s"), on="s")["arm"].to_list()
    assert signed == ["msc"] * 9


def test_partial_responses_at_day_90_are_one_and_two(study: rules.Study) -> None:
    """Reticulocytes, platelets and neutrophils against day zero, as the registry's entry has it."""
    counts = study.observations.filter(pl.col("visit").is_in(["admission", "day-90"]))
    wide = counts.pivot(on=["measure", "visit"], index="s", values="value").join(
        study.subjects.select("s", "arm"), on="s"
    )
    responds = (
        (pl.col('{"reticulocytes","day-90"}') > 30)
        & (pl.col('{"platelets","day-90"}') > pl.col('{"platelets","admission"}') + 20)
        & (pl.col('{"anc","day-90"}') > pl.col('{"anc","admission"}') + 0.5)
    )
    found = wide.group_by("arm").agg(responds.sum().alias("responses")).sort("arm")
    assert found.rows() == [("control", 2), ("msc", 1)]


@pytest.mark.parametrize(
    ("arm", "failures", "percent"),
    [("msc", False, 88.9), ("control", False, 88.9), ("msc", True, 38.1), ("control", True, 66.7)],
)
def test_survival_at_four_years_is_the_published_one(
    study: rules.Study, arm: str, failures: bool, percent: float
) -> None:
    """Kaplan-Meier by hand: overall, and free of failure; rows made to give these figures."""
    ends = study.milestones.filter(pl.col("milestone").is_in(["death", "withdrawal", "completion"]))
    times = ends.select("s", day="date", died=pl.col("milestone") == "death")
    if failures:
        failed = study.events.filter(pl.col("event") == "treatment failure").select("s", day="start", died=pl.lit(True))
        times = pl.concat([failed, times]).unique("s", keep="first", maintain_order=True)
    mine = times.join(study.subjects.filter(pl.col("arm") == arm).select("s", "day_zero"), on="s")
    rows = mine.select((pl.col("day") - pl.col("day_zero")).dt.total_days().alias("time"), "died").sort("time").rows()
    surviving = 1.0
    for at_risk, (day, died) in zip(range(9, 0, -1), rows, strict=True):
        surviving *= 1 - 1 / at_risk if died and day <= 4 * 365.25 else 1
    assert round(100 * surviving, 1) == percent
