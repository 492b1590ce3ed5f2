"""What users of such tools complain of in public issues, each as a test: none of it may be said of this one.

Elsewhere: a late dose 1 counted as dose 2 and clock changes (`test_identity`, `test_hours`), mg/m² (`test_dose_exact`),
planned beside done per subject (`test_page`).
"""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest

from protocol import read
from protocol.quantity import Quantity, format_amount
from rules import audit, from_frames, schedule, validate
from tests.test_schedule import AFTER_ALL, ZERO, calendar, days_of, drug, given_on, protocol_of

WEEKLY = "due: day 0, every: 7 d, times: 4, window: ±1 d, late: "


def test_the_next_date_counts_from_the_actual_last_dose() -> None:
    """Where the protocol says that a late dose moves the rest."""
    assert days_of(calendar(drug(WEEKLY + "shift"), administrations=given_on(0, 9)), "drug") == [0, 7, 16, 23]


@pytest.mark.parametrize("late", ["keep", "shift"])
def test_a_late_first_dose_is_not_the_second(late: str) -> None:
    """Three days late it is still the first."""
    table = calendar(drug(WEEKLY + late), administrations=given_on(3), as_of=ZERO + timedelta(days=3))
    assert table.filter(table["status"] == "done")["occurrence"].to_list() == [1]


def test_a_dose_after_midnight_does_not_use_up_the_next_day_s() -> None:
    """Ten past midnight is the dose of the evening before; the next evening's is still its own."""
    body = drug("due: days 0 to 2, window: +1 d")
    days = [ZERO, ZERO + timedelta(days=2), ZERO + timedelta(days=2)]
    rows = [{"treatment": "drug", "amount": 1, "unit": "mg", "subject": "1"} for _ in days]
    for row, day, at in zip(rows, days, ("22:00", "00:10", "22:00"), strict=True):
        row["start"] = f"{day} {at}"
    who = [{"subject": "1", "arm": "active", "day_zero": ZERO}]
    verdicts = validate(body, from_frames("night", {"subjects": who, "administrations": rows}), as_of=AFTER_ALL)
    assert verdicts["occurrence"].to_list() == [1, 2, 3]


def test_a_changed_schedule_does_not_turn_past_doses_into_missed_ones() -> None:
    """A treatment that ends earlier than planned, or begins anew elsewhere, leaves what was given where it was."""
    doses = given_on(0, 7, 14)
    before, after = (drug(f"due: day 0, every: 7 d, times: {n}, window: ±1 d") for n in (6, 3))
    for protocol in (before, after):
        table = calendar(protocol, administrations=doses, as_of=ZERO + timedelta(days=15))
        assert table["status"].to_list()[:3] == ["done"] * 3


def test_an_amendment_leaves_past_doses_what_they_were() -> None:
    """A version that gives the drug every 14 days makes neither of two weekly doses missed, early or unplanned."""
    weekly = drug("due: day 0, every: 7 d, times: 4, window: ±1 d")
    rarer = drug("due: day 0, every: 14 d, times: 4, window: ±1 d")
    newer = rarer.model_copy(update={"version": "2", "replaces": "1", "transition": "at once"})
    day = ZERO + timedelta(days=10)
    tables = {
        "subjects": [{"subject": "1", "arm": "active", "site": "01", "day_zero": ZERO}],
        "amendments": [{"site": "01", "version": "2", "approved": day, "active": day}],
        "administrations": [row | {"subject": "1", "unit": "mg"} for row in given_on(0, 7)],
    }
    study = from_frames("a", tables, data_cut=ZERO + timedelta(days=20))
    report = audit([weekly, newer], study)
    assert audit(rarer, study).findings["code"].to_list() == ["dose_early"]
    assert report.findings["code"].to_list() == []
    assert "dose_no_record" not in report.queries["code"].to_list()


@pytest.mark.parametrize("at", ["00:01", "09:30", "23:59"])
def test_a_window_opens_at_the_start_of_its_day(at: str) -> None:
    """Not at the clock time at which something was entered."""
    rows = [
        {"subject": "1", "treatment": "drug", "amount": 1, "unit": "mg", "start": f"{ZERO} 14:00"},
        {"subject": "1", "treatment": "drug", "amount": 1, "unit": "mg", "start": f"{ZERO + timedelta(days=6)} {at}"},
    ]
    who = [{"subject": "1", "arm": "active", "day_zero": f"{ZERO} 17:45"}]
    report = audit(drug(WEEKLY + "keep"), from_frames("w", {"subjects": who, "administrations": rows}), as_of=AFTER_ALL)
    assert "dose_early" not in report.findings["code"].to_list()


def test_grams_are_not_printed_as_kilograms() -> None:
    """An amount is printed in the unit of the protocol's dose."""
    assert format_amount(Quantity.parse("0.5 g").base, "mass", "g") == "0.5 g"


def test_no_tolerance_is_made_up() -> None:
    """Nobody applies ±10 % to a drug whose protocol states none: what differs is asked."""
    protocol = protocol_of("treatments: {drug: {dose: 100 mg, due: day 0, window: ±1 d}}")
    who = [{"subject": "1", "arm": "active", "day_zero": ZERO}]
    dose = [{"subject": "1", "treatment": "drug", "start": ZERO, "amount": 109, "unit": "mg"}]
    report = audit(protocol, from_frames("t", {"subjects": who, "administrations": dose}), as_of=AFTER_ALL)
    assert report.findings["code"].to_list() == []
    assert report.queries["code"].to_list() == ["tolerance"]


def test_dates_inside_their_windows_can_be_printed_at_randomisation() -> None:
    """Before anything is given every dose has its first day, its target and its last day."""
    who = [{"subject": "1", "arm": "msc", "day_zero": date(2024, 3, 1)}]
    table = schedule(read("uc-msc-saa"), from_frames("r", {"subjects": who}), as_of=date(2024, 2, 20))
    cells = table.filter(table["activity"] == "uc-msc")
    assert cells.select("opens", "due", "closes").null_count().row(0) == (0, 0, 0)


def test_windows_are_kept_with_the_study_s_own_definition() -> None:
    """Each occurrence carries its window, however odd: nothing is dropped as study-specific."""
    table = calendar(drug("due: [day 3, day 8], window: -2 d to +5 d"))
    assert (days_of(table, "drug", "opens"), days_of(table, "drug", "closes")) == ([1, 6], [8, 13])


def test_one_interval_record_stops_nothing() -> None:
    """A drug on record as one line of several days is no fault of the file: it is read, and all others are judged."""
    protocol = protocol_of(
        "treatments: {drug: {dose: {amount: 100 mg, tolerance: ±5 %}, due: [day 0, day 7], window: ±1 d}, "
        "tablet: {frequency: once daily, from: day 0, for: 28 d, window: ±1 d, dose: {amount: 5 mg, tolerance: ±5 %}}}"
    )
    who = [{"subject": n, "arm": "active", "day_zero": ZERO} for n in ("1", "2")]
    line = {"treatment": "tablet", "start": ZERO, "end": ZERO + timedelta(days=27), "amount": 5, "unit": "mg"}
    doses = [
        {"subject": n, "treatment": "drug", "start": ZERO + timedelta(days=day), "amount": mg, "unit": "mg"}
        for n, day, mg in (("1", 0, 100), ("1", 7, 100), ("2", 0, 100), ("2", 7, 150))
    ]
    lines = [{"subject": n, **line} for n in ("1", "2")]
    study = from_frames("i", {"subjects": who, "administrations": [*lines, *doses]})
    verdicts = validate(protocol, study, as_of=AFTER_ALL).filter(pl.col("activity") == "drug")
    assert verdicts["verdict"].to_list() == ["complies", "complies", "complies", "deviates"]
