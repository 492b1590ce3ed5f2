"""Amounts are judged exactly: whole base units against limits in fractions, on both sides of every limit."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

import polars as pl
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from perprotocol.simulation.amounts import intended, limits
from protocol import Protocol, read_text
from rules import Study, audit, from_frames, validate
from tests.trials import QUICK

DAY = date(2024, 3, 15)
LATER = date(2024, 6, 1)
STEPS = (-2, -1, 0, 1, 2)
NANOGRAMS = 10**6
"""Base units of 1 mg."""


def protocol_of(dose: str) -> Protocol:
    """One treatment, once, in that dose."""
    return read_text(
        f"""
protocol: exact
version: 1
first_day: 0
months: clamp
source: team
basis: assumed
sources: {{team: a protocol for tests}}
arms: {{active: everybody}}
weight: {{use: latest, within: 7 d}}
treatments:
  drug: {{due: day 0, window: ±1 d, dose: {dose}}}
""",
        "exact",
    )


@dataclass(frozen=True)
class Given:
    """One participant with one dose: base units given, body weight in grams and height in millimetres."""

    amount: int
    grams: int
    mm: int = 0


def study_of(doses: list[Given], unit: str = "mg", base: int = NANOGRAMS) -> Study:
    """The study of those doses, one participant each, amounts written exactly in a unit of so many base units."""
    who = [f"{n:04d}" for n in range(len(doses))]
    weights = [
        {"subject": s, "measure": "weight", "value": Decimal(d.grams) / 1000, "unit": "kg", "at": DAY}
        for s, d in zip(who, doses, strict=True)
    ]
    heights = [
        {"subject": s, "measure": "height", "value": Decimal(d.mm) / 10, "unit": "cm", "at": DAY}
        for s, d in zip(who, doses, strict=True)
        if d.mm
    ]
    given_ = [
        {"subject": s, "treatment": "drug", "start": DAY, "amount": f"{Decimal(d.amount) / base:f}", "unit": unit}
        | ({"viable_or_total": "viable"} if "cells" in unit else {})
        for s, d in zip(who, doses, strict=True)
    ]
    return from_frames(
        "exact",
        {
            "subjects": [{"subject": s, "arm": "active", "day_zero": DAY} for s in who],
            "observations": [*weights, *heights],
            "administrations": given_,
        },
    )


def verdicts(protocol: Protocol, doses: list[Given], unit: str = "mg", base: int = NANOGRAMS) -> list[str]:
    """The codes found of each dose; '' where it complies."""
    found = validate(protocol, study_of(doses, unit, base), as_of=LATER)
    assert found["subject"].is_sorted()
    told = found.with_columns(codes=pl.col("codes").fill_null("")).select("verdict", "codes").rows()
    assert all((verdict == "complies") == (codes == "") for verdict, codes in told)
    return [codes for _, codes in told]


def expected(protocol: Protocol, dose: Given) -> str:
    """What the fractions say."""
    stated = protocol.treatments["drug"].parts()[0].dose[0]
    low, high = intended(stated, dose.grams, dose.mm)
    assert stated.tolerance is not None
    if dose.amount > 30_000 * high or low > 30_000 * dose.amount:
        return "unit_doubtful"
    if stated.max is not None and dose.amount > stated.max.base:
        return "above_ceiling"
    if dose.amount > high * (10_000 + stated.tolerance.high_bp) / 10_000:
        return "overdose"
    if dose.amount < low * (10_000 + stated.tolerance.low_bp) / 10_000:
        return "underdose"
    return ""


def around(protocol: Protocol, grams: int, mm: int = 0) -> list[Given]:
    """The last whole amounts inside both limits, and their neighbours."""
    stated = protocol.treatments["drug"].parts()[0].dose[0]
    least, most = limits(stated, grams, mm)
    return [Given(limit + step, grams, mm) for limit in (least, most) for step in STEPS if limit + step > 0]


RATES = st.decimals("0.01", "60", places=2)
PERCENTS = st.decimals("0", "30", places=2)
WEIGHTS = st.lists(st.integers(500, 200_000), min_size=1, max_size=6)


@settings(QUICK, max_examples=60)
@given(rate=RATES, low=PERCENTS, high=PERCENTS, weights=WEIGHTS)
@example(rate=Decimal("5.25"), low=Decimal(10), high=Decimal(10), weights=[70_300])
@example(rate=Decimal("0.1"), low=Decimal("0.3"), high=Decimal("0.3"), weights=[3, 30_000, 199_999][1:])
def test_a_dose_per_kg_on_its_limit_is_inside_and_one_unit_more_is_not(
    rate: Decimal, low: Decimal, high: Decimal, weights: list[int]
) -> None:
    """Every verdict around both limits equals the comparison of fractions."""
    protocol = protocol_of(f"{{amount: {rate} mg/kg, tolerance: -{low} % to +{high} %}}")
    doses = [dose for grams in weights for dose in around(protocol, grams)]
    assert verdicts(protocol, doses) == [expected(protocol, dose) for dose in doses]


@settings(QUICK, max_examples=25)
@given(low=RATES, more=RATES, tolerance=PERCENTS, weights=WEIGHTS)
def test_both_ends_of_a_range_are_exact(low: Decimal, more: Decimal, tolerance: Decimal, weights: list[int]) -> None:
    """The tolerance goes below the lower end and above the upper one."""
    protocol = protocol_of(f"{{amount: {low} to {low + more} mg/kg, tolerance: ±{tolerance} %}}")
    doses = [dose for grams in weights for dose in around(protocol, grams)]
    assert verdicts(protocol, doses) == [expected(protocol, dose) for dose in doses]


@settings(QUICK, max_examples=25)
@given(rate=RATES, tolerance=PERCENTS, ceiling=st.integers(1, 4000), cap=st.integers(5, 120), weights=WEIGHTS)
def test_a_ceiling_has_no_tolerance_and_a_capped_weight_counts_as_the_cap(
    rate: Decimal, tolerance: Decimal, ceiling: int, cap: int, weights: list[int]
) -> None:
    """Above the ceiling is above the ceiling, however near; below it the tolerance holds."""
    dose = f"{{amount: {rate} mg/kg, max: {ceiling} mg, cap: {{weight: {cap} kg}}, tolerance: ±{tolerance} %}}"
    protocol = protocol_of(dose)
    doses = [each for grams in weights for each in around(protocol, grams)]
    doses += [Given(ceiling * NANOGRAMS + step, weights[0]) for step in STEPS]
    assert verdicts(protocol, doses) == [expected(protocol, each) for each in doses]


@settings(QUICK, max_examples=25)
@given(
    rate=RATES,
    rounding=st.sampled_from(["10 mg", "down 5 mg", "up 7 mg", "0.5 mg", "[10 mg, 25 mg]"]),
    ceiling=st.one_of(st.none(), st.integers(30, 4000)),
    weights=WEIGHTS,
)
def test_a_dose_is_rounded_before_its_tolerance_and_never_past_its_ceiling(
    rate: Decimal, rounding: str, ceiling: int | None, weights: list[int]
) -> None:
    """Half rounds up; where that is above the ceiling the step below counts."""
    most = f", max: {ceiling} mg" if ceiling else ""
    protocol = protocol_of(f"{{amount: {rate} mg/kg, round: {rounding}, tolerance: ±2.5 %{most}}}")
    stated = protocol.treatments["drug"].parts()[0].dose[0]
    kept = [grams for grams in weights if intended(stated, grams)[0] > 0]
    assume(kept)
    doses = [dose for grams in kept for dose in around(protocol, grams)]
    assert verdicts(protocol, doses) == [expected(protocol, dose) for dose in doses]


@settings(QUICK, max_examples=15)
@given(
    rate=st.integers(1, 400),
    cap=st.one_of(st.none(), st.sampled_from(["1.8 m2", "2.0 m2"])),
    sizes=st.lists(st.tuples(st.integers(2_000, 150_000), st.integers(450, 2_100)), min_size=1, max_size=5),
)
def test_body_surface_is_a_hundredth_by_definition(rate: int, cap: str | None, sizes: list[tuple[int, int]]) -> None:
    """Surface by Mosteller to 0.01 m², half up, then exact as everything else."""
    capped = f", cap: {{bsa: {cap}}}" if cap else ""
    protocol = protocol_of(f"{{amount: {rate} mg/m2, tolerance: ±10 %{capped}}}")
    doses = [dose for grams, mm in sizes for dose in around(protocol, grams, mm)]
    assert verdicts(protocol, doses) == [expected(protocol, dose) for dose in doses]


@settings(QUICK, max_examples=25)
@given(rate=st.decimals("0.5", "20", places=1), exponent=st.integers(5, 8), weights=WEIGHTS)
def test_cells_are_counted_one_by_one(rate: Decimal, exponent: int, weights: list[int]) -> None:
    """Hundreds of millions of cells, and one more."""
    protocol = protocol_of(f"{{amount: {rate}e{exponent} cells/kg, count: viable, tolerance: ±10 %}}")
    doses = [dose for grams in weights for dose in around(protocol, grams)]
    assert verdicts(protocol, doses, "cells", 1) == [expected(protocol, dose) for dose in doses]
    assert verdicts(protocol, doses, "10^6 cells", 10**6) == [expected(protocol, dose) for dose in doses]


@settings(QUICK, max_examples=6)
@given(rate=RATES, tolerance=PERCENTS, weights=WEIGHTS)
def test_the_unit_in_which_an_amount_is_written_changes_no_verdict(
    rate: Decimal, tolerance: Decimal, weights: list[int]
) -> None:
    """Grams, milligrams and micrograms, in the record and in the protocol, give one verdict."""
    protocol = protocol_of(f"{{amount: {rate} mg/kg, tolerance: ±{tolerance} %}}")
    in_grams = protocol_of(f"{{amount: {rate / 1000} g/kg, tolerance: ±{tolerance} %}}")
    in_micrograms = protocol_of(f"{{amount: {rate * 1000} ug/kg, tolerance: ±{tolerance} %}}")
    doses = [dose for grams in weights for dose in around(protocol, grams)]
    told = verdicts(protocol, doses)
    assert verdicts(protocol, doses, "g", 10**9) == told
    assert verdicts(protocol, doses, "ug", 10**3) == told
    assert verdicts(in_grams, doses) == told
    assert verdicts(in_micrograms, doses) == told


@settings(QUICK, max_examples=20)
@given(amount=RATES, tolerance=PERCENTS)
def test_a_fixed_dose_is_exact_without_a_weight(amount: Decimal, tolerance: Decimal) -> None:
    """A dose in mg has limits in whole nanograms."""
    protocol = protocol_of(f"{{amount: {amount} mg, tolerance: ±{tolerance} %}}")
    doses = around(protocol, 70_000)
    assert verdicts(protocol, doses) == [expected(protocol, dose) for dose in doses]


def test_a_dose_finer_than_whole_base_units_is_refused() -> None:
    """Nothing is rounded away in silence."""
    protocol = protocol_of("{amount: 0.0000001 mg/kg, tolerance: ±10 %}")
    with pytest.raises(ValueError, match="finer"):
        audit(protocol, study_of([Given(10**6, 70_000)]), as_of=LATER)


@pytest.mark.parametrize("step", STEPS)
def test_the_largest_dose_does_not_wrap_around(step: int) -> None:
    """10¹³ cells/kg for 650 kg, at its lower limit."""
    protocol = protocol_of("{amount: 1e13 cells/kg, count: viable, tolerance: ±10 %}")
    least = math.ceil(Fraction(10**13) * 650 * Fraction(9, 10))
    assert verdicts(protocol, [Given(least + step, 650_000)], "cells", 1) == ["underdose" if step < 0 else ""]
