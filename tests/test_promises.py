"""What the engine promises, held on simulated studies: `perprotocol.simulation`, and its faults put into them."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date, timedelta
from functools import cache
from random import Random
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rules.partitions
from perprotocol.simulation.faults import KINDS, Case, Found, World
from perprotocol.simulation.patient import Patient, Row
from perprotocol.simulation.tables import frames_of, tables_of
from protocol import Protocol
from protocol.durations import Window
from rules import Report, Study, audit, from_frames
from rules.telling.rows import SCHEMA
from tests.trials import EVERY, QUICK, cast, trial

AFTER_ALL = date(2040, 1, 1)
FAULTS = [kind.put for kind in KINDS.values()]
SEEDS = st.integers(0, 10_000)
Tables = dict[str, list[Row]]
Lines = dict[str, list[int]]


def world(name: str, seed: int) -> World:
    """A participant of that protocol."""
    return World(cast(name), seed)


def faulty(name: str, seed: int, number: int) -> list[Case]:
    """So many participants, each with a fault of another kind as far as the protocol leaves room."""
    cases = (FAULTS[i % len(FAULTS)](world(name, seed + i), Random(seed + i)) for i in range(number))
    return [case for case in cases if case is not None]


def study_of(protocol: Protocol, patients: list[Patient]) -> Study:
    """The study of some participants."""
    return from_frames("sim", frames_of(tables_of(protocol, patients)))


def found(report: Report) -> dict[str | None, Counter[Found]]:
    """Code, activity and occurrence of all findings and queries by participant; None: about the protocol."""
    by_subject: dict[str | None, Counter[Found]] = {}
    for subject, *what in (
        pl.concat([report.findings, report.queries]).select("subject", "code", "activity", "occurrence").rows()
    ):
        by_subject.setdefault(subject, Counter())[tuple(what)] += 1
    return by_subject


# --- perfect patients and faults ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", EVERY)
@settings(QUICK, max_examples=3)
@given(seed=SEEDS)
def test_nothing_is_found_of_those_who_follow_the_protocol(name: str, seed: int) -> None:
    """Perfect participants have neither a finding nor a query, and none of their records is left unjudged."""
    people = [world(name, seed + i).live() for i in range(40)]
    report = audit(trial(name), study_of(trial(name), people), as_of=AFTER_ALL)
    assert report.findings.rows() == []
    assert report.queries.rows() == []
    assert report.counts["judged"].sum() >= len(people)


@cache
def audited(name: str) -> tuple[dict[str, list[Case]], dict[str | None, Counter[Found]]]:
    """Participants with every kind of fault, and what one audit of them all finds by participant."""
    cases: dict[str, list[Case]] = {}
    people: dict[str, Patient] = {}
    for n, fault in enumerate(FAULTS):
        cases[fault.__name__] = []
        for seed in range(1000 + 30 * n, 1008 + 30 * n):
            case = fault(world(name, seed), Random(seed))
            mine = {patient.subject: patient for patient, _ in case.everybody} if case is not None else {}
            if case is not None and not mine.keys() & people.keys():
                cases[fault.__name__].append(case)
                people |= mine
    return cases, found(audit(trial(name), study_of(trial(name), [*people.values()]), as_of=AFTER_ALL))


@pytest.mark.parametrize("fault", [fault.__name__ for fault in FAULTS])
@pytest.mark.parametrize("name", EVERY)
def test_a_fault_is_found_once_and_nothing_else_is(name: str, fault: str) -> None:
    """Of a participant with one fault exactly that is found, with the consequences that the fault names."""
    cases, by_subject = audited(name)
    for case in cases[fault]:
        for patient, expected in case.everybody:
            assert by_subject.get(patient.subject, Counter()) == expected, patient
    assert None not in by_subject


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_every_fault_has_room_in_some_protocol(fault: Any) -> None:
    """No kind of fault goes untested because no protocol here leaves room for it."""
    assert any(fault(world(name, seed), Random(seed)) for seed in range(150) for name in EVERY)


# --- one and many -------------------------------------------------------------------------------------------------

FRAMES = ("findings", "queries", "departures")


def study_from(tables: Tables, keep: Lines) -> Study:
    """The study of those rows, by table, in that order; a table that is left without rows is there all the same."""
    frames: dict[str, Any] = {}
    for name, rows in tables.items():
        columns = dict.fromkeys(column for row in rows for column in row)
        empty = pl.DataFrame(schema=dict.fromkeys(columns, pl.String))
        frames[name] = [rows[i] for i in keep[name]] or empty
    return from_frames("sim", frames)


def told(frame: pl.DataFrame, keep: Lines) -> Counter[tuple[Any, ...]]:
    """The rows of a result, each record under the place of its row in the whole study."""

    def place(record: str | None) -> str | None:
        table, _, row = (record or "").rpartition(":")
        return f"{table}:{keep[table][int(row) - 1]}" if table else record

    record = frame.columns.index("record")
    return Counter((*row[:record], place(row[record]), *row[record + 1 :]) for row in frame.rows())


def results(protocol: Protocol, tables: Tables, keep: Lines) -> dict[str, Counter[tuple[Any, ...]]]:
    """Everything an audit of those rows tells: findings, queries, departures and the counts of each rule."""
    report = audit(protocol, study_from(tables, keep), as_of=AFTER_ALL)
    by_frame = {name: told(getattr(report, name), keep) for name in FRAMES}
    for rule, *counts in report.counts.rows():
        by_frame.setdefault("counts", Counter()).update(
            {(rule, name): n for name, n in zip(report.counts.columns[1:], counts, strict=True)}
        )
    return by_frame


@pytest.mark.parametrize("name", ["per-kg", "surface", "vaccine", "uc-msc-saa"])
@settings(QUICK, max_examples=2)
@given(seed=SEEDS)
def test_all_at_once_equals_each_alone_in_any_order(name: str, seed: int) -> None:
    """Rows in another order change nothing, and the whole study is the sum of its participants."""
    protocol = trial(name)
    tables = tables_of(protocol, [case.patient for case in faulty(name, seed, 8)])
    whole = {table: list(range(len(rows))) for table, rows in tables.items()}
    together = results(protocol, tables, whole)
    mixed = {table: Random(seed).sample(rows, len(rows)) for table, rows in whole.items()}
    assert results(protocol, tables, mixed) == together
    alone: dict[str, Counter[tuple[Any, ...]]] = {}
    for subject in {str(row["subject"]) for row in tables["subjects"]}:
        # Lots belong to nobody.
        mine = {t: [i for i in rows if tables[t][i].get("subject", subject) == subject] for t, rows in whole.items()}
        for frame, rows in results(protocol, tables, mine).items():
            alone.setdefault(frame, Counter()).update(rows)
    assert alone == together


@pytest.mark.parametrize("name", ["per-kg", "vaccine", "uc-msc-saa"])
@settings(QUICK, max_examples=3)
@given(seed=SEEDS, size=st.integers(1, 7))
def test_partitions_cannot_be_seen_in_the_result(name: str, seed: int, size: int) -> None:
    """However many participants a partition takes, every table of the audit is the same, row by row."""
    protocol = trial(name)
    people = [case.patient for case in faulty(name, seed, 12)]
    for person in people:
        last = next((dose for dose in reversed(person.doses) if dose.amount), person.doses[-1])
        last.amount = last.amount and 7 * last.amount // 6
    study = study_of(protocol, people)
    whole = audit(protocol, study, as_of=AFTER_ALL)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rules.partitions, "PARTITION", size)
        parts = audit(protocol, study, as_of=AFTER_ALL)
    for frame in (*FRAMES, "counts"):
        assert getattr(parts, frame).rows() == getattr(whole, frame).rows(), frame


# --- shift --------------------------------------------------------------------------------------------------------

DAY = re.compile(r"\d{4}-\d\d-\d\d")


def moved(value: object, k: int) -> object:
    """A date, or every date in a text, k days later."""
    if isinstance(value, date):
        return value + timedelta(days=k)
    if isinstance(value, str):
        return DAY.sub(lambda found: str(date.fromisoformat(found[0]) + timedelta(days=k)), value)
    return value


@pytest.mark.parametrize("name", ["per-kg", "surface", "vaccine", "primaquine-challenge"])
@settings(QUICK, max_examples=4)
@given(seed=SEEDS, k=st.integers(-4000, 4000))
def test_moving_every_date_moves_what_is_found_and_changes_nothing_else(name: str, seed: int, k: int) -> None:
    """Every cell of findings, queries and departures is the same but for its dates, which lie k days later."""
    protocol = trial(name)
    tables = tables_of(protocol, [case.patient for case in faulty(name, seed, len(FAULTS))])
    later = {t: [{c: moved(v, k) for c, v in row.items()} for row in rows] for t, rows in tables.items()}
    before, after = (
        audit(protocol, from_frames("sim", {t: r for t, r in rows.items() if r}), as_of=as_of)
        for rows, as_of in ((tables, AFTER_ALL), (later, AFTER_ALL + timedelta(days=k)))
    )
    for frame in FRAMES:
        expected = Counter(tuple(moved(v, k) for v in row) for row in getattr(before, frame).rows())
        assert Counter(getattr(after, frame).rows()) == expected
    assert after.counts.equals(before.counts)


# --- several versions ---------------------------------------------------------------------------------------------

AT = [name for name in SCHEMA if name != "record"]
TRANSITIONS = ("at once", "from re-consent", "new participants", "next course", None)


def amended(name: str, transition: str | None) -> list[Protocol]:
    """A protocol and its amendment: no treatment has its window any more, but that of one day."""
    before = trial(name)
    changed = {key: t.model_copy(update={"window": Window.parse("±0 d")}) for key, t in before.treatments.items()}
    update = {"version": "next", "replaces": before.version, "transition": transition, "treatments": changed}
    return [before, before.model_copy(update=update)]


def amended_tables(name: str, seed: int) -> Tables:
    """Participants with faults at two sites; the amendment becomes active at one of them in the midst of its doses."""
    tables = tables_of(trial(name), [case.patient for case in faulty(name, seed, 8)])
    days = sorted(str(row["start"])[:10] for row in tables["administrations"])
    tables["subjects"] = [row | {"site": f"0{1 + n % 2}"} for n, row in enumerate(tables["subjects"])]
    tables["consents"] += [
        {"subject": row["subject"], "version": "next", "signed": days[2 * len(days) // 3]} for row in tables["subjects"]
    ]
    middle = days[len(days) // 2]
    tables["amendments"] = [{"site": "01", "version": "next", "approved": middle, "active": middle}]
    return tables


def amended_results(versions: list[Protocol], tables: Tables, k: int = 0) -> dict[str, Counter[tuple[Any, ...]]]:
    """What an audit of these rows tells, without where its records stand, with every date k days later."""
    later = {t: [{c: moved(v, k) for c, v in row.items()} for row in rows] for t, rows in tables.items() if rows}
    report = audit(versions, from_frames("sim", later), as_of=AFTER_ALL + timedelta(days=k))
    frames = {name: getattr(report, name).drop("record").filter(pl.col("subject").is_not_null()) for name in FRAMES}
    return {name: Counter(tuple(moved(v, -k) for v in row) for row in frame.rows()) for name, frame in frames.items()}


@pytest.mark.parametrize("transition", TRANSITIONS)
@settings(QUICK, max_examples=2)
@given(seed=SEEDS, k=st.integers(-4000, 4000))
def test_two_versions_keep_the_promises_of_one(transition: str | None, seed: int, k: int) -> None:
    """Under an amendment too: each alone, all at once, in any partitions and on other days, the same is found."""
    versions, tables = amended("per-kg", transition), amended_tables("per-kg", seed)
    together = amended_results(versions, tables)
    assert {row[AT.index("version")] for row in together["findings"]} <= {v.version for v in versions}
    assert amended_results(versions, tables, k) == together
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rules.partitions, "PARTITION", 3)
        assert amended_results(versions, tables) == together
    alone: dict[str, Counter[tuple[Any, ...]]] = {name: Counter() for name in FRAMES}
    for subject in {str(row["subject"]) for row in tables["subjects"]}:
        mine = {t: [row for row in rows if row.get("subject", subject) == subject] for t, rows in tables.items()}
        for name, rows in amended_results(versions, mine).items():
            alone[name].update(rows)
    assert alone == together


def test_an_amendment_that_changes_nothing_changes_nothing() -> None:
    """What is found under two versions that say the same is what is found under one, but for the version's name."""
    tables, at = amended_tables("per-kg", 3), AT.index("version")
    same = trial("per-kg").model_copy(update={"version": "next", "replaces": trial("per-kg").version})
    versions = [trial("per-kg"), same.model_copy(update={"transition": "at once"})]
    one, two = amended_results(versions[:1], tables), amended_results(versions, tables)
    for name in ("findings", "queries"):
        assert {row[:at] + row[at + 1 :] for row in two[name]} == {row[:at] + row[at + 1 :] for row in one[name]}
    assert {row[at] for row in two["findings"]} == {version.version for version in versions}
