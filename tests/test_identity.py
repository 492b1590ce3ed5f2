"""Which dose is it? Dense schedules, doubt, labels, and series that move with their doses."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bench.identity import simulate
from rules import audit, from_frames, validate
from rules.identity.assignment import assign
from rules.identity.series import in_doubt
from tests.test_schedule import AFTER_ALL, ZERO, Row, calendar, days_of, drug, given_on

WEEKLY = "due: day 0, every: 8 d, times: 3, window: ±2 d"


def found(body: str, doses: list[Row]) -> list[tuple[str, int | None]]:
    """Code and occurrence of each finding and query but those about missing records and tolerances."""
    who = {"subject": "1", "arm": "active", "day_zero": ZERO}
    rows = [{"subject": "1"} | row for row in doses]
    report = audit(drug(body), from_frames("identity", {"subjects": [who], "administrations": rows}), as_of=AFTER_ALL)
    both = [*report.findings.iter_rows(named=True), *report.queries.iter_rows(named=True)]
    return [(row["code"], row["occurrence"]) for row in both if row["code"] not in ("dose_no_record", "tolerance")]


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ((0, 11), [("dose_late", 2)]),
        ((0, 12), [("identity_untold", 2)]),
        ((0, 13), [("dose_early", 3)]),
        ((0, 7, 9, 16), [("identity_untold", 2)]),
        ((0, 8, 9, 16), [("unplanned_dose", None)]),
        ((0, 8, 8, 16), [("duplicate_record", None)]),
    ],
)
def test_a_dose_that_fits_two_places_equally_well_is_asked_about(
    days: tuple[int, ...], expected: list[tuple[str, int | None]]
) -> None:
    """Half way between two, or one of two as near to the same: a query and nothing else of that dose."""
    assert found(WEEKLY, given_on(*days)) == expected


def test_a_dose_that_cannot_be_told_is_no_dose_that_complies() -> None:
    """Its verdict is cannot tell; the others keep theirs."""
    who = {"subject": "1", "arm": "active", "day_zero": ZERO}
    doses = [{"subject": "1"} | row for row in given_on(0, 12)]
    study = from_frames("identity", {"subjects": [who], "administrations": doses})
    body = WEEKLY.replace("due", "route: oral, due")
    verdicts = validate(drug(body).model_copy(), study, as_of=AFTER_ALL)
    assert "identity_untold" in verdicts["codes"][1]
    assert verdicts["verdict"][1] == "cannot tell"


def test_the_other_place_of_an_untold_dose_is_part_of_the_question() -> None:
    """In final data too: what that dose may have been is not said to be missing as well; what it cannot be is."""
    who = {"subject": "1", "arm": "active", "day_zero": ZERO}
    doses = [{"subject": "1"} | row for row in given_on(0, 12)]
    study = from_frames("identity", {"subjects": [who], "administrations": doses}, final=True)
    report = audit(drug(WEEKLY.replace("times: 3", "times: 4")), study, as_of=AFTER_ALL)
    assert report.findings.select("code", "occurrence").rows() == [("dose_not_given", 4)]
    assert report.queries.filter(report.queries["code"] != "tolerance")["code"].to_list() == ["identity_untold"]


def test_a_number_on_the_record_answers_it() -> None:
    """The site knows which dose it was."""
    doses = given_on(0, 12)
    assert found(WEEKLY, [doses[0], doses[1] | {"occurrence": 3}]) == [("dose_early", 3)]


# --- series that move with their doses ----------------------------------------------------------------------------

MOVING = "due: day 0, every: 7 d, times: 6, window: ±2 d, late: shift"


@pytest.mark.parametrize(
    ("days", "numbers"),
    [
        ((0, 8, 16, 24, 32, 40), [1, 2, 3, 4, 5, 6]),
        ((0, 14, 21, 28, 35), [1, 3, 4, 5, 6]),
        ((0, 3, 7, 14, 21, 28, 35), [1, None, 2, 3, 4, 5, 6]),
        ((0, 7, 28, 35, 42, 49), [1, 2, 3, 4, 5, 6]),
        ((0, 8, 24, 32, 40), [1, 2, 4, 5, 6]),
    ],
    ids=["drift", "one missed", "one too many", "three weeks late", "drift and one missed"],
)
def test_in_a_series_that_moves_each_dose_is_counted_from_the_one_before(
    days: tuple[int, ...], numbers: list[int | None]
) -> None:
    """Drift, a missed and an extra dose, and a long delay that the others follow."""
    who = {"subject": "1", "arm": "active", "day_zero": ZERO}
    doses = [{"subject": "1"} | row for row in given_on(*days)]
    study = from_frames("identity", {"subjects": [who], "administrations": doses})
    assert validate(drug(MOVING), study, as_of=AFTER_ALL)["occurrence"].to_list() == numbers


def test_what_follows_counts_from_the_last_dose_really_given() -> None:
    """The next date is never counted from the plan once a dose was given."""
    assert days_of(calendar(drug(MOVING), administrations=given_on(0, 8, 24)), "drug") == [0, 7, 15, 22, 31, 38]


def test_a_hold_breaks_the_rhythm_and_records_are_taken_in_order() -> None:
    """After an ordered hold the next dose is the next one, however long it took."""
    hold = [{"event": "hold", "start": ZERO + timedelta(days=5), "end": ZERO + timedelta(days=30)}]
    table = calendar(drug(MOVING + ", missed: skip"), administrations=given_on(0, 31), events=hold)
    assert table.filter(table["status"] == "done")["occurrence"].to_list() == [1, 2]


@pytest.mark.parametrize(("gap", "sd"), [(7, 2.0), (3, 1.0), (14, 3.0)])
def test_whoever_is_not_in_doubt_has_a_margin(gap: int, sd: float) -> None:
    """Margins are worked out only for those in doubt: of all others none is 0."""
    series = simulate(2_000, gap, sd)
    found = assign(series.planned, series.records, series.before, series.after, margin=True)
    sure = ~in_doubt(series.planned, series.records, found.slot)
    assert sure.any()
    assert (found.margin[sure] != 0).all()
