"""Clinic closures move a target inside its window, and never a window."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from protocol import ScalarError
from rules import audit, from_frames, read_study, schedule
from rules.door.closures import parse_closures
from tests.test_schedule import AFTER_ALL, ZERO, drug, given_on

WEEKLY = "due: day 0, every: 7 d, times: 3, window: ±2 d"  # ZERO is a Friday


def days(closed: dict[str, str], body: str = WEEKLY) -> list[tuple[int, bool]]:
    """Target after `ZERO` of each dose, and whether its whole window is closed."""
    study = from_frames("c", {"subjects": [{"subject": "1", "arm": "active", "site": "01", "day_zero": ZERO}]})
    found = schedule(drug(body), replace(study, settings=closed), as_of=ZERO - timedelta(days=9))
    return [((due - ZERO).days, shut) for due, shut in found.select("due", "closed").iter_rows()]


@pytest.mark.parametrize(
    ("closed", "expected"),
    [
        ({}, [(0, False), (7, False), (14, False)]),
        ({"closed": "fridays"}, [(1, False), (8, False), (15, False)]),
        ({"closed": "friday, saturday"}, [(-1, False), (6, False), (13, False)]),
        ({"closed": "2024-03-08"}, [(0, False), (8, False), (14, False)]),
        ({"closed": "2024-03-06 to 2024-03-10"}, [(0, False), (7, True), (14, False)]),
        ({"closed 01": "friday", "closed": "2024-03-06 to 2024-03-10"}, [(1, False), (8, False), (15, False)]),
        ({"closed 02": "friday"}, [(0, False), (7, False), (14, False)]),
    ],
)
def test_a_closure_moves_the_target_to_an_open_day_of_its_window(
    closed: dict[str, str], expected: list[tuple[int, bool]]
) -> None:
    """The nearest one, the later of two; where there is none the occurrence is named."""
    assert days(closed) == expected


def test_a_closure_changes_no_verdict() -> None:
    """Late is late, whether the clinic was open or not."""
    who = [{"subject": "1", "arm": "active", "day_zero": ZERO}]
    rows = [{"subject": "1"} | row for row in given_on(0, 10)]
    study = from_frames("c", {"subjects": who, "administrations": rows})
    closed = replace(study, settings={"closed": "2024-03-06 to 2024-03-10"})
    one, other = (audit(drug(WEEKLY), each, as_of=AFTER_ALL).findings for each in (study, closed))
    assert one["code"].to_list() == other["code"].to_list() == ["dose_late"]


def test_closures_that_name_no_day_are_refused_at_the_door(tmp_path: Path) -> None:
    """The fault stands at its line."""
    with pytest.raises(ScalarError, match="neither a weekday nor a date"):
        parse_closures("saturday, Easter")
    assert parse_closures("2024-12-30 to 2025-01-01").days == {
        (date(2024, 12, 30) - date(1970, 1, 1)).days + n for n in range(3)
    }
    (tmp_path / "subjects.csv").write_text("subject\n1\n")
    (tmp_path / "study.yaml").write_text("closed 01: saturday, sunday\n")
    assert read_study(tmp_path).settings == {"closed 01": "saturday, sunday"}
