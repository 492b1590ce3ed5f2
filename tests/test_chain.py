"""Identity in series that are anchored anew at every dose."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.arrays import NONE, Ints
from rules.identity.assignment import LABEL, UNLIMITED, assign, reach
from rules.identity.chain import assign_chain
from tests.test_assignment import Pairs, random_series

ANY = {"missed": 99, "extra": 99}


def link(planned: int, record: int, before: int, after: int) -> int:
    """Return what one link earns or costs: reach less displacement; a side without limit weighs like the other."""
    early = after if before == UNLIMITED else before
    late = before if after == UNLIMITED else after
    weight = max(early, late) if record == planned else early if record < planned else late
    return weight - abs(record - planned)


def chains(planned: Ints, records: Ints, before: Ints, after: Ints, names: Ints) -> dict[Pairs, int]:
    """Return every chain of pairs with its total."""

    def price(k: int) -> int:
        weight = int(after[k] if before[k] == UNLIMITED else before[k])
        return 0 if weight == UNLIMITED else weight // 2

    totals: dict[Pairs, int] = {(): 0}
    growing: list[Pairs] = [()]
    while growing:
        pairs = growing.pop()
        last_i, last_j = pairs[-1] if pairs else (-1, -1)
        for i in range(last_i + 1, len(planned)):
            for j in range(last_j + 1, len(records)):
                if NONE in (planned[i], records[j]) or names[j] not in (-1, i):
                    continue
                moved = records[last_j] - planned[last_i] if pairs else 0
                gain = link(int(planned[i] + moved), int(records[j]), int(before[i]), int(after[i]))
                gain -= sum(1 if pairs else price(k) for k in range(last_i + 1, i) if planned[k] != NONE)
                longer = (*pairs, (i, j))
                totals[longer] = totals[pairs] + gain + LABEL * int(names[j] == i)
                growing.append(longer)
    return totals


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 4), st.integers(0, 4), st.booleans())
def test_a_chain_is_the_best_of_all_chains_tried(seed: int, occurrences: int, records: int, labelled: bool) -> None:
    """With unlimited look-back slots and margins equal brute force, ties and labels included."""
    series = random_series(seed, 6, occurrences, records)
    names = np.random.default_rng(seed).integers(-1, max(occurrences, 1), series[1].shape).astype(np.int32)
    names = names if labelled and occurrences else np.full_like(names, -1)
    found = assign_chain(*series, labels=names, **ANY)
    for s, one in enumerate(zip(*series, names, strict=True)):
        totals = chains(*one)
        best = max(totals.values())
        chosen = min((pairs for pairs, total in totals.items() if total == best), key=lambda pairs: pairs[::-1])
        expected = {j: i for i, j in chosen}
        placed = [expected.get(j, -1) for j in range(records)]
        assert [p for p, a in zip(found.slot[s], found.astray[s], strict=True) if not a] == [
            p for p, a in zip(placed, found.astray[s], strict=True) if not a
        ]
        for j in range(records):
            if one[1][j] != NONE and not found.astray[s, j]:
                elsewhere = [t for pairs, t in totals.items() if {b: a for a, b in pairs}.get(j, -1) != placed[j]]
                assert found.margin[s, j] == (best - max(elsewhere) if elsewhere else UNLIMITED)


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
        ("a dose three weeks late is the next one, for the others follow it", (0, 28, 35, 42), [0, 1, 2, 3]),
        ("nobody can follow a last dose: it is the one in rhythm", (0, 7, 21), [0, 1, 3]),
        ("a first dose four days late is not the second, whatever comes", (4,), [0]),
        ("a first dose weeks late moves everything", (30, 37, 44, 51), [0, 1, 2, 3]),
    ],
)
def test_a_chain_names_what_a_monitor_would_name(title: str, records: tuple[int, ...], expected: list[int]) -> None:
    """Four weekly doses, each counted from the one before."""
    planned = np.array([[0, 7, 14, 21]], dtype=np.int32)
    before, after = reach(planned[0], -1, 1)
    found = assign_chain(planned, np.array([records], dtype=np.int32), before, after)
    assert found.slot[0].tolist() == expected, title


def test_a_label_against_the_order_is_astray_and_takes_what_is_free() -> None:
    """Of three records the second names the third dose and the third the second: one gives way."""
    planned = np.array([[0, 7, 14]], dtype=np.int32)
    before, after = reach(planned[0], -1, 1)
    labels = np.array([[0, 2, 1]], dtype=np.int32)
    found = assign_chain(planned, planned, before, after, labels)
    assert found.slot.tolist() == [[0, 2, 1]]
    assert found.astray.sum() == 1
    assert found.margin[found.astray].tolist() == [0]


def test_many_subjects_in_batches_are_each_as_alone() -> None:
    """No subject is judged by its neighbours."""
    planned, records, before, after = random_series(5, 50, 6, 6)
    many, days, low, high = (np.tile(each, (100, 1)) for each in (planned, records, before, after))
    together = assign_chain(many, days, low, high)
    for s in range(50):
        one = slice(s, s + 1)
        alone = assign_chain(planned[one], records[one], before[one], after[one])
        assert (together.slot[s::50] == alone.slot).all()
        assert (together.margin[s::50] == alone.margin).all()
