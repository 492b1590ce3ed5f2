"""What modifications make of the doses that follow: the cases of `modification_cases.yaml`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from protocol import read_text
from rules.plan import compile_plan
from tests.course import HEAD, Row, audited, dose, event, on, told, value

FILE = yaml.safe_load((Path(__file__).parent / "modification_cases.yaml").read_text(encoding="utf-8"))
UNITS = {"alt": "U/L", "hb": "g/L", "weight": "kg"}
CUT = 80


def protocol_of(case: dict[str, Any]) -> str:
    """The trial of a case with its modifications."""
    return str(FILE["trials"][case["trial"]]) + "modifications: " + _written(case["rules"]) + "\n"


def _written(value: Any) -> str:
    """A value as YAML in one line."""
    return yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=1000).strip()


def records(case: dict[str, Any]) -> dict[str, list[Row]]:
    """The tables of a case."""
    values = case.get("values", {})
    found = {"observations": [value(m, day, v, UNITS[m]) for m in values for day, v in values[m].items()]}
    found["events"] = [event(name, *days) for name, days in case.get("events", {}).items()]
    if "taken" in case:
        rows = [dose("x", d, str(mg), end=on(last), frequency=often) for d, last, mg, often in case["taken"]]
        return found | {"administrations": rows}
    amounts = case.get("doses", {})
    doses = [dose("x", 1 + 7 * n, str(amounts.get(n + 1, 100))) for n in range(8)]
    return found | {"administrations": doses}


@pytest.mark.parametrize("case", FILE["cases"], ids=lambda case: case["title"])
def test_a_case_tells_what_it_says(case: dict[str, Any]) -> None:
    """No less and no more."""
    assert told(audited(protocol_of(case), CUT, **records(case))) == case["told"]


@pytest.mark.parametrize("case", FILE["cases"], ids=lambda case: case["title"])
def test_the_modifications_of_a_case_are_not_named_as_not_judged(case: dict[str, Any]) -> None:
    """What the cases show is judged."""
    plan = compile_plan(read_text(HEAD + protocol_of(case)))
    assert [note for note in plan.not_judged if note[0].startswith("modifications")] == [
        tuple(note) for note in case.get("named", [])
    ]
