"""One invented participant of a protocol written out in days, and what is told of them: for tests of whole courses."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import protocol
import rules
from rules.audit import Report

HEAD = """protocol: t
version: 1
first_day: 1
months: clamp
source: team
basis: assumed
sources: {team: invented}
"""
FIRST = date(2024, 3, 1)
Row = dict[str, Any]


def on(day: int) -> str:
    """The date of a study day; the first is day 1."""
    return str(FIRST + timedelta(days=day - 1))


def dose(treatment: str, day: int, amount: str = "10", unit: str = "mg", **more: str) -> Row:
    """A dose on a study day."""
    given = {"treatment": treatment, "start": on(day), "amount": amount, "unit": unit}
    return given | more


def value(measure: str, day: int, number: object, unit: str = "10^9/L", **more: str) -> Row:
    """A measured value of a study day."""
    return {"measure": measure, "at": on(day), "value": str(number), "unit": unit} | more


def event(name: str, day: int, last: int | None = None, **more: str) -> Row:
    """An event from one study day to another, or without an end."""
    return {"event": name, "start": on(day), "end": on(last) if last else None} | more


def audited(text: str, cut: int, arm: str = "a", day_zero: bool = True, **tables: list[Row]) -> Report:
    """The audit of the one participant, with the data cut on a study day."""
    plan = protocol.read_text(text if text.startswith("protocol:") else HEAD + text)
    return rules.audit(plan, recorded(cut, arm, day_zero, **tables))


def recorded(cut: int, arm: str = "a", day_zero: bool = True, **tables: list[Row]) -> rules.Study:
    """The study of the one participant, with the data cut on a study day."""
    child = {"subject": "1", "arm": arm, "birth_date": "2015-01-01", "enrolled": on(1)}
    child |= {"day_zero": on(1)} if day_zero else {}
    rows: dict[str, list[Row]] = {
        "administrations": [],
        "observations": [],
        "events": [{"event": "none", "start": on(1)}],
    }
    for name, given in tables.items():
        rows[name] = [*rows.get(name, []), *given]
    kept = {name: [{"subject": "1"} | row for row in given] for name, given in rows.items() if given}
    return rules.from_frames("t", {"subjects": [child]} | kept, data_cut=FIRST + timedelta(days=cut - 1))


def told(report: Report) -> list[str]:
    """Findings and queries in short: `code activity occurrence`, a query with a question mark."""
    rows = [(row, "") for row in report.findings.iter_rows(named=True)]
    rows += [(row, "?") for row in report.queries.iter_rows(named=True)]
    return sorted(
        f"{row['code']}{mark} {row['activity'] or ''} {row['occurrence'] or ''}".strip() for row, mark in rows
    )


def departed(report: Report) -> list[str]:
    """Departures in short: `kind activity occurrence days`."""
    rows = report.departures.iter_rows(named=True)
    return sorted(f"{r['kind']} {r['activity']} {r['occurrence'] or ''} {r['days'] or ''}".strip() for r in rows)
