"""Planned and actual arm: whoever was treated as another arm is shown to the statistician, and stays where planned."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

import protocol
import rules
from rules.endpoints import outcomes
from rules.endpoints.reading import sections
from rules.endpoints.words import Words

TRIAL = """
protocol: trial
version: 1
first_day: 0
source: team
basis: assumed
sources: {team: a protocol for tests}
arms: {msc: cells, control: standard treatment}
events: {failure: treatment failure}
treatments:
  msc: {title: {en: stromal cells, zh: 间充质干细胞}, arm: msc, due: day 14, window: ±1 d}
  standard: {due: day 0, window: ±1 d}
endpoints: {failed: {event: failure}}
"""
Row = dict[str, Any]
CELLS: Row = {"subject": "1", "treatment": "msc", "start": "2024-02-10"}
ELSEWHERE: Row = {
    "subject": "1",
    "event": "concomitant medication",
    "start": "2024-02-10",
    "detail": "stromal cells, another programme",
}


def study_of(arm: str, actual: str | None = None, **tables: list[Row]) -> rules.Study:
    """One participant who had the standard treatment, and what else the tables say."""
    who: Row = {"subject": "1", "arm": arm, "actual_arm": actual, "day_zero": "2024-01-01"}
    facts: dict[str, list[Row]] = {
        "subjects": [who],
        "administrations": [{"subject": "1", "treatment": "standard", "start": "2024-01-01"}],
        "events": [],
    }
    for name, rows in tables.items():
        facts[name] = facts[name] + rows
    return rules.from_frames("s", {t: r for t, r in facts.items() if r}, data_cut=date(2024, 6, 1))


def received(study: rules.Study, **options: Any) -> list[tuple[Any, ...]]:
    """Planned and actual arm, the state and why."""
    found = outcomes(protocol.read_text(TRIAL), study, **options).received
    return found.select("arm", "actual_arm", "received", "because").rows()


@pytest.mark.parametrize("arm", ["msc", "control"])
def test_who_did_as_planned_followed_the_planned_arm(arm: str) -> None:
    """The doses of the own arm are nothing to decide."""
    more = [CELLS] if arm == "msc" else []
    assert received(study_of(arm, administrations=more)) == [(arm, arm, "as planned", None)]


def test_cells_from_another_programme_leave_the_actual_arm_to_the_statistician() -> None:
    """Situation S48: the planned arm stays, and the cells are shown with their day."""
    why = "stromal cells, another programme on 2024-02-10"
    assert received(study_of("control", events=[ELSEWHERE])) == [("control", None, "to be decided", why)]


def test_a_dose_of_the_other_arm_leaves_it_open_too() -> None:
    """The same of a dose of the trial given to the wrong arm; twice on a day it is told once."""
    study = study_of("control", administrations=[CELLS])
    assert received(study) == [("control", None, "to be decided", "stromal cells on 2024-02-10")]


def test_cells_of_the_own_arm_given_elsewhere_are_no_other_arm() -> None:
    """Whose arm gets the cells is not treated as another."""
    assert received(study_of("msc", events=[ELSEWHERE])) == [("msc", "msc", "as planned", None)]


def test_a_dose_not_given_is_not_received() -> None:
    """A record that says that nothing was given changes nothing."""
    not_given = CELLS | {"status": "not given", "reason": "wrong arm"}
    assert received(study_of("control", administrations=[not_given])) == [("control", "control", "as planned", None)]


@pytest.mark.parametrize(("actual", "state"), [("msc", "differs"), ("control", "as planned")])
def test_what_the_study_decided_is_told(actual: str, state: str) -> None:
    """The recorded arm goes before what could be made of the doses, and why stands beside it."""
    study = study_of("control", actual, administrations=[CELLS])
    assert received(study) == [("control", actual, state, "stromal cells on 2024-02-10")]


def test_a_blinded_run_tells_no_arm() -> None:
    """Neither the planned nor the actual one."""
    assert received(study_of("control", "msc", administrations=[CELLS]), blinded=True) == []


@pytest.mark.parametrize(("lang", "heading"), [("en", "Planned and actual arm"), ("zh", "计划与实际组别")])
def test_who_differs_has_a_section_of_the_page(lang: str, heading: str) -> None:
    """In both languages; without anybody there is none."""
    with_one = outcomes(protocol.read_text(TRIAL), study_of("control", events=[ELSEWHERE]), lang=lang)
    without = outcomes(protocol.read_text(TRIAL), study_of("control"), lang=lang)
    assert heading in [section.heading for section in sections(with_one, Words(lang))]
    assert heading not in [section.heading for section in sections(without, Words(lang))]


def test_situation_48_says_the_same() -> None:
    """The child of the control arm, under the protocol of the situation."""
    file = Path(__file__).parent / "situations/protocols/prohibitions.yaml"
    said = file.read_text("utf-8") + "endpoints: {failed: {event: failure}}\n"
    event = {"subject": "1", "event": "concomitant medication", "start": "2024-04-10", "detail": "UC-MSC 2e6 cells/kg"}
    who = {"subject": "1", "arm": "control", "day_zero": "2024-03-01"}
    study = rules.from_frames("s", {"subjects": [who], "events": [event]}, data_cut=date(2024, 8, 20))
    found = outcomes(protocol.read_text(said), study).received
    assert found.select("arm", "actual_arm", "received").rows() == [("control", None, "to be decided")]
