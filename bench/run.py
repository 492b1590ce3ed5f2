"""What is measured, one task a process: `python -m bench.run TASK FOLDER` prints its figures as JSON.

A process of its own for each, so that the peak of memory is that of the task. Imports are not counted.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import date
from importlib import import_module
from pathlib import Path
from time import perf_counter
from typing import Any

import polars as pl

import protocol
import rules
from bench import floor, naive
from bench.make_study import make_study
from perprotocol.bulk.local import audit_to_parquet, schedule_to_parquet
from perprotocol.bulk.processes import cores
from protocol.model import Protocol

Figures = dict[str, Any]
HERE = Path(__file__).parent

STEPS = (
    ("rules.parts", "read_study", "read"),
    ("rules.parts", "examine_tables", "read"),
    ("rules.partitions", "evidence_of", "sort and code"),
    ("rules.partitions", "read_doses", "sort and code"),
    ("rules.partitions", "lay_out", "schedule, identity of doses"),
    ("rules.audit", "build_occasions", "occasions"),
    ("rules.audit", "judge", "rules and text"),
    ("perprotocol.bulk.local", "put", "write"),
)
"""Steps of an audit that are timed one by one: where a function is looked up, its name, and the step it is part of."""

TEXTS = ("rule", "verdict", "importance", "expected", "observed", "because", "message", "source", "primary",
         "proposed_importance", "measure_unit")  # fmt: skip
"""What a finding says, beside what it is about: compared word for word."""


def bench_protocol() -> Protocol:
    """The protocol of the benchmark."""
    return protocol.read(HERE / "protocol.yaml")


def peak_gb() -> float:
    """The most memory this process has held so far, in GB, and the most that each of those beside it has held."""
    own, beside = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    most = own + beside * (cores() - 1)
    return most * (1 if sys.platform == "darwin" else 1024) / 1e9


def spent() -> float:
    """Seconds of the processors so far, of this process and of those that worked beside it and have ended."""
    return sum(os.times()[:4])


def make(folder: Path, subjects: int) -> Figures:
    """Make a study."""
    cpu, start = spent(), perf_counter()
    make_study(folder, subjects)
    return _cost(cpu, start)


def schedule(folder: Path) -> Figures:
    """The calendar of a study, from Parquet to Parquet."""
    with tempfile.TemporaryDirectory() as place:
        cpu, start = spent(), perf_counter()
        rows = schedule_to_parquet(bench_protocol(), folder, Path(place))
        return _cost(cpu, start) | {"rows": rows}


def audit(folder: Path) -> Figures:
    """The audit of a study, from Parquet to Parquet."""
    with tempfile.TemporaryDirectory() as place:
        cpu, start = spent(), perf_counter()
        audit_to_parquet(bench_protocol(), folder, Path(place))
        cost = _cost(cpu, start)
        found = {name: _rows(Path(place) / name) for name in ("findings", "queries")}
    return cost | {"doses": _rows(folder / "administrations.parquet")} | found


def steps(folder: Path) -> Figures:
    """Seconds of each step of the audit, one part after the other in one process, and of what lies between them."""
    timed = _timed()
    with tempfile.TemporaryDirectory() as place:
        start = perf_counter()
        audit_to_parquet(bench_protocol(), folder, Path(place), workers=1)
        timed["all else"] = perf_counter() - start - sum(timed.values())
    return dict(timed)


def _cost(cpu: float, start: float) -> Figures:
    """Seconds on the clock and of the processors since `start` and `cpu`, and the peak of memory."""
    return {"seconds": perf_counter() - start, "cpu_seconds": spent() - cpu, "peak_gb": peak_gb()}


def _rows(place: Path) -> int:
    rows: int = pl.scan_parquet(place).select(pl.len()).collect().item()
    return rows


def _timed() -> dict[str, float]:
    """Seconds of each of STEPS from now on."""
    spent: dict[str, float] = defaultdict(float)

    def timed(step: str, function: Callable[..., object]) -> Callable[..., object]:
        def call(*args: object, **kwargs: object) -> object:
            start = perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                spent[step] += perf_counter() - start

        return call

    for place, name, step in STEPS:
        module = import_module(place)  # rules.audit, as an attribute, is the function
        setattr(module, name, timed(step, getattr(module, name)))
    return spent


def naive_audit(folder: Path) -> Figures:
    """The audit in loops, from the same Parquet to Parquet."""
    with tempfile.TemporaryDirectory() as place:
        cpu, start = spent(), perf_counter()
        judged = naive.audit(folder)
        found = pl.DataFrame([finding.model_dump() for finding in judged.findings], infer_schema_length=None)
        found.write_parquet(Path(place) / "findings.parquet")
        return _cost(cpu, start) | {"findings": len(judged.findings)}


def floor_audit(folder: Path) -> Figures:
    """The verdicts alone, by the leanest program we could write, from the same Parquet to Parquet."""
    with tempfile.TemporaryDirectory() as place:
        cpu, start = spent(), perf_counter()
        found = floor.audit(folder, Path(place))
        return _cost(cpu, start) | {"findings": found}


def warm(folder: Path, times: int) -> Figures:
    """Median milliseconds of one dose typed in and of one subject's audit, each with its facts read anew."""
    saa, plan = protocol.read("uc-msc-saa"), bench_protocol()
    names = ("subjects", "observations", "administrations")
    tables = {name: pl.scan_parquet(folder / f"{name}.parquet") for name in names}
    one = {name: table.filter(pl.col("subject") == "S00000001").collect() for name, table in tables.items()}

    def verdict() -> object:
        return rules.validate(saa, rules.from_frames("typed in", _typed_in()), as_of=date(2024, 3, 15))

    def subject() -> object:
        return rules.audit(plan, rules.from_frames("one", one), as_of=date(2025, 12, 31))

    return {"verdict_ms": _median_ms(verdict, times), "subject_ms": _median_ms(subject, times)}


def _typed_in() -> dict[str, list[dict[str, object]]]:
    """The facts of `perprotocol validate uc-msc-saa --subject 001 --given "1.62e7 cells" ...`."""
    who: dict[str, object] = {"subject": "001"}
    return {
        "subjects": [who | {"arm": "msc", "day_zero": "2024-03-01", "birth_date": "2020-01-05"}],
        "observations": [who | {"measure": "weight", "value": "16.2", "unit": "kg", "at": "2024-03-14"}],
        "administrations": [
            who
            | {"treatment": "uc-msc", "start": "2024-03-15", "amount": "1.62e7", "unit": "cells"}
            | {"viable_or_total": "viable"}
        ],
    }


def _median_ms(act: Callable[[], object], times: int) -> float:
    act()
    spent = []
    for _ in range(times):
        start = perf_counter()
        act()
        spent.append((perf_counter() - start) * 1000)
    return statistics.median(spent)


# --- do both judge alike? -----------------------------------------------------------------------------------------


def agree(folder: Path) -> Figures:
    """How many findings of the engine and of the loops are the same, and how many of those say the same.

    `series` are the treatments of a subject; in `other_identity` of them some record is another planned dose for the
    engine than for the loops, or none that can be told, and their findings are not compared. `engine_only` and
    `loops_only` have no reason; `same_words` of the findings that both have are equal in every text and in the measure.
    """
    plan, study = bench_protocol(), rules.read_study(folder)
    report, verdicts = rules.audit(plan, study), rules.validate(plan, study)
    judged = naive.audit(folder)
    subjects, doses = study.subjects["subject"], study.administrations
    series_of = {row: (subjects[s], name) for row, s, name in doses.select("row", "s", "treatment").iter_rows()}
    occurrence = dict.fromkeys(series_of) | dict(_numbers(verdicts)) | dict(_numbers(report.findings))
    other = {series_of[row] for row, number in judged.occurrence.items() if number != occurrence[row]}
    untold = report.queries.filter(code="identity_untold").select("subject", "activity")
    other |= {(subject, activity) for subject, activity in untold.iter_rows()}
    engine = {key: said for frame in (report.findings, report.queries) for key, said in _keys(frame)}
    loops = {
        (f.subject, f.activity, f.code, f.occurrence, _row(f.record)): _said(
            [getattr(f, text) for text in TEXTS], f.measure
        )
        for f in judged.findings
    }
    engine, loops = ({key: said for key, said in of.items() if key[:2] not in other} for of in (engine, loops))
    same, engine_only, loops_only = engine.keys() & loops.keys(), engine.keys() - loops, loops.keys() - engine
    differing = [(key, engine[key], loops[key]) for key in same if engine[key] != loops[key]]
    return {
        "series": len(set(series_of.values())), "other_identity": len(other), "same": len(same),
        "same_words": len(same) - len(differing), "engine_only": len(engine_only), "loops_only": len(loops_only),
        "examples": sorted(map(str, [*engine_only, *loops_only, *differing]))[:10],
    }  # fmt: skip


def floor_agree(folder: Path) -> Figures:
    """How many verdicts of the engine and of the floor are the same, and how many only one of them has."""
    report = rules.audit(bench_protocol(), rules.read_study(folder))
    engine = {key for frame in (report.findings, report.queries) for key, _ in _keys(frame)}
    with tempfile.TemporaryDirectory() as place:
        floor.audit(folder, Path(place))
        rows = pl.read_parquet(place).select("subject", "activity", "code", "occurrence", "row").rows()
    lean = {(*key, n or None, row) for *key, n, row in rows}
    differing = sorted(map(str, engine ^ lean))
    counts = {"same": len(engine & lean), "engine_only": len(engine - lean), "floor_only": len(lean - engine)}
    return counts | {"examples": differing[:10]}


Key = tuple[str, str, str, int | None, int]
Said = tuple[object, ...]


def _keys(found: pl.DataFrame) -> list[tuple[Key, Said]]:
    about = found.select("subject", "activity", "code", "occurrence", "record").rows()
    said = zip(found.select(TEXTS).rows(), found["measure"], strict=True)
    return [
        ((*key[:4], _row(key[4])), _said(texts, measure)) for key, (texts, measure) in zip(about, said, strict=True)
    ]


def _said(texts: Sequence[object], measure: float | None) -> Said:
    return (*texts, None if measure is None else round(measure, 6))


def _numbers(found: pl.DataFrame) -> list[tuple[int, int | None]]:
    """Row and occurrence of each record named in a table."""
    return [(_row(record), n) for record, n in found.select("record", "occurrence").iter_rows() if record is not None]


def _row(record: str | None) -> int:
    return int(record.rpartition(":")[2]) if record else 0


TASKS: dict[str, Callable[..., Figures]] = {
    "make": make, "schedule": schedule, "audit": audit, "steps": steps, "floor": floor_audit, "naive": naive_audit,
    "warm": warm, "agree": agree, "floor_agree": floor_agree,
}  # fmt: skip

if __name__ == "__main__":
    _, task, place, *number = sys.argv
    print(json.dumps(TASKS[task](Path(place), *map(int, number))))
