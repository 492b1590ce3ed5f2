"""Which planned occurrence is this record? Identity first, for a whole series at once; punctuality is asked later.

Records are paired with occurrences in order, so that the total of `reach - |displacement|` is largest, pairing only
where it is positive: the least total displacement, with one price for a miss and an extra (design, decision 3).
Ties go to the earlier occurrence, then to the earlier record, decided from the end of the series backwards.
Arrays are `[subject, column]`; days may be any whole unit of time.
"""

from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

Days: TypeAlias = npt.NDArray[np.int32]
Flags: TypeAlias = npt.NDArray[np.bool_]

NONE: Final = int(np.iinfo(np.int32).min)
"""No value: an occurrence not expected, a record that is not there, a margin that does not exist."""

UNLIMITED: Final = 1 << 28
"""A reach without limit, and the margin of a record with nothing to compete for. Sums of it fit in 32 bits."""

LABEL: Final = 1000
"""What a record earns beyond its displacement when it takes the occurrence that it names."""

CELLS: Final = 4_000_000
"""Cells of one full table; more subjects are taken in turn, so that memory stays bounded."""


@dataclass(frozen=True)
class Assignment:
    """The identity of each record.

    slot: int32[S, R], the column of `planned` that the record is, -1 where it is no planned occurrence.
    margin: int32[S, R], the best total less the best total in which this record goes elsewhere (to another occurrence,
        or to none); 0 means that identity cannot be told. `NONE` for padding and where it was not asked for.
    """

    slot: Days
    margin: Days


def reach(offsets: npt.ArrayLike, window_low: npt.ArrayLike, window_high: npt.ArrayLike) -> tuple[Days, Days]:
    """Return how far a record may lie before and after each occurrence: the interval to the neighbour plus one.

    Offsets are non-decreasing; windows are signed, as in `-1 d to +3 d`, one for all or one each. Never less than the
    window plus one. The first occurrence has no limit before it, the last none after it.
    """
    days = np.asarray(offsets, dtype=np.int32)
    # Occurrences of one day share their neighbours: an interval of nothing would let no late one in.
    previous = np.searchsorted(days, days, side="left") - 1
    following = np.searchsorted(days, days, side="right")
    last = len(days) - 1
    before = np.where(previous < 0, UNLIMITED, days - days[np.maximum(previous, 0)] + 1)
    after = np.where(following > last, UNLIMITED, days[np.minimum(following, last)] - days + 1)
    before = np.maximum(before, 1 - np.asarray(window_low))
    after = np.maximum(after, 1 + np.asarray(window_high))
    return before.astype(np.int32), after.astype(np.int32)


def assign(
    planned: Days, records: Days, before: Days, after: Days, labels: Days | None = None, *, margin: bool = False
) -> Assignment:
    """Return the occurrence of each record under the order-preserving pairing with the largest total.

    planned: int32[S, P], day of each occurrence, `NONE` where not expected; those present do not decrease.
    records: int32[S, R], day of each record, padded at the end with `NONE`; the days do not decrease.
    before, after: int32[P] or [S, P], the reach (exclusive) of a record earlier or later than its occurrence; on the
        day itself the larger counts. An `UNLIMITED` side weighs like the other side, and beyond that earns 1: a far
        record takes the occurrence where nothing nearer does.
    labels: int32[S, R], the column of `planned` that the record itself names, -1 for none. The label decides: such a
        record takes its own occurrence or none. Of labels that contradict one another or the order the largest
        consistent set is kept; the others take their own occurrence where it is left free.
    """
    slot = np.full(records.shape, -1, dtype=np.int32)
    margins = np.full(records.shape, NONE, dtype=np.int32)
    step = max(1, CELLS // ((planned.shape[1] + 1) * (records.shape[1] + 1)))
    before, after = np.broadcast_to(before, planned.shape), np.broadcast_to(after, planned.shape)
    for start in range(0, len(records), step):
        rows = slice(start, start + step)
        named = None if labels is None else labels[rows]
        gain = _gains(planned[rows], records[rows], before[rows], after[rows], named)
        slot[rows], margins[rows] = _assign_by_table(gain, margin=margin)
        if named is not None:
            slot[rows] = _take_free(planned[rows], named, slot[rows])
    margins[records == NONE] = NONE
    return Assignment(slot, margins)


def assign_in_order(planned: Days, records: Days, counts: Flags | None = None) -> Assignment:
    """Return the assignment by counting, for series in which a late dose shifts the rest.

    The j-th record that counts takes the j-th expected occurrence; records beyond the last, and those for which
    `counts` (bool[S, R]) is false, take none. Counting weighs nothing, so there is no margin.
    """
    counted = records != NONE if counts is None else (records != NONE) & counts
    place = np.cumsum(counted, axis=1) - 1
    expected = planned != NONE
    columns = np.argsort(~expected, axis=1, kind="stable")
    taken = counted & (place < expected.sum(axis=1, keepdims=True))
    slot = np.where(taken, np.take_along_axis(columns, np.where(taken, place, 0), axis=1), -1)
    return Assignment(slot.astype(np.int32), np.full(records.shape, NONE, dtype=np.int32))


def _gain(distance: Days, before: Days, after: Days) -> Days:
    """Return what a pair earns, 0 where it may not be paired; `distance` is record less occurrence."""
    weight_before, weight_after = _weight(before, after), _weight(after, before)
    early, late = weight_before + distance, weight_after - distance
    early = np.maximum(early, before >= UNLIMITED)
    late = np.maximum(late, after >= UNLIMITED)
    gain = np.where(distance < 0, early, np.where(distance > 0, late, np.maximum(weight_before, weight_after)))
    return np.maximum(gain, 0)


def _weight(side: Days, other: Days) -> Days:
    """Return the reach that a displacement is counted against: an unlimited side borrows that of the other."""
    return np.where(side >= UNLIMITED, other, side)


def _gains(planned: Days, records: Days, before: Days, after: Days, labels: Days | None) -> Days:
    """Return what each pair earns, int32[P, R, S]."""
    there = (planned.T != NONE)[:, None] & (records.T != NONE)[None]
    distance = np.where(there, records.T[None], 0) - np.where(there, planned.T[:, None], 0)
    gain = np.where(there, _gain(distance, before.T[:, None], after.T[:, None]), 0)
    if labels is None:
        return gain
    own = labels.T[None] == np.arange(planned.shape[1])[:, None, None]
    return np.where(labels.T[None] < 0, gain, np.where(own & there, gain + LABEL, 0))


def _take_free(planned: Days, labels: Days, slot: Days) -> Days:
    """Return the slots with each record left out at the occurrence it names, where that is expected and free."""
    slot = slot.copy()
    for occurrence in range(planned.shape[1]):
        wanting = (labels == occurrence) & (slot < 0) & (planned[:, occurrence] != NONE)[:, None]
        free = ~(slot == occurrence).any(axis=1, keepdims=True)
        slot[wanting & free & (np.cumsum(wanting, axis=1) == 1)] = occurrence
    return slot


def _assign_by_table(gain: Days, *, margin: bool) -> tuple[Days, Days]:
    """Return slots and margins, both [S, R], by the full table of every subject at once."""
    best = _table(gain)
    slot = _trace(best)
    margins = _margins(best, gain, slot) if margin else np.full_like(slot, NONE)
    return slot.T, margins.T


def _table(gain: Days) -> Days:
    """Return the best total of the first i occurrences and first j records, int32[P + 1, R + 1, S]."""
    occurrences, records, subjects = gain.shape
    best = np.zeros((occurrences + 1, records + 1, subjects), dtype=np.int32)
    for i in range(occurrences):
        for j in range(records):
            other = np.maximum(best[i, j + 1], best[i + 1, j])
            np.maximum(other, best[i, j] + gain[i, j], out=best[i + 1, j + 1])
    return best


def _trace(best: Days) -> Days:
    """Return the slot of each record, int32[R, S], read from the end of the table."""
    _, records, subjects = best.shape
    everyone = np.arange(subjects)
    slot = np.full((records - 1, subjects), -1, dtype=np.int32)
    used = np.full(subjects, len(best) - 1)
    for j in range(records - 1, 0, -1):
        # Totals never fall with more occurrences, so the first that reaches the total is the earliest.
        used = (best[:, j] < best[used, j, everyone]).sum(axis=0)
        paired = best[used, j - 1, everyone] < best[used, j, everyone]
        used = used - paired
        slot[j - 1, paired] = used[paired]
    return slot


def _margins(best: Days, gain: Days, slot: Days) -> Days:
    """Return the margin of each record, int32[R, S], from the totals before it and those after it."""
    rest = _table(gain[::-1, ::-1])[::-1, ::-1]
    total = best[-1, -1]
    columns = np.arange(len(gain))[:, None, None]
    with_pair = np.where((gain > 0) & (columns != slot), best[:-1, :-1] + gain + rest[1:, 1:], NONE)
    elsewhere = with_pair.max(axis=0)
    without = (best[:, :-1] + rest[:, 1:]).max(axis=0)
    elsewhere = np.where(slot >= 0, np.maximum(elsewhere, without), elsewhere)
    return np.where(elsewhere == NONE, UNLIMITED, total - elsewhere)
