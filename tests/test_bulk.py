"""A study in parts: what is found is what the whole study gives, whichever process finds it."""

import os
from operator import methodcaller
from pathlib import Path

import polars as pl
import pytest

import rules
import rules.parts
from bench.make_study import make_study
from bench.run import bench_protocol
from perprotocol.bulk.local import audit_to_parquet, schedule_to_parquet
from perprotocol.bulk.processes import Worker, in_processes
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
