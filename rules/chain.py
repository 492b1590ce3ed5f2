"""Identity where each occurrence is counted from the one before as it was really given.

On a fixed grid a drift of half a day a week ends up nearer to the next occurrence. Here displacement counts from the
previous paired record: the first pair of the chain earns `reach - |a - o|`, every later one
`reach - |(a - a') - (o - o')|` with the pair before it, only where positive, and the total is the largest (engine, 4).
"""

import numpy as np
import numpy.typing as npt

from rules.assignment import Assignment
from rules.band import NONE, UNLIMITED, Days, Series, earn_by_side, place_columns, weigh

_BATCH = 4096


def assign_chain(planned: Days, records: Days, before: Days, after: Days, look_back: int | None = 3) -> Assignment:
    """Return the occurrence of each record under the chain with the largest total.

    Arrays as for `rules.assignment.assign`. `look_back` is how many occurrences, and how many records, the pair before
    may lie back: 3 allows two missed and two extra in a row, None any number. Ties go to the earlier occurrence, then
    to the earlier record, then to the shorter chain, decided from the end backwards. Margins are not computed.
    """
    before, after = (np.broadcast_to(np.clip(side, 1, UNLIMITED), planned.shape) for side in (before, after))
    slot = np.full_like(records, -1)
    everyone = np.arange(len(records))
    for taken, batch in Series(planned, records, before, after).batches(everyone, _BATCH):
        packed, columns = batch.packed()
        place = _trace(*_chain(packed, look_back or max(*planned.shape, *records.shape)))
        slot[taken, : place.shape[1]] = place_columns(columns, place)
    return Assignment(slot, np.full_like(records, NONE))


def _chain(series: Series, look_back: int) -> tuple[Days, Days]:
    """Return the best total of a chain that ends in each pair, 0 for none, and the flat pair before it, -1 for none.

    Both are int32[P, R, S].
    """
    there = (series.planned.T != NONE)[:, None] & (series.records.T != NONE)
    days = np.where(series.planned == NONE, 0, series.planned).T
    given = np.where(series.records == NONE, 0, series.records).T
    weights = weigh(series.before.T, series.after.T)
    occurrences, records, _ = there.shape
    total = np.zeros(there.shape, dtype=np.int32)
    previous = np.full(there.shape, -1, dtype=np.int32)
    for i in range(occurrences):
        total[i] = earn_by_side(given - days[i], weights[:, i]) * there[i]
        for earlier in range(max(0, i - look_back), i):
            gap = days[i] - days[earlier]
            for back in range(min(look_back, records - 1), 0, -1):
                earned = earn_by_side(given[back:] - given[:-back] - gap, weights[:, i])
                before = total[earlier, :-back]
                whole = before + earned
                better = (whole > total[i, back:]) & (before > 0) & (earned > 0) & there[i, back:]
                np.copyto(total[i, back:], whole, where=better)
                pair = earlier * records + np.arange(records - back, dtype=np.int32)[:, None]
                np.copyto(previous[i, back:], pair, where=better)
    return total, previous


def _trace(total: Days, previous: Days) -> npt.NDArray[np.intp]:
    """Return the place of each record among the packed occurrences, [S, R], from the end of the best chain back."""
    occurrences, records, subjects = total.shape
    place = np.full((subjects, records), -1, dtype=np.intp)
    if not occurrences:
        return place
    flat, before = total.reshape(-1, subjects), previous.reshape(-1, subjects)
    pair = np.where(flat.max(axis=0) > 0, flat.argmax(axis=0), -1)
    while (rows := np.flatnonzero(pair >= 0)).size:
        place[rows, pair[rows] % records] = pair[rows] // records
        pair[rows] = before[pair[rows], rows]
    return place
