"""The benchmark: its study is the same every time, its figures are complete, and its two audits agree."""

import json
from pathlib import Path

import polars as pl
import pytest

import rules
from bench.__main__ import TARGETS, exponent, main, million
from bench.make_study import ARMS, DOSES, SERIES, make_study, planned
from bench.run import STEPS, agree, bench_protocol, floor_agree, make


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of 300 subjects."""
    return make_study(tmp_path_factory.mktemp("bench") / "300", 300)


def test_the_same_number_of_subjects_gives_the_same_study(small: Path, tmp_path: Path) -> None:
    """Figures of two runs compare only if both read the same bytes."""
    again = make_study(tmp_path / "again", 300)
    files = sorted(path.name for path in small.iterdir())
    assert files == ["administrations.parquet", "observations.parquet", "study.yaml", "subjects.parquet"]
    for name in files:
        assert (small / name).read_bytes() == (again / name).read_bytes()


def test_a_small_study_is_the_beginning_of_a_larger_one(small: Path, tmp_path: Path) -> None:
    """What is found at one size is found again at the next."""
    larger = make_study(tmp_path / "larger", 10_050)
    for table in ("subjects", "observations", "administrations"):
        few, many = (pl.read_parquet(folder / f"{table}.parquet") for folder in (small, larger))
        assert few.equals(many.head(few.height))
        assert many["subject"].is_sorted()
    assert pl.read_parquet(larger / "subjects.parquet").height == 10_050


def test_a_study_has_about_ten_doses_and_five_weights_a_subject(small: Path) -> None:
    """The load is the one the targets are meant for."""
    doses, weights = (pl.read_parquet(small / f"{table}.parquet") for table in ("administrations", "observations"))
    assert doses.height / 300 == pytest.approx(9.7, abs=0.3)
    assert weights.height / 300 == pytest.approx(4.8, abs=0.2)


@pytest.mark.parametrize("arm", ARMS)
def test_the_protocol_plans_the_days_that_the_study_is_made_for(arm: str) -> None:
    """The table of constants and protocol.yaml say the same: treatment, day, window and minimum interval."""
    subjects = [{"subject": "1", "arm": arm, "day_zero": "2024-01-01", "birth_date": "2018-01-01"}]
    calendar = rules.schedule(bench_protocol(), rules.from_frames("one", {"subjects": subjects}))
    sides = (pl.col(day) - pl.date(2024, 1, 1) for day in ("due", "opens", "closes"))
    scheduled = set(calendar.select("activity", *(side.dt.total_days() for side in sides)).iter_rows())
    slots = [(SERIES[n], day) for n, day in planned(arm)]
    assert len(slots) == DOSES
    assert scheduled == {(series.name, day, day + series.low, day + series.high) for series, day in slots}
    limits = {series.name: str(bench_protocol().treatments[series.name].limits[0].opens) for series in SERIES}
    assert limits == {series.name: f"{series.apart} d" for series in SERIES}


def test_engine_and_loops_find_the_same(small: Path) -> None:
    """Two programs that share no rule give the same findings wherever both take a record for the same dose."""
    found = agree(small)
    assert found["examples"] == []
    assert (found["engine_only"], found["loops_only"]) == (0, 0)
    assert found["same"] == found["same_words"] > 400
    assert found["other_identity"] < found["series"] / 10


def test_a_finding_only_one_of_both_has_is_told(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison can fail: without one of its rules the loops lack its findings."""
    monkeypatch.setattr("bench.naive_rules.RULES", [])
    found = agree(small)
    assert found["same"] == found["loops_only"] == 0
    assert found["engine_only"] > 400
    assert len(found["examples"]) == 10


def test_engine_and_floor_reach_the_same_verdicts(small: Path) -> None:
    """The leanest program leaves nothing out: else the engine would be held against an easier job."""
    found = floor_agree(small)
    assert (found["engine_only"], found["floor_only"], found["examples"]) == (0, 0, [])
    assert found["same"] > 500


def test_a_verdict_that_the_floor_lacks_is_told(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison can fail: a floor for which every weight counts lacks the verdicts on old ones."""
    monkeypatch.setattr("bench.floor.STALE", 10_000)
    found = floor_agree(small)
    assert found["floor_only"] == 0
    assert found["engine_only"] > 10
    assert all("weight_stale" in example for example in found["examples"])


def test_a_tiny_run_has_every_figure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The table and results.json carry the same figures; what was not measured is null, never a guess."""
    output = tmp_path / "results.json"
    arguments = ["--sizes", "60", "--loops", "60", "--times", "1", "--data", str(tmp_path), "--output", str(output)]
    figures = main(arguments)
    written = json.loads(output.read_text(encoding="utf-8"))
    assert written == json.loads(json.dumps(figures))
    assert written["million"] == {"seconds": None, "peak_gb": None, "floor_ratio": None, "naive_ratio": None}
    assert written["exponent"] is None
    assert written["warm_verdict_ms"] > 0
    assert {"help_s", "validate_s", "agreement", "floor_agreement"} <= set(written)
    [size] = written["sizes"]
    assert set(size["steps"]) == {"all else", *(step for _, _, step in STEPS)}
    assert min(size["steps"].values()) > 0
    assert min(size["audit"]["peak_gb"], size["schedule"]["peak_gb"]) > 0
    shown = capsys.readouterr().out
    assert shown.count("<=") + shown.count(">=") == len(TARGETS)


def test_a_million_subjects_are_held_against_the_loops_the_floor_and_smaller_studies() -> None:
    """Ratios and exponent follow from the times: a hundred times the subjects in as many times the time is 1."""
    sizes = [
        {
            "subjects": n,
            "audit": {"seconds": s, "peak_gb": 2.0},
            "schedule": {"seconds": 1.0, "peak_gb": 1.0},
            "floor": {"seconds": s / 4},
        }
        for n, s in ((1_000, 1.0), (10_000, 0.2), (100_000, 3.0), (1_000_000, 20.0))
    ]
    found = million({"sizes": sizes, "naive": {"subjects": 10_000, "seconds": 5.0}})
    assert (found["seconds"], found["peak_gb"]) == (20.0, 2.0)
    assert found["naive_ratio"] == pytest.approx(25.0)
    assert found["floor_ratio"] == pytest.approx(4.0)
    assert exponent(sizes) == pytest.approx(1.0)


def test_making_a_study_reports_its_cost(tmp_path: Path) -> None:
    """The task that makes a study says how long it took and what it held."""
    figures = make(tmp_path / "20", 20)
    assert set(figures) == {"seconds", "cpu_seconds", "peak_gb"}
    assert pl.read_parquet(tmp_path / "20" / "subjects.parquet").height == 20
