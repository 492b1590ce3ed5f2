"""Conditions have three answers, and each is what a plain reading of the records gives."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import product
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol import read_text
from protocol.criteria import parse_condition, read_condition
from rules import from_frames
from rules.arrays import NONE, Milestone
from rules.happened.evidence import Evidence, evidence_of
from rules.happened.truth import truth
from tests.trials import QUICK

START = date(2024, 1, 1)
ZERO = (START - date(1970, 1, 1)).days
TABLES = ("subjects", "sites", "consents", "milestones", "observations", "administrations", "visits", "events")
Answer = bool | None

PROTOCOL = read_text(
    """
protocol: truth
version: 1
first_day: 0
months: clamp
source: team
basis: assumed
sources: {team: a protocol for tests}
arms: {one: one, two: two}
measures:
  alt: {unit: U/L}
  response: {values: [none, partial, complete]}
events: {fever: {terms: [pyrexia]}}
criteria: {a: {text: said}, b: {text: said}, c: {text: said}, high: {if: alt > 5 U/L}}
treatments: {drug: {due: day 0, window: ±1 d, dose: 1 mg}}
""",
    "truth",
)


def on(day: int) -> date:
    """The date so many days after the start."""
    return START + timedelta(days=day)


def evidence(rows: Sequence[dict[str, Any]], subjects: Sequence[dict[str, Any]], **tables: Any) -> Evidence:
    """The facts of these observations."""
    study = from_frames("truth", {"subjects": subjects, "observations": rows, **tables})
    frames = {name: study.data(name).sort("s", maintain_order=True) for name in TABLES}
    return evidence_of(PROTOCOL, frames, study.tables, 0, len(study.subjects), ZERO + 1000, final=False)


def answers(condition: Any, e: Evidence, day: int | Sequence[int]) -> list[Answer]:
    """The answer for every participant on a day (or each on a day of their own)."""
    days = np.broadcast_to(np.array(day, np.int32) + ZERO, e.n).astype(np.int32)
    told = truth(condition, e, e.everyone, days)
    return [None if answer < 0 else bool(answer) for answer in told]


# --- three answers ------------------------------------------------------------------------------------------------


def both(parts: Sequence[Answer]) -> Answer:
    """Kleene's *and*."""
    return False if False in parts else None if None in parts else True


def turned(answer: Answer) -> Answer:
    """Kleene's *not*."""
    return None if answer is None else not answer


def at_least(least: int, parts: Sequence[Answer]) -> Answer:
    """So many are true; unknown while the unknown ones could decide."""
    sure, possible = parts.count(True), len(parts) - parts.count(False)
    return True if sure >= least else False if possible < least else None


TREES: list[tuple[Any, Callable[[Answer, Answer, Answer], Answer]]] = [
    ("a", lambda a, b, c: a),
    ("not a", lambda a, b, c: turned(a)),
    ({"all": ["a", "b", "c"]}, lambda a, b, c: both([a, b, c])),
    ({"any": ["a", "b", "c"]}, lambda a, b, c: turned(both([turned(a), turned(b), turned(c)]))),
    ({"none": ["a", "b", "c"]}, lambda a, b, c: both([turned(a), turned(b), turned(c)])),
    *(({"at_least": n, "of": ["a", "b", "c"]}, lambda a, b, c, n=n: at_least(n, [a, b, c])) for n in (1, 2, 3)),
    ({"all": ["a", {"any": ["not b", "c"]}]}, lambda a, b, c: both([a, turned(both([b, turned(c)]))])),
    ({"none": [{"all": ["a", "b"]}, "not c"]}, lambda a, b, c: both([turned(both([a, b])), c])),
]


@pytest.mark.parametrize(("tree", "oracle"), TREES, ids=[str(tree) for tree, _ in TREES])
def test_trees_follow_kleene(tree: Any, oracle: Callable[[Answer, Answer, Answer], Answer]) -> None:
    """All 27 combinations of yes, no and nothing recorded."""
    cases = list(product((True, False, None), repeat=3))
    words = {True: "yes", False: "no"}
    rows = [
        {"subject": f"{n:02d}", "measure": name, "value": words[answer], "at": on(1)}
        for n, case in enumerate(cases)
        for name, answer in zip("abc", case, strict=True)
        if answer is not None
    ]
    e = evidence(rows, [{"subject": f"{n:02d}", "arm": "one"} for n in range(len(cases))])
    assert answers(read_condition(tree), e, 5) == [oracle(*case) for case in cases]
    assert answers(read_condition(tree), e, 0) == [oracle(None, None, None)] * len(cases)


def test_what_a_person_said_settles_only_what_the_records_leave_open() -> None:
    """A recorded answer under a criterion's id does not overrule the values."""
    rows = [
        {"subject": "1", "measure": "alt", "value": 9, "unit": "U/L", "at": on(0)},
        {"subject": "1", "measure": "high", "value": "no", "at": on(0)},
        {"subject": "2", "measure": "high", "value": "yes", "at": on(0)},
    ]
    e = evidence(rows, [{"subject": s, "arm": "one"} for s in "123"])
    assert answers(read_condition("high"), e, 1) == [True, True, None]


# --- values as of a day -------------------------------------------------------------------------------------------

OPS = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
    "!=": operator.ne,
}


@dataclass(frozen=True)
class Value:
    """One measurement: day, value in halves of a unit, and the upper limit of normal if one came with it."""

    day: int
    halves: int
    uln: int | None


def drawn(seed: int, n: int) -> list[list[Value]]:
    """So many participants with a few values each, several on a day among them; the first participant has none."""
    rng = Random(seed)

    def some() -> list[Value]:
        found = [
            Value(rng.randint(0, 12), rng.randint(0, 12), rng.choice([None, 2, 3])) for _ in range(rng.randint(1, 6))
        ]
        return sorted(found, key=lambda value: value.day)

    return [[], *(some() for _ in range(n - 1))]


def recorded(people: list[list[Value]], seed: int) -> Evidence:
    """The facts of them; the first dose of each lies somewhere in the middle, or nowhere."""
    rng = Random(seed)
    rows = [
        {"subject": f"{n:02d}", "measure": "ALT", "value": v.halves / 2, "unit": "U/L", "high": v.uln, "at": on(v.day)}
        for n, values in enumerate(people)
        for v in values
    ]
    e = evidence(rows, [{"subject": f"{n:02d}", "arm": "one"} for n in range(len(people))])
    first = np.array([rng.choice([NONE, ZERO + 4, ZERO + 6]) for _ in people], np.int32)
    e.milestones["first-dose"] = Milestone(first, first)
    return e


def last(values: list[Value], day: int) -> Value | None:
    """The value in force: the last one on or before a day, of several on a day the one recorded last."""
    before = [v for v in values if v.day <= day]
    return before[-1] if before else None


def compared(op: str, left: float, right: float | None) -> Answer:
    """Left against right; unknown without a right side."""
    return None if right is None else bool(OPS[op](left, right))


@settings(QUICK, max_examples=30)
@given(seed=st.integers(0, 10_000), op=st.sampled_from(list(OPS)), halves=st.integers(0, 12), day=st.integers(-1, 14))
def test_a_comparison_reads_the_value_in_force(seed: int, op: str, halves: int, day: int) -> None:
    """The last value on or before the day counts, on the limit exactly; without one the answer is unknown."""
    people = drawn(seed, 12)
    values = [last(person, day) for person in people]
    condition = parse_condition(f"alt {op} {halves / 2} U/L")
    assert answers(condition, recorded(people, seed), day) == [
        None if v is None else compared(op, v.halves, halves) for v in values
    ]


@settings(QUICK, max_examples=20)
@given(seed=st.integers(0, 10_000), low=st.integers(0, 8), more=st.integers(0, 6), day=st.integers(-1, 14))
def test_a_range_holds_its_ends(seed: int, low: int, more: int, day: int) -> None:
    """Both ends are inside."""
    people = drawn(seed, 12)
    condition = parse_condition(f"alt {low / 2} to {(low + more) / 2} U/L")
    values = [last(person, day) for person in people]
    assert answers(condition, recorded(people, seed), day) == [
        None if v is None else low <= v.halves <= low + more for v in values
    ]


@settings(QUICK, max_examples=30)
@given(
    seed=st.integers(0, 10_000),
    op=st.sampled_from(["<", "<=", ">", ">="]),
    within=st.integers(0, 6),
    day=st.integers(-1, 14),
)
def test_a_value_that_is_too_old_is_no_value(seed: int, op: str, within: int, day: int) -> None:
    """`within 3 d`: a value of three days ago still counts."""
    people = drawn(seed, 12)
    condition = parse_condition(f"alt {op} 3 U/L within {within} d")
    values = [last(person, day) for person in people]
    assert answers(condition, recorded(people, seed), day) == [
        None if v is None or day - v.day > within else compared(op, v.halves, 6) for v in values
    ]


@settings(QUICK, max_examples=30)
@given(seed=st.integers(0, 10_000), op=st.sampled_from(["<", ">="]), span=st.integers(1, 6), more=st.booleans())
def test_a_state_lasts_while_every_value_says_so(seed: int, op: str, span: int, more: bool) -> None:
    """`for 5 d`: all values over a span of at least that long; `for more than 5 d` longer than that."""
    people = drawn(seed, 14)
    condition = parse_condition(f"alt {op} 3 U/L for {'more than ' if more else ''}{span} d")
    for day in (-1, 3, 8, 14):
        assert answers(condition, recorded(people, seed), day) == [_lasts(p, op, span + more, day) for p in people]


def _lasts(values: list[Value], op: str, span: int, day: int) -> Answer:
    before = [v for v in values if v.day <= day]
    if not before:
        return None
    run: list[Value] = []
    for value in reversed(before):
        if not compared(op, value.halves, 6):
            break
        run.append(value)
    return bool(run) and run[0].day - run[-1].day >= span


@settings(QUICK, max_examples=30)
@given(seed=st.integers(0, 10_000), op=st.sampled_from(list(OPS)), times=st.sampled_from(["1", "1.5", "2", "0.5"]))
def test_a_multiple_of_the_upper_limit_counts_with_the_limit_of_that_value(seed: int, op: str, times: str) -> None:
    """`1.5 x uln`: the limit that came with the value; unknown where none came."""
    people = drawn(seed, 12)
    condition = parse_condition(f"alt {op} {times} x uln")
    for day in (2, 9):
        values = [last(person, day) for person in people]
        assert answers(condition, recorded(people, seed), day) == [
            None if v is None else compared(op, v.halves / 2, None if v.uln is None else float(times) * v.uln)
            for v in values
        ]


@settings(QUICK, max_examples=30)
@given(
    seed=st.integers(0, 10_000),
    op=st.sampled_from(list(OPS)),
    against=st.sampled_from(
        ["50 % of baseline", "150 % of baseline", "baseline", "baseline + 2 U/L", "baseline - 1 U/L"]
    ),
)
def test_baseline_is_the_last_value_before_the_first_dose(seed: int, op: str, against: str) -> None:
    """A value on the day of the first dose counts as before; without a dose or a value there is no baseline."""
    people = drawn(seed, 12)
    e = recorded(people, seed)
    doses = e.milestone("first-dose").day
    condition = parse_condition(f"alt {op} {against}")
    expected = []
    for person, dose in zip(people, doses, strict=True):
        now, base = last(person, 10), last(person, int(dose) - ZERO) if dose != NONE else None
        share = {"50": 0.5, "150": 1.5}.get(against.split(" ", maxsplit=1)[0], 1.0)
        plus = {"+": 4, "-": -2}.get(against.split(" ")[1] if " " in against else "", 0)
        expected.append(None if now is None or base is None else compared(op, now.halves, share * base.halves + plus))
    assert answers(condition, e, 10) == expected


# --- words, events, age -------------------------------------------------------------------------------------------


def test_a_word_is_compared_with_the_words_of_the_condition() -> None:
    """`or` means any of the words; `!=` none of them."""
    words = ["none", "partial", "complete"]
    rows = [{"subject": str(n), "measure": "response", "value": w, "at": on(0)} for n, w in enumerate(words)]
    e = evidence(rows, [{"subject": str(n), "arm": "one"} for n in range(4)])
    assert answers(parse_condition("response = partial or complete"), e, 1) == [False, True, True, None]
    assert answers(parse_condition("response != partial"), e, 1) == [True, False, True, None]


def test_an_event_is_looked_for_by_its_terms_its_grade_and_its_days() -> None:
    """An event counts from its first day; `within 5 d` looks five days back."""
    events = [
        {"subject": "1", "event": "Pyrexia", "start": on(3), "grade": 3},
        {"subject": "2", "event": "fever", "start": on(3), "grade": 1},
        {"subject": "3", "event": "rash", "start": on(3), "grade": 4},
    ]
    e = evidence([], [{"subject": s, "arm": "one"} for s in "123"], events=events)
    assert answers(parse_condition("event fever"), e, 2) == [False, False, False]
    assert answers(parse_condition("event fever"), e, 3) == [True, True, False]
    assert answers(parse_condition("no event fever"), e, 3) == [False, False, True]
    assert answers(parse_condition("event fever grade >= 3"), e, 3) == [True, False, False]
    assert answers(parse_condition("event fever within 5 d"), e, 8) == [True, True, False]
    assert answers(parse_condition("event fever within 5 d"), e, 9) == [False, False, False]


@pytest.mark.parametrize(
    ("birth", "expected"),
    [
        ("2006-01-15", [True, True, False, False]),
        ("2006-01", [True, None, None, False]),
        ("2005", [False, False, False, False]),
        ("2006", [True, None, None, None]),
        (None, [None, None, None, None]),
    ],
)
def test_an_age_is_reached_on_the_birthday_and_a_partial_date_is_a_range(
    birth: str | None, expected: list[Answer]
) -> None:
    """Under 18 years on the eve, not on the day; of a month only what every day of it agrees on is known."""
    e = evidence([], [{"subject": "1", "arm": "one", "birth_date": birth}])
    under = parse_condition("age < 18 y")
    days = [date(2023, 12, 31), date(2024, 1, 14), date(2024, 1, 15), date(2024, 2, 1)]
    assert [answers(under, e, (day - START).days)[0] for day in days] == expected


def test_born_on_the_leap_day_comes_of_age_on_the_first_of_march() -> None:
    """29 February plus 18 years is 1 March 2026: there is no 29 February then."""
    e = evidence([], [{"subject": "1", "arm": "one", "birth_date": "2008-02-29"}])
    under = parse_condition("age < 18 y")
    assert answers(under, e, (date(2026, 2, 28) - START).days) == [True]
    assert answers(under, e, (date(2026, 3, 1) - START).days) == [False]


def test_the_arm_is_known_or_it_is_not() -> None:
    """Without an arm a condition on it cannot be told."""
    e = evidence([], [{"subject": "1", "arm": "one"}, {"subject": "2", "arm": "two"}, {"subject": "3", "arm": None}])
    assert answers(parse_condition("arm = one"), e, 0) == [True, False, None]


def test_a_milestone_is_reached_on_its_day() -> None:
    """Not before, and a month in which it lies is open until it is over."""
    milestones = [
        {"subject": "1", "milestone": "randomised", "date": on(5)},
        {"subject": "2", "milestone": "randomised", "date": "2024-01"},
    ]
    e = evidence([], [{"subject": s, "arm": "one"} for s in "123"], milestones=milestones)
    assert answers(parse_condition("reached randomised"), e, 4) == [False, None, False]
    assert answers(parse_condition("reached randomised"), e, 5) == [True, None, False]
    assert answers(parse_condition("not reached randomised"), e, 40) == [False, False, True]
