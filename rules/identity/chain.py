"""Identity where each occurrence is counted from the one before as it was really given.

On a fixed grid a drift of half a day a week ends up nearer to the next occurrence. Here displacement counts from the
previous paired record: the first pair of a chain earns `reach - |a - o|`, every later one
`reach - |(a - a') - (o - o')|` with the pair before it, and the chain with the largest total is taken. A link may cost
more than it earns: a dose three weeks late is paid for by the doses that follow it in rhythm. An occurrence passed over
costs 1, and before the first pair half its reach: a series that moves begins with its first dose, however late.
"""

import numpy as np
import numpy.typing as npt

from rules.arrays import NONE, Ints
from rules.identity.assignment import LABEL, Assignment, take_free
from rules.identity.band import UNLIMITED, Series, place_columns, weigh

MISSED, EXTRA = 5, 2
"""How many occurrences may be missed in a row, and how many records be one too many, between two pairs of a chain."""

_BATCH = 4096
_NEVER = np.int32(-(1 << 30))


def assign_chain(
    planned: Ints,
    records: Ints,
    before: Ints,
    after: Ints,
    labels: Ints | None = None,
    *,
    missed: int = MISSED,
    extra: int = EXTRA,
) -> Assignment:
    """Return the occurrence of each record under the chain with the largest total, and the margin of each.

    Arrays as for `rules.identity.assignment.assign`. Ties go to the earlier occurrence, then to the earlier record,
    then to the shorter chain, decided from the end backwards. A labelled record takes its own occurrence or none.
    """
    before, after = (np.broadcast_to(np.clip(side, 1, UNLIMITED), planned.shape) for side in (before, after))
    result = Assignment.blank(records)
    names = np.full_like(records, -1) if labels is None else np.where(records == NONE, -1, labels)
    for taken, batch in Series(planned, records, before, after).batches(np.arange(len(records)), _BATCH):
        packed, columns = batch.packed()
        width = batch.records.shape[1]
        chain = _Chain(packed, _named(names[taken, :width], columns), missed + 1, extra + 1)
        slot, margin = chain.trace()
        found = place_columns(columns, slot)
        result.slot[taken, :width] = take_free(batch.planned, names[taken, :width], found)
        margin[found != result.slot[taken, :width]] = 0
        result.margin[taken, :width] = np.where(batch.records == NONE, NONE, margin)
        result.astray[taken, :width] = (names[taken, :width] >= 0) & (found != names[taken, :width])
    return result


def _named(names: Ints, columns: npt.NDArray[np.intp]) -> Ints:
    """Labels as places among the packed occurrences."""
    if not columns.size:
        return np.full_like(names, -1)
    place = np.argsort(columns, axis=1, kind="stable")
    return np.where(names < 0, -1, np.take_along_axis(place, np.maximum(names, 0), axis=1)).astype(np.int32)


class _Chain:
    """The tables of one batch: `[P, R, S]`, the best total of a chain up to each pair, and the pair before it."""

    def __init__(self, series: Series, names: Ints, ahead: int, back: int) -> None:
        self.days = np.where(series.planned == NONE, 0, series.planned).T
        self.given = np.where(series.records == NONE, 0, series.records).T
        self.weights = np.abs(weigh(series.before.T, series.after.T))
        unit = np.where(self.weights[0] < UNLIMITED, self.weights[0], 0) // 2
        self.late_start = np.concatenate([np.zeros_like(unit[:1]), np.cumsum(unit, axis=0)])
        there = (series.planned.T != NONE)[:, None] & (series.records.T != NONE)
        own = np.arange(len(there))[:, None, None] == names.T
        self.there = there & (own | (names.T < 0))
        self.bonus = (LABEL * (own & there)).astype(np.int32)
        self.ahead, self.back = ahead, back
        self.total, self.previous = self._forward()

    def _earned(self, i: int, distance: Ints, records: slice) -> Ints:
        early, same, late = (weight[i] for weight in self.weights)
        weight = np.where(distance < 0, early, np.where(distance > 0, late, same))
        gain = weight - np.abs(distance) + self.bonus[i, records]
        return np.where(self.there[i, records], gain, _NEVER).astype(np.int32)

    def _links(self, i: int, earlier: int, back: int) -> Ints:
        """What the pairs of occurrence i earn after pairs of an earlier one, `back` records before."""
        gap = self.days[i] - self.days[earlier]
        return self._earned(i, self.given[back:] - self.given[:-back] - gap, slice(back, None)) - (i - earlier - 1)

    def _start(self, i: int) -> Ints:
        earned: Ints = self._earned(i, self.given - self.days[i], slice(None)) - self.late_start[i]
        return earned

    def _reaches(self, i: int) -> range:
        return range(max(0, i - self.ahead), i)

    def _backs(self) -> range:
        return range(min(self.back, len(self.given) - 1), 0, -1)

    def _forward(self) -> tuple[Ints, Ints]:
        occurrences, records, _ = self.there.shape
        total, previous = np.zeros(self.there.shape, np.int32), np.full(self.there.shape, -1, np.int32)
        for i in range(occurrences):
            total[i] = self._start(i)
            for earlier in self._reaches(i):
                for back in self._backs():
                    whole = total[earlier, :-back] + self._links(i, earlier, back)
                    better = (whole > total[i, back:]) & self.there[i, back:] & self.there[earlier, :-back]
                    np.copyto(total[i, back:], whole, where=better)
                    pair = earlier * records + np.arange(records - back, dtype=np.int32)[:, None]
                    np.copyto(previous[i, back:], pair, where=better)
        return total, previous

    def trace(self) -> tuple[Ints, Ints]:
        """The place of each record among the packed occurrences, and its margin, [S, R]."""
        occurrences, records, subjects = self.there.shape
        place = np.full((subjects, records), -1, dtype=np.int32)
        if not occurrences:
            return place, np.full_like(place, UNLIMITED)
        flat, before = self.total.reshape(-1, subjects), self.previous.reshape(-1, subjects)
        best = np.maximum(flat.max(axis=0), 0)
        pair = np.where(flat.max(axis=0) > 0, flat.argmax(axis=0), -1)
        while (rows := np.flatnonzero(pair >= 0)).size:
            place[rows, pair[rows] % records] = pair[rows] // records
            pair[rows] = before[pair[rows], rows]
        return place, self._margins(place, best)

    def _margins(self, place: Ints, best: Ints) -> Ints:
        """The best total less the best in which a record goes elsewhere: to another occurrence, or to none."""
        occurrences, records, subjects = self.there.shape
        rest = np.zeros(self.there.shape, np.int32)
        crossing = np.full((records, subjects), _NEVER)
        for earlier in range(occurrences - 1, -1, -1):
            for i in range(earlier + 1, min(occurrences, earlier + self.ahead + 1)):
                for back in self._backs():
                    link = self._links(i, earlier, back) + rest[i, back:]
                    np.maximum(rest[earlier, :-back], link, out=rest[earlier, :-back])
                    whole = np.where(self.there[earlier, :-back], self.total[earlier, :-back] + link, _NEVER)
                    for over in range(1, back):
                        span = slice(over, over + records - back)
                        np.maximum(crossing[span], whole, out=crossing[span])
        through = np.where(self.there, self.total + rest, _NEVER)
        starts = np.stack([self._start(i) for i in range(occurrences)]) + rest
        ended, begun = self.total.max(axis=0, initial=_NEVER), starts.max(axis=0)
        without = np.maximum(crossing, 0)
        without[1:] = np.maximum(without[1:], np.maximum.accumulate(ended, axis=0)[:-1])
        without[:-1] = np.maximum(without[:-1], np.maximum.accumulate(begun[::-1], axis=0)[::-1][1:])
        here = np.arange(occurrences)[:, None, None] == place.T
        elsewhere = np.where(here, _NEVER, through).max(axis=0)
        elsewhere = np.where(place.T >= 0, np.maximum(elsewhere, without), elsewhere)
        return np.where(elsewhere <= _NEVER // 2, UNLIMITED, best - elsewhere).T.astype(np.int32)
