"""The same audit on Spark: its parts go to the executors by `mapInArrow`, and each writes what it finds in its own.

Every executor reads its participants from the study's Parquet files and writes beside the others, so both folders must
lie where all of them reach them. Spark shares out the work and decides nothing: a part is judged by the function that
judges it on one machine.
"""

from __future__ import annotations

import pickle
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from perprotocol.bulk.audit import Task
from perprotocol.bulk.local import audit_part
from perprotocol.bulk.run import Run
from protocol import PerprotocolError
from rules.partitions import Progress
from rules.parts import Part

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import SparkSession


def session(master: str | None = None) -> SparkSession:
    """The Spark session that is there, as under `spark-submit`; else a new one at `master`, or on all local cores."""
    from pyspark.sql import SparkSession  # noqa: PLC0415

    running = SparkSession.getActiveSession()
    if running is not None:
        return running
    settings = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": "ERROR",
        # One task has one core; Polars would take all of them for each.
        "spark.executorEnv.POLARS_MAX_THREADS": "1",
    }
    if master is None or master.startswith("local"):
        # Spark asks for the machine's name in the network, which a machine without a network does not have.
        settings |= {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
        settings |= {"spark.pyspark.python": sys.executable}
    build = SparkSession.builder.appName("perprotocol").master(master or "local[*]")
    for name, value in settings.items():
        build = build.config(name, value)
    return build.getOrCreate()


def run_on_spark(
    task: Task, out: Path, spark: SparkSession, *, progress: Progress | None = None, size: int | None = None
) -> pl.DataFrame:
    """The audit stands under `out` as `run_task` leaves it there; what an earlier, broken run finished is kept."""
    parts = task.parts(size)
    run = Run(out.resolve(), task.determined(parts))
    if run.complete:
        return run.counts()
    left = {n: part for n, part in enumerate(parts) if not run.is_done(n)}
    if left:
        numbers = spark.sparkContext.parallelize([(n,) for n in left], len(left)).toDF("part int")
        told = numbers.mapInArrow(partial(_judge, task=task, run=run, parts=left), "part int, error binary")
        for done, row in enumerate(told.toLocalIterator(prefetchPartitions=True), 1):
            if row.error is not None:
                raise pickle.loads(row.error)
            if progress is not None:
                progress(len(parts) - len(left) + done, len(parts))
    return run.close(len(parts))


def _judge(
    batches: Iterator[pa.RecordBatch], *, task: Task, run: Run, parts: dict[int, Part]
) -> Iterator[pa.RecordBatch]:
    """On an executor: the parts of these numbers are judged and written; what a person must mend is handed back."""
    import pyarrow as pa  # noqa: PLC0415

    for batch in batches:
        for number in batch.column("part").to_pylist():
            error = None
            try:
                audit_part((number, parts[number]), task=task, run=run)
            except (PerprotocolError, OSError) as fault:
                error = pickle.dumps(fault)
            types = {"part": pa.int32(), "error": pa.binary()}
            yield pa.RecordBatch.from_pydict({"part": [number], "error": [error]}, pa.schema(types))
