"""Survival, shares and the log-rank test against computations by hand, a published trial and the seed's abstract."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.endpoints.estimates import Curve, follow_up, kaplan_meier, log_rank, median, proportion

Time = tuple[int, bool]

MERCAPTOPURINE: list[Time] = [
    *((t, True) for t in (6, 6, 6, 7, 10, 13, 16, 22, 23)),
    *((t, False) for t in (6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35)),
]
"""Weeks in remission with 6-mercaptopurine, and a relapse or not (Freireich and others, Blood 1963;21:699)."""
PLACEBO: list[Time] = [(t, True) for t in (1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23)]


def curve(times: Sequence[Time]) -> Curve:
    """The curve of these times."""
    return kaplan_meier(np.array([t for t, _ in times], np.int32), np.array([x for _, x in times], np.bool_))


def by_hand(times: Sequence[Time]) -> dict[int, tuple[Fraction, Fraction | None]]:
    """Share without the event after each event, and Greenwood's variance, as exact fractions."""
    share, spread, found = Fraction(1), Fraction(0), {}
    for time in sorted({t for t, happened in times if happened}):
        risk = sum(t >= time for t, _ in times)
        events = sum(t == time and happened for t, happened in times)
        share *= 1 - Fraction(events, risk)
        if events < risk:
            spread += Fraction(events, risk * (risk - events))
        found[time] = share, share * share * spread if share else None
    return found


def p_by_hand(first: Sequence[Time], second: Sequence[Time]) -> float | None:
    """The p-value of the log-rank test of two groups, observed against expected at every event."""
    observed, expected, variance = 0.0, 0.0, 0.0
    both = [*first, *second]
    for time in sorted({t for t, happened in both if happened}):
        risk, mine = sum(t >= time for t, _ in both), sum(t >= time for t, _ in first)
        events = sum(t == time and happened for t, happened in both)
        observed += sum(t == time and happened for t, happened in first)
        expected += events * mine / risk
        if risk > 1:
            variance += events * (mine / risk) * (1 - mine / risk) * (risk - events) / (risk - 1)
    return math.erfc(math.sqrt((observed - expected) ** 2 / variance / 2)) if variance > 1e-12 else None


def test_the_leukaemia_trial_of_1963_comes_out_as_every_textbook_has_it() -> None:
    """Shares and Greenwood errors of 6-mercaptopurine, medians 23 (13 to -) and 8 (4 to 11) weeks, log-rank 16.79."""
    drug, placebo = curve(MERCAPTOPURINE), curve(PLACEBO)
    assert drug.times.tolist() == [6, 7, 10, 13, 16, 22, 23]
    assert drug.share.round(4).tolist() == [0.8571, 0.8067, 0.7529, 0.6902, 0.6275, 0.5378, 0.4482]
    assert drug.error.round(4).tolist() == [0.0764, 0.0869, 0.0963, 0.1068, 0.1141, 0.1282, 0.1346]
    assert (median(drug).value, median(drug).low, median(drug).high) == (23, 13, None)
    assert (median(placebo).value, median(placebo).low, median(placebo).high) == (8, 4, 11)
    test = log_rank([drug, placebo])
    assert test is not None
    assert (round(test.statistic, 2), test.freedom) == (16.79, 1)


def test_an_interval_is_on_the_log_log_scale() -> None:
    """At 10 weeks 75.3 % of 6-mercaptopurine: 50.3 to 88.9 %, as R's conf.type='log-log' and SAS give it."""
    found = curve(MERCAPTOPURINE).at(10)
    assert found.value is not None
    assert found.low is not None
    assert found.high is not None
    assert (round(found.value, 3), round(found.low, 3), round(found.high, 3)) == (0.753, 0.503, 0.889)


TIMES = st.lists(st.tuples(st.integers(0, 12), st.booleans()), min_size=1, max_size=14)


@given(TIMES)
def test_a_curve_is_what_a_hand_computes(times: list[Time]) -> None:
    """Kaplan-Meier and Greenwood, for any times with any ties."""
    found, wanted = curve(times), by_hand(times)
    assert found.times.tolist() == list(wanted)
    for share, error, (exact, variance) in zip(found.share, found.error, wanted.values(), strict=True):
        assert share == pytest.approx(float(exact), abs=1e-12)
        if variance is not None:
            assert error == pytest.approx(math.sqrt(variance), abs=1e-12)


@given(TIMES, TIMES)
def test_the_log_rank_p_is_what_a_hand_computes(first: list[Time], second: list[Time]) -> None:
    """Observed against expected with the hypergeometric variance."""
    wanted, found = p_by_hand(first, second), log_rank([curve(first), curve(second)])
    if wanted is None:
        assert found is None or math.isnan(found.p)
    else:
        assert found is not None
        assert found.p == pytest.approx(wanted, rel=1e-6, abs=1e-9)


@given(TIMES)
def test_the_median_is_the_first_time_at_which_half_are_left(times: list[Time]) -> None:
    """At most half without the event, by exact fractions; none where that is never so."""
    reached = [time for time, (share, _) in by_hand(times).items() if share <= Fraction(1, 2)]
    assert median(curve(times)).value == (reached[0] if reached else None)


@given(TIMES)
def test_follow_up_exchanges_event_and_end_of_observation(times: list[Time]) -> None:
    """Reverse Kaplan-Meier."""
    assert follow_up(curve(times)).value == median(curve([(t, not happened) for t, happened in times])).value


@given(st.integers(1, 40), st.data())
def test_the_interval_of_a_share_is_exact(of: int, data: st.DataObject) -> None:
    """At either end of it the number seen, or a more extreme one, has a chance of 2.5 %."""
    number = data.draw(st.integers(0, of))
    found = proportion(number, of)
    assert found.low is not None
    assert found.high is not None

    def chance(numbers: range, share: float) -> float:
        return sum(math.comb(of, k) * share**k * (1 - share) ** (of - k) for k in numbers)

    if number:
        assert chance(range(number, of + 1), found.low) == pytest.approx(0.025, abs=1e-9)
    if number < of:
        assert chance(range(number + 1), found.high) == pytest.approx(0.025, abs=1e-9)
    assert (found.low == 0) == (number == 0)
    assert (found.high == 1) == (number == of)


def test_nothing_is_estimated_beyond_the_last_observation() -> None:
    """A share at 5 years of people observed for 4 is not told, unless nobody was left without the event."""
    assert curve([(100, True), (200, False)]).at(201).value is None
    assert curve([(100, True), (200, False)]).at(200).value == 0.5
    assert curve([(100, True), (200, True)]).at(201).value == 0
    assert curve([(100, False)]).at(50).value == 1


def test_groups_that_cannot_be_compared_have_no_p() -> None:
    """One group, nobody in the other, no event at all, or none while both were observed."""
    some, none = curve([(5, True), (9, False)]), curve([])
    assert log_rank([some]) is None
    assert log_rank([some, none]) is None
    assert log_rank([curve([(5, False)]), curve([(7, False)])]) is None
    assert log_rank([curve([(5, True)]), curve([(3, False)])]) is None


def test_only_one_order_of_events_gives_the_published_failure_free_survival() -> None:
    """Of 512 orders of nine children one gives 38.1 % ± 17.2 %: an event, one end, four events, three at risk."""
    fits = []
    for order in itertools.product((True, False), repeat=9):
        share, variance = list(by_hand([*enumerate(order, 1)]).values())[-1] if any(order) else (Fraction(1), None)
        if (
            variance is not None
            and round(float(share) * 100, 1) == 38.1
            and round(math.sqrt(variance) * 100, 1) == 17.2
        ):
            fits.append(order)
    assert fits == [(True, False, True, True, True, True, False, False, False)]


def test_only_one_way_to_interleave_the_controls_gives_the_published_p() -> None:
    """Six times of the first group, three events of the controls among them: one order has a log-rank p of 0.153."""
    fits = []
    for places in itertools.combinations(range(1, 10), 3):
        rest = [n for n in range(1, 10) if n not in places]
        first = [*zip(rest, (True, False, True, True, True, True), strict=True), *[(99, False)] * 3]
        controls = [*((n, True) for n in places), *[(99, False)] * 6]
        p = p_by_hand(first, controls)
        assert p is not None
        if round(p, 3) == 0.153:
            fits.append(places)
    assert len(fits) == 1
