"""A dose that follows the weight: from which change on, measured from the weight last used (situation S18)."""

from __future__ import annotations

import pytest

import protocol
import rules
from tests.course import HEAD, audited, dose, recorded, told, value

WEEKLY = """
arms: {{a: A}}
milestones: {{day-zero: start of x 1}}
weight: {{use: baseline{policy}}}
treatments:
  x: {{due: day 1, every: 7 d, times: 4, window: ±1 d, dose: {{amount: 1 mg/kg, tolerance: ±5 %}}}}
"""
FOLLOWS = WEEKLY.format(policy=", recalculate: 10 %")
BASELINE = WEEKLY.format(policy="")


def weighed(text: str, weights: dict[int, str], *amounts: str) -> list[str]:
    """What is told of weekly doses of these amounts, with these weights on study days."""
    given = [dose("x", 1 + 7 * n, amount) for n, amount in enumerate(amounts)]
    found = [value("weight", day, kg, "kg") for day, kg in weights.items()]
    return told(audited(text, 40, administrations=given, observations=found))


@pytest.mark.parametrize(
    ("heavier", "amount", "found"),
    [
        ("17.9", "16.2", ["dose_not_recalculated x 2"]),
        ("17.9", "17.9", []),
        ("17.82", "16.2", ["dose_not_recalculated x 2"]),
        ("17.81", "16.2", []),
        ("17.9", "13", ["underdose x 2"]),
        ("14.5", "16.2", ["dose_not_recalculated x 2"]),
    ],
)
def test_a_dose_follows_the_weight_from_a_tenth_on(heavier: str, amount: str, found: list[str]) -> None:
    """16.2 kg at first; at 17.82 kg, a tenth more, the dose is computed anew, at 17.81 kg it is not."""
    later = heavier if found != [] or amount == heavier else "16.2"
    assert weighed(FOLLOWS, {0: "16.2", 7: heavier}, "16.2", amount, later, later) == found


def test_with_the_baseline_weight_throughout_the_first_dose_stays_right() -> None:
    """The protocol says nothing of recalculating."""
    assert weighed(BASELINE, {0: "16.2", 7: "17.9"}, "16.2", "16.2", "16.2", "16.2") == []


def test_the_change_is_measured_from_the_weight_last_used() -> None:
    """A gain of 6 % a week: nothing at 17.2, computed anew at 18.2 kg, and from then on 18.2 is the measure."""
    weights = {0: "16.2", 7: "17.2", 14: "18.2", 21: "19.2"}
    assert weighed(FOLLOWS, weights, "16.2", "16.2", "18.2", "18.2") == []
    assert weighed(FOLLOWS, weights, "16.2", "18.2", "18.2", "18.2") == ["overdose x 2"]


def test_every_dose_by_the_old_weight_is_the_same_finding() -> None:
    """Heavier from the second dose on, and the third too is by the old weight; by one of long ago it is under."""
    unchanged = ["dose_not_recalculated x 2", "dose_not_recalculated x 3"]
    assert weighed(FOLLOWS, {0: "16.2", 7: "17.9"}, "16.2", "16.2", "16.2", "17.9") == unchanged
    weights = {0: "16.2", 7: "17.9", 14: "20"}
    assert weighed(FOLLOWS, weights, "16.2", "17.9", "17.9", "16.2") == ["dose_not_recalculated x 3", "underdose x 4"]


@pytest.mark.parametrize(
    ("text", "doses"),
    [(BASELINE, [16.2, 16.2, 16.2, 16.2]), (FOLLOWS, [16.2, 16.2, 18.2, 18.2])],
    ids=["the baseline weight throughout", "from a change of a tenth on"],
)
def test_the_calendar_counts_with_the_weight_that_the_verdict_will_count_with(text: str, doses: list[float]) -> None:
    """Nobody is told beforehand of a dose that is an overdose afterwards."""
    weights = {0: "16.2", 7: "17.2", 14: "18.2", 21: "19.2"}
    given = [dose("x", 1 + 7 * n, str(amount)) for n, amount in enumerate(doses)]
    found = [value("weight", day, kg, "kg") for day, kg in weights.items()]
    study = recorded(40, administrations=given, observations=found)
    assert rules.schedule(protocol.read_text(HEAD + text), study)["dose"].to_list() == doses
