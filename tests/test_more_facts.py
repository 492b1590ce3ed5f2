"""Filling in what a query asked for answers the query, and touches nothing that the query did not say it blocks."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from random import Random
from typing import Any

import polars as pl
import pytest

from perprotocol.simulation.faults import KINDS, Fault, World
from perprotocol.simulation.faults.amounts import unit_slip, weight_missing, weight_stale
from perprotocol.simulation.faults.people import ineligible
from perprotocol.simulation.faults.records import duplicate
from perprotocol.simulation.faults.timing import dose_no_record, dose_not_given
from perprotocol.simulation.patient import Row
from perprotocol.simulation.tables import rows_of
from rules import audit, from_frames
from rules.deviations import BY_CODE
from tests.trials import PLAIN, stayers, trial

AFTER_ALL = date(2040, 1, 1)
FAULTS = [kind.put for kind in KINDS.values() if "contradictions" not in kind.put.__module__]
"""Records that contradict each other are gaps themselves."""
Rows = dict[str, list[Row]]
Gap = Callable[[Rows, Random], bool]


def no_weight(rows: Rows, rng: Random) -> bool:
    """No weighing is on record."""
    kept = [row for row in rows["observations"] if row["measure"] != "weight"]
    taken = len(kept) < len(rows["observations"])
    rows["observations"] = kept
    return taken


def no_height(rows: Rows, rng: Random) -> bool:
    """No height is on record."""
    kept = [row for row in rows["observations"] if row["measure"] != "height"]
    taken = len(kept) < len(rows["observations"])
    rows["observations"] = kept
    return taken


def no_value(rows: Rows, rng: Random) -> bool:
    """A value that eligibility rests on is not on record."""
    others = [row for row in rows["observations"] if row["measure"] not in ("weight", "height")]
    if others:
        rows["observations"].remove(rng.choice(others))
    return bool(others)


def no_amount(rows: Rows, rng: Random) -> bool:
    """A dose without its amount."""
    with_amount = [row for row in rows["administrations"] if row.get("amount")]
    if with_amount:
        rng.choice(with_amount).update(amount=None)
    return bool(with_amount)


def no_count(rows: Rows, rng: Random) -> bool:
    """A dose of cells that does not say which cells are counted."""
    with_count = [row for row in rows["administrations"] if row.get("viable_or_total")]
    if with_count:
        rng.choice(with_count).update(viable_or_total=None)
    return bool(with_count)


def no_dose(rows: Rows, rng: Random) -> bool:
    """A dose of which nothing is recorded: the last one of those that nothing else is counted from."""
    others = [r for r in rows["administrations"] if r["treatment"] not in ANCHORS and not r["frequency"]]
    others = [] if rows["events"] else others
    if others:
        rows["administrations"].remove(max(others, key=lambda row: str(row["start"])))
    return bool(others)


ANCHORS = ("infusion", "vaccine", "pulse", "depot", "atg")
"""Treatments that other activities are counted from."""


def no_visit(rows: Rows, rng: Random) -> bool:
    """A visit of which nothing is recorded."""
    if rows["visits"]:
        rows["visits"].remove(max(rows["visits"], key=lambda row: str(row["date"])))
    return bool(rows["visits"])


def no_arm(rows: Rows, rng: Random) -> bool:
    """The arm is not on record."""
    rows["subjects"][0]["arm"] = None
    return True


def no_consent(rows: Rows, rng: Random) -> bool:
    """Consent is not on record, and that of others is."""
    rows["consents"] = []
    return True


def open_hold(rows: Rows, rng: Random) -> bool:
    """A hold before the last dose whose end nobody recorded; it ended on the day it began."""
    last = max(rows["administrations"], key=lambda row: str(row["start"]))
    start = last["start"]
    assert isinstance(start, date)
    rows["events"].append(
        {"subject": last["subject"], "event": "hold", "start": start - timedelta(days=2), "end": None}
    )
    return True


def month_of_death(rows: Rows, rng: Random) -> bool:
    """Of the day of death only the month is known, in which the last dose was due; nothing is recorded of that dose."""
    who = rows["subjects"][0]["subject"]
    last = max(rows["administrations"], key=lambda row: str(row["start"]))
    rows["administrations"].remove(last)
    rows["visits"] = [row for row in rows["visits"] if str(row["date"]) < str(last["start"])]
    rows["observations"] = [row for row in rows["observations"] if str(row["at"]) < str(last["start"])]
    rows["milestones"].append({"subject": who, "milestone": "death", "date": str(last["start"])[:7]})
    return bool(rows["administrations"]) and str(last["start"])[8:10] != "01"


def no_day_zero(rows: Rows, rng: Random) -> bool:
    """Day zero is not on record."""
    rows["subjects"][0]["day_zero"] = None
    return True


def filled(gap: Gap, before: Rows, gappy: Rows) -> Rows:
    """The rows without the gap: as they were, but for what the gap itself added and left open."""
    if gap is open_hold:
        gappy = deepcopy(gappy)
        gappy["events"][-1]["end"] = gappy["events"][-1]["start"]
        return gappy
    if gap is month_of_death:
        gappy = deepcopy(gappy)
        gappy["milestones"][-1]["date"] = max(str(row["start"]) for row in before["administrations"])
        return gappy
    return before


GAPS: tuple[Gap, ...] = (
    no_weight,
    no_height,
    no_value,
    no_amount,
    no_count,
    no_dose,
    no_visit,
    no_arm,
    no_day_zero,
    no_consent,
    open_hold,
    month_of_death,
)


@dataclass(frozen=True)
class Told:
    """What an audit tells of one participant: rule, activity and day of findings, and queries by the same."""

    findings: set[tuple[Any, ...]]
    queries: dict[str, dict[str, Any]]


def audited(name: str, people: list[Rows]) -> dict[str, Told]:
    """One audit of all these rows, by participant."""
    tables = {table: [row for rows in people for row in rows[table]] for table in people[0]}
    report = audit(trial(name), from_frames("sim", {t: rows for t, rows in tables.items() if rows}), as_of=AFTER_ALL)
    place = pl.coalesce(pl.col("date").cast(pl.String), pl.col("occurrence").cast(pl.String))
    # Lost since when is the day of the last record, whichever that is: a visit filled in may be later.
    place = pl.when(pl.col("code") != "lost_to_follow_up").then(place)
    told = {subject: Told(set(), {}) for subject in ["", *(str(row["subject"]) for row in tables["subjects"])]}
    for subject, *what in report.findings.select("subject", "code", "activity", place).rows():
        told[subject].findings.add(tuple(what))
    for query in report.queries.with_columns(place=place).rows(named=True):
        told[query["subject"] or ""].queries[f"{query['code']} {query['activity']} {query['place']}"] = query
    return told


@dataclass(frozen=True)
class Trial:
    """Somebody with a gap, and perhaps a fault; what is told with the gap, and what with the gap filled."""

    gap: Gap
    world: World
    blind: Told
    clear: Told

    @property
    def answered(self) -> list[dict[str, Any]]:
        """The queries that filling the gap answered."""
        return [query for key, query in self.blind.queries.items() if key not in self.clear.queries]


@cache
def tried(name: str, faults: bool) -> tuple[Trial, ...]:
    """Every gap in several participants, without or with a fault of each kind, all in one study."""
    protocol = trial(name)
    drawn: list[tuple[Gap, World, Rows, Rows]] = []
    for n, gap in enumerate(GAPS):
        for m, fault in enumerate(FAULTS if faults else [None] * 4):
            seed = 100 * n + m
            world = World(stayers(name), seed)
            case = fault(world, Random(seed)) if fault else None
            if (fault and case is None) or (gap, fault) in LEFT_OUT or (fault and gap in LAST):
                continue
            before = rows_of(protocol, case.patient if case else world.live())
            gappy = deepcopy(before)
            if gap(gappy, Random(seed)):
                drawn.append((gap, world, gappy, filled(gap, before, gappy)))
    blind, clear = audited(name, [d[2] for d in drawn]), audited(name, [d[3] for d in drawn])
    subjects = [str(d[2]["subjects"][0]["subject"]) for d in drawn]
    return tuple(Trial(d[0], d[1], blind[s], clear[s]) for d, s in zip(drawn, subjects, strict=True))


AT_THE_FAULT = ((no_amount, duplicate), (open_hold, dose_no_record))
"""Gaps where a fault is, which the query about the gap must name: tried below one by one."""

LEFT_OUT = {
    (no_weight, weight_missing),
    (no_height, weight_missing),
    (no_weight, weight_stale),
    (open_hold, dose_not_given),  # not given in a hold without an end: neither found nor asked about yet
    (no_weight, unit_slip),  # far above a ceiling is above it, whatever the weight, and a slip once it is known
    (no_value, ineligible),
    *((no_visit, fault) for fault in FAULTS if fault.__name__.startswith("visit")),
    *AT_THE_FAULT,
}
"""Gaps where the fault is."""

LAST = (no_dose, month_of_death)
"""Gaps where the last dose was, which may be the faulty one."""


def matters(gap: Gap, world: World) -> bool:
    """The gap must be asked about: unless others tell, nothing of the arm rests on it, or it can be found elsewhere."""
    if gap in (no_visit, no_consent):
        return world.judged
    if gap in (no_weight, no_height):
        counts = "/weight" if gap is no_weight else "/surface"
        return any(counts in unit or "/surface" in unit for unit in units(world))
    zero = world.protocol.milestones.get("day-zero")
    return gap not in (no_value, month_of_death) and not (gap is no_day_zero and zero and zero.anchor)


def units(world: World) -> list[str]:
    """What the amounts of the doses that somebody gets are counted by."""
    doses = [d for given in world.perfect.doses if given.line is not None for d in given.line.treatment.dose]
    return [str((d.amount or d.start).dimension) for d in doses if d.amount or d.start]


def check(each: Trial) -> None:
    """Every verdict that changes is of a rule that an answered query named; so is every query that comes instead."""
    blocked = {rule for query in each.answered for rule in query["rule"].split(", ")}
    changed = each.blind.findings ^ each.clear.findings
    assert {code for code, *_ in changed} <= blocked, (each.world.n, changed, each.answered)
    instead = [query for key, query in each.clear.queries.items() if key not in each.blind.queries]
    assert {rule for query in instead for rule in query["rule"].split(", ")} <= blocked
    assert blocked <= set(BY_CODE)


@pytest.mark.parametrize("name", PLAIN)
def test_filling_what_a_query_asks_for_answers_it_and_changes_only_what_it_blocked(name: str) -> None:
    """Every gap that matters is asked about; where nothing is asked nothing changes."""
    for each in tried(name, faults=False):
        check(each)
        assert each.answered or not matters(each.gap, each.world), (each.gap.__name__, each.world.n)


@pytest.mark.parametrize("gap", GAPS, ids=lambda gap: gap.__name__)
def test_every_gap_is_asked_about_somewhere(gap: Gap) -> None:
    """No kind of gap goes untested because it does not matter in any protocol here."""
    assert any(each.answered for name in PLAIN for each in tried(name, faults=False) if each.gap is gap)


@pytest.mark.parametrize("name", ["per-kg", "surface", "vaccine", "uc-msc-saa"])
def test_a_gap_beside_a_fault_hides_only_what_it_says(name: str) -> None:
    """The same of participants with a fault: what the gap hides comes back when it is filled."""
    for each in tried(name, faults=True):
        check(each)


@pytest.mark.parametrize(("gap", "fault"), AT_THE_FAULT)
def test_a_gap_at_its_fault_hides_only_what_it_says(gap: Gap, fault: Fault) -> None:
    """One row of two without its amount, and a dose without a record in a hold that nobody closed."""
    for name in ("per-kg", "vaccine"):
        for seed in range(20):
            world = World(stayers(name), seed * len(trial(name).arms))
            case = fault(world, Random(seed))
            assert case is not None
            before = rows_of(world.protocol, case.patient)
            gappy = deepcopy(before)
            if gap(gappy, Random(seed)):
                sides = (audited(name, [rows])[case.patient.subject] for rows in (gappy, filled(gap, before, gappy)))
                check(Trial(gap, world, *sides))
