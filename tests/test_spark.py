"""Spark finds what one machine finds, row by row: a real Spark with two cores, on this machine."""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

import rules.parts
from bench.make_study import make_study
from bench.run import bench_protocol
from perprotocol.bulk.audit import Task
from perprotocol.bulk.local import run_task
from protocol import StudyError

pyspark = pytest.importorskip("pyspark.sql")
pytestmark = pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs Java 17, which is not installed here")


@pytest.fixture(scope="module")
def spark() -> Iterator[object]:
    """A session on this machine; its workers are this Python and find these packages."""
    from perprotocol.bulk.spark import session

    os.environ["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parent.parent), *sys.path])
    found = session("local[2]")
    yield found
    found.stop()


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """200 subjects in parts of 60."""
    monkeypatch.setattr(rules.parts, "PARTITION", 60)
    return make_study(tmp_path / "study", 200)


def test_findings_on_spark_are_those_of_one_machine(study: Path, tmp_path: Path, spark: object) -> None:
    """Findings, queries, departures and counts, file by file and row by row, and the same hash of the run."""
    from perprotocol.bulk.spark import run_on_spark

    task = Task((bench_protocol(),), study)
    told: list[tuple[int, int]] = []
    here = run_task(task, tmp_path / "here", workers=1)
    there = run_on_spark(task, tmp_path / "there", spark, progress=lambda done, of: told.append((done, of)))
    assert there.equals(here)
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]
    files = sorted(path.relative_to(tmp_path / "here") for path in (tmp_path / "here").rglob("*.parquet"))
    assert len(files) == 14
    for file in files:
        assert pl.read_parquet(tmp_path / "there" / file).equals(pl.read_parquet(tmp_path / "here" / file)), file


def test_what_must_be_mended_is_said_as_on_one_machine(study: Path, tmp_path: Path, spark: object) -> None:
    """A fault in a file is the same message, and no traceback of an executor."""
    from perprotocol.bulk.spark import run_on_spark

    doses = pl.read_parquet(study / "administrations.parquet")
    spoilt = doses.with_columns(unit=pl.when(pl.int_range(pl.len()) == 700).then(pl.lit("mgg")).otherwise("unit"))
    spoilt.write_parquet(study / "administrations.parquet")
    with pytest.raises(StudyError) as told:
        run_on_spark(Task((bench_protocol(),), study), tmp_path / "out", spark)
    assert told.value.faults[0].line == 701
