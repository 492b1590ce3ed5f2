"""Patches of a real protocol: a course whose steps follow the visits as they took place."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl

import protocol
import rules

Row = dict[str, Any]
PATCHES = {"visit-3": "2024-03-01", "visit-4": "2024-03-17", "visit-12": "2024-08-16", "visit-13": "2024-08-30"}


def _lzzt(doses: list[tuple[str, str, str]], milestones: list[Row] | None = None) -> list[tuple[str, str]]:
    """What is found of the patches of somebody in the high arm, whose visits took place as they did."""
    who = {"subject": "001", "arm": "high"}
    rows = [
        {"treatment": "xanomeline", "start": start, "end": end, "amount": amount, "unit": "mg", "frequency": "QD"}
        for start, end, amount in doses
    ]
    tables = {
        "subjects": [who],
        "visits": [who | {"visit": visit, "date": day} for visit, day in PATCHES.items()],
        "administrations": [who | row for row in rows],
        "milestones": [who | row for row in milestones or []],
    }
    report = rules.audit(protocol.read("lzzt"), rules.from_frames("s", tables, data_cut=date(2024, 12, 31)))
    found = report.findings.filter(pl.col("activity") == "xanomeline-high")
    return [(row["code"], str(row["date"])) for row in found.iter_rows(named=True)]


def test_patches_follow_the_visits_as_they_took_place() -> None:
    """Visit 4 took place two days late: the dose was raised at it; the exposure intervals end where the next begin."""
    taken = [("2024-03-01", "2024-03-17", "54"), ("2024-03-18", "2024-08-16", "81"), ("2024-08-17", "2024-08-30", "54")]
    assert _lzzt(taken) == []
    late = [("2024-03-01", "2024-03-24", "54"), ("2024-03-25", "2024-08-16", "81"), ("2024-08-17", "2024-08-29", "54")]
    assert _lzzt(late) == [("dose_off_level", "2024-03-18")]
    without_end = [(start, "", amount) for start, _, amount in taken]
    assert _lzzt(without_end) == [("course_after_end", "2024-08-31")]
    stopped = [
        {"milestone": "stop-decision", "date": "2024-05-01"},
        {"milestone": "discontinuation", "date": "2024-05-20"},
    ]
    down = [("2024-03-01", "2024-03-17", "54"), ("2024-03-18", "2024-05-01", "81"), ("2024-05-02", "2024-05-20", "54")]
    assert _lzzt(down, stopped) == []
