"""Dense schedules: identity is the best there is under its stated cost, and how often that is the truth is measured."""

import numpy as np
import pytest

from bench.identity import in_order, shares, simulate
from rules.arrays import NONE
from rules.identity.assignment import assign
from rules.identity.chain import assign_chain
from tests.test_assignment import full_table, gains


@pytest.mark.parametrize("gap", [7, 3])
def test_ten_thousand_dense_series_are_assigned_as_the_whole_table_says(gap: int) -> None:
    """Jitter of 2.5 days, a tenth missed, one in twenty too many: every identity equals the exact one."""
    series = simulate(10_000, gap, 2.5)
    found = assign(series.planned, series.records, series.before, series.after)
    for planned, records, slot in zip(series.planned, series.records, found.slot, strict=True):
        given = records[records != NONE]
        gain = gains(planned, given, series.before, series.after)
        assert slot[: len(given)].tolist() == full_table(gain, len(given))


MEASURED = {(7, 1.0): (97.5, 1.5, 1), (7, 2.5): (88, 10, 2.5), (3, 1.0): (90.5, 6.5, 3.5), (3, 2.5): (48, 43, 9.5)}
"""By gap and jitter in days: right at least, wrong at most, untold at most, in percent (docs/engine.md)."""


@pytest.mark.parametrize(("gap", "sd"), MEASURED)
def test_identity_against_the_truth_is_as_documented(gap: int, sd: float) -> None:
    """The shares of records rightly and wrongly identified, and of those that are asked about."""
    series = simulate(10_000, gap, sd)
    found = assign(series.planned, series.records, series.before, series.after, margin=True)
    right, wrong, untold = shares(series, found)
    least, most, asked = MEASURED[gap, sd]
    assert right >= least
    assert wrong <= most
    assert untold <= asked


@pytest.mark.parametrize("drift", [0.0, 0.5, 1.0])
def test_rhythm_beats_counting_and_the_grid_where_doses_move_the_rest(drift: float) -> None:
    """A drift does not matter to it; a missed and an extra dose do not shift what follows."""
    series = simulate(5_000, 7, 1.0, drift=drift)
    arrays = series.planned, series.records, series.before, series.after
    by_rhythm, by_grid, by_count = (
        shares(series, found)[0] for found in (assign_chain(*arrays), assign(*arrays, margin=True), in_order(series))
    )
    assert by_rhythm > max(by_grid, by_count)
    assert by_rhythm > 90


def test_identity_does_not_hang_on_the_order_of_participants() -> None:
    """Shuffled, each is what it was."""
    series = simulate(500, 7, 2.5)
    order = np.random.default_rng(0).permutation(500)
    arrays = series.before, series.after
    here = assign(series.planned, series.records, *arrays, margin=True)
    there = assign(series.planned[order], series.records[order], *arrays, margin=True)
    assert (here.slot[order] == there.slot).all()
    assert (here.margin[order] == there.margin).all()
