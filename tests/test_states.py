"""Holds and stops: when a treatment was not to be given, and from which moment on."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl

import protocol
import rules

PROTOCOL = """protocol: t
version: 1
first_day: 0
months: clamp
source: team
basis: assumed
sources: {team: invented}
arms: {a: A}
treatments:
  x: {due: day 0, every: 7 d, times: 5, window: ±1 d, dose: 10 mg}
"""


def found(*codes: str, text: str = PROTOCOL, **tables: list[dict[str, Any]]) -> list[str]:
    """The days in March 2024 of what is told under these codes, as two digits; a query carries a question mark."""
    child = {"subject": "1", "arm": "a", "birth_date": "2020-01-01", "day_zero": "2024-03-01"}
    rows = {name: [{"subject": "1"} | row for row in table] for name, table in tables.items()}
    study = rules.from_frames("t", {"subjects": [child]} | rows, data_cut=date(2024, 4, 30))
    report = rules.audit(protocol.read_text(text), study)
    told = [report.findings, report.queries]
    return [
        f"{row['date']:%d}" + "?" * n
        for n, frame in enumerate(told)
        for row in frame.filter(pl.col("code").is_in(codes)).iter_rows(named=True)
    ]


def doses(*starts: str, **more: str) -> list[dict[str, Any]]:
    """A dose of 10 mg on each day of March 2024, with or without a time."""
    return [{"treatment": "x", "amount": "10", "unit": "mg", "start": f"2024-03-{start}"} | more for start in starts]


def hold(start: str, end: str | None = None, **more: str) -> dict[str, Any]:
    """A hold on record in March 2024."""
    return {"event": "hold", "start": f"2024-03-{start}", "end": f"2024-03-{end}" if end else None} | more


def test_a_short_hold_inside_a_long_one_does_not_end_the_long_one() -> None:
    """All three doses lie in the long hold, whatever lies inside it."""
    events = [hold("03", "30"), hold("05", "06")]
    assert found("dose_during_hold", administrations=doses("08", "15", "22"), events=events) == ["08", "15", "22"]


def test_of_three_holds_that_overlap_the_one_that_reaches_furthest_ends_them() -> None:
    """Two chained holds and one apart: the days between them are free."""
    events = [hold("02", "05"), hold("04", "12"), hold("06", "07"), hold("20", "25")]
    given = doses("08", "15", "22")
    assert found("dose_during_hold", administrations=given, events=events) == ["08", "22"]


def test_a_hold_without_an_end_leaves_only_the_days_after_the_recorded_one_in_doubt() -> None:
    """A hold with an end proves its own days beside one whose end nobody recorded."""
    events = [hold("03"), hold("05", "10")]
    told = found("dose_during_hold", "hold-end", administrations=doses("08", "15"), events=events)
    assert told == ["08", "15?"]
