"""Identity of records: the fast ways give what the definition gives, and what a monitor would say."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.arrays import NONE, Ints
from rules.identity.assignment import LABEL, UNLIMITED, Assignment, assign, reach

Pairs = tuple[tuple[int, int], ...]
WEEKLY = reach([0, 7, 14], -2, 2)


def row(*days: int) -> Ints:
    """Return the days of one subject."""
    return np.array([days], dtype=np.int32)


def slots(planned: Ints, records: Ints, labels: Ints | None = None) -> list[int]:
    """Return the slots of one subject with weekly doses."""
    before, after = WEEKLY
    found: list[int] = assign(planned, records, before, after, labels).slot[0].tolist()
    return found


# The definition, as plainly as it can be written.


def earned(planned: int, record: int, before: int, after: int) -> int:
    """Return what one pair earns: reach less displacement, and at least 1 on a side without limit."""
    if NONE in (planned, record):
        return 0
    early = after if before == UNLIMITED else before
    late = before if after == UNLIMITED else after
    if record == planned:
        return max(early, late)
    side, weight = (before, early) if record < planned else (after, late)
    return max(weight - abs(record - planned), 1 if side == UNLIMITED else 0)


def pairings(gain: list[list[int]], i: int = 0, j: int = 0) -> Iterator[Pairs]:
    """Yield every order-preserving pairing of occurrences from i on with records from j on that earns something."""
    yield ()
    for a in range(i, len(gain)):
        for b in range(j, len(gain[a])):
            if gain[a][b] > 0:
                yield from (((a, b), *rest) for rest in pairings(gain, a + 1, b + 1))


def by_definition(gain: list[list[int]], records: Ints) -> tuple[list[int], list[int]]:
    """Return slots and margins of one subject by trying every pairing; ties to the earlier, from the end backwards."""
    totals = {pairs: sum(gain[i][j] for i, j in pairs) for pairs in pairings(gain)}
    best = max(totals.values())
    chosen = min((pairs for pairs, total in totals.items() if total == best), key=lambda pairs: pairs[::-1])
    slot, margin = [-1] * len(records), [NONE] * len(records)
    for i, j in chosen:
        slot[j] = i
    for j, day in enumerate(records):
        if day != NONE:
            taken = ((total, {b: a for a, b in pairs}.get(j, -1)) for pairs, total in totals.items())
            elsewhere = [total for total, place in taken if place != slot[j]]
            margin[j] = best - max(elsewhere) if elsewhere else UNLIMITED
    return slot, margin


def full_table(gain: list[list[int]], records: int) -> list[int]:
    """Return the slots of one subject by the textbook table of occurrences by records."""
    best = [[0] * (records + 1) for _ in range(len(gain) + 1)]
    for i, line in enumerate(gain):
        for j in range(records):
            best[i + 1][j + 1] = max(best[i][j + 1], best[i + 1][j], best[i][j] + line[j])
    slot, i, j = [-1] * records, len(gain), records
    while i and j:
        if best[i - 1][j] == best[i][j]:
            i -= 1
        elif best[i][j - 1] == best[i][j]:
            j -= 1
        else:
            i, j = i - 1, j - 1
            slot[j] = i
    return slot


def gains(planned: Ints, records: Ints, before: Ints, after: Ints) -> list[list[int]]:
    """Return what every pair of one subject earns, occurrences by records."""
    sides = zip(planned.tolist(), before.tolist(), after.tolist(), strict=True)
    return [[earned(o, a, low, high) for a in records.tolist()] for o, low, high in sides]


def random_series(seed: int, subjects: int, occurrences: int, records: int) -> tuple[Ints, Ints, Ints, Ints]:
    """Return crowded series: days that repeat, occurrences not expected, rows that end early, uneven reaches."""
    random = np.random.default_rng(seed)
    step = int(random.integers(1, 9))
    planned = np.cumsum(random.integers(0, step + 1, (subjects, occurrences)), axis=1)
    days = np.sort(random.integers(-6, step * max(occurrences, 1), (subjects, records)), axis=1)
    planned = np.where(random.random(planned.shape) < random.choice([0, 0.2]), NONE, planned)
    ends = random.integers(0, records + 1, (subjects, 1))
    days = np.where(np.arange(records) < ends, days, NONE)
    before, after = random.integers(1, 10, (2, subjects, occurrences))
    if occurrences and random.random() < 0.5:
        before[:, 0] = after[:, -1] = UNLIMITED
    return planned.astype(np.int32), days.astype(np.int32), before.astype(np.int32), after.astype(np.int32)


# The fast ways give what the definition gives.


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 4), st.integers(0, 5))
def test_slots_and_margins_are_those_of_every_pairing_tried(seed: int, occurrences: int, records: int) -> None:
    """On small series slots and margins equal brute force, ties included."""
    series = random_series(seed, 8, occurrences, records)
    found = assign(*series, margin=True)
    for s, (planned, days, before, after) in enumerate(zip(*series, strict=True)):
        slot, margin = by_definition(gains(planned, days, before, after), days)
        assert (found.slot[s].tolist(), found.margin[s].tolist()) == (slot, margin)


@pytest.mark.parametrize("seed", range(12))
def test_long_series_are_those_of_the_full_table(seed: int) -> None:
    """On 10 to 30 columns the slots equal the textbook table, ties included."""
    size = np.random.default_rng(seed).integers(10, 30, 2)
    series = random_series(seed, 20, int(size[0]), int(size[1]))
    slot = assign(*series).slot
    for s, one in enumerate(zip(*series, strict=True)):
        assert slot[s].tolist() == full_table(gains(*one), len(one[1]))


@pytest.mark.parametrize("seed", range(6))
def test_long_margins_are_those_of_the_table_that_labels_use(seed: int) -> None:
    """The kernel's margins equal those of the full table, which a label out of everyone's way brings in."""
    planned, records, before, after = random_series(seed, 30, 14, 12)
    before, after = np.minimum(before, 50), np.minimum(after, 50)
    found = assign(planned, records, before, after, margin=True)
    end = np.arange(13) == (records != NONE).sum(axis=1, keepdims=True)
    planned, records = widen(planned, NONE), widen(records, NONE)
    planned[:, 14] = records[end] = 1_000_000
    labels = np.where(end, 14, -1).astype(np.int32)
    tabled = assign(planned, records, widen(before, 1), widen(after, 1), labels, margin=True)
    unlabelled = ~end[:, :12]
    assert (tabled.slot[:, :12] == found.slot)[unlabelled].all()
    assert (tabled.margin[:, :12] == found.margin)[unlabelled].all()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.lists(st.integers(0, 40), min_size=1, max_size=6), st.integers(0, 7))
def test_records_that_nothing_competes_for_are_placed_as_the_kernel_places_them(
    seed: int, days: list[int], records: int
) -> None:
    """Subjects with the same plan, some of whose occurrences are moved or not expected: the short way is exact.

    With margins the kernel places every record; without them it places only those of the others.
    """
    rng, offsets, subjects = np.random.default_rng(seed), np.sort(np.array(days)), 40
    zero = rng.integers(18_000, 19_000, (subjects, 1))
    planned = (zero + offsets + (rng.random((subjects, 1)) < 0.2)).astype(np.int32)
    planned[rng.random(planned.shape) < rng.choice([0, 0.1])] = NONE
    near = zero + rng.choice(offsets, (subjects, records)) + rng.integers(-6, 7, (subjects, records))
    near = np.sort(near, axis=1).astype(np.int32)
    near[np.arange(records) >= rng.integers(0, records + 1, (subjects, 1))] = NONE
    sides = reach(offsets, -1, 2)
    assert (assign(planned, near, *sides).slot == assign(planned, near, *sides, margin=True).slot).all()


def widen(days: Ints, value: int) -> Ints:
    """Return the array with one column more."""
    return np.pad(days, ((0, 0), (0, 1)), constant_values=value)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.integers(-20_000, 20_000))
def test_moving_all_dates_changes_nothing(seed: int, days: int) -> None:
    """The assignment depends on differences of days only."""
    planned, records, before, after = random_series(seed, 10, 6, 6)
    here = assign(planned, records, before, after, margin=True)
    planned, records = (np.where(each == NONE, NONE, each + days).astype(np.int32) for each in (planned, records))
    same(here, assign(planned, records, before, after, margin=True))


def same(one: Assignment, other: Assignment) -> None:
    """Assert that two assignments are equal."""
    assert (one.slot == other.slot).all()
    assert (one.margin == other.margin).all()
    assert (one.astray == other.astray).all()


@pytest.mark.parametrize("seed", range(5))
def test_one_subject_alone_is_as_in_a_batch(seed: int) -> None:
    """No subject is judged by its neighbours, labels or none."""
    planned, records, before, after = random_series(seed, 40, 7, 8)
    labels = np.where(np.random.default_rng(seed).random(records.shape) < 0.1, 3, -1).astype(np.int32)
    together = assign(planned, records, before, after, labels, margin=True)
    for s in range(len(planned)):
        one = slice(s, s + 1)
        alone = assign(planned[one], records[one], before[one], after[one], labels[one], margin=True)
        same(alone, Assignment(together.slot[one], together.margin[one], together.astray[one]))


def test_more_subjects_than_a_batch_are_each_as_alone() -> None:
    """Batches sorted by number of records come back in the order given."""
    planned, records, before, after = random_series(3, 200, 5, 6)
    many, days, low, high = (np.tile(each, (100, 1)) for each in (planned, records, before, after))
    expected = assign(planned, records, before, after, margin=True)
    same(
        assign(many, days, low, high, margin=True),
        Assignment(*(np.tile(each, (100, 1)) for each in (expected.slot, expected.margin, expected.astray))),
    )


# What a monitor would say.


@pytest.mark.parametrize(
    ("title", "records", "expected"),
    [
        ("as planned", (0, 7, 14), [0, 1, 2]),
        ("a late first dose is not the second", (3, 10, 17), [0, 1, 2]),
        ("a late first dose alone is not the second", (3,), [0]),
        ("a missed dose does not shift the rest", (0, 14), [0, 2]),
        ("a missed first dose does not shift the rest", (7, 14), [1, 2]),
        ("an extra dose between takes no place", (0, 3, 7, 14), [0, -1, 1, 2]),
        ("a dose after the last does not push the last away", (0, 7, 13, 21), [0, 1, 2, -1]),
        ("a very late last dose is still the last", (0, 7, 40), [0, 1, 2]),
        ("a dose long before is not the first if there is one", (-20, 1, 7, 14), [-1, 0, 1, 2]),
        ("of two on one day the earlier row is the dose", (0, 0, 7, 14), [0, -1, 1, 2]),
    ],
)
def test_a_weekly_dose_is_the_one_a_monitor_would_name(
    title: str, records: tuple[int, ...], expected: list[int]
) -> None:
    """Three weekly doses with windows of two days, judged by date alone."""
    assert slots(row(0, 7, 14), row(*records)) == expected, title


def test_a_tie_goes_to_the_earlier_occurrence_and_has_no_margin() -> None:
    """Halfway between two occurrences a record is the earlier one, likelier late than early, and says so."""
    found = assign(row(0, 8), row(4), *reach([0, 8], 0, 0), margin=True)
    assert (found.slot.tolist(), found.margin.tolist()) == ([[0]], [[0]])


def test_a_record_beyond_every_reach_has_nowhere_to_go() -> None:
    """It takes no occurrence, and nothing competes for it."""
    found = assign(row(0, 7), row(30), np.array([8, 8]), np.array([8, 8]), margin=True)
    assert (found.slot.tolist(), found.margin.tolist()) == ([[-1]], [[UNLIMITED]])


def test_margins_not_asked_for_are_none() -> None:
    """The fast path leaves them out."""
    assert assign(row(0, 7), row(0), np.array([8, 8]), np.array([8, 8])).margin.tolist() == [[NONE]]


def test_reach_is_the_interval_to_the_neighbour_plus_one_and_never_less_than_the_window_plus_one() -> None:
    """Outer sides have no limit; doses of one day share their neighbours."""
    before, after = reach([0, 3, 3, 10], [-1, -1, -1, -9], [5, 2, 2, 2])
    assert before.tolist() == [UNLIMITED, 4, 4, 10]
    assert after.tolist() == [6, 8, 8, UNLIMITED]
    assert [side.tolist() for side in reach([5], -1, 1)] == [[UNLIMITED], [UNLIMITED]]


# Labels.


@pytest.mark.parametrize(
    ("title", "records", "labels", "expected"),
    [
        ("all labelled: the label decides, not the date", (6, 13), (0, 1), [0, 1]),
        ("one label pulls its record back", (7, 14), (0, -1), [0, 2]),
        ("labels that contradict the order keep their free occurrences", (0, 7), (1, 0), [1, 0]),
        ("a label given twice is kept once", (0, 7, 14), (0, 0, 2), [0, -1, 2]),
        ("a label far from its day still decides", (0, 7, 400), (-1, -1, 1), [0, -1, 1]),
        ("one wrong label among right ones gives way", (0, 7, 14), (2, 1, -1), [-1, 1, 2]),
    ],
)
def test_a_label_decides(title: str, records: tuple[int, ...], labels: tuple[int, ...], expected: list[int]) -> None:
    """The number on the record comes before its date."""
    assert slots(row(0, 7, 14), row(*records), labels=row(*labels)) == expected, title


def test_a_label_for_an_occurrence_not_expected_takes_nothing() -> None:
    """The other records are as without it."""
    assert slots(row(0, NONE, 14), row(0, 7, 14), labels=row(-1, 1, -1)) == [0, -1, 2]


def test_margins_of_complete_labels_are_those_of_the_full_table() -> None:
    """Paired directly, a labelled record loses its label and its displacement if it goes."""
    before, after = WEEKLY
    found = assign(row(0, 7, 14), row(1, 7, 400, NONE), before, after, row(0, 1, 2, -1), margin=True)
    assert found.margin.tolist() == [[LABEL + 7, LABEL + 8, LABEL + 1, NONE]]


def test_a_record_placed_against_the_order_has_no_margin() -> None:
    """Its label and its date disagree, so its identity cannot be told from the order."""
    before, after = WEEKLY
    found = assign(row(0, 7, 14), row(0, 7, 14), before, after, row(2, 0, 1), margin=True)
    assert found.slot.tolist() == [[2, 0, 1]]
    assert (found.margin[0, 0], found.margin[0, 1] > 0) == (0, True)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32))
def test_labels_keep_the_largest_consistent_set(seed: int) -> None:
    """With every label kept that can be, as many hold as in the best pairing in order that honours labels."""
    planned, records, before, after = random_series(seed, 6, 4, 4)
    labels = np.random.default_rng(seed).integers(-1, 4, records.shape).astype(np.int32)
    found = assign(planned, records, before, after, labels).slot
    for s in range(len(planned)):
        named = labels[s].tolist()
        gain = gains(planned[s], records[s], before[s], after[s])
        for i, line in enumerate(gain):
            for j, name in enumerate(named):
                there = NONE not in (planned[s, i], records[s, j])
                line[j] = (line[j] + LABEL) * (there and name == i) if name >= 0 else line[j]
        slot = full_table(gain, len(named))
        for j, name in enumerate(named):
            if slot[j] < 0 <= name and records[s, j] != NONE and planned[s, name] != NONE and name not in slot:
                slot[j] = name
        assert found[s].tolist() == slot


# Counting.
