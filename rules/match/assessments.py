"""Occasions at which something is measured, with what has no result there and what was taken at another time.

An assessment happens where a visit does it, or on days of its own. A result counts for the occasion in whose window its
sample was taken, or on whose visit's day; else for the occasion that it names, or that it lies nearest to.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from protocol.model import Protocol
from rules.arrays import NONE, Flags, Ints
from rules.happened.evidence import Evidence
from rules.happened.records import GIVEN, PARTLY, visit_occurrence
from rules.happened.truth import all_of
from rules.match.frame import Array, occasions_frame
from rules.match.leaving import since_contact
from rules.match.results import Results, read_results, within
from rules.match.tasks import Measures, Task, tasks_of
from rules.occasions import schema
from rules.planning.slots import ArmPlan
from rules.timing.grid import Grid, Laid

States = npt.NDArray[np.int8]
THERE, NONE_COMES, UNTOLD, UNDATED, NEVER = range(5)
"""Of a measure at an occasion: has a result, has none and none will come, has none yet, has one of an unknown day, and
has none here nor at any other occasion."""
OPEN = (UNTOLD, NEVER)


@dataclass(frozen=True)
class Rows:
    """Occasions of one grid that can be judged: participant of the grid, column, and the days a sample may have."""

    grid: Grid
    who: Ints
    column: Ints
    first: Ints
    last: Ints
    tasks: dict[int, tuple[Task, ...]]

    def take(self, chosen: Array) -> Rows:
        """Some of the occasions."""
        return Rows(self.grid, self.who[chosen], self.column[chosen], self.first[chosen], self.last[chosen], self.tasks)

    @property
    def s(self) -> Ints:
        """Participants of the partition."""
        return self.grid.s[self.who]

    def needing(self, measure: int) -> Flags:
        """The occasions at which a measure is due."""
        columns = [c for c, tasks in self.tasks.items() if any(measure in task.measures for task in tasks)]
        return np.isin(self.column, columns)


def assessment_occasions(laid: Laid) -> pl.DataFrame:
    """One row per visit that was held and per assessment with a day of its own, of which results can be judged."""
    measures = Measures(laid.plan)
    rows = [_rows(laid, grid, tasks_of(grid.arm, measures)) for grid in laid.grids if not grid.arm.concurrent]
    rows = [r for r in rows if len(r.who)] if "observations" in laid.evidence.tables else []
    if not rows:
        return pl.DataFrame(schema=schema("assessments") | _BESIDE)
    results = read_results(laid.evidence, measures.words)
    return pl.concat([_table(laid, r, *results, len(measures.words)) for r in rows])


_BESIDE: dict[str, pl.DataType] = {
    "day": pl.Int32(),
    "opens": pl.Int32(),
    "closes": pl.Int32(),
    "days_outside": pl.Int32(),
    "sampled": pl.Int32(),
    "delayed": pl.Int32(),
    "table": pl.String(),
    **dict.fromkeys(("gaps_missed", "gaps_incomplete", "gaps_untold"), pl.String()),
}
"""What the sentences need: of gaps the names, `counts=hb,anc` where only these measures of an assessment have none."""


def _rows(laid: Laid, grid: Grid, tasks: dict[int, tuple[Task, ...]]) -> Rows:
    """The occasions whose window is past: visits that were held, and expected assessments."""
    columns = np.array(sorted(tasks), dtype=np.int32)
    if not len(columns):
        return Rows(grid, columns, columns, columns, columns, tasks)
    opens, closes, actual = grid.opens[:, columns], grid.closes[:, columns], grid.actual[:, columns]
    visit = np.array([grid.arm.slots[c].part.kind == "visit" for c in columns])[None, :]
    record = grid.record[:, columns]
    held = visit & (record >= 0) & (actual != NONE)
    ends = actual
    if held.any():
        at = np.where(held, record, 0)
        held &= np.isin(laid.visits.status[at], (GIVEN, PARTLY))
        ends = np.where(held, laid.visits.last[at], actual)
    # A visit out of its window is one fault: what was done on its day was done at the visit.
    first = np.where(held & ((opens == NONE) | (actual < opens)), actual, opens)
    last = np.where(held & ((closes == NONE) | (ends > closes)), ends, closes)
    lost = since_contact(laid, grid)[:, columns]
    # Of a cycle that has not begun only its first drug is asked for.
    own = ~visit & (grid.expected[:, columns] != 0) & (first != NONE) & (last != NONE) & ~lost
    own &= ~grid.waits()[:, columns]
    who, place = np.nonzero((held | own) & (last < laid.evidence.horizon))
    days = (first[who, place].astype(np.int32), last[who, place].astype(np.int32))
    return Rows(grid, who.astype(np.int32), columns[place], *days, tasks)


def _table(laid: Laid, rows: Rows, results: Results, undated: Results, denied: Results, measures: int) -> pl.DataFrame:
    grid, n = rows.grid, len(rows.who)
    found = [(m, np.flatnonzero(rows.needing(m))) for m in range(measures)]
    missing = {m: at[results.at(m, rows.s[at], rows.first[at], rows.last[at]) == NONE] for m, at in found if len(at)}
    short = np.unique(np.concatenate([np.zeros(0, np.int64), *missing.values()]))
    few = _search(laid, rows.take(short), {m: np.searchsorted(short, at) for m, at in missing.items()},
                  results, undated, denied)  # fmt: skip
    texts = {name: np.full(n, None, dtype=object) for name in ("gaps_missed", "gaps_incomplete", "gaps_untold")}
    outside, days_outside, sampled = np.zeros(n, np.int8), np.full(n, NONE, np.int32), np.full(n, NONE, np.int32)
    outside[short], days_outside[short], sampled[short] = few.outside, few.days_outside, few.sampled
    for name, text in zip(texts, _gaps(laid, rows.take(short), few.states), strict=True):
        texts[name][short] = text
    gaps = {name: pl.Series(list(text), dtype=pl.String) for name, text in texts.items()}
    at = (rows.who, rows.column)
    slots = grid.arm.slots
    visit = np.array([s.part.kind == "visit" for s in slots])[rows.column]
    timed = np.array([s.low is not None or s.clock is not None for s in slots])[rows.column] & (grid.opens[at] != NONE)
    columns: dict[str, Array | pl.Series] = {
        "s": rows.s,
        "part": np.array([s.part.code for s in slots], dtype=np.int32)[rows.column],
        "row": _lines(laid, np.where(visit, grid.record[at], -1)),
        "occurrence": np.array([s.occurrence for s in slots], dtype=np.int32)[rows.column],
        "expected": np.where(visit, 1, grid.expected[at]).astype(np.int8),
        "expected_fact": _fact(laid, rows),
        "over": np.ones(n, np.bool_),
        "missed": gaps["gaps_missed"].is_not_null(),
        "incomplete": gaps["gaps_incomplete"].is_not_null(),
        "untold": gaps["gaps_untold"].is_not_null(),
        "timed": timed,
        "outside": outside,
        "due": grid.due[at],
    }
    return occasions_frame(
        "assessments",
        columns,
        day=np.where(visit, grid.actual[at], NONE).astype(np.int32),
        opens=grid.opens[at],
        closes=grid.closes[at],
        days_outside=days_outside,
        sampled=sampled,
        delayed=grid.delayed[at],
        table=pl.Series(["visits"], dtype=pl.String).new_from_index(0, n),
        **gaps,
    ).cast(_BESIDE)  # type: ignore[arg-type]


def _fact(laid: Laid, rows: Rows) -> pl.Series:
    """What is missing where it cannot be told whether an occasion is expected: the day of the end, or a condition."""
    first, last = laid.states.end("assessment", "", rows.s)
    ending = (first != last) & (rows.grid.due[rows.who, rows.column] >= first)
    words = pl.Series(["condition", "stop-date"])
    return words.gather(pl.Series(ending.astype(np.uint32)))


def _lines(laid: Laid, record: Ints) -> Ints:
    """The lines of the visits' records, `NONE` where an occasion is no visit."""
    lines = np.full(len(record), NONE, np.int32)
    there = np.flatnonzero(record >= 0)
    lines[there] = laid.evidence.frames["visits"]["row"].to_numpy()[laid.visits.place[record[there]]]
    return lines


class _Few(NamedTuple):
    """Of the occasions where something is not in the window: each measure's state, and what was taken elsewhere."""

    states: States
    outside: npt.NDArray[np.int8]
    days_outside: Ints
    sampled: Ints


def _search(
    laid: Laid, rows: Rows, missing: dict[int, Array], results: Results, undated: Results, denied: Results
) -> _Few:
    """Results that belong to the occasions all the same: they name its visit, or lie nearest to it."""
    n = len(rows.who)
    states = np.zeros((n, max(missing, default=-1) + 1), np.int8)
    few = _Few(states, np.zeros(n, np.int8), np.full(n, NONE, np.int32), np.full(n, NONE, np.int32))
    if not n:
        return few
    nearest, first, last = _territory(rows)
    names = _names(laid.plan.protocol, rows.grid.arm, (results, denied))
    by_visit, denied_by_visit = results.labelled(names), denied.labelled(names)
    for measure, at in missing.items():
        who = (measure, rows.s[at])
        day = _of_visit(by_visit, *who, rows.column[at])
        day = np.where(day == NONE, results.near(*who, nearest[at], first[at], last[at]), day)
        vague = (day == NONE) & _undated(undated, *who, first[at], last[at])
        said = within(denied.near(*who, nearest[at], first[at], last[at]), first[at], last[at])
        said |= _of_visit(denied_by_visit, *who, rows.column[at]) != NONE
        gap = np.where(said | laid.evidence.final, NONE_COMES, _how_open(results, undated, measure, rows.take(at)))
        states[at, measure] = np.where(day != NONE, THERE, np.where(vague, UNDATED, gap))
        elsewhere = np.flatnonzero(day != NONE)
        off = np.maximum(rows.first[at] - day, day - rows.last[at])[elsewhere]
        further = off > few.days_outside[at[elsewhere]]
        few.days_outside[at[elsewhere[further]]] = off[further]
        few.sampled[at[elsewhere[further]]] = day[elsewhere[further]]
    few.outside[:] = np.where(few.sampled != NONE, 1, np.where((states == UNDATED).any(axis=1), -1, 0))
    return few


def _how_open(results: Results, undated: Results, measure: int, rows: Rows) -> States:
    """What is asked where there is no result: what a participant never has is asked once, at its first occasion."""
    first, last = (np.full(len(rows.who), end, np.int32) for end in (-_EVER, _EVER))
    ever = [r.at(measure, rows.s, first, last) != NONE for r in (results, undated)]
    order = np.lexsort((rows.first, rows.who))
    head = np.zeros(len(order), np.bool_)
    head[order] = np.concatenate(([True], np.diff(rows.who[order]) != 0))[: len(order)]
    return np.where(ever[0] | ever[1], UNTOLD, np.where(head, NEVER, THERE)).astype(np.int8)


_EVER = 1 << 18
"""Days from 1970 on either side: every day."""


def _territory(rows: Rows) -> tuple[Ints, Ints, Ints]:
    """The day of each occasion, and the days that lie nearer to it than to the one before or after.

    Neighbours of a visit are all visits, for a sample taken about another visit is that visit's; of the first and the
    last the other side counts, and a single occasion reaches as far again as its window is wide.
    """
    grid = rows.grid
    coming = np.where(grid.expected != 0, grid.due, NONE)
    days_of = np.where(grid.actual != NONE, grid.actual, coming)
    nearest = days_of[rows.who, rows.column].astype(np.int32)
    before, after = np.full(len(nearest), NONE, np.int32), np.full(len(nearest), NONE, np.int32)
    for column in np.unique(rows.column):
        part = grid.arm.slots[column].part
        beside = [
            c
            for c, slot in enumerate(grid.arm.slots)
            if (slot.part.kind == "visit" if part.kind == "visit" else slot.part.activity == part.activity)
        ]
        at = np.flatnonzero(rows.column == column)
        others, mine = days_of[rows.who[at]][:, beside], nearest[at][:, None]
        before[at] = np.where(others < mine, others, NONE).max(axis=1)
        later = np.where((others > mine) & (others != NONE), others, np.iinfo(np.int32).max).min(axis=1)
        after[at] = np.where(later == np.iinfo(np.int32).max, NONE, later)
    back = np.where(before != NONE, (nearest - before - 1) // 2, NONE)
    ahead = np.where(after != NONE, (after - nearest) // 2, NONE)
    back, ahead = np.where(back == NONE, ahead, back), np.where(ahead == NONE, back, ahead)
    alone, wide = back == NONE, rows.last - rows.first + 1
    first = np.where(alone, rows.first - wide, np.minimum(rows.first, nearest - back))
    last = np.where(alone, rows.last + wide, np.maximum(rows.last, nearest + ahead))
    return nearest, first.astype(np.int32), last.astype(np.int32)


def _names(protocol: Protocol, arm: ArmPlan, results: Iterable[Results]) -> dict[str, int]:
    """The column of an arm that each recorded name of a visit stands for."""
    found: dict[str, int] = {}
    for word in {word for r in results for word in r.visit.unique().drop_nulls()}:
        name, number = visit_occurrence(protocol, word)
        columns = arm.columns(name) if name is not None else []
        if len(columns) == 1 or (number is not None and 0 < number <= len(columns)):
            found[word] = columns[0] if len(columns) == 1 else columns[(number or 1) - 1]
    return found


def _of_visit(by_visit: Results, measure: int, s: Ints, column: Ints) -> Ints:
    """The day of the result that names the visit of a column, `NONE` where none does."""
    if not len(by_visit.s):
        return np.full(len(s), NONE, np.int32)
    place = by_visit.at(measure, s, column, column)
    found = np.searchsorted(by_visit.key, _column_keys(by_visit, measure, s, column))
    return np.where(place != NONE, by_visit.last[np.minimum(found, len(by_visit.s) - 1)], NONE).astype(np.int32)


def _column_keys(by_visit: Results, measure: int, s: Ints, column: Ints) -> npt.NDArray[np.int64]:
    codes = np.full(len(s), measure, np.int32)
    return Results(codes, s, column, column, by_visit.visit).key


def _undated(undated: Results, measure: int, s: Ints, first: Ints, last: Ints) -> Flags:
    """Whether a result whose date is known in part may have been taken from the first to the last day."""
    if not len(undated.s):
        return np.zeros(len(s), np.bool_)
    lowest = np.full(len(s), -(1 << 18), np.int32)
    day = undated.near(measure, s, last, lowest, last)
    place = np.searchsorted(undated.key, _column_keys(undated, measure, s, day))
    ends = undated.last[np.minimum(place, len(undated.s) - 1)]
    overlaps: Flags = (day != NONE) & (ends >= first)
    return overlaps


def _gaps(laid: Laid, rows: Rows, states: States) -> tuple[Array, Array, Array]:
    """What is missed, incomplete or untold at each occasion, as text; None where nothing is."""
    n = len(rows.who)
    texts = tuple(np.full(n, None, dtype=object) for _ in range(3))
    if not states.size:
        return texts  # type: ignore[return-value]
    states = _where_due(laid.evidence, rows, states)
    patterns, of = np.unique(np.column_stack([rows.column, states]), axis=0, return_inverse=True)
    for number, pattern in enumerate(patterns):
        for text, said in zip(texts, _gaps_of(rows.tasks[int(pattern[0])], pattern[1:]), strict=True):
            if said:
                text[of.ravel() == number] = said
    return texts  # type: ignore[return-value]


def _where_due(e: Evidence, rows: Rows, states: States) -> States:
    """States without the gaps of assessments whose condition does not hold on the day; where it is open they are."""
    states = states.copy()
    day = np.where(rows.last > e.horizon, e.horizon, rows.first).astype(np.int32)
    for column, tasks in rows.tasks.items():
        at = np.flatnonzero(rows.column == column)
        for task in tasks if len(at) else ():
            if task.if_:
                holds = all_of(task.if_, e, rows.s[at], day[at])
                for m in (m for m in task.measures if m < states.shape[1]):
                    gap = np.isin(states[at, m], (NONE_COMES, *OPEN))
                    states[at, m] = np.where(
                        gap & (holds == 0), THERE, np.where(gap & (holds < 0), UNTOLD, states[at, m])
                    )
    return states


def _gaps_of(tasks: tuple[Task, ...], states: Array) -> tuple[str, str, str]:
    """What is missed, incomplete or untold among the tasks of one occasion."""
    said: tuple[list[str], list[str], list[str]] = ([], [], [])
    for task in tasks:
        found = {name: states[m] for m, name in zip(task.measures, task.names, strict=True) if m < len(states)}
        without = [name for name, state in found.items() if state in (NONE_COMES, *OPEN)]
        if without:
            whole = len(without) == len(task.measures)
            text = task.name if whole else f"{task.name}={','.join(without)}"
            text += "!" if any(found[name] == NEVER for name in without) else ""
            open_ = any(found[name] in OPEN for name in without)
            said[2 if open_ else 0 if whole else 1].append(text)
    return tuple(";".join(texts) for texts in said)  # type: ignore[return-value]
