"""Which of several weighings does not fit the others."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.happened.growth import jumps


@pytest.mark.parametrize(
    ("weights", "odd"),
    [
        ({0: 16.0, 7: 24.0}, []),
        ({0: 16.0, 7: 24.1}, [7]),
        ({0: 24.1, 7: 16.0}, [7]),
        ({0: 16.0, 31: 35.7}, [31]),
        ({0: 16.0, 32: 35.7}, []),
        ({0: 16.0, 7: 35.7, 14: 16.2}, [7]),
        ({0: 35.7, 7: 16.0, 14: 16.2}, [0]),
        ({0: 16.0, 7: 16.2, 14: 35.7, 21: 35.9}, [14]),
        ({0: 16.0, 7: 16.2, 14: 16.1, 21: 35.7}, [21]),
        ({0: 35.7, 7: 16.0}, [7]),
    ],
    ids=[
        "half as much again is growth enough", "a trifle more is not", "nor is so much less", "within 31 days",
        "after 32 days anything may have happened", "one odd value among others", "the first, where the others agree",
        "a weight that stays: the later", "the last", "of two alone the later",
    ],
)  # fmt: skip
def test_the_weight_that_does_not_fit_is_named(weights: dict[int, float], odd: list[int]) -> None:
    """Days and kilograms of one participant."""
    days = np.array(list(weights), np.int32)
    grams = np.array([round(kg * 1000) for kg in weights.values()], np.int64)
    found = jumps(np.zeros(len(days), np.int32), days, grams)
    assert days[found >= 0].tolist() == odd


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 90), st.integers(5_000, 90_000)), max_size=12))
def test_no_weight_is_held_against_that_of_another_participant(rows: list[tuple[int, int, int]]) -> None:
    """What one is held against lies within 31 days, of the same participant, and differs by more than half."""
    rows = sorted(rows)
    s, day, grams = (np.array([row[i] for row in rows], np.int64) for i in range(3))
    for at, beside in enumerate(jumps(s.astype(np.int32), day.astype(np.int32), grams)):
        if beside >= 0:
            assert s[at] == s[beside]
            assert 0 < abs(day[at] - day[beside]) <= 31
            assert 2 * max(grams[at], grams[beside]) > 3 * min(grams[at], grams[beside])
