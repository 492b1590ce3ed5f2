"""Site rates and the over-dispersed funnel: against a computation that shares nothing with ours."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

import rules
from rules.rates import CUTS, LEAST_DAYS, site_rates, subject_days

SITES = st.lists(st.tuples(st.integers(1, 4000), st.integers(0, 60)), min_size=1, max_size=30)


def frames(sites: list[tuple[int, int]]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return findings and days of one participant a site."""
    names, time = [f"{n}" for n in range(len(sites))], [d for d, _ in sites]
    days = pl.DataFrame({"subject": pl.Series(names, dtype=pl.String), "days": pl.Series(time, dtype=pl.Int64)})
    days = days.with_columns(site=pl.concat_str(pl.lit("s"), "subject"))
    found = [f"{n}" for n, (_, number) in enumerate(sites) for _ in range(number)]
    return pl.DataFrame({"subject": pl.Series(found, dtype=pl.String)}), days


@given(SITES)
def test_limits_are_those_of_a_normal_with_the_spread_of_the_sites(sites: list[tuple[int, int]]) -> None:
    """scipy's quantiles at the probability of 2 and 3 standard errors, with the variance phi times mean over days."""
    funnel = site_rates(*frames(sites))
    number, days = (np.array([pair[i] for pair in sites], float) for i in (1, 0))
    mean = np.average(number / days, weights=days)
    told = funnel.sites.sort(pl.col("site").str.slice(1).cast(pl.Int32))
    assert funnel.mean == pytest.approx(mean)
    if mean == 0:
        assert told["z"].to_list() == [0.0] * len(sites)
        return
    # The plain score of a site, by the mean and variance that scipy gives the normal that approximates a Poisson.
    plain = stats.norm(loc=mean, scale=np.sqrt(mean / days))
    squares = [(m - plain.mean()[n]) ** 2 / plain.var()[n] for n, m in enumerate(number / days)]
    judged = days >= LEAST_DAYS
    spread = np.mean(np.array(squares)[judged]) if judged.any() else 0.0
    assert funnel.dispersion == pytest.approx(spread)
    if spread == 0:
        return
    for cut in CUTS:
        normal = stats.norm(loc=mean, scale=np.sqrt(spread * mean / days))
        assert told[f"high_{cut:g}"].to_numpy() == pytest.approx(normal.ppf(stats.norm.cdf(cut)), rel=1e-6)
        low = np.maximum(normal.ppf(stats.norm.cdf(-cut)), 0)
        assert told[f"low_{cut:g}"].to_numpy() == pytest.approx(low, rel=1e-6, abs=1e-12)
    assert np.mean(told["z"].to_numpy()[judged] ** 2) == pytest.approx(1)


def test_a_site_outside_the_limits_is_flagged_and_a_new_one_is_not() -> None:
    """Of twenty alike sites and one with ten times the rate the one is far out; 29 days are too few to say anything."""
    sites = [(1000, 10)] * 20 + [(1000, 100)] + [(LEAST_DAYS - 1, 29)]
    told = {row["site"]: row for row in site_rates(*frames(sites)).sites.iter_rows(named=True)}
    assert told["s20"]["flag"] == "far out"
    assert told["s21"]["flag"] == "few days"
    assert {told[f"s{n}"]["flag"] for n in range(20)} == {None}
    assert told["s20"]["rate"] == 0.1


def test_no_site_and_no_deviation_are_no_fault() -> None:
    """A study without days, and one without deviations, have a funnel of nothing."""
    assert len(site_rates(*frames([])).sites) == 0
    funnel = site_rates(*frames([(100, 0), (200, 0)]))
    assert (funnel.mean, funnel.sites["z"].to_list(), funnel.sites["flag"].to_list()) == (0.0, [0.0, 0.0], [None, None])
    assert funnel.limit(100, 3) == 0.0


def test_time_on_study_runs_from_the_first_beginning_to_the_first_end() -> None:
    """Enrolment, randomisation, day zero or else the first dose; death, withdrawal, completion or the data cut."""
    subjects = [
        {"subject": "1", "site": "a", "enrolled": "2024-01-01", "day_zero": "2024-01-05"},
        {"subject": "2", "site": "a", "day_zero": "2024-01-05"},
        {"subject": "3", "site": "a"},
        {"subject": "4", "site": "a", "screening_outcome": "screen failure"},
        {"subject": "5", "site": "a", "day_zero": "2024-03-01"},
    ]
    milestones = [
        {"subject": "1", "milestone": "Withdrawal of consent", "date": "2024-01-10"},
        {"subject": "1", "milestone": "death", "date": "2024-01-12"},
        {"subject": "2", "milestone": "last contact", "date": "2024-01-06"},
    ]
    doses = [{"subject": "3", "treatment": "x", "start": "2024-01-20"}]
    tables = {"subjects": subjects, "milestones": milestones, "administrations": doses}
    days = subject_days(rules.from_frames("s", tables, data_cut=date(2024, 1, 31)), date(2024, 6, 1))
    assert days["days"].to_list() == [10, 27, 12, 0, 0]
