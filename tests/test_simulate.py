"""Synthetic studies: the same seed gives the same, faults are as many as asked for, and the folder says what it is."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

import protocol
import rules
from bench.recall import WITHOUT_FAULT, main
from perprotocol.cli import app
from perprotocol.simulation.faults import KINDS
from perprotocol.simulation.study import simulate
from perprotocol.synthetic import read_faults
from protocol import StudyError
from rules.deviations import RULES

EACH = 4


def test_the_same_seed_gives_the_same_study_and_another_seed_another() -> None:
    """Nothing depends on the clock or on the order of sets."""
    trial = protocol.read("uc-msc-saa")
    first, again, other = (simulate(trial, 30, seed, {"overdose": 2}) for seed in (5, 5, 6))
    assert first.tables == again.tables
    assert first.injected.equals(again.injected)
    assert first.tables != other.tables


def test_each_fault_is_put_in_as_often_as_asked_each_into_somebody_else() -> None:
    """The list names every participant with a fault once per fault found."""
    made = simulate(protocol.read("uc-msc-saa"), 80, 1, {"overdose": 3, "dose_late": 5})
    faults = made.injected.filter(~pl.col("follows")).group_by("kind").len().sort("kind").rows()
    assert faults == [("dose_late", 5), ("overdose", 3)]
    assert made.injected["subject"].n_unique() == 8


def test_a_kind_without_room_is_said_and_not_put_in() -> None:
    """No ceiling, no dose above it."""
    made = simulate(protocol.read("uc-msc-saa"), 40, 1, {"above_ceiling": 2})
    assert (dict(made.no_room), len(made.injected)) == ({"above_ceiling": 2}, 0)


def test_weights_grow_and_people_leave() -> None:
    """Participants are no copies of one another, and not all of them stay."""
    made = simulate(protocol.read("uc-msc-saa"), 60, 1)
    weights: dict[object, set[object]] = {}
    for row in made.tables["observations"]:
        if row["measure"] == "weight":
            weights.setdefault(row["subject"], set()).add(row["value"])
    assert max(len(found) for found in weights.values()) > 1
    assert {"discontinuation", "withdrawal", "death"} & {row["milestone"] for row in made.tables["milestones"]}


def test_a_study_is_written_and_read_back_with_all_that_was_put_in(tmp_path: Path) -> None:
    """The folder is a study folder; everything the list names is found in it."""
    folder = tmp_path / "made"
    arguments = ["simulate", "uc-msc-saa", "-n", "40", "--faults", "tenfold=2", "-o", str(folder), "--format", "json"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)[0]["kind"] == "tenfold"
    assert "SYNTHETIC" in done.stderr
    assert "Synthetic: no row is about a real person" in (folder / "README.md").read_text("utf-8")
    study = rules.read_study(folder)
    report = rules.audit(protocol.read("uc-msc-saa"), study, as_of=study.data_cut)
    listed = pl.read_csv(folder / "injected.csv", schema_overrides={"subject": pl.String})
    keys = ["subject", "code", "activity", "occurrence"]
    assert sorted(report.findings.select(keys).rows()) == sorted(listed.select(keys).rows())


def test_parquet_tables_are_written_too(tmp_path: Path) -> None:
    """The same study in the other form."""
    arguments = ["simulate", "covacta", "-n", "9", "--tables", "parquet", "-q", "-o", str(tmp_path / "made")]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    assert len(pl.read_parquet(tmp_path / "made" / "subjects.parquet")) == 9


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("overdosis=3", "is no kind of fault"),
        ("overdose", "is no kind and number"),
        ("overdose=41", "are more faults than the 40 participants"),
    ],
)
def test_a_slip_in_the_faults_is_named_with_a_remedy(said: str, why: str) -> None:
    """Kinds and numbers are checked before any work."""
    with pytest.raises(StudyError, match=why):
        simulate(protocol.read("uc-msc-saa"), 40, 1, read_faults(said))


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    """Nothing is overwritten."""
    (tmp_path / "mine.txt").write_text("mine")
    done = CliRunner().invoke(app, ["simulate", "lzzt", "-n", "2", "-o", str(tmp_path)])
    assert done.exit_code == 2
    assert "is not empty" in done.stderr


def test_all_means_each_kind() -> None:
    """`all=2` puts in two of every kind."""
    assert read_faults("all=2") == dict.fromkeys(KINDS, 2)


def test_every_rule_has_a_fault_or_a_reason() -> None:
    """No rule of the catalogue goes unmeasured without a word."""
    found = {code for kind in KINDS.values() for code in kind.finds}
    codes = {rule.code for rule in RULES}
    assert codes - found == set(WITHOUT_FAULT) & codes
    assert not set(WITHOUT_FAULT) - codes
    assert all(len(why) > 20 for why in WITHOUT_FAULT.values())


@pytest.mark.parametrize("name", ["uc-msc-saa", "remestemcel-l"])
def test_recall_and_precision_are_whole(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Everything put in is found and nothing else; the exit status says so."""
    numbers = ["--perfect", "60", "--each", str(EACH), "--format", "json"]
    assert main([*numbers, "--protocols", name]) == 0, capsys.readouterr().err
    assert json.loads(capsys.readouterr().out)["perfect"] == {name: 0}
