"""Identity in series that are anchored anew at every dose."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.assignment import NONE, Days, assign, reach
from rules.chain import assign_chain
from tests.test_assignment import Pairs, earned, random_series


def chains(planned: Days, records: Days, before: Days, after: Days) -> dict[Pairs, int]:
    """Return every chain of pairs that earns something at each link, with its total."""
    totals: dict[Pairs, int] = {(): 0}
    growing: list[Pairs] = [()]
    while growing:
        pairs = growing.pop()
        last_i, last_j = pairs[-1] if pairs else (-1, -1)
        for i in range(last_i + 1, len(planned)):
            for j in range(last_j + 1, len(records)):
                if NONE in (planned[i], records[j]):
                    continue
                moved = records[last_j] - planned[last_i] if pairs else 0
                gain = earned(int(planned[i] + moved), int(records[j]), int(before[i]), int(after[i]))
                if gain > 0:
                    longer = (*pairs, (i, j))
                    totals[longer] = totals[pairs] + gain
                    growing.append(longer)
    return totals


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 4), st.integers(0, 4))
def test_a_chain_is_the_best_of_all_chains_tried(seed: int, occurrences: int, records: int) -> None:
    """With unlimited look-back the slots equal brute force, ties included."""
    series = random_series(seed, 6, occurrences, records)
    found = assign_chain(*series, look_back=None)
    for s, one in enumerate(zip(*series, strict=True)):
        totals = chains(*one)
        best = max(totals.values())
        chosen = min((pairs for pairs, total in totals.items() if total == best), key=lambda pairs: pairs[::-1])
        expected = {j: i for i, j in chosen}
        assert found.slot[s].tolist() == [expected.get(j, -1) for j in range(records)]


def test_a_drift_that_the_grid_takes_for_missed_doses_is_followed() -> None:
    """A weekly dose given every eighth day stays itself, where the fixed grid loses it."""
    planned = np.arange(0, 7 * 12, 7, dtype=np.int32)[None]
    records = np.arange(0, 8 * 12, 8, dtype=np.int32)[None]
    before, after = reach(planned[0], -1, 1)
    assert assign_chain(planned, records, before, after).slot[0].tolist() == list(range(12))
    assert assign(planned, records, before, after).slot[0].tolist() != list(range(12))


@pytest.mark.parametrize(
    ("title", "records", "expected"),
    [
        ("a late first dose is not the second", (3, 10, 17), [0, 1, 2]),
        ("one missed dose does not shift the rest", (0, 14, 21), [0, 2, 3]),
        ("one extra dose takes no place", (0, 3, 7, 14, 21), [0, -1, 1, 2, 3]),
    ],
)
def test_a_chain_names_what_a_monitor_would_name(title: str, records: tuple[int, ...], expected: list[int]) -> None:
    """Four weekly doses, each counted from the one before."""
    planned = np.array([[0, 7, 14, 21]], dtype=np.int32)
    before, after = reach(planned[0], -1, 1)
    found = assign_chain(planned, np.array([records], dtype=np.int32), before, after)
    assert found.slot[0].tolist() == expected, title
    assert (found.margin == NONE).all()


def test_many_subjects_in_batches_are_each_as_alone() -> None:
    """No subject is judged by its neighbours."""
    planned, records, before, after = random_series(5, 50, 6, 6)
    many, days, low, high = (np.tile(each, (100, 1)) for each in (planned, records, before, after))
    together = assign_chain(many, days, low, high).slot
    for s in range(50):
        one = slice(s, s + 1)
        alone = assign_chain(planned[one], records[one], before[one], after[one]).slot
        assert (together[s::50] == alone).all()
