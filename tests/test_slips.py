"""Known slips: which factor explains a wrong amount, up to which ratio, and when the unit itself is doubted."""

from __future__ import annotations

import polars as pl
import pytest

from rules import Report, audit, from_frames
from tests.test_schedule import AFTER_ALL, protocol_of

DRUG = "treatments: {one: {dose: {amount: %s, tolerance: ±10 %%}, due: day 0, window: ±1 d}}"
DAY = "2024-03-01"
FITTING = {
    "factor of 2 (×2)": ("1961", "2000", "2039"),
    "pounds": ("2161", "2204.6", "2248"),
    "factor of 3 (×3)": ("2941", "3000", "3059"),
    "factor of 5 (×5)": ("4901", "5000", "5099"),
    "factor of 10 (×10)": ("9001", "10000", "10999"),
    "factor of 100 (×100)": ("90001", "100000", "109999"),
    "factor of 1000 (×1000)": ("900001", "1000000", "1099999"),
    "factor of 2 (÷2)": ("491", "500", "510"),
    "factor of 3 (÷3)": ("327", "333.3", "340"),
    "factor of 5 (÷5)": ("197", "200", "204"),
    "factor of 10 (÷10)": ("91", "100", "111"),
    "factor of 100 (÷100)": ("9.1", "10", "11.1"),
}
OUTSIDE = [
    *("1101", "1901", "1959", "2041", "2160", "2249", "2939", "3061", "4899", "5101", "8999", "11001", "89999"),
    *("110001", "899999", "1100001", "899", "515", "485", "347", "320", "208", "192", "112", "90", "11.2", "9"),
]


def audited(amount: str, given: list[str]) -> Report:
    """A report on participants of whom each got one dose of so many mg."""
    who = [{"subject": mg, "arm": "active", "day_zero": DAY, "site": "01"} for mg in given]
    doses = [{"subject": mg, "treatment": "one", "start": DAY, "amount": mg, "unit": "mg"} for mg in given]
    study = from_frames("slips", {"subjects": who, "administrations": doses})
    return audit(protocol_of(DRUG % amount), study, as_of=AFTER_ALL)


@pytest.fixture(scope="module")
def said() -> dict[str, str]:
    """What is said of every amount, where 1000 mg are due."""
    given = [*(mg for fitting in FITTING.values() for mg in fitting), *OUTSIDE]
    found = audited("1000 mg", given).findings.filter(pl.col("code").is_in(["overdose", "underdose"]))
    assert len(found) == len(given)
    return dict(found.select("subject", "message").rows())


@pytest.mark.parametrize("slip", FITTING)
def test_a_ratio_near_a_known_slip_names_it(slip: str, said: dict[str, str]) -> None:
    """Powers of ten to a tenth, small factors to a fiftieth, either way."""
    assert [mg for mg in FITTING[slip] if slip not in said[mg]] == []


def test_any_other_ratio_names_none(said: dict[str, str]) -> None:
    """Nothing is explained that is not known."""
    assert [said[mg] for mg in OUTSIDE if "suspected" in said[mg] or "possible" in said[mg]] == []


def test_more_than_thirty_thousand_times_too_much_or_too_little_is_another_unit() -> None:
    """Up to thirty thousand times 30 g it is a wrong dose; beyond, the unit is asked about."""
    report = audited("30 g", ["900000000", "900000001", "1", "0.999999"])
    assert dict(report.findings.select("subject", "code").rows()) == {"900000000": "overdose", "1": "underdose"}
    assert dict(report.queries.select("subject", "code").rows()) == dict.fromkeys(
        ["900000001", "0.999999"], "unit_doubtful"
    )
