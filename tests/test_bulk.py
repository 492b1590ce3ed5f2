"""A study in parts: what is found is what the whole study gives, whichever process finds it."""

import json
import os
import shutil
from operator import methodcaller
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

import protocol
import rules
import rules.parts
from bench.make_study import make_study
from bench.run import bench_protocol
from perprotocol.bulk.audit import Task
from perprotocol.bulk.local import audit_to_parquet, part_size, run_task, schedule_to_parquet
from perprotocol.bulk.processes import Worker, in_processes
from perprotocol.cli import app
from protocol import StudyError
from rules.parts import study_parts


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of 200 subjects as Parquet, sorted by subject."""
    return make_study(tmp_path_factory.mktemp("bulk") / "200", 200)


@pytest.fixture
def _cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of 60 subjects instead of 50 000."""
    monkeypatch.setattr(rules.parts, "PARTITION", 60)


def rows(place: Path) -> list[tuple[object, ...]]:
    """All rows of a folder of Parquet files."""
    return sorted(pl.read_parquet(place).rows(), key=str)


@pytest.mark.usefixtures("_cut")
@pytest.mark.parametrize("workers", [1, 2, 3])
def test_parts_give_what_the_whole_study_gives(study: Path, tmp_path: Path, workers: int) -> None:
    """Findings, queries, departures, counts and calendar are the same in parts as at once, however many processes."""
    whole = rules.audit(bench_protocol(), rules.read_study(study))
    told: list[tuple[int, int]] = []
    counts = audit_to_parquet(
        bench_protocol(), study, tmp_path, workers=workers, progress=lambda done, of: told.append((done, of))
    )
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert counts.equals(whole.counts)
    for name in ("findings", "queries", "departures"):
        assert rows(tmp_path / name) == sorted(getattr(whole, name).rows(), key=str), name
    assert len(rows(tmp_path / "findings")) > 200
    number = schedule_to_parquet(bench_protocol(), study, tmp_path / "calendar", workers=workers)
    calendar = rules.schedule(bench_protocol(), rules.read_study(study))
    assert (number, rows(tmp_path / "calendar")) == (len(calendar), sorted(calendar.rows(), key=str))
    assert not list(tmp_path.rglob("*.tmp"))


@pytest.mark.usefixtures("_cut")
def test_a_fault_in_one_part_is_told_as_in_the_whole_study(study: Path, tmp_path: Path) -> None:
    """What another process refuses is the same message, and no traceback of that process."""
    for path in study.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    doses = pl.read_parquet(study / "administrations.parquet")
    spoilt = doses.with_columns(unit=pl.when(pl.int_range(pl.len()) == 700).then(pl.lit("mgg")).otherwise("unit"))
    spoilt.write_parquet(tmp_path / "administrations.parquet")
    with pytest.raises(StudyError) as whole:
        rules.read_study(tmp_path)
    with pytest.raises(StudyError) as parts:
        list(in_processes(methodcaller("read"), study_parts(tmp_path), 2))
    assert parts.value.faults == whole.value.faults
    assert parts.value.faults[0].line == 701


def test_work_that_is_left_begins_nothing_more() -> None:
    """Who takes no further result waits for the items under way and for no other."""
    results = in_processes(abs, range(-3, 0), 2)
    assert next(results) == 3
    results.close()
    assert list(in_processes(abs, [], 2)) == []


def test_a_process_that_dies_is_told() -> None:
    """Nothing waits for ever for a process that the system has ended."""
    worker = Worker(os._exit, 1)
    with pytest.raises(ChildProcessError, match="ended before its part"):
        worker(3)
    worker.end()


def test_what_another_process_cannot_open_is_raised_here(tmp_path: Path) -> None:
    """A file that is not there is the same error as in this process; the worker lives on."""
    worker = Worker(os.listdir, 1)
    with pytest.raises(FileNotFoundError):
        worker(str(tmp_path / "nowhere"))
    assert worker(str(tmp_path)) == []
    worker.end()


class Stopped(Exception):
    """What ends a run in these tests."""


@pytest.mark.usefixtures("_cut")
def test_a_run_that_broke_goes_on_where_it_stopped(study: Path, tmp_path: Path) -> None:
    """What was finished is not done again, and the end is that of a run that never broke."""
    task, out = Task((bench_protocol(),), study), tmp_path / "out"

    def stop(done: int, of: int) -> None:
        raise Stopped

    with pytest.raises(Stopped):
        run_task(task, out, progress=stop, workers=1)
    assert (out / "running.json").is_file()
    assert not (out / "manifest.json").exists()
    first = out / "findings" / "part-00000.parquet"
    written = first.stat().st_mtime_ns
    told: list[tuple[int, int]] = []
    counts = run_task(task, out, progress=lambda done, of: told.append((done, of)), workers=1)
    # The part that was under way when the run broke was finished, if it had begun.
    assert told in ([(2, 4), (3, 4), (4, 4)], [(3, 4), (4, 4)])
    assert first.stat().st_mtime_ns == written
    assert counts.equals(run_task(task, tmp_path / "whole", workers=1))
    for name in ("findings", "queries", "departures", "counts"):
        assert rows(out / name) == rows(tmp_path / "whole" / name)
    assert json.loads((out / "manifest.json").read_text())["results"]
    assert run_task(task, out).equals(counts)


@pytest.mark.usefixtures("_cut")
def test_the_results_of_another_run_are_not_written_over(study: Path, tmp_path: Path) -> None:
    """Another language is another run; and a folder with other files is not ours."""
    run_task(Task((bench_protocol(),), study), tmp_path / "out", workers=1)
    with pytest.raises(StudyError, match="results of another run"):
        run_task(Task((bench_protocol(),), study, lang="zh"), tmp_path / "out", workers=1)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("keep me")
    with pytest.raises(StudyError, match="no results of a run"):
        run_task(Task((bench_protocol(),), study), tmp_path / "mine", workers=1)


def test_less_memory_makes_smaller_parts(study: Path) -> None:
    """A part has at least a thousand participants, and never more than a partition."""
    assert part_size(study, 0.3, 2) == 1_000
    assert 1_000 < part_size(study, 1.0, 2) < part_size(study, 1.0, 1)
    assert part_size(study, 100.0, 1) == rules.parts.PARTITION


BAGS = """
protocol: bags
version: 1
first_day: 0
arms: {a: A}
treatments:
  cells: {due: day 0, window: ±1 d, dose: {amount: 10 mg, tolerance: ±5 %}}
"""


def test_a_bag_shared_by_participants_of_two_parts_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What only the whole study shows is looked up before it is cut."""
    names = [f"{n:03}" for n in range(6)]
    folder = tmp_path / "study"
    folder.mkdir()
    day = {"arm": "a", "day_zero": "2024-03-01", "birth_date": "1980-01-01"}
    pl.DataFrame([{"subject": name, **day} for name in names]).write_parquet(folder / "subjects.parquet")
    given = {"treatment": "cells", "start": "2024-03-01", "amount": "10", "unit": "mg", "lot": "L1"}
    bags = ["B0", "B1", "B2", "B3", "B1", "B9"]
    doses = [{"subject": name, **given, "bag": bag} for name, bag in zip(names, bags, strict=True)]
    pl.DataFrame(doses).write_parquet(folder / "administrations.parquet")
    released = [{"bag": "B3", "for_subject": "005"}, {"bag": "B0", "for_subject": "000"}]
    facts = [{"lot": "L1", "measure": "sterility", "value": "passed", **row} for row in released]
    pl.DataFrame(facts).write_parquet(folder / "lots.parquet")
    trial = protocol.read_text(BAGS)
    whole = rules.audit(trial, rules.read_study(folder))
    assert {"bag_of_several", "bag_of_another"} <= set(whole.queries["code"])
    monkeypatch.setattr(rules.parts, "PARTITION", 2)
    run_task(Task((trial,), folder), tmp_path / "out", workers=1)
    for name in ("findings", "queries"):
        assert rows(tmp_path / "out" / name) == sorted(getattr(whole, name).rows(), key=str), name


def test_a_person_with_two_numbers_in_two_parts_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Enrolled as 000 and, in another part, as 005: asked about as in the whole study."""
    folder = tmp_path / "study"
    folder.mkdir()
    day = {"arm": "a", "day_zero": "2024-03-01", "enrolled": "2024-03-01"}
    people = [{"subject": f"{n:03}", **day, "screened_as": "000" if n == 5 else None} for n in range(6)]
    pl.DataFrame(people, infer_schema_length=None).write_parquet(folder / "subjects.parquet")
    trial = protocol.read_text(BAGS)
    whole = rules.audit(trial, rules.read_study(folder))
    assert whole.queries.filter(pl.col("code") == "records_contradict")["subject"].to_list() == ["005"]
    monkeypatch.setattr(rules.parts, "PARTITION", 2)
    run_task(Task((trial,), folder), tmp_path / "out", workers=1)
    assert rows(tmp_path / "out" / "queries") == sorted(whole.queries.rows(), key=str)


def test_the_command_writes_a_folder_and_prints_what_was_found(study: Path, tmp_path: Path) -> None:
    """The rules that found something, and the exit status of an audit."""
    place = tmp_path / "protocol.yaml"
    shutil.copy("bench/protocol.yaml", place)
    options = ["--engine", "parts", "--workers", "1", "--as-of", "2025-12-31", "--quiet", "--format", "csv"]
    done = CliRunner().invoke(app, ["audit", str(place), str(study), *options, "-o", str(tmp_path / "out")])
    assert done.exit_code == 1, done.output
    assert "dose_late" in done.stdout
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "counts", "departures", "findings", "manifest.json", "queries",
    ]  # fmt: skip
    nowhere = CliRunner().invoke(app, ["audit", str(place), str(study), "--engine", "parts"])
    assert nowhere.exit_code == 2
    assert "-o" in nowhere.output


@pytest.mark.usefixtures("_cut")
@pytest.mark.parametrize("stretch", [1, 7, 100])
def test_a_study_is_cut_the_same_however_long_a_stretch_is_looked_at(
    study: Path, monkeypatch: pytest.MonkeyPatch, stretch: int
) -> None:
    """No participant is cut in two, and none is in two parts, also where a stretch ends within one's rows."""
    whole = [part.rows for part in study_parts(study)]
    monkeypatch.setattr(rules.parts, "STRETCH", stretch)
    assert [part.rows for part in study_parts(study)] == whole
    assert len(whole) == 4


def test_a_table_out_of_order_between_two_stretches_is_not_cut(
    study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two halves that are each in order, exchanged, are no sorted table: the folder is one part."""
    shutil.copytree(study, tmp_path / "mixed")
    visits = pl.read_parquet(study / "observations.parquet")
    half = len(visits) // 2
    pl.concat([visits[half:], visits[:half]]).write_parquet(tmp_path / "mixed" / "observations.parquet")
    monkeypatch.setattr(rules.parts, "STRETCH", len(visits) - half)
    assert len(study_parts(tmp_path / "mixed", size=60)) == 1
