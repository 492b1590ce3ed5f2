"""Which planned occurrence is this record? Identity first, for a whole series at once; punctuality is asked later.

Records are paired with occurrences in order, so that the total of `reach - |displacement|` is largest, pairing only
where it is positive: the least total displacement, with one price for a miss and an extra (design, decision 3).
Ties go to the earlier occurrence, then to the earlier record, decided from the end of the series backwards.
Arrays are `[subject, column]`; days may be any whole unit of time.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from rules.arrays import NONE, Flags, Index, Ints
from rules.identity.band import (
    UNLIMITED,
    Series,
    earn_by_side,
    lay_band,
    place_columns,
    trace_band,
    weigh,
    weigh_margins,
)

__all__ = ["LABEL", "NONE", "UNLIMITED", "Assignment", "assign", "reach", "take_free"]

LABEL: Final = 1000
"""What a record earns beyond its displacement when it takes the occurrence that it names."""

_BATCH: Final = 8192  # subjects at once, so that their tables stay in the cache
_CELLS: Final = 4_000_000  # of one full table, so that memory stays bounded
_SPAN: Final = 20_000  # days of one table of what a record earns


@dataclass(frozen=True)
class Assignment:
    """The identity of each record.

    slot: int32[S, R], the column of `planned` that the record is, -1 where it is no planned occurrence.
    margin: int32[S, R], the best total less the best total in which this record goes elsewhere (to another occurrence,
        or to none); 0 means that identity cannot be told, `UNLIMITED` that the record has nowhere to go.
        `NONE` for padding and where it was not asked for.
    astray: bool[S, R], whether the record names an occurrence that it cannot be in order with the others.
    """

    slot: Ints
    margin: Ints
    astray: Flags

    @classmethod
    def blank(cls, records: Ints) -> "Assignment":
        """No record placed yet."""
        return cls(np.full_like(records, -1), np.full_like(records, NONE), np.zeros(records.shape, np.bool_))


def reach(offsets: npt.ArrayLike, window_low: npt.ArrayLike, window_high: npt.ArrayLike) -> tuple[Ints, Ints]:
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
    planned: Ints, records: Ints, before: Ints, after: Ints, labels: Ints | None = None, *, margin: bool = False
) -> Assignment:
    """Return the occurrence of each record under the order-preserving pairing with the largest total.

    planned: int32[S, P], day of each occurrence, `NONE` where not expected; those present do not decrease.
    records: int32[S, R], day of each record, padded at the end with `NONE`; the days do not decrease.
    before, after: int32[P] or [S, P], the reach (exclusive, at least 1) of a record earlier or later than its
        occurrence; on the day itself the larger counts. An `UNLIMITED` side weighs like the other side, and beyond
        that earns 1: a far record takes the occurrence where nothing nearer does.
    labels: int32[S, R], the column of `planned` that the record itself names, -1 for none. The label decides: such a
        record takes its own occurrence or none. Of labels that contradict one another or the order the largest
        consistent set is kept; the others take their own occurrence where it is left free, with a margin of 0.
    margin: whether to compute the margins, which takes about three times as long.
    """
    before, after = (np.broadcast_to(np.clip(side, 1, UNLIMITED), planned.shape) for side in (before, after))
    series = Series(planned, records, before, after)
    result = Assignment.blank(records)
    left = np.ones(len(records), np.bool_)
    if labels is not None:
        names = np.where(records == NONE, -1, labels)
        left = names.max(axis=1, initial=-1) < 0
        _fill_by_label(result, series, names, np.flatnonzero(~left), margin=margin)
    elif not margin:
        left = ~_fill_undisputed(result, series)
    _fill_in_band(result, series, np.flatnonzero(left), margin=margin)
    return result


def _fill_undisputed(result: Assignment, series: Series) -> Flags:
    """Fill in the subjects whose records all earn most at occurrences of their own, in order; return which those are.

    No other pairing earns as much, and none the same: each record has, for itself alone, its one best place. What it
    earns hangs on its day beside the others of the series, which is one table for all subjects with the same offsets.
    """
    planned, records = series.planned, series.records
    offsets = planned[:, 1:] - planned[:, :1]
    alike: Flags = (planned != NONE).all(axis=1)
    if not alike.any() or not records.size or any(side.strides[0] for side in (series.before, series.after)):
        return np.zeros(len(records), np.bool_)
    first = int(alike.argmax())
    alike &= (offsets == offsets[first]).all(axis=1)
    there = (records != NONE) & alike[:, None]
    day = np.where(there, records - planned[:, :1], 0)
    since, until = int(day.min()), int(day.max())
    if until - since > _SPAN:
        return np.zeros(len(records), np.bool_)
    distance = np.arange(since, until + 1, dtype=np.int32)[:, None] - np.append(0, offsets[first]).astype(np.int32)
    earned = earn_by_side(distance, weigh(series.before[first], series.after[first])[:, None])
    most = earned.max(axis=1)
    best = np.where(most > 0, earned.argmax(axis=1), -1).astype(np.int32)
    only = (most == 0) | ((earned == most[:, None]).sum(axis=1) == 1)
    slot = np.where(there, best[day - since], -1)
    before = np.maximum.accumulate(slot, axis=1)
    done: Flags = alike & only[day - since].all(axis=1)
    done &= ((slot[:, 1:] > before[:, :-1]) | (slot[:, 1:] < 0)).all(axis=1)
    result.slot[done] = slot[done]
    return done


def _fill_in_band(result: Assignment, series: Series, rows: Index, *, margin: bool) -> None:
    """Fill in the slots and margins of the subjects without labels."""
    for taken, batch in series.batches(rows, _BATCH):
        packed, columns = batch.packed()
        band = lay_band(packed, keep=margin)
        place = trace_band(band, packed)
        width = place.shape[1]
        result.slot[taken, :width] = place_columns(columns, place)
        if margin:
            margins = weigh_margins(band, packed, place.T).T
            result.margin[taken, :width] = np.where(batch.records == NONE, NONE, margins)


def _fill_by_label(result: Assignment, series: Series, names: Ints, rows: Index, *, margin: bool) -> None:
    """Fill in the slots and margins of the subjects with a label on some record."""
    direct = _fill_directly(result, series, names, rows, margin=margin)
    size = max(1, _CELLS // ((series.planned.shape[1] + 1) * (series.records.shape[1] + 1)))
    for taken, batch in series.batches(rows[~direct], size):
        width = batch.records.shape[1]
        labels = names[taken, :width]
        earned = _earn_with_labels(batch, labels)
        best = _table(earned)
        slot = _trace(best).T
        result.slot[taken, :width] = take_free(batch.planned, labels, slot)
        result.astray[taken, :width] = (labels >= 0) & (slot != labels)
        if margin:
            margins = _margins(best, earned, slot.T).T
            margins[slot != result.slot[taken, :width]] = 0
            result.margin[taken, :width] = np.where(batch.records == NONE, NONE, margins)


def _fill_directly(result: Assignment, series: Series, names: Ints, rows: Index, *, margin: bool) -> Flags:
    """Fill in the subjects whose records each name an occurrence, in order, and return which those are."""
    slot, records, planned = names[rows], series.records[rows], series.planned[rows]
    padding = records == NONE
    due = np.take_along_axis(planned, slot, axis=1)
    direct: Flags = (padding | ((slot >= 0) & (due != NONE))).all(axis=1)
    direct &= (padding[:, 1:] | (np.diff(slot, axis=1) > 0)).all(axis=1)
    result.slot[rows[direct]] = slot[direct]
    if margin:
        reaches = (np.take_along_axis(side[rows], slot, axis=1) for side in (series.before, series.after))
        distance = np.where(padding, 0, records) - np.where(padding | (due == NONE), 0, due)
        margins = np.where(padding, NONE, LABEL + earn_by_side(distance, weigh(*reaches)))
        result.margin[rows[direct]] = margins[direct]
    return direct


def _earn_with_labels(series: Series, labels: Ints) -> Ints:
    """Return what each pair earns, int32[P, R, S]."""
    planned, records, names = series.planned.T[:, None], series.records.T, labels.T
    there = (planned != NONE) & (records != NONE)
    distance = np.where(there, records, 0) - np.where(there, planned, 0)
    earned = earn_by_side(distance, weigh(series.before.T, series.after.T)[:, :, None])
    own = names == np.arange(len(planned))[:, None, None]
    return np.where(there & (own | (names < 0)), earned + LABEL * own, 0).astype(np.int32)


def take_free(planned: Ints, labels: Ints, slot: Ints) -> Ints:
    """Return the slots with each record left out at the occurrence it names, where that is expected and free."""
    slot = slot.copy()
    for occurrence in range(planned.shape[1]):
        wanting = (labels == occurrence) & (slot < 0) & (planned[:, occurrence] != NONE)[:, None]
        free = ~(slot == occurrence).any(axis=1, keepdims=True)
        slot[wanting & free & (np.cumsum(wanting, axis=1) == 1)] = occurrence
    return slot


def _table(gain: Ints) -> Ints:
    """Return the best total of the first i occurrences and first j records, int32[P + 1, R + 1, S]."""
    occurrences, records, subjects = gain.shape
    best = np.zeros((occurrences + 1, records + 1, subjects), dtype=np.int32)
    for i in range(occurrences):
        for j in range(records):
            other = np.maximum(best[i, j + 1], best[i + 1, j])
            np.maximum(other, best[i, j] + gain[i, j], out=best[i + 1, j + 1])
    return best


def _trace(best: Ints) -> Ints:
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


def _margins(best: Ints, gain: Ints, slot: Ints) -> Ints:
    """Return the margin of each record, int32[R, S], from the totals before it and those after it."""
    rest = _table(gain[::-1, ::-1])[::-1, ::-1]
    columns = np.arange(len(gain))[:, None, None]
    paired = np.where((gain > 0) & (columns != slot), best[:-1, :-1] + gain + rest[1:, 1:], NONE)
    elsewhere = paired.max(axis=0)
    without = (best[:, :-1] + rest[:, 1:]).max(axis=0)
    elsewhere = np.where(slot >= 0, np.maximum(elsewhere, without), elsewhere)
    return np.where(elsewhere == NONE, UNLIMITED, best[-1, -1] - elsewhere)
