"""Limits: five marks from one anchor, several at once, and what they make of a dose."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from protocol import Protocol
from rules import audit, from_frames
from tests.test_schedule import AFTER_ALL, ZERO, Row, calendar, days_of, drug, given_on, protocol_of


def codes(protocol: Protocol, **tables: list[Row]) -> list[tuple[str, int | None]]:
    """Code and occurrence of each finding and query, but for what is asked of doses that nobody recorded."""
    who = {"subject": "1", "arm": "active", "day_zero": ZERO}
    rows = {name: [{"subject": "1"} | row for row in part] for name, part in tables.items()}
    report = audit(protocol, from_frames("limits", {"subjects": [who], **rows}), as_of=AFTER_ALL)
    found = [*report.findings.iter_rows(named=True), *report.queries.iter_rows(named=True)]
    return [(row["code"], row["occurrence"]) for row in found if row["code"] not in ("dose_no_record", "tolerance")]


SPACED = "due: day 0, every: 7 d, times: 3, window: ±3 d, limits: [{from: previous, opens: 5 d, closes: 9 d}]"


@pytest.mark.parametrize(
    ("second", "code"),
    [(4, "interval_too_short"), (5, None), (9, None), (10, "interval_too_long")],
)
def test_an_interval_has_a_shortest_and_a_longest_length(second: int, code: str | None) -> None:
    """Both ends are allowed; beyond the longest one the dose is no late dose as well."""
    found = codes(drug(SPACED), administrations=given_on(0, second))
    assert found == ([(code, 2)] if code else [])


def test_a_longest_interval_closes_the_window_and_never_before_it_opens() -> None:
    """Due and last day are never before the first day on time."""
    found = calendar(drug(SPACED), administrations=given_on(-3))
    assert [days_of(found, "drug", column)[1] for column in ("opens", "due", "closes")] == [4, 6, 6]
    body = SPACED.replace("opens: 5 d", "opens: 5 d, due: 6 d").replace("closes: 9 d", "closes: 4 d")
    never = calendar(drug(body), administrations=given_on(0))
    assert [days_of(never, "drug", column)[1] for column in ("opens", "due", "closes")] == [5, 5, 5]


def test_after_a_missed_dose_the_gap_is_no_second_fault() -> None:
    """The longest interval binds the dose that follows the one before it, not the one after a missed dose."""
    assert codes(drug(SPACED), administrations=given_on(0, 14)) == []


FIVE = """
treatments:
  drug:
    dose: 1 mg
    late: shift
    missed: make_up
    steps:
      - {due: day 0, window: ±0 d}
      - limits:
          - {from: previous, valid_from: 17 d, opens: 21 d, due: 28 d, closes: 42 d, valid_to: 60 d}
          - {from: day-zero, valid_from: 10 d, opens: 24 d}
"""


def test_all_five_marks_of_several_limits_stand_in_the_calendar() -> None:
    """The latest of the first three, the earliest of the last two."""
    found = calendar(protocol_of(FIVE), administrations=given_on(0))
    marks = [days_of(found, "drug", mark)[1] for mark in ("valid_from", "opens", "due", "closes", "valid_to")]
    assert marks == [17, 24, 28, 42, 60]


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        (16, [("dose_not_counted", None)]),
        (17, [("interval_too_short", 2)]),
        (21, [("dose_early", 2)]),
        (24, []),
        (42, []),
        (43, [("interval_too_long", 2)]),
        (60, [("interval_too_long", 2)]),
        (61, [("dose_not_counted", None)]),
    ],
)
def test_each_mark_has_its_own_fault(second: int, expected: list[tuple[str, int | None]]) -> None:
    """Before it counts, too soon, on time, too late, after it counts: one fault, one finding."""
    found = codes(protocol_of(FIVE), administrations=given_on(0, second))
    assert [(code, n) for code, n in found if code != "dose_early" or second == 21] == expected


def test_a_dose_outside_its_days_fills_no_occurrence() -> None:
    """The second dose is still due after one too early to count, and a later one takes its place."""
    found = calendar(protocol_of(FIVE), administrations=given_on(0, 16, 40))
    assert found["status"].to_list() == ["done", "done"]
    assert codes(protocol_of(FIVE), administrations=given_on(0, 16, 40)) == [("dose_not_counted", None)]


def test_on_a_fixed_grid_a_dose_that_does_not_count_keeps_its_place() -> None:
    """Nothing is made up, so it is one finding and no missed dose as well."""
    body = "due: day 0, every: 28 d, times: 2, window: ±4 d, limits: [{from: previous, valid_from: 20 d, opens: 24 d}]"
    assert codes(drug(body), administrations=given_on(0, 19)) == [("dose_not_counted", 2)]
    assert codes(drug(body), administrations=given_on(0, 20)) == [("interval_too_short", 2)]


# --- anchors ------------------------------------------------------------------------------------------------------


def anchored(due: str, more: str = "") -> Protocol:
    """A visit `later` that is due by an anchor."""
    return protocol_of(f"""
products: {{base: another}}
events: {{relapse: relapse}}
milestones: {{cycle-start: {{}}}}
treatments:
  drug: {{dose: 1 mg, due: [day 0, day 7, day 14], window: ±3 d}}
  other: {{product: base, dose: 1 mg, due: day 1, window: ±20 d}}
visits: {{later: {{due: {due}, window: ±1 d}}}}
{more}""")


RELAPSES = [
    {"event": "relapse", "start": ZERO + timedelta(days=d), "end": ZERO + timedelta(days=d + 3)} for d in (9, 30)
]


@pytest.mark.parametrize(
    ("due", "day"),
    [
        ("10 d after drug 2", 18),
        ("10 d after planned drug 2", 17),
        ("10 d after first drug", 10),
        ("10 d after end of drug 2", 20),
        ("10 d after relapse", 19),
        ("10 d after last relapse", 40),
        ("10 d after relapse 2", 40),
        ("10 d after end of relapse", 22),
        ("10 d after base", 15),
        ("10 d after cycle-start 2", 43),
        ("10 d after relapse or 10 d after base", 15),
        ("10 d after relapse or 10 d after base whichever is later", 19),
        ("10 d before relapse", -1),
    ],
)
def test_a_day_counts_from_whatever_the_anchor_names(due: str, day: int) -> None:
    """Start or end, planned or actual, the first, the last or one of a number, of anything that has a day."""
    [second] = given_on(8)
    doses = [*given_on(0), second | {"end": ZERO + timedelta(days=10)}, *given_on(5, treatment="other")]
    starts = [{"milestone": "cycle-start", "date": ZERO + timedelta(days=28 * n - 23), "occurrence": n} for n in (1, 2)]
    found = calendar(anchored(due), administrations=doses, events=RELAPSES, milestones=starts)
    assert days_of(found, "later") == [day]


@pytest.mark.parametrize(("relapses", "day"), [([], 30), (RELAPSES, 19)])
def test_of_alternatives_the_first_that_is_known_counts(relapses: list[Row], day: int) -> None:
    """What has not happened does not hold up what has."""
    found = calendar(anchored("30 d after day-zero or 10 d after relapse"), events=relapses)
    assert days_of(found, "later") == [day]


def test_whichever_is_later_waits_for_all_of_them() -> None:
    """Until each has happened the day is open."""
    found = calendar(anchored("30 d after day-zero or 10 d after relapse whichever is later"))
    assert days_of(found, "later") == [None]


def test_an_end_that_nobody_recorded_leaves_the_day_open() -> None:
    """The infusion took place, and when it ended is not on record."""
    found = calendar(anchored("10 d after end of drug 2"), administrations=given_on(0, 8))
    assert days_of(found, "later") == [None]


# --- partial dates ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (27, ["dose_early"]),
        (28, ["anchor-date"]),
        (57, ["anchor-date"]),
        (58, []),
        (63, []),
        (64, ["anchor-date"]),
        (93, ["anchor-date"]),
        (94, ["dose_late"]),
    ],
)
def test_an_anchor_dated_by_its_month_judges_only_what_the_whole_month_agrees_on(day: int, expected: list[str]) -> None:
    """Due 28 to 63 days after a relapse in March: in any case on time, early or late, or not to be told."""
    protocol = protocol_of("""
events: {relapse: relapse}
treatments: {drug: {dose: 1 mg, due: 28 d after relapse, window: +35 d}}
""")
    relapse = [{"event": "relapse", "start": "2024-03"}]
    late = date(2024, 3, 1) + timedelta(days=day)
    doses = [{"treatment": "drug", "start": late, "amount": 1, "unit": "mg"}]
    found = [code for code, _ in codes(protocol, administrations=doses, events=relapse)]
    assert found == expected
