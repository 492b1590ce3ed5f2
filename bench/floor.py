"""The floor: the leanest program we could write that reads the same Parquet and reaches the same verdicts.

It knows this one protocol by heart, checks nothing that it reads, explains nothing, and writes numbers and codes, no
sentence. Of the engine it shares two things: which planned dose a record is, and how sure that is (rules/identity), and
the processes that the parts are given to. Every run compares its answers with the engine's.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from bench.make_study import ARMS, DATA_CUT, SERIES, Series
from bench.naive_model import BASE, MEDIAN
from perprotocol.bulk.processes import in_processes
from rules.arrays import NONE
from rules.identity.assignment import assign, reach
from rules.identity.series import in_doubt

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
PART = 50_000
CUT = (date.fromisoformat(DATA_CUT) - date(1970, 1, 1)).days
CODES = (
    "wrong_treatment", "unplanned_dose", "dose_not_given", "dose_no_record", "dose_early", "dose_late",
    "interval_too_short", "overdose", "above_ceiling", "underdose", "unit_doubtful", "amount_zero", "weight_stale",
    "weight", "weight_implausible", "identity_untold",
)  # fmt: skip
ACTIVITIES = (*(s.name for s in SERIES), "weight")
STALE = 14


class Facts(NamedTuple):
    """The rows of some whole participants, as numbers."""

    subject: pl.Series
    arm: Ints
    born: Ints
    zero: Ints
    weighed: Ints
    weight_day: Ints
    grams: Ints
    who: Ints
    series: Ints
    day: Ints
    amount: npt.NDArray[np.float64]
    given: Flags


Found = list[tuple[str, Ints | int, Ints, Ints, Ints]]
"""Code, activity, participant, occurrence and row (0 for none) of what was found."""


def audit(folder: Path, out: Path, workers: int | None = None) -> int:
    """The verdicts stand in `out`, a file a part; the number of findings and queries is returned."""
    firsts = pl.read_parquet(folder / "subjects.parquet", columns=["subject"])["subject"].gather_every(PART)
    cuts = {name: _cuts(folder / f"{name}.parquet", firsts) for name in ("subjects", "observations", "administrations")}
    parts = [(n, {name: found[n] for name, found in cuts.items()}) for n in range(len(firsts))]
    return sum(in_processes(partial(_part, folder=folder, out=out), parts, workers))


def _cuts(path: Path, firsts: pl.Series) -> list[tuple[int, int]]:
    subjects = pl.read_parquet(path, columns=["subject"])["subject"]
    edges = [*subjects.search_sorted(firsts).to_list(), len(subjects)]
    return [(first, last - first) for first, last in pairwise(edges)]


def _part(numbered: tuple[int, dict[str, tuple[int, int]]], *, folder: Path, out: Path) -> int:
    number, rows = numbered
    facts = _read(folder, rows)
    line = rows["administrations"][0] + 1
    found = [*_weights(facts, rows["observations"][0] + 1)]
    for n, series in enumerate(SERIES):
        found += _judge(facts, n, series, line)
    table = _table(facts, found)
    table.write_parquet(out / f"part-{number:05}.parquet", compression_level=1)
    return len(table)


def _read(folder: Path, rows: dict[str, tuple[int, int]]) -> Facts:
    def table(name: str, *columns: str) -> pl.DataFrame:
        return pl.scan_parquet(folder / f"{name}.parquet").select(columns).slice(*rows[name]).collect()

    people = table("subjects", "subject", "arm", "birth_date", "day_zero")
    seen = table("observations", "subject", "value", "at")
    doses = table("administrations", "subject", "treatment", "start", "amount", "status")
    names = pl.Enum([s.name for s in SERIES])
    return Facts(
        people["subject"], people["arm"].cast(pl.Enum(list(ARMS))).to_physical().to_numpy().astype(np.int64),
        _days(people["birth_date"]), _days(people["day_zero"]), _who(seen["subject"], people["subject"]),
        _days(seen["at"]), np.round(seen["value"].to_numpy() * 1000).astype(np.int64),
        _who(doses["subject"], people["subject"]),
        doses["treatment"].cast(names).to_physical().to_numpy().astype(np.int64), _days(doses["start"]),
        doses["amount"].to_numpy(), (doses["status"] == "given").to_numpy(),
    )  # fmt: skip


def _days(column: pl.Series) -> Ints:
    return column.cast(pl.Int32).to_numpy().astype(np.int64)


def _who(subject: pl.Series, people: pl.Series) -> Ints:
    runs = subject.rle()
    places = people.search_sorted(runs.struct.field("value")).to_numpy().astype(np.int64)
    return np.repeat(places, runs.struct.field("len").to_numpy())


def _key(who: Ints, day: Ints) -> Ints:
    return (who << 20) + day


# --- one series ---------------------------------------------------------------------------------------------------


def _judge(f: Facts, n: int, series: Series, line: int) -> Found:
    """What is found of one treatment."""
    rows = np.flatnonzero(f.series == n)
    mine = np.array([arm in series.arms for arm in ARMS])[f.arm]
    wrong = rows[~mine[f.who[rows]] & f.given[rows]]
    none = np.zeros(len(wrong), np.int64)
    found: Found = [("wrong_treatment", n, f.who[wrong], none, wrong + line)]
    rows = rows[mine[f.who[rows]]]
    people = np.flatnonzero(mine)
    offsets = series.first + np.arange(series.times) * series.every
    due = f.zero[people, None] + offsets
    record, untold = _identify(f, series, people, rows, due, offsets)
    extra = np.setdiff1d(rows, record[record >= 0], assume_unique=True)
    extra = extra[f.given[extra] & ~np.isin(extra, untold)]
    found.append(("unplanned_dose", n, f.who[extra], np.zeros(len(extra), np.int64), extra + line))
    found.append(("amount_zero", n, *_of_rows(f, extra[f.amount[extra] == 0], line)))
    earliest, opens, closes = _windows(f, series, record, due)
    there = record >= 0
    given = there & f.given[record]
    day = f.day[record]
    open_ = there & np.isin(record, untold)
    beside = np.zeros(open_.shape, np.bool_)
    beside[:, 1:] |= open_[:, :-1]
    beside[:, :-1] |= open_[:, 1:]
    planned = {
        "identity_untold": given & open_,
        "dose_not_given": there & ~given,
        "dose_no_record": ~there & (closes < CUT) & ~beside,
        "dose_early": given & (day < opens) & (opens != earliest) & ~open_,
        "dose_late": given & (day > closes) & ~open_,
        "interval_too_short": given & (day < earliest),
    }
    for code, which in planned.items():
        i, k = np.nonzero(which)
        found.append((code, n, people[i], k + 1, np.where(there[i, k], record[i, k] + line, 0)))
    i, k = np.nonzero(given)
    for code, which in _amounts(f, series, record[i, k]):
        found.append((code, n, people[i[which]], k[which] + 1, record[i[which], k[which]] + line))
    return found


def _of_rows(f: Facts, rows: Ints, line: int) -> tuple[Ints, Ints, Ints]:
    return f.who[rows], np.zeros(len(rows), np.int64), rows + line


def _identify(f: Facts, series: Series, people: Ints, rows: Ints, due: Ints, offsets: Ints) -> tuple[Ints, Ints]:
    """The record of each planned dose, -1 for none, and the records that may as well be another planned dose."""
    place = np.searchsorted(people, f.who[rows])
    first = np.searchsorted(place, np.arange(len(people)))
    nth = np.arange(len(rows)) - first[place]
    matrix = np.full((len(people), int(nth.max(initial=0)) + 1), NONE, np.int32)
    matrix[place, nth] = f.day[rows]
    before, after = reach(offsets, series.low, series.high)
    days = due.astype(np.int32)
    slot = assign(days, matrix, before, after).slot
    doubtful = np.flatnonzero(in_doubt(days, matrix, slot))
    margin = np.ones(matrix.shape, np.int32)
    margin[doubtful] = assign(days[doubtful], matrix[doubtful], before, after, margin=True).margin
    alike = matrix[:, 1:] == matrix[:, :-1]
    margin[:, 1:][alike] = margin[:, :-1][alike] = 1
    taken = slot[place, nth]
    record = np.full(due.shape, -1, np.int64)
    record[place[taken >= 0], taken[taken >= 0]] = rows[taken >= 0]
    return record, rows[margin[place, nth] == 0]


def _windows(f: Facts, series: Series, record: Ints, due: Ints) -> tuple[Ints, Ints, Ints]:
    """The earliest day after the dose before, and the window that it pushes."""
    given = np.where((record >= 0) & f.given[record], f.day[record], -1 << 40)
    last = np.maximum.accumulate(given, axis=1)
    earliest = np.full(due.shape, -1 << 40)
    earliest[:, 1:] = last[:, :-1] + series.apart
    opens, closes = np.maximum(due + series.low, earliest), np.maximum(due + series.high, earliest)
    return earliest, opens, closes


def _amounts(f: Facts, series: Series, row: Ints) -> Iterator[tuple[str, Ints]]:
    """Which of some doses given deviate in their amount, by code."""
    unit = BASE[series.unit]
    known = ~np.isnan(f.amount[row])
    amount = np.round(np.where(known, f.amount[row], 0) * unit).astype(np.int64)
    low, high = round(series.least * unit), round(series.most * unit)
    grams, weighed = np.full(len(row), 1000), np.ones(len(row), np.bool_)
    heavy = light = np.zeros(len(row), np.bool_)
    implied_ratio = np.ones(len(row))
    if series.per_kg:
        at = np.searchsorted(_key(f.weighed, f.weight_day), _key(f.who[row], f.day[row]), side="right") - 1
        weighed = (at >= 0) & (f.weighed[np.maximum(at, 0)] == f.who[row])
        grams = np.where(weighed, f.grams[np.maximum(at, 0)], 0)
        yield "weight_stale", np.flatnonzero(weighed & (f.day[row] - f.weight_day[at] > STALE))
        yield "weight", np.flatnonzero(~weighed & (amount > 0))
        bare = ~weighed & (amount > 0)
        implied = amount * 1000 // ((low + high) // 2)
        least, most = _plausible(f.day[row] - f.born[f.who[row]])
        heavy, light = bare & (implied > most), bare & (implied < least)
        implied_ratio = np.where(bare, implied / (most / 2), 1)
    top = round(series.ceiling * unit) if series.ceiling else None
    smallest, largest = (d * grams if top is None else np.minimum(d * grams, top * 1000) for d in (low, high))
    share = round(series.tolerance * 10_000)
    fewest = -(-smallest * (10_000 - share) // 10_000_000)
    limit = largest * (10_000 + share) // 10_000_000
    limit = limit if top is None else np.minimum(limit, top)
    above = np.zeros(len(row), np.bool_) if top is None else known & (amount > top)
    over = np.where(weighed, amount * 1000 / np.maximum(largest, 1), np.where(heavy, implied_ratio, 0))
    under = np.where(
        weighed, smallest / np.maximum(amount * 1000, 1), np.where(light, 1 / np.maximum(implied_ratio, 1e-9), 0)
    )
    doubtful = known & (amount > 0) & ((over > 3e4) | (under > 3e4))
    judged = known & ~doubtful
    yield "unit_doubtful", np.flatnonzero(doubtful)
    yield "above_ceiling", np.flatnonzero(above & ~doubtful)
    yield "overdose", np.flatnonzero(judged & ~above & ((weighed & (amount > limit)) | heavy))
    yield "underdose", np.flatnonzero(judged & (amount > 0) & ((weighed & (amount < fewest)) | light))
    yield "amount_zero", np.flatnonzero(known & (amount == 0))


# --- weights and the table ----------------------------------------------------------------------------------------


def _plausible(days: Ints) -> tuple[Ints, Ints]:
    months, grams = np.array(MEDIAN).T
    median = np.round(np.interp(days / 30.4375, months, grams)).astype(np.int64)
    grown = days >= 20 * 365.25
    return np.where(grown, 25_000, np.minimum(median // 2, 25_000)), np.where(grown, 300_000, median * 2)


def _weights(f: Facts, line: int) -> Found:
    low, high = _plausible(f.weight_day - f.born[f.weighed])
    odd = np.flatnonzero((f.grams < low) | (f.grams > high))
    return [("weight_implausible", len(SERIES), f.weighed[odd], np.zeros(len(odd), np.int64), odd + line)]


def _table(f: Facts, found: Found) -> pl.DataFrame:
    """The verdicts, sorted by participant."""
    code = np.repeat([CODES.index(each[0]) for each in found], [len(each[2]) for each in found])
    activity = np.repeat([int(each[1]) for each in found], [len(each[2]) for each in found])
    who, occurrence, row = (np.concatenate([each[n] for each in found]) for n in (2, 3, 4))
    order = np.argsort(who, kind="stable")
    words: dict[str, Any] = {"activity": (ACTIVITIES, activity), "code": (CODES, code)}
    texts = {name: pl.Series(known, dtype=pl.Enum(known)).gather(of[order]) for name, (known, of) in words.items()}
    return pl.DataFrame(
        {
            "subject": f.subject.gather(who[order]),
            **texts,
            "occurrence": occurrence[order].astype(np.int32),
            "row": row[order],
        }
    )
