"""A study folder of any size for the protocol of the benchmark, the same for the same number of subjects.

python -m bench.make_study bench/data/100000 100000
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

SEED = 20240301
BLOCK = 10_000
"""Subjects made at once, from a seed of their own: a small study is the beginning of a larger one."""

DATA_CUT = "2025-12-31"
"""After the last window of every subject, so that nothing is still open."""


@dataclass(frozen=True)
class Series:
    """One treatment of protocol.yaml: its days, window, minimum interval, and its dose in the unit of the records."""

    name: str
    arms: str
    first: int
    every: int
    times: int
    low: int
    high: int
    apart: int
    least: float
    most: float
    per_kg: bool
    ceiling: float | None
    tolerance: float
    unit: str
    digits: int
    counted: str | None = None


SERIES = (
    Series("cells", "ab", 0, 7, 4, -1, 1, 5, 1, 1, True, None, 0.10, "10^6 cells", 2, "viable"),
    Series("antibody", "ae", 0, 14, 3, -1, 3, 10, 5.25, 5.25, True, 200, 0.05, "mg", 1),
    Series("booster", "ae", 7, 28, 3, -3, 3, 21, 40, 40, False, None, 0.10, "ug", 1),
    Series("factor", "bc", 1, 7, 6, -2, 2, 4, 50, 50, True, None, 0.10, "IU", 0),
    Series("globulin", "cde", 0, 21, 4, -3, 3, 14, 400, 600, True, None, 0.05, "mg", 0),
    Series("tablet", "d", 3, 5, 6, -1, 1, 3, 150, 150, False, None, 0.10, "mg", 1),
)
ARMS = "abcde"
DOSES = 10
"""Planned doses of every subject, whatever the arm."""

WEIGHED = np.array([-1, 13, 27, 41, 55])
"""Days of the five weighings; protocol.yaml lets a weight count for 14 days."""

# Of a hundred planned doses: 6 never given (2 of them recorded so), 5 too late, 2 too early, 2 given once more.
MISSED, DENIED, LATE, EARLY, EXTRA = 0.06, 0.02, 0.05, 0.02, 0.02
# Of a hundred doses given: 2 off by 12 to 40 %, one in 400 by a factor of ten; of all others one in 70 leaves ±5 %.
OFF, TENFOLD, NOISE = 0.02, 0.0025, 0.02
# One subject in a hundred has no weight at all; of the others one weighing in 25 is missing.
NEVER_WEIGHED, NOT_WEIGHED = 0.01, 0.04

_MEDIAN_KG = np.array([9.3, 12, 14.2, 16.2, 18.2, 20.4, 22.8, 25.3, 28, 31.2, 35.5, 40.2, 45.5, 51, 55.5, 59])
"""Weight at the age of 1, 2, ... 16 years, near the WHO and CDC medians."""


def make_study(folder: Path, subjects: int) -> Path:
    """Write the study of so many subjects into `folder` as Parquet, sorted by subject, and return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    blocks = [make_block(block) for block in range(-(-subjects // BLOCK))]
    last = subject_ids(subjects - 1, 1)[0]
    for table in blocks[0]:
        whole = pl.concat([block[table] for block in blocks], rechunk=False)
        whole.filter(pl.col("subject") <= last).write_parquet(folder / f"{table}.parquet")
    (folder / "study.yaml").write_text(f"name: bench\ndata_cut: {DATA_CUT}\n", encoding="utf-8")
    return folder


def subject_ids(first: int, number: int) -> pl.Series:
    """The ids of subjects `first`, `first` + 1, ..., counted from 0."""
    return "S" + pl.int_range(first + 1, first + number + 1, eager=True).cast(pl.String).str.zfill(8)


def make_block(block: int) -> dict[str, pl.DataFrame]:
    """The tables of one block of subjects."""
    rng = np.random.default_rng((SEED, block))
    ids = subject_ids(block * BLOCK, BLOCK)
    arm = rng.integers(len(ARMS), size=BLOCK)
    zero = np.datetime64("2023-01-01", "D").astype(np.int64) + rng.integers(730, size=BLOCK)
    age = rng.integers(1, 17, size=BLOCK)
    build = _MEDIAN_KG[age - 1] * np.exp(rng.normal(0, 0.12, BLOCK))
    weights = np.round(build[:, None] * rng.normal(1, 0.01, (BLOCK, len(WEIGHED))), 1)
    born = zero - age * 365 - rng.integers(30, 300, size=BLOCK)
    return {
        "subjects": _subjects(rng, ids, arm, zero, born),
        "observations": _observations(rng, ids, zero, weights),
        "administrations": _administrations(rng, ids, arm, zero, weights),
    }


def _subjects(rng: np.random.Generator, ids: pl.Series, arm: Ints, zero: Ints, born: Ints) -> pl.DataFrame:
    sites = [f"site-{n:02}" for n in range(1, 41)]
    columns = {
        "subject": ids,
        "arm": _words(list(ARMS), arm),
        "site": _words(sites, rng.integers(len(sites), size=BLOCK)),
        "sex": _words(["female", "male"], rng.integers(2, size=BLOCK)),
        "birth_date": _dates(born),
        "day_zero": _dates(zero),
    }
    return pl.DataFrame(columns)


def _observations(rng: np.random.Generator, ids: pl.Series, zero: Ints, weights: Floats) -> pl.DataFrame:
    done = (rng.random(weights.shape) >= NOT_WEIGHED) & (rng.random((BLOCK, 1)) >= NEVER_WEIGHED)
    who, which = np.nonzero(done)
    day = zero[who] + WEIGHED[which] - rng.integers(2, size=len(who))
    weight, kg = (pl.Series([word]).new_from_index(0, len(who)) for word in ("weight", "kg"))
    columns = {"subject": ids.gather(who), "measure": weight, "value": pl.Series(weights[done]), "unit": kg}
    return pl.DataFrame(columns | {"at": _dates(day)})


def planned(arm: str) -> list[tuple[int, int]]:
    """Place in SERIES and day of the ten planned doses of an arm."""
    return [(n, s.first + k * s.every) for n, s in enumerate(SERIES) if arm in s.arms for k in range(s.times)]


def _plan() -> tuple[Ints, Ints]:
    """Series and day of the planned doses, one row an arm."""
    both = np.array([planned(arm) for arm in ARMS])
    return both[:, :, 0], both[:, :, 1]


def _of_series(field: str) -> Floats:
    return np.array([getattr(s, field) for s in SERIES], dtype=np.float64)


def _administrations(rng: np.random.Generator, ids: pl.Series, arm: Ints, zero: Ints, weights: Floats) -> pl.DataFrame:
    series, due = (each[arm] for each in _plan())
    draw = rng.random(series.shape)
    denied, missed = draw < DENIED, (draw >= DENIED) & (draw < MISSED)
    day = np.where(denied, due, due + _jitter(rng, series))
    more = np.flatnonzero((rng.random(series.shape) < EXTRA) & ~denied & ~missed)
    kept = np.concatenate([np.flatnonzero(~missed), more])
    who, what = kept // DOSES, series.ravel()[kept]
    when = day.ravel()[kept] + np.where(np.arange(len(kept)) >= len(kept) - len(more), rng.integers(2, 4, len(kept)), 0)
    given = ~denied.ravel()[kept]
    used = weights[who, np.searchsorted(WEIGHED, due.ravel()[kept], side="right") - 1]
    amount = np.where(given, _amounts(rng, what, used), np.nan)
    order = _in_order(who, what, when)
    who, what, when, given, amount = who[order], what[order], when[order], given[order], amount[order]
    columns = {
        "subject": ids.gather(who),
        "treatment": _words([s.name for s in SERIES], what),
        "start": _dates(zero[who] + when),
        "amount": pl.Series(amount, nan_to_null=True),
        "unit": _words([s.unit for s in SERIES], what),
        "status": _words(["not given", "given"], given.astype(np.int64)),
        "viable_or_total": _words([s.counted for s in SERIES], what),
    }
    return pl.DataFrame(columns)


def _jitter(rng: np.random.Generator, series: Ints) -> Ints:
    """Days from the planned day: mostly inside the window, sometimes 1 to 4 days after it or 1 to 3 before it."""
    low, high = (_of_series(side).astype(np.int64)[series] for side in ("low", "high"))
    inside = np.clip(np.rint(rng.normal(0, 0.8, series.shape)).astype(np.int64), low, high)
    draw = rng.random(series.shape)
    late, early = high + rng.integers(1, 5, series.shape), low - rng.integers(1, 4, series.shape)
    return np.where(draw < LATE, late, np.where(draw < LATE + EARLY, early, inside))


def _amounts(rng: np.random.Generator, what: Ints, kg: Floats) -> Floats:
    """The amount of each dose in the unit of its records: near the intended one, sometimes wrong."""
    middle = (_of_series("least") + _of_series("most"))[what] / 2 * np.where(_of_series("per_kg")[what] > 0, kg, 1)
    ceiling = np.array([s.ceiling or np.inf for s in SERIES])[what]
    draw, n = rng.random(len(what)), len(what)
    off = rng.uniform(1.12, 1.4, n) ** rng.choice([-1, 1], n)
    slip = 10.0 ** rng.choice([-1, 1], n)
    wrong = np.where(draw < OFF, off, np.where(draw < OFF + TENFOLD, slip, 1.0))
    amount = np.minimum(middle * rng.normal(1, NOISE, n), ceiling) * wrong
    power = 10.0 ** _of_series("digits")[what]
    return np.asarray(np.rint(amount * power) / power)


def _in_order(who: Ints, what: Ints, when: Ints) -> Ints:
    """Rows by subject and day, without a second row of one series on one day: that would be a bag of the first."""
    row = np.lexsort((what, when, who))
    fresh = np.ones(len(row), np.bool_)
    fresh[1:] = (np.diff(who[row]) != 0) | (np.diff(when[row]) != 0) | (np.diff(what[row]) != 0)
    return row[fresh]


def _words(words: Sequence[str | None], place: Ints) -> pl.Series:
    return pl.Series(words, dtype=pl.String).gather(place)


def _dates(day: Ints) -> pl.Series:
    return pl.Series(day.astype(np.int32)).cast(pl.Date)


if __name__ == "__main__":
    print(make_study(Path(sys.argv[1]), int(sys.argv[2])))
