"""Cycles: day 1 counts from the actual day 1 before it, a cycle not begun is a delay, a drug not given an omission."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest

import protocol
import rules
from tests.course import FIRST, HEAD, Row, audited, departed, dose, event, on, told, value

TWO_DRUGS = """
arms: {a: A}
milestones: {day-zero: start of first treatment}
measures: {anc: {unit: 10^9/L}}
events: {toxicity: toxicity}
cycles: {cycle: {from: day 1, every: 21 d, times: 4}}
treatments:
  gem: {in: cycle, due: [day 1, day 8], window: ±2 d, dose: {amount: 10 mg, tolerance: ±5 %}}
  carbo: {in: cycle, due: day 1, window: ±2 d, dose: {amount: 10 mg, tolerance: ±5 %}}
"""
DELAYS = (
    "modifications: {low: {if: anc < 1.5 10^9/L, in: cycle, at: day 1, then: delay cycle, until: anc >= 1.5 10^9/L}}\n"
)
PERMITTED = "modifications: {sick: {if: event toxicity, in: cycle 2 on, may: delay cycle by up to 14 d}}\n"


def cycle(day: int, *, carbo: int | None = None, second: int | None = None) -> list[Row]:
    """A whole cycle that begins on a study day, with the day of carbo and of the second dose of gem."""
    return [dose("gem", day), dose("gem", second or day + 7), dose("carbo", carbo or day)]


def four(*days: int) -> list[Row]:
    """Cycles that begin on these days."""
    return [row for day in days for row in cycle(day)]


def test_four_perfect_cycles_tell_nothing() -> None:
    """On the planned days, and drifting inside the window: each cycle counts from the one before as it took place."""
    for days in ((1, 22, 43, 64), (1, 24, 47, 70), (1, 20, 39, 58)):
        report = audited(TWO_DRUGS, 120, administrations=four(*days))
        assert (told(report), departed(report)) == ([], []), days


def test_a_late_cycle_is_one_finding_and_moves_the_rest() -> None:
    """Five days late with both drugs: one finding of the drug that began it; the next cycles count from it."""
    assert told(audited(TWO_DRUGS, 120, administrations=four(1, 27, 48, 69))) == ["dose_late gem 3"]


def test_an_early_cycle_is_one_finding() -> None:
    """Four days early with both drugs."""
    assert told(audited(TWO_DRUGS, 120, administrations=four(1, 18, 39, 60))) == ["dose_early gem 3"]


def test_one_drug_late_in_a_cycle_is_its_own_finding_and_moves_nothing() -> None:
    """Carbo comes five days after gem; day 8 and the next cycle count from gem."""
    given = [*cycle(1), *cycle(22, carbo=27), *four(43, 64)]
    assert told(audited(TWO_DRUGS, 120, administrations=given)) == ["dose_late carbo 2"]


def test_day_eight_counts_from_the_actual_first_day() -> None:
    """Cycle 2 began two days late, in its window: its day 8 is seven days later."""
    given = [*cycle(1), *cycle(24, second=28), *four(45, 66)]
    assert told(audited(TWO_DRUGS, 120, administrations=given)) == ["dose_early gem 4"]


def test_a_drug_not_given_in_a_begun_cycle_is_asked_for_or_not_given() -> None:
    """Without a record it is a query, with one a finding; the other drug began the cycle."""
    given = [row for row in four(1, 22, 43, 64) if not (row["treatment"] == "carbo" and row["start"] == on(22))]
    assert told(audited(TWO_DRUGS, 120, administrations=given)) == ["dose_no_record? carbo 2"]
    denied = [dose("carbo", 22, "", "", status="not given", reason="nobody ordered it")]
    assert told(audited(TWO_DRUGS, 120, administrations=given + denied)) == ["dose_not_given carbo 2"]


def test_of_a_cycle_that_has_not_begun_one_thing_is_asked() -> None:
    """Nothing after cycle 2: cycle 3 has not begun, and cycle 4 cannot before it."""
    assert told(audited(TWO_DRUGS, 120, administrations=four(1, 22))) == ["dose_no_record? gem 5"]


def test_a_note_that_a_dose_was_put_off_is_no_missed_dose_once_the_cycle_begins() -> None:
    """Not given on the planned day, given a week later: one late cycle."""
    put_off = [dose(drug, 22, "", "", status="not given", reason="counts low") for drug in ("gem", "carbo")]
    given = [*four(1), *put_off, *four(29, 50, 71)]
    assert told(audited(TWO_DRUGS, 120, administrations=given)) == ["dose_late gem 3"]


def test_a_third_dose_in_a_cycle_is_unplanned() -> None:
    """Carbo on day 12 of the first cycle belongs to no planned dose of any cycle."""
    given = [*four(1, 22, 43, 64), dose("carbo", 12)]
    assert told(audited(TWO_DRUGS, 120, administrations=given)) == ["unplanned_dose carbo"]


def test_an_ordered_delay_moves_the_cycle_and_is_counted() -> None:
    """Low counts on the planned day; they recover a week later."""
    counts = [value("anc", 1, 3), value("anc", 22, "0.9"), value("anc", 29, "1.6")]
    report = audited(TWO_DRUGS + DELAYS, 120, administrations=four(1, 29, 50, 71), observations=counts)
    assert (told(report), departed(report)) == ([], ["delay carbo 2 7", "delay gem 3 7"])


def test_beyond_an_ordered_delay_the_cycle_is_late() -> None:
    """The counts recovered on day 29, the cycle began on day 36."""
    counts = [value("anc", 1, 3), value("anc", 22, "0.9"), value("anc", 29, "1.6")]
    report = audited(TWO_DRUGS + DELAYS, 120, administrations=four(1, 36, 57, 78), observations=counts)
    assert told(report) == ["dose_late gem 3"]


@pytest.mark.parametrize(("begin", "found"), [(24, []), (38, []), (39, ["dose_late gem 3"])])
def test_a_permitted_delay_need_not_be_taken_and_has_an_end(begin: int, found: list[str]) -> None:
    """Due on day 22, on time to day 24, with toxicity to day 38."""
    given = four(1, begin, begin + 21, begin + 42)
    report = audited(TWO_DRUGS + PERMITTED, 140, administrations=given, events=[event("toxicity", 20, 30)])
    assert told(report) == found
    assert departed(report) == (["delay carbo 2 16", "delay gem 3 16"] if begin == 38 else [])


def test_toxicity_that_has_passed_permits_no_delay() -> None:
    """It ended in the first cycle."""
    report = audited(TWO_DRUGS + PERMITTED, 140, administrations=four(1, 30, 51, 72), events=[event("toxicity", 5, 9)])
    assert told(report) == ["dose_late gem 3"]


def test_a_cycle_waits_while_all_its_drugs_are_on_hold() -> None:
    """On hold from day 20 to day 30: the cycle is due on day 31."""
    held = [event("hold", 20, 30)]
    report = audited(TWO_DRUGS, 140, administrations=four(1, 31, 52, 73), events=held)
    assert (told(report), departed(report)) == ([], ["delay carbo 2 9", "delay gem 3 9"])
    report = audited(TWO_DRUGS, 140, administrations=four(1, 36, 57, 78), events=held)
    assert told(report) == ["dose_late gem 3"]


def test_the_calendar_names_the_cycle_and_numbers_doses_by_planned_date() -> None:
    """Gem has two doses a cycle, numbered 1 to 8; after a begun second cycle the third follows it."""
    plan = protocol.read_text(HEAD + TWO_DRUGS)
    rows = [{"subject": "1"} | row for row in four(1, 24)]
    study = rules.from_frames(
        "t",
        {"subjects": [{"subject": "1", "arm": "a", "day_zero": on(1)}], "administrations": rows},
        data_cut=FIRST + timedelta(days=40),
    )
    gem = rules.schedule(plan, study).filter(pl.col("activity") == "gem")
    assert gem["cycle"].to_list() == [1, 1, 2, 2, 3, 3, 4, 4]
    assert gem["occurrence"].to_list() == [1, 2, 3, 4, 5, 6, 7, 8]
    assert gem["due"].dt.to_string().to_list() == [on(d) for d in (1, 8, 22, 31, 45, 52, 66, 73)]


STEPS = """
arms: {a: A}
cycles: {cycle: {from: day 1, every: 21 d, to: 101 d after day-zero or progression}}
milestones: {day-zero: start of first treatment, progression: {title: progression}}
treatments:
  weekly:
    window: ±1 d
    dose: {amount: 10 mg, tolerance: ±5 %}
    steps:
      - {in: cycle 1, due: [day 1, day 8, day 15]}
      - {in: cycle 2 on, due: day 1}
  second: {in: cycle every 2nd from 3, due: day 1, window: ±1 d, dose: {amount: 10 mg, tolerance: ±5 %}}
"""


def test_cycles_end_at_their_end_and_activities_take_the_cycles_they_name() -> None:
    """Weekly in cycle 1, then every three weeks to day 102; the other drug in cycles 3 and 5."""
    given = [dose("weekly", d) for d in (1, 8, 15, 22, 43, 64, 85)] + [dose("second", d) for d in (43, 85)]
    assert told(audited(STEPS, 200, administrations=given)) == []
    assert told(audited(STEPS, 200, administrations=[*given, dose("second", 64)])) == ["unplanned_dose second"]
    assert told(audited(STEPS, 200, administrations=[*given, dose("weekly", 106)])) == ["unplanned_dose weekly"]


def test_cycles_end_at_a_milestone_that_ends_them() -> None:
    """After progression no further cycle is asked for."""
    given = [dose("weekly", d) for d in (1, 8, 15, 22)]
    ended = [{"milestone": "progression", "date": on(40)}]
    assert told(audited(STEPS, 200, administrations=given, milestones=ended)) == []


def test_late_cycles_are_never_hidden_by_the_grid_as_planned() -> None:
    """Every cycle one day early: the sixth begins before the end, though the grid as planned has only five."""
    given = [dose("weekly", d) for d in (1, 8, 15, 21, 41, 61, 81, 101)] + [dose("second", d) for d in (41, 81)]
    assert told(audited(STEPS, 200, administrations=given)) == []


SAMPLED = """
arms: {a: A}
milestones: {day-zero: start of first treatment}
events: {reaction: reaction}
cycles: {cycle: {from: day 1, every: 21 d, times: 4}}
treatments:
  drug:
    due: day 1
    window: ±2 d
    steps:
      - {in: cycle 1}
      - {in: cycle 2 on}
assessments:
  chemistry: {in: cycle, due: within 1 d before day 1}
  pk: {in: cycle 1, due: 0 d after end of each drug, window: ±0 d}
modifications: {stop: {if: event reaction, then: stop drug}}
"""
CHEMISTRY = [value("chemistry", day, "1") for day in (1, 22, 43, 64)]
PK = value("pk", 1, "1")


def given(*days: int) -> list[Row]:
    """The drug on these days."""
    return [dose("drug", day, "", "", end=on(day)) for day in days]


def test_a_sample_at_each_dose_of_one_cycle_is_asked_for_in_no_other() -> None:
    """`in: cycle 1` and `each drug` together: the doses of the first cycle."""
    tables = {"administrations": given(1, 22, 43, 64), "observations": [*CHEMISTRY, PK]}
    assert told(audited(SAMPLED, 140, **tables)) == []


def test_of_cycles_that_will_not_come_nothing_is_asked() -> None:
    """The only drug is stopped, or the participant off treatment: nothing is due before a day 1 that never comes."""
    tables = {"administrations": given(1, 22), "observations": [*CHEMISTRY[:2], PK]}
    assert told(audited(SAMPLED, 140, events=[event("reaction", 23)], **tables)) == []
    ended = [{"milestone": "discontinuation", "date": on(30)}]
    assert told(audited(SAMPLED, 140, milestones=ended, **tables)) == []


def test_of_a_cycle_that_waits_its_drug_is_asked_for_and_none_of_its_samples() -> None:
    """One thing is asked: whether the cycle began."""
    tables = {"administrations": given(1, 22), "observations": [*CHEMISTRY[:2], PK]}
    assert told(audited(SAMPLED, 140, **tables)) == ["dose_no_record? drug 3"]
