"""How often is a dose taken for another? `python -m bench.identity` measures it against a simulated truth.

Ten doses are planned; a tenth of them is missed, one in twenty is followed by an extra dose, and each lies off its day
by a jitter. Printed are the shares of records whose identity is right, wrong, and cannot be told (margin 0).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rules.arrays import NONE, Ints
from rules.identity.assignment import Assignment, assign, reach
from rules.identity.chain import assign_chain

DOSES = 10


@dataclass(frozen=True)
class Dense:
    """Participants of one series: planned days and records `[S, P]` and `[S, R]`, and what each record truly is."""

    planned: Ints
    records: Ints
    truth: Ints
    before: Ints
    after: Ints


def simulate(
    subjects: int,
    gap: int,
    sd: float,
    *,
    missed: float = 0.1,
    extra: float = 0.05,
    drift: float | None = None,
    seed: int = 1,
) -> Dense:
    """A dense series. With `drift` (days a dose) each dose counts from the one before as it was really given."""
    random = np.random.default_rng(seed)
    planned = np.broadcast_to(np.arange(DOSES, dtype=np.int32) * gap + 100, (subjects, DOSES))
    off = random.normal(0, sd, (subjects, DOSES))
    if drift is None:
        actual = planned + off
    else:
        actual = 100 + np.cumsum(np.where(np.arange(DOSES) > 0, gap + drift, 0) + off, axis=1)
    given = random.random((subjects, DOSES)) >= missed
    more = given & (random.random((subjects, DOSES)) < extra)
    between = actual + random.uniform(0.2, 0.8, (subjects, DOSES)) * gap
    days = np.concatenate([np.where(given, np.rint(actual), 1e9), np.where(more, np.rint(between), 1e9)], axis=1)
    number = np.broadcast_to(np.concatenate([np.arange(DOSES), np.full(DOSES, -1)]), days.shape)
    order = np.argsort(days, axis=1, kind="stable")
    days, number = np.take_along_axis(days, order, axis=1), np.take_along_axis(number, order, axis=1)
    width = int((days < 1e9).sum(axis=1).max())
    there = days[:, :width] < 1e9
    records = np.where(there, days[:, :width], NONE).astype(np.int32)
    truth = np.where(there, number[:, :width], NONE).astype(np.int32)
    before, after = reach(planned[0], -1, 1)
    return Dense(np.ascontiguousarray(planned), records, truth, before, after)


def in_order(series: Dense) -> Assignment:
    """Records counted off, one occurrence after the other."""
    place = np.broadcast_to(np.arange(series.records.shape[1], dtype=np.int32), series.records.shape)
    counted = Assignment.blank(series.records)
    counted.slot[:] = np.where((series.records == NONE) | (place >= DOSES), -1, place)
    return counted


def shares(series: Dense, found: Assignment) -> tuple[float, float, float]:
    """Of all records, in percent: rightly identified, wrongly, and of those no answer is given for (margin 0)."""
    there = series.records != NONE
    twin = np.zeros(there.shape, np.bool_)
    alike = series.records[:, 1:] == series.records[:, :-1]
    twin[:, 1:] |= alike
    twin[:, :-1] |= alike
    untold = there & (found.margin == 0) & ~twin
    right = there & ~untold & (found.slot == series.truth)
    n = there.sum()
    return tuple(100 * float(which.sum()) / n for which in (right, there & ~untold & ~right, untold))  # type: ignore[return-value]


def main() -> None:
    """Print the table."""
    print(f"{'series':<44}{'method':<12}{'right %':>8}{'wrong %':>8}{'untold %':>9}")
    for gap in (7, 3):
        for sd in (1.0, 2.5):
            series = simulate(10_000, gap, sd)
            found = assign(series.planned, series.records, series.before, series.after, margin=True)
            _line(f"fixed grid, every {gap} d, jitter sd {sd} d", "grid", series, found)
    for drift in (0.0, 0.5, 1.0):
        series = simulate(10_000, 7, 1.0, drift=drift)
        arrays = series.planned, series.records, series.before, series.after
        said = f"moves with its doses, 7 d, sd 1 d, drift {drift} d"
        for name, found in (
            ("grid", assign(*arrays, margin=True)),
            ("order", in_order(series)),
            ("rhythm", assign_chain(*arrays)),
        ):
            _line(said, name, series, found)


def _line(said: str, method: str, series: Dense, found: Assignment) -> None:
    right, wrong, untold = shares(series, found)
    print(f"{said:<44}{method:<12}{right:>8.1f}{wrong:>8.1f}{untold:>9.1f}")


if __name__ == "__main__":
    main()
