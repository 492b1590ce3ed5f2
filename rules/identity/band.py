"""The kernel of the assignment: a record meets only the few occurrences within reach, so work is linear in records.

All subjects of a batch take their j-th record at once; totals are kept only for the occurrences around that record.
What is computed, and why, is said in `rules.identity.assignment`; this file only does it fast.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from rules.arrays import NONE, Index, Ints

UNLIMITED: Final = 1 << 28
"""A reach without limit, and the margin of a record with nothing to compete for."""

_FAR: Final = int(np.iinfo(np.int32).max)


@dataclass(frozen=True)
class Series:
    """Subjects of one series: planned days and reaches, int32[S, P], and records, int32[S, R]."""

    planned: Ints
    records: Ints
    before: Ints
    after: Ints

    def batches(self, rows: Index, size: int) -> Iterator[tuple[Index, "Series"]]:
        """Yield these subjects in turn, those with most records first, and those with none left out."""
        counts = (self.records[rows] != NONE).sum(axis=1)
        by_count = np.argsort(-counts, kind="stable")[: np.count_nonzero(counts)]
        for start in range(0, len(by_count), size):
            chosen = by_count[start : start + size]
            taken, width = rows[chosen], counts[chosen[0]]
            records = self.records[taken, :width]
            yield taken, Series(self.planned[taken], records, self.before[taken], self.after[taken])

    def packed(self) -> tuple["Series", Index]:
        """Return the series with the expected occurrences in front, and the column that each of them came from."""
        columns = present_first(self.planned)
        if not (self.planned == NONE).any():
            return self, columns
        planned, before, after = (
            np.take_along_axis(each, columns, axis=1) for each in (self.planned, self.before, self.after)
        )
        return Series(planned, self.records, before, after), columns

    def reversed(self) -> "Series":
        """Return the series with time running backwards; the columns in use stay in front."""
        planned, records = _mirror(self.planned), _mirror(self.records)
        return Series(
            np.where(self.planned == NONE, NONE, -np.take_along_axis(self.planned, planned, axis=1)),
            np.where(self.records == NONE, NONE, -np.take_along_axis(self.records, records, axis=1)),
            np.take_along_axis(self.after, planned, axis=1),
            np.take_along_axis(self.before, planned, axis=1),
        )


def _mirror(days: Ints) -> Index:
    """Return the column that takes each one's place when those in use, which stand in front, are reversed."""
    columns = np.arange(days.shape[1])
    mirrored = (days != NONE).sum(axis=1, keepdims=True) - 1 - columns
    return np.where(mirrored < 0, columns, mirrored)


def present_first(planned: Ints) -> Index:
    """Return the columns of each row with the expected occurrences in front."""
    return np.argsort(planned == NONE, axis=1, kind="stable")


def place_columns(columns: Index, place: npt.NDArray[np.signedinteger]) -> Ints:
    """Return the column that stands at each place, -1 where the place is -1."""
    with_none = np.pad(columns, ((0, 0), (0, 1)), constant_values=-1)
    return np.take_along_axis(with_none, place, axis=1).astype(np.int32)


def weigh(before: Ints, after: Ints) -> Ints:
    """Return what displacements count against, [3, ...]: early, on the day, late; negative where unlimited."""
    early = np.where(before == UNLIMITED, -after, before)
    late = np.where(after == UNLIMITED, -before, after)
    return np.stack([early, np.maximum(abs(early), abs(late)), late])


def earn(distance: Ints, weight: Ints) -> Ints:
    """Return what a pair earns: 0 where it may not be paired, at least 1 where the reach is unlimited."""
    earned: Ints = np.maximum(np.abs(weight) - np.abs(distance), weight < 0)
    return earned


def earn_by_side(distance: Ints, weights: Ints) -> Ints:
    """Return what pairs earn by their distance, the record less the occurrence, and their weights, [3, ...]."""
    early, same, late = weights
    return earn(distance, np.where(distance < 0, early, np.where(distance > 0, late, same)))


@dataclass(frozen=True)
class Band:
    """The totals around each record, which can take only the occurrences `lowest`, ..., `lowest + B - 1`.

    lowest: int32[R, S]. gain: int32[R, B, S], of each such pair. total: int32[S], the best of all.
    prior: int32[R, B + 1, S], the best total of the records before this one with occurrences below `lowest + b`.
    choice: int8[R, B + 1, S], twice the least b with the best total at this record, plus one if the record is paired.
    """

    lowest: Ints
    gain: Ints
    prior: Ints
    choice: npt.NDArray[np.int8]
    total: Ints


def lay_band(series: Series, *, keep: bool) -> Band:
    """Return the band of packed subjects, those with most records first; gains and prior totals only if kept."""
    subjects, records = series.records.shape
    closes, width = _search_table(series)
    day, weight = _day_table(series, len(closes))
    kept = records if keep else 1
    band = Band(
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
            gain[b] = earn(distance, weight.take(here + (np.sign(distance) + 1) * day.size))
            prior[b] = best.take(np.minimum(moved + cell[b, :n], cell[width, :n]))
        prior[width] = best[width, :n]
        best[:, :n] = _step(prior, gain, band.choice[j, :, :n])
    band.total[:] = best[width]
    return band


def _search_table(series: Series) -> tuple[Ints, int]:
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


def _day_table(series: Series, rows: int) -> tuple[Ints, Ints]:
    """Return the days, [rows, S], and weights, [3, rows, S], of the occurrences, 0 where there is none."""
    subjects, occurrences = series.planned.shape
    day, weight = np.zeros((rows, subjects), dtype=np.int32), np.zeros((3, rows, subjects), dtype=np.int32)
    there = series.planned.T != NONE
    day[:occurrences] = np.where(there, series.planned.T, 0)
    weight[:, :occurrences] = np.where(there, weigh(series.before.T, series.after.T), 0)
    return day, weight


def _first_open(closes: Ints, actual: Ints) -> Index:
    """Return the flat index of the first occurrence of each subject whose reach is still open, by halving."""
    rows, subjects = closes.shape
    at: Index = np.arange(len(actual))
    step = rows // 2
    while step:
        at += step * subjects * (closes.take(at + (step - 1) * subjects) <= actual)
        step //= 2
    return at


def _step(prior: Ints, gain: Ints, choice: npt.NDArray[np.int8]) -> Ints:
    """Return the best totals with one record more, [B + 1, S], and write the choice that leads to each."""
    best = prior.copy()
    for b in range(1, len(prior)):
        paired = prior[b - 1] + gain[b - 1]
        np.maximum(prior[b], best[b - 1], out=best[b])
        left_out = np.where(best[b - 1] >= prior[b], choice[b - 1], 2 * b)
        choice[b] = np.where(paired > best[b], 2 * b + 1, left_out)
        np.maximum(best[b], paired, out=best[b])
    return best


def trace_band(band: Band, series: Series) -> Ints:
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


def weigh_margins(band: Band, series: Series, place: Ints) -> Ints:
    """Return the margin of each record, [R, S], from the totals before it and, time reversed, those after it."""
    back = lay_band(series.reversed(), keep=True)
    mirrored = np.maximum((series.records != NONE).sum(axis=1) - 1 - np.arange(len(place))[:, None], 0)
    _, width, subjects = back.prior.shape
    left = (series.planned != NONE).sum(axis=1) - band.lowest - np.take_along_axis(back.lowest, mirrored, axis=0)
    elsewhere = np.full_like(place, NONE)

    def later(b: int) -> Ints:
        """Return the best total of the later records with occurrences from `lowest + b` on."""
        within = np.clip(left - b, 0, width - 1)
        totals: Ints = back.prior.take((mirrored * width + within) * subjects + np.arange(subjects))
        return totals

    for b in range(band.prior.shape[1]):
        without = (left >= b) & (place >= 0)
        elsewhere = np.where(without, np.maximum(elsewhere, band.prior[:, b] + later(b)), elsewhere)
    for b in range(band.gain.shape[1]):
        other = (band.gain[:, b] > 0) & (band.lowest + b != place)
        total = band.prior[:, b] + band.gain[:, b] + later(b + 1)
        elsewhere = np.where(other, np.maximum(elsewhere, total), elsewhere)
    return np.where(elsewhere == NONE, UNLIMITED, band.total - elsewhere)
