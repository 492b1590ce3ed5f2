"""The verbs for who writes a protocol, lint and diff: exit statuses, formats, languages and bad input."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from rules.diff import DIFF
from rules.lint import BY_CODE, LINT
from tests.command import ROOT, Answer, run

PAIR = "examples/amendment/infusion-1.yaml examples/amendment/infusion-2.yaml"
STUDY = "examples/amendment/study --as-of 2024-04-15"
FAULTY = """
protocol: faulty
version: 1
first_day: 0
sources: {doc: protocol of this test, team: the study team must confirm}
source: doc
basis: stated
arms: {one: everyone}
events: {toxicity: toxicity}
treatments:
  drug: {due: day 0, window: ±1 d, assumed: {window: team}}
modifications:
  toxicity:
    if: event toxicity
    then: hold drug
"""


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a new folder with the examples and a faulty protocol at hand."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    (tmp_path / "faulty.yaml").write_text(FAULTY, "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


# --- lint -------------------------------------------------------------------------------------------------------------


def test_a_fault_has_its_place_its_reason_and_a_way_out() -> None:
    """Status 1; the line of the action, why, and what to write."""
    answer = run("lint faulty.yaml")
    assert answer.status == 1
    assert "faulty.yaml:15:5  hold_without_end  'hold drug': nothing says until when\n    → write until" in answer.out
    assert "Fault 1, To confirm 1, Not judged 0" in answer.err
    assert run("lint faulty.yaml --quiet").err == ""


def test_assumptions_alone_raise_the_status_only_when_strict() -> None:
    """A library protocol is clean; --strict asks for its assumptions."""
    assert run("lint covacta").status == 0
    assert run("lint covacta --strict").status == 1
    assert "within assumed" in run("lint covacta").out


def test_lint_speaks_chinese() -> None:
    """The kinds, the reasons and the ways out."""
    out = run("lint faulty.yaml --lang zh").out
    assert "须改正 (1)" in out
    assert "未规定到何时为止" in out


@pytest.mark.parametrize("form", ["json", "csv", "parquet", "markdown", "html"])
def test_lint_is_written_in_every_format(form: str, place: Path) -> None:
    """For programs the promised fields, for people a table with the code."""
    assert run(f"lint faulty.yaml --format {form} -o out.{form}").status == 1
    file = place / f"out.{form}"
    if form == "json":
        assert list(json.loads(file.read_text("utf-8"))[0]) == list(LINT)
    elif form == "csv":
        assert file.read_text("utf-8").splitlines()[0] == ",".join(LINT)
    elif form == "parquet":
        assert pl.read_parquet(file).columns == list(LINT)
    else:
        assert "Hold without an end" in file.read_text("utf-8")


def test_a_file_that_is_no_protocol_is_bad_input() -> None:
    """A dose in the wrong dimension is refused at the door: status 2, with the line."""
    Path("bad.yaml").write_text(FAULTY.replace("window: ±1 d,", "window: ±1 d, dose: 5 d,"), "utf-8")
    answer = run("lint bad.yaml")
    assert answer.status == 2
    assert "bad.yaml:11:" in answer.err
    assert "measures time: that is no dose" in answer.err


@pytest.mark.parametrize(
    "days", ["satur", "2024-01-01", "", "monday, tuesday, wednesday, thursday, friday, saturday, sunday"]
)
def test_closed_days_must_be_weekdays(days: str) -> None:
    """What is no weekday, and a week without an open day, is bad input."""
    answer = run(f"lint covacta --closed '{days}'")
    assert answer.status == 2
    assert "write weekdays" in answer.err


def test_closed_days_are_held_against_the_targets() -> None:
    """Seven days in a row always hold a weekend."""
    text = FAULTY.replace("due: day 0, window: ±1 d", "due: days 0 to 6, window: ±0 d").replace(
        "then: hold", "then: stop"
    )
    Path("week.yaml").write_text(text, "utf-8")
    assert run("lint week.yaml").status == 0
    assert "target_closed" in run('lint week.yaml --closed "saturday, sunday"').out


def test_the_list_of_checks_names_all_of_them() -> None:
    """`lint --list`, and `lint` alone."""
    assert [row["code"] for row in run("lint --list --format json").rows] == list(BY_CODE)
    assert run("lint").out == run("lint --list").out


@pytest.mark.parametrize("code", BY_CODE)
def test_every_check_explains_itself(code: str) -> None:
    """The page of a check has its title, its reasons and a way out."""
    out = run(f"explain {code}").out
    assert out.startswith(f"{code}: {BY_CODE[code].title}\n")
    assert "Way out" in out


def test_a_misspelt_check_is_named() -> None:
    """`explain` knows checks as it knows rules."""
    assert "write hold_without_end" in run("explain hold_without_ends").err


# --- diff -------------------------------------------------------------------------------------------------------------


def test_an_amendment_gives_status_one_and_a_version_beside_itself_none() -> None:
    """1 when something differs, 0 when nothing does, with a study too."""
    assert run(f"diff {PAIR}").status == 1
    same = "diff examples/amendment/infusion-1.yaml examples/amendment/infusion-1.yaml"
    assert run(same).status == 0
    assert run(f"{same} {STUDY}").status == 0
    assert json.loads(run(f"{same} {STUDY} --format json").out) == []


def test_what_changes_for_those_enrolled_stands_below_the_words() -> None:
    """How many occurrences move and findings come or go, then each of them."""
    out = run(f"diff {PAIR} {STUDY}").out
    assert "cell infusion (cells): dose 1×10⁶ cells/kg → 2×10⁶ cells/kg" in out
    assert "For 3 participants, as if version 2 had always been in force" in out
    assert "moved  002 cells 3  due 2024-03-25 → 2024-03-26" in out
    assert "gone  001 cells 3  dose_late" in out
    chinese = run(f"diff {PAIR} {STUDY} --lang zh").out
    assert "视同第 2 版自始有效" in chinese
    assert "移动  002 cells 3  计划日 2024-03-25 → 2024-03-26" in chinese


@pytest.mark.parametrize("form", ["json", "csv", "parquet", "markdown", "html"])
def test_diff_is_written_in_every_format(form: str, place: Path) -> None:
    """For programs the promised fields, for people a table."""
    assert run(f"diff {PAIR} {STUDY} --format {form} -o out.{form}").status == 1
    file = place / f"out.{form}"
    if form == "json":
        assert list(json.loads(file.read_text("utf-8"))[0]) == list(DIFF)
    elif form == "csv":
        assert file.read_text("utf-8").splitlines()[0] == ",".join(DIFF)
    elif form == "parquet":
        assert set(pl.read_parquet(file)["part"]) == {"protocol", "occurrence", "finding"}
    else:
        assert "day-60" in file.read_text("utf-8")


def refused(line: str) -> Answer:
    """A line that is bad input."""
    answer = run(line)
    assert answer.status == 2, answer
    return answer


def test_bad_input_of_diff_is_told() -> None:
    """A file that is not there, a day that is none, a way to see no study."""
    assert "there is no such file" in refused("diff uc-msc-saa missing.yaml").err
    assert "is not a day" in refused(f"diff {PAIR} {STUDY} --active june").err
    assert "give one" in refused(f"diff {PAIR} --active 2024-06-01").err
    assert "give one" in refused(f"diff {PAIR} --blinded").err
    assert "is no arm" in refused(f"diff uc-msc-saa uc-msc-saa {STUDY}").err
