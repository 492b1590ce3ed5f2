"""Which planned occurrence is this record? Identity first, for a whole series at once; punctuality is asked later.

Records are paired with occurrences in order, so that the total of `reach - |displacement|` is largest, pairing only
where it is positive: the least total displacement, with one price for a miss and an extra (design, decision 3).
Ties go to the earlier occurrence, then to the earlier record, decided from the end of the series backwards.
Arrays are `[subject, column]`; days may be any whole unit of time.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

Days: TypeAlias = npt.NDArray[np.int32]
Flags: TypeAlias = npt.NDArray[np.bool_]
Index: TypeAlias = npt.NDArray[np.intp]

NONE: Final = int(np.iinfo(np.int32).min)
"""No value: an occurrence not expected, a record that is not there, a margin that does not exist."""

UNLIMITED: Final = 1 << 28
"""A reach without limit, and the margin of a record with nothing to compete for."""

LABEL: Final = 1000
"""What a record earns beyond its displacement when it takes the occurrence that it names."""

_BATCH: Final = 8192  # subjects at once, so that their tables stay in the cache
_CELLS: Final = 4_000_000  # of one full table, so that memory stays bounded
_FAR: Final = int(np.iinfo(np.int32).max)


@dataclass(frozen=True)
class Assignment:
    """The identity of each record.

    slot: int32[S, R], the column of `planned` that the record is, -1 where it is no planned occurrence.
    margin: int32[S, R], the best total less the best total in which this record goes elsewhere (to another occurrence,
        or to none); 0 means that identity cannot be told, `UNLIMITED` that the record has nowhere to go.
        `NONE` for padding and where it was not asked for.
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
    before, after: int32[P] or [S, P], the reach (exclusive, at least 1) of a record earlier or later than its
        occurrence; on the day itself the larger counts. An `UNLIMITED` side weighs like the other side, and beyond
        that earns 1: a far record takes the occurrence where nothing nearer does.
    labels: int32[S, R], the column of `planned` that the record itself names, -1 for none. The label decides: such a
        record takes its own occurrence or none. Of labels that contradict one another or the order the largest
        consistent set is kept; the others take their own occurrence where it is left free, with a margin of 0.
    margin: whether to compute the margins, which takes about three times as long.
    """
    before, after = (np.broadcast_to(np.clip(side, 1, UNLIMITED), planned.shape) for side in (before, after))
    series = _Series(planned, records, before, after)
    result = Assignment(np.full_like(records, -1), np.full_like(records, NONE))
    names = np.full_like(records, -1) if labels is None else np.where(records == NONE, -1, labels)
    labelled = names.max(axis=1, initial=-1) >= 0
    _fill_by_label(result, series, names, np.flatnonzero(labelled), margin=margin)
    _fill_in_band(result, series, np.flatnonzero(~labelled), margin=margin)
    return result


def assign_in_order(planned: Days, records: Days, counts: Flags | None = None) -> Assignment:
    """Return the assignment by counting, for series in which a late dose shifts the rest.

    The j-th record that counts takes the j-th expected occurrence; records beyond the last, and those for which
    `counts` (bool[S, R]) is false, take none. Counting weighs nothing, so there is no margin.
    """
    counted = records != NONE if counts is None else (records != NONE) & counts
    place = np.cumsum(counted, axis=1) - 1
    expected = planned != NONE
    taken = counted & (place < expected.sum(axis=1, keepdims=True))
    slot = _columns(_present_first(planned), np.where(taken, place, -1))
    return Assignment(slot, np.full_like(records, NONE))


def _present_first(planned: Days) -> Index:
    """Return the columns of each row with the expected occurrences in front."""
    return np.argsort(planned == NONE, axis=1, kind="stable")


def _columns(columns: Index, place: npt.NDArray[np.signedinteger]) -> Days:
    """Return the column that stands at each place, -1 where the place is -1."""
    with_none = np.pad(columns, ((0, 0), (0, 1)), constant_values=-1)
    return np.take_along_axis(with_none, place, axis=1).astype(np.int32)


@dataclass(frozen=True)
class _Series:
    """Subjects of one series: planned days and reaches, int32[S, P], and records, int32[S, R]."""

    planned: Days
    records: Days
    before: Days
    after: Days

    def batches(self, rows: Index, size: int) -> Iterator[tuple[Index, "_Series"]]:
        """Yield these subjects in turn, those with most records first, with no column that is all padding."""
        counts = (self.records[rows] != NONE).sum(axis=1)
        by_count = np.argsort(-counts, kind="stable")
        for start in range(0, len(rows), size):
            chosen = by_count[start : start + size]
            taken, width = rows[chosen], counts[chosen[0]]
            records = self.records[taken, :width]
            yield taken, _Series(self.planned[taken], records, self.before[taken], self.after[taken])

    def packed(self) -> tuple["_Series", Index]:
        """Return the series with the expected occurrences in front, and the column that each of them came from."""
        columns = _present_first(self.planned)
        if not (self.planned == NONE).any():
            return self, columns
        planned, before, after = (
            np.take_along_axis(each, columns, axis=1) for each in (self.planned, self.before, self.after)
        )
        return _Series(planned, self.records, before, after), columns

    def reversed(self) -> "_Series":
        """Return the series with time running backwards; the columns in use stay in front."""
        planned, records = _mirror(self.planned), _mirror(self.records)
        return _Series(
            np.where(self.planned == NONE, NONE, -np.take_along_axis(self.planned, planned, axis=1)),
            np.where(self.records == NONE, NONE, -np.take_along_axis(self.records, records, axis=1)),
            np.take_along_axis(self.after, planned, axis=1),
            np.take_along_axis(self.before, planned, axis=1),
        )


def _mirror(days: Days) -> Index:
    """Return the column that takes each one's place when those in use, which stand in front, are reversed."""
    columns = np.arange(days.shape[1])
    mirrored = (days != NONE).sum(axis=1, keepdims=True) - 1 - columns
    return np.where(mirrored < 0, columns, mirrored)


def _weights(before: Days, after: Days) -> Days:
    """Return what displacements count against, [3, ...]: early, on the day, late; negative where unlimited."""
    early = np.where(before == UNLIMITED, -after, before)
    late = np.where(after == UNLIMITED, -before, after)
    return np.stack([early, np.maximum(abs(early), abs(late)), late])


def _gain(distance: Days, weight: Days) -> Days:
    """Return what a pair earns: 0 where it may not be paired, at least 1 where the reach is unlimited."""
    gain: Days = np.maximum(np.abs(weight) - np.abs(distance), weight < 0)
    return gain


# The kernel: a record can meet only the few occurrences within reach, so the work is linear in records.


@dataclass(frozen=True)
class _Band:
    """The totals around each record, which can take only the occurrences `lowest`, ..., `lowest + B - 1`.

    lowest: int32[R, S]. gain: int32[R, B, S], of each such pair. total: int32[S], the best of all.
    prior: int32[R, B + 1, S], the best total of the records before this one with occurrences below `lowest + b`.
    choice: int8[R, B + 1, S], twice the least b with the best total at this record, plus one if the record is paired.
    """

    lowest: Days
    gain: Days
    prior: Days
    choice: npt.NDArray[np.int8]
    total: Days


def _fill_in_band(result: Assignment, series: _Series, rows: Index, *, margin: bool) -> None:
    """Fill in the slots and margins of the subjects without labels."""
    for taken, batch in series.batches(rows, _BATCH):
        packed, columns = batch.packed()
        band = _band(packed, keep=margin)
        place = _trace_band(band, packed)
        width = place.shape[1]
        result.slot[taken, :width] = _columns(columns, place)
        if margin:
            margins = _margins_in_band(band, packed, place.T).T
            result.margin[taken, :width] = np.where(batch.records == NONE, NONE, margins)


def _band(series: _Series, *, keep: bool) -> _Band:
    """Return the band of packed subjects, those with most records first; gains and prior totals only if kept."""
    subjects, records = series.records.shape
    closes, width = _search_table(series)
    day, weight = _day_table(series, len(closes))
    kept = records if keep else 1
    band = _Band(
        lowest=np.zeros((records, subjects), dtype=np.int32),
        gain=np.zeros((kept, width, subjects), dtype=np.int32),
        prior=np.zeros((kept, width + 1, subjects), dtype=np.int32),
        choice=np.zeros((records, width + 1, subjects), dtype=np.int8),
        total=np.zeros(subjects, dtype=np.int32),
    )
    best = np.zeros((width + 1, subjects), dtype=np.int32)
    cell = np.arange(best.size).reshape(best.shape)
    at = cell[0].copy()
    for j, actual in enumerate(np.ascontiguousarray(series.records.T)):
        n = np.count_nonzero(actual != NONE)
        gain, prior = band.gain[j * keep, :, :n], band.prior[j * keep, :, :n]
        opened = _first_open(closes, actual[:n])
        moved = opened - at[:n]
        at[:n] = opened
        band.lowest[j, :n] = opened // subjects
        for b in range(width):
            here = opened + b * subjects
            distance = actual[:n] - day.take(here)
            gain[b] = _gain(distance, weight.take(here + (np.sign(distance) + 1) * day.size))
            prior[b] = best.take(np.minimum(moved + cell[b, :n], cell[width, :n]))
        prior[width] = best[width, :n]
        best[:, :n] = _step(prior, gain, band.choice[j, :, :n])
    band.total[:] = best[width]
    return band


def _search_table(series: _Series) -> tuple[Days, int]:
    """Return when the reach of each occurrence closes, [rows, S], and the width of the band."""
    there = series.planned.T != NONE
    closes = np.maximum.accumulate(np.where(there, (series.planned + series.after).T, _FAR), axis=0)
    opens = np.where(there, (series.planned - series.before).T, _FAR)
    opens = np.minimum.accumulate(opens[::-1], axis=0)[::-1]
    occurrences, subjects = closes.shape
    width = 1
    # A record at which reach i is the lowest open one lies before it closes: at most the unit before.
    while width < occurrences and (opens[width:] < closes[:-width] - 1).any():
        width += 1
    table = np.full((1 << (occurrences + width).bit_length(), subjects), _FAR, dtype=np.int32)
    table[:occurrences] = closes
    return table, width


def _day_table(series: _Series, rows: int) -> tuple[Days, Days]:
    """Return the days, [rows, S], and weights, [3, rows, S], of the occurrences, 0 where there is none."""
    subjects, occurrences = series.planned.shape
    day, weight = np.zeros((rows, subjects), dtype=np.int32), np.zeros((3, rows, subjects), dtype=np.int32)
    there = series.planned.T != NONE
    day[:occurrences] = np.where(there, series.planned.T, 0)
    weight[:, :occurrences] = np.where(there, _weights(series.before.T, series.after.T), 0)
    return day, weight


def _first_open(closes: Days, actual: Days) -> Index:
    """Return the flat index of the first occurrence of each subject whose reach is still open, by halving."""
    rows, subjects = closes.shape
    at: Index = np.arange(len(actual))
    step = rows // 2
    while step:
        at += step * subjects * (closes.take(at + (step - 1) * subjects) <= actual)
        step //= 2
    return at


def _step(prior: Days, gain: Days, choice: npt.NDArray[np.int8]) -> Days:
    """Return the best totals with one record more, [B + 1, S], and write the choice that leads to each."""
    best = prior.copy()
    for b in range(1, len(prior)):
        paired = prior[b - 1] + gain[b - 1]
        np.maximum(prior[b], best[b - 1], out=best[b])
        left_out = np.where(best[b - 1] >= prior[b], choice[b - 1], 2 * b)
        choice[b] = np.where(paired > best[b], 2 * b + 1, left_out)
        np.maximum(best[b], paired, out=best[b])
    return best


def _trace_band(band: _Band, series: _Series) -> Days:
    """Return the place of each record among the packed occurrences, [S, R], read from the last record back."""
    records, width, subjects = band.choice.shape
    counts = (series.records != NONE).sum(axis=0)
    everyone = np.arange(subjects)
    used = np.full(subjects, series.planned.shape[1], dtype=np.int32)
    place = np.full((records, subjects), -1, dtype=np.int32)
    for j in range(records - 1, -1, -1):
        n = counts[j]
        lowest = band.lowest[j, :n]
        within = np.clip(used[:n] - lowest, 0, width - 1)
        choice = band.choice[j].take(within * subjects + everyone[:n])
        paired = choice & 1
        used[:n] = np.minimum(used[:n], lowest + (choice >> 1)) - paired
        place[j, :n] = np.where(paired, used[:n], -1)
    return place.T


def _margins_in_band(band: _Band, series: _Series, place: Days) -> Days:
    """Return the margin of each record, [R, S], from the totals before it and, time reversed, those after it."""
    back = _band(series.reversed(), keep=True)
    mirrored = np.maximum((series.records != NONE).sum(axis=1) - 1 - np.arange(len(place))[:, None], 0)
    _, width, subjects = back.prior.shape
    left = (series.planned != NONE).sum(axis=1) - band.lowest - np.take_along_axis(back.lowest, mirrored, axis=0)
    elsewhere = np.full_like(place, NONE)

    def later(b: int) -> Days:
        """Return the best total of the later records with occurrences from `lowest + b` on."""
        within = np.clip(left - b, 0, width - 1)
        totals: Days = back.prior.take((mirrored * width + within) * subjects + np.arange(subjects))
        return totals

    for b in range(band.prior.shape[1]):
        without = (left >= b) & (place >= 0)
        elsewhere = np.where(without, np.maximum(elsewhere, band.prior[:, b] + later(b)), elsewhere)
    for b in range(band.gain.shape[1]):
        other = (left > b) & (band.gain[:, b] > 0) & (band.lowest + b != place)
        total = band.prior[:, b] + band.gain[:, b] + later(b + 1)
        elsewhere = np.where(other, np.maximum(elsewhere, total), elsewhere)
    return np.where(elsewhere == NONE, UNLIMITED, band.total - elsewhere)


# Labels: the full table of occurrences by records.


def _fill_by_label(result: Assignment, series: _Series, names: Days, rows: Index, *, margin: bool) -> None:
    """Fill in the slots and margins of the subjects with a label on some record."""
    size = max(1, _CELLS // ((series.planned.shape[1] + 1) * (series.records.shape[1] + 1)))
    for taken, batch in series.batches(rows, size):
        width = batch.records.shape[1]
        labels = names[taken, :width]
        gain = _gains(batch, labels)
        best = _table(gain)
        slot = _trace(best).T
        result.slot[taken, :width] = _take_free(batch.planned, labels, slot)
        if margin:
            margins = _margins(best, gain, slot.T).T
            margins[slot != result.slot[taken, :width]] = 0
            result.margin[taken, :width] = np.where(batch.records == NONE, NONE, margins)


def _gains(series: _Series, labels: Days) -> Days:
    """Return what each pair earns, int32[P, R, S]."""
    planned, records, names = series.planned.T[:, None], series.records.T, labels.T
    there = (planned != NONE) & (records != NONE)
    distance = np.where(there, records, 0) - np.where(there, planned, 0)
    early, same, late = _weights(series.before.T, series.after.T)[:, :, None]
    gain = _gain(distance, np.where(distance < 0, early, np.where(distance > 0, late, same)))
    own = names == np.arange(len(planned))[:, None, None]
    return np.where(there & (own | (names < 0)), gain + LABEL * own, 0).astype(np.int32)


def _take_free(planned: Days, labels: Days, slot: Days) -> Days:
    """Return the slots with each record left out at the occurrence it names, where that is expected and free."""
    slot = slot.copy()
    for occurrence in range(planned.shape[1]):
        wanting = (labels == occurrence) & (slot < 0) & (planned[:, occurrence] != NONE)[:, None]
        free = ~(slot == occurrence).any(axis=1, keepdims=True)
        slot[wanting & free & (np.cumsum(wanting, axis=1) == 1)] = occurrence
    return slot


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
    columns = np.arange(len(gain))[:, None, None]
    paired = np.where((gain > 0) & (columns != slot), best[:-1, :-1] + gain + rest[1:, 1:], NONE)
    elsewhere = paired.max(axis=0)
    without = (best[:, :-1] + rest[:, 1:]).max(axis=0)
    elsewhere = np.where(slot >= 0, np.maximum(elsewhere, without), elsewhere)
    return np.where(elsewhere == NONE, UNLIMITED, best[-1, -1] - elsewhere)
