"""What a participant really got beside what was planned: worked out once more, by hand and from numbers alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import protocol
import rules
from rules.exposure import EXPOSURE, exposure

ZERO = date(2024, 1, 1)
WEEKLY = """
protocol: weekly
version: 1
first_day: 0
sources: {doc: protocol of this test}
source: doc
basis: stated
arms: {one: everyone}
weight: {use: latest}
treatments:
  drug: {due: day 0, every: 7 d, times: 4, window: ±1 d, late: LATE, missed: skip, dose: 2 mg/kg}
"""
CYCLES = """
protocol: cycles
version: 1
first_day: 1
sources: {doc: protocol of this test}
source: doc
basis: stated
arms: {one: everyone}
milestones: {day-zero: start of drug 1}
cycles: {cycle: {from: day 1, every: 21 d, times: 3}}
treatments:
  drug: {in: cycle, due: day 1, window: ±2 d, dose: {amount: 100 mg, tolerance: ±10 %}}
"""
DAILY = """
protocol: daily
version: 1
first_day: 0
sources: {doc: protocol of this test}
source: doc
basis: stated
arms: {one: everyone}
treatments:
  drug: {frequency: twice daily, from: day 0, for: 20 d, dose: {amount: 10 mg, tolerance: ±10 %}}
"""


def row(
    text: str, doses: Sequence[dict[str, Any]], as_of: date = ZERO + timedelta(days=200), **more: Any
) -> dict[str, Any]:
    """Return the exposure of one participant of 20 kg with these doses."""
    weight = {"subject": "1", "measure": "weight", "value": "20", "unit": "kg", "at": str(ZERO)}
    tables: dict[str, Any] = {
        "subjects": [{"subject": "1", "arm": "one", "day_zero": str(ZERO)}],
        "observations": [weight],
        "administrations": [{"subject": "1", "treatment": "drug", "unit": "mg", **dose} for dose in doses],
    }
    study = rules.from_frames("s", tables | more, data_cut=as_of, final=True)
    found = exposure(protocol.read_text(text), study, as_of=as_of)
    assert list(found.columns) == list(EXPOSURE)
    return found.row(0, named=True)


def dose(day: int, amount: object = 40, **more: Any) -> dict[str, Any]:
    """Return a dose on a day after day zero."""
    return {"start": str(ZERO + timedelta(days=day)), "amount": str(amount), **more}


def test_doses_as_planned_are_all_of_the_intensity() -> None:
    """Four weekly doses of 40 mg for 20 kg: 160 of 160 mg in 28 of 28 days, 8 mg/kg."""
    found = row(WEEKLY.replace("LATE", "keep"), [dose(0), dose(7), dose(14), dose(21)])
    assert [found[name] for name in ("planned", "given", "cumulative", "intended", "unit")] == [
        4,
        4,
        160.0,
        160.0,
        "mg",
    ]
    assert [found[name] for name in ("days", "planned_days", "relative_dose", "relative_intensity")] == [
        28,
        28,
        100,
        100,
    ]
    assert [found[name] for name in ("delayed", "delay_days", "longest_delay", "per_kg", "weight_kg")] == [
        0,
        0,
        0,
        8.0,
        20.0,
    ]
    assert (found["first"], found["last"]) == (ZERO, ZERO + timedelta(days=21))


def test_a_delay_costs_intensity_and_no_dose() -> None:
    """The last dose 4 days late: 100 % of the dose in 32 days for 28, 87.5 % of the intensity."""
    found = row(WEEKLY.replace("LATE", "keep"), [dose(0), dose(7), dose(14), dose(25)])
    assert [found[name] for name in ("relative_dose", "relative_intensity")] == [100.0, 87.5]
    assert [found[name] for name in ("delayed", "delay_days", "longest_delay")] == [1, 4, 4]


@pytest.mark.parametrize("left_out", [1, 2, 3])
def test_a_dose_left_out_costs_both_wherever_it_stands(left_out: int) -> None:
    """Three of four doses are 75 % of both, also where the last one was left out and the time looks shorter."""
    given_ = [dose(7 * n) for n in range(4) if n != left_out]
    found = row(
        WEEKLY.replace("LATE", "keep"), [*given_, {**dose(7 * left_out, ""), "status": "not given", "unit": ""}]
    )
    assert [found[name] for name in ("given", "not_given", "relative_dose", "relative_intensity")] == [3, 1, 75.0, 75.0]


def test_cycles_that_begin_late_take_their_time() -> None:
    """Three cycles of 21 days, the second a week late and all after it: 63 days planned, 70 taken, 90 %."""
    found = row(CYCLES, [dose(0, 100), dose(28, 100), dose(49, 100)])
    assert [found[name] for name in ("days", "planned_days", "relative_dose", "relative_intensity")] == [
        70,
        63,
        100.0,
        90.0,
    ]


def test_bags_are_one_dose_and_what_reached_the_participant_counts() -> None:
    """Two bags of a day are one dose; of an infusion cut short the amount given counts, not the one prepared."""
    bags = [dose(0, 25, bag="a"), dose(0, 15, bag="b"), {**dose(7, 10), "status": "partly given", "prepared": "40"}]
    found = row(WEEKLY.replace("LATE", "keep"), bags, as_of=ZERO + timedelta(days=10))
    assert [found[name] for name in ("given", "planned", "cumulative", "intended", "relative_dose")] == [
        2,
        2,
        50.0,
        80.0,
        62.5,
    ]


def test_a_sum_with_an_unknown_part_is_no_sum() -> None:
    """One amount that nobody recorded leaves the total open, and is counted."""
    found = row(WEEKLY.replace("LATE", "keep"), [dose(0), {**dose(7, ""), "unit": ""}, dose(14), dose(21)])
    assert (found["unknown"], found["cumulative"], found["relative_dose"], found["per_kg"]) == (1, None, None, None)


def test_a_dose_not_due_yet_is_not_missing() -> None:
    """On day 10 two doses were planned."""
    found = row(WEEKLY.replace("LATE", "keep"), [dose(0), dose(7)], as_of=ZERO + timedelta(days=10))
    assert [found[name] for name in ("planned", "given", "relative_dose", "relative_intensity")] == [2, 2, 100.0, 100.0]


def test_a_course_counts_its_days() -> None:
    """20 mg a day for 15 of 20 days is all of the dose while taken and 75 % of the intensity; half the dose is half."""
    taken = {**dose(0, 10), "end": str(ZERO + timedelta(days=14)), "frequency": "twice daily"}
    found = row(DAILY, [taken])
    assert [found[name] for name in ("days", "planned_days", "cumulative")] == [15, 20, 300.0]
    assert [found[name] for name in ("relative_dose", "relative_intensity")] == [100.0, 75.0]
    half = row(DAILY, [{**taken, "amount": "5", "end": str(ZERO + timedelta(days=19))}])
    assert [half[name] for name in ("relative_dose", "relative_intensity", "cumulative")] == [50.0, 50.0, 200.0]


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(20, 60), st.booleans()), min_size=4, max_size=4))
def test_the_formula_holds_for_any_course_of_weekly_doses(doses: list[tuple[int, int, bool]]) -> None:
    """Against the definition written out: (sum / days) / (intended / days planned), with Python's own numbers."""
    kept = [(7 * n + late, mg) for n, (late, mg, is_given) in enumerate(doses) if is_given]
    lost = [{**dose(7 * n, ""), "status": "not given", "unit": ""} for n, d in enumerate(doses) if not d[2]]
    found = row(WEEKLY.replace("LATE", "keep"), [*(dose(day, mg) for day, mg in kept), *lost])
    if not kept:
        assert found["given"] is None
        return
    last = max(kept[-1][0], max((7 * n for n, d in enumerate(doses) if not d[2]), default=0))
    days = last - kept[0][0] + 7
    total = sum(mg for _, mg in kept)
    assert found["cumulative"] == total
    assert found["relative_dose"] == pytest.approx(100 * total / 160, abs=1e-4)
    assert found["relative_intensity"] == pytest.approx(100 * (total / days) / (160 / 28), abs=1e-4)


def test_a_blinded_exposure_tells_no_amount() -> None:
    """Where the trial is blinded nothing is said of how much was given, nor in which arm."""
    text = WEEKLY.replace("LATE", "keep").replace("arms: {one: everyone}", "arms: {one: x, two: y}\nblinding: blinded")
    text = (
        text.replace("drug: {due", "drug: {product: {one: active, two: sham}, due") + "products: {active: a, sham: b}\n"
    )
    subjects = [{"subject": "1", "arm": "one", "day_zero": str(ZERO)}]
    found = row(text, [dose(0), dose(7)], subjects=subjects)
    assert [found[name] for name in ("arm", "cumulative", "per_kg", "intended", "unit")] == [
        "blinded",
        None,
        None,
        None,
        None,
    ]
    assert found["given"] == 2


def test_the_example_study_has_a_row_for_everyone_and_each_treatment() -> None:
    """Eighteen children; each of the nine who got cells had three infusions planned."""
    study = rules.read_study("examples/uc-msc-saa")
    found = exposure(protocol.read("uc-msc-saa"), study, as_of=study.data_cut)
    assert found["subject"].n_unique() == 18
    cells = found.filter(pl.col("activity") == "uc-msc")
    assert cells["planned"].to_list() == [3] * 9
    assert cells["relative_dose"].is_between(50, 1100).all()
