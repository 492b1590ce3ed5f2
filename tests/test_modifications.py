"""What the protocol orders when a condition holds: to leave out, to wait, to give less; and what it permits."""

from __future__ import annotations

import pytest

from tests.course import Row, audited, departed, dose, event, told, value

LABEL = """
arms: {a: A}
milestones: {day-zero: start of gem 1}
measures: {anc: {unit: 10^9/L}, platelets: {unit: 10^9/L}, gfr: {unit: mL/min}}
events: {fever: febrile neutropenia}
criteria:
  full: {all: [anc >= 1.5 10^9/L, platelets >= 100 10^9/L]}
  low: {any: [anc < 1.0 10^9/L, platelets < 75 10^9/L]}
  severe: {any: [anc < 0.5 10^9/L for more than 5 d, event fever, platelets < 25 10^9/L, delay of cycle > 7 d]}
cycles: {cycle: {from: day 1, every: 21 d, times: 4}}
treatments:
  gem:
    window: ±2 d
    dose: {round: 5 mg, tolerance: ±5 %}
    levels: {0: {dose: 1000 mg}, -1: {dose: 800 mg}, -2: {dose: 800 mg}}
    steps:
      - {in: cycle, due: day 1, level: 0}
      - {in: cycle, due: day 8, level: 0, if: level of gem >= -1}
  carbo:
    {in: cycle, due: day 1, window: ±2 d,
     dose: {amount: 4 AUC, formula: calvert, cap: {gfr: 125 mL/min}, max: 580 mg, round: 10 mg, tolerance: ±5 %}}
modifications:
  day-1: {if: not full, in: cycle, at: day 1, then: delay cycle, until: full}
  half: {if: [not full, not low], in: cycle, at: day 8, then: reduce gem to 50 %, scope: this dose}
  left-out: {if: low, in: cycle, at: day 8, then: omit gem}
  toxicity: {if: severe, then: reduce gem by 1 level, scope: next cycle}
"""


def counts(*found: tuple[int, float, float]) -> list[Row]:
    """Neutrophils and platelets of some days, and a GFR of 75."""
    rows = [value("gfr", 0, 75, "mL/min")]
    for day, anc, platelets in found:
        rows += [value("anc", day, anc), value("platelets", day, platelets)]
    return rows


def good(*days: int) -> list[tuple[int, float, float]]:
    """Full counts on these days."""
    return [(day, 3, 200) for day in days]


def given(*first: int, gem: str = "1000", eight: str = "1000") -> list[Row]:
    """Whole cycles that begin on these days; 400 mg of carboplatin at a GFR of 75."""
    rows = []
    for day in first:
        rows += [dose("gem", day, gem), dose("carbo", day, "400"), *([dose("gem", day + 7, eight)] if eight else [])]
    return rows


ALL = (1, 22, 43, 64)
EVERY = [d for first in ALL for d in (first, first + 7)]


def label(doses: list[Row], found: list[tuple[int, float, float]], **more: list[Row]) -> list[str]:
    """What is told of these doses and counts by the label."""
    return told(audited(LABEL, 150, administrations=doses, observations=counts(*found), **more))


def test_perfect_cycles_by_the_label_tell_nothing() -> None:
    """Full counts before every dose, the doses as stated; 4 AUC at a GFR of 75 are 400 mg."""
    assert label(given(*ALL), good(*EVERY)) == []


def test_carboplatin_follows_calvert_with_its_cap_and_its_maximum() -> None:
    """At 150 mL/min the GFR counts as 125, and 600 mg become the 580 mg allowed; a dose for 150 is over the ceiling."""
    rows = counts(*good(*EVERY))
    rows[0] = value("gfr", 0, 150, "mL/min")
    for amount, found in (("580", []), ("550", ["underdose carbo 1"]), ("700", ["above_ceiling carbo 1"])):
        doses = [row | ({"amount": "580"} if row["treatment"] == "carbo" else {}) for row in given(*ALL)]
        doses[1]["amount"] = amount
        assert told(audited(LABEL, 150, administrations=doses, observations=rows)) == found


def test_without_a_gfr_the_dose_of_carboplatin_cannot_be_told() -> None:
    """One question for each dose."""
    report = audited(LABEL, 150, administrations=given(*ALL), observations=counts(*good(*EVERY))[1:])
    assert set(told(report)) == {f"clearance? carbo {n}" for n in (1, 2, 3, 4)}


def test_a_half_dose_on_day_eight_is_ordered_by_middling_counts() -> None:
    """Neutrophils of 1.2: half is right, the whole is the finding; a quarter is an underdose, three an overdose."""
    found = [*good(*[d for d in EVERY if d != 29]), (29, 1.2, 200)]
    rest = [row for row in given(*ALL) if row["start"] != dose("gem", 29)["start"]]
    unmade = ["modification_not_made gem 4"]
    for amount, expected in (("500", []), ("1000", unmade), ("250", ["underdose gem 4"]), ("750", ["overdose gem 4"])):
        assert label([*rest, dose("gem", 29, amount)], found) == expected


def test_no_dose_on_day_eight_is_ordered_by_low_counts() -> None:
    """Neutrophils of 0.8: left out and counted, or given and found."""
    found = [*good(*[d for d in EVERY if d != 29]), (29, 0.8, 200)]
    rest = [row for row in given(*ALL) if row["start"] != dose("gem", 29)["start"]]
    report = audited(LABEL, 150, administrations=rest, observations=counts(*found))
    assert (told(report), departed(report)) == ([], ["omission gem 4"])
    assert label([*rest, dose("gem", 29, "1000")], found) == ["modification_not_made gem 4"]


def test_a_cycle_begun_on_low_counts_is_the_finding_and_is_neither_early_nor_two() -> None:
    """The counts were too low on day 22 and recovered on day 29; both drugs were given on day 22."""
    found = [*good(*[d for d in EVERY if d != 22]), (22, 1.2, 200)]
    assert label(given(*ALL), found) == ["modification_not_made gem 3"]


def test_a_level_lower_after_toxicity_from_the_next_cycle_on() -> None:
    """Fever in cycle 1: 800 mg from cycle 2 on; the old level is the finding at each dose, half of it an underdose."""
    fever = [event("fever", 12, 14)]
    right = [*given(1), *given(22, 43, 64, gem="800", eight="800")]
    assert label(right, good(*EVERY), events=fever) == []
    assert label(
        [*given(1), *given(22, gem="800"), *given(43, 64, gem="800", eight="800")], good(*EVERY), events=fever
    ) == ["modification_not_made gem 4"]
    assert label(
        [*given(1), *given(22, gem="400", eight="800"), *given(43, 64, gem="800", eight="800")],
        good(*EVERY),
        events=fever,
    ) == ["underdose gem 3"]


def test_the_dose_of_the_cycle_in_which_toxicity_came_is_not_lowered() -> None:
    """Fever on day 5: day 8 of the same cycle is planned at the old level."""
    right = [*given(1), *given(22, 43, 64, gem="800", eight="800")]
    assert label(right, good(*EVERY), events=[event("fever", 5, 6)]) == []


def test_toxicity_twice_ends_the_second_dose_of_every_cycle() -> None:
    """Fever in cycles 1 and 2: level -2 from cycle 3 on, which has no day 8."""
    fever = [event("fever", 12, 14), event("fever", 33, 35)]
    right = [*given(1), *given(22, gem="800", eight="800"), *given(43, 64, gem="800", eight="")]
    assert label(right, good(*EVERY), events=fever) == []
    assert label([*right, dose("gem", 50, "800")], good(*EVERY), events=fever) == ["unplanned_dose gem"]


def test_below_the_lowest_level_the_dose_cannot_be_told() -> None:
    """Fever in three cycles: there is no level -3."""
    fever = [event("fever", d, d + 2) for d in (12, 33, 54)]
    right = [*given(1), *given(22, gem="800", eight="800"), *given(43, 64, gem="800", eight="")]
    assert label(right, good(*EVERY), events=fever) == ["level? gem 7"]


def test_a_long_delay_is_toxicity() -> None:
    """Counts recover after nine days: the cycle waits, as ordered, and the dose goes down a level from then on."""
    first = (1, 31, 52, 73)
    found = [*good(1, 8), (22, 1.2, 200), *good(*[d for f in first[1:] for d in (f, f + 7)])]
    assert label([*given(1), *given(*first[1:], gem="800", eight="800")], found) == []
    assert label([*given(1), *given(31), *given(52, 73, gem="800", eight="800")], found) == [
        "modification_not_made gem 3",
        "modification_not_made gem 4",
    ]


def test_counts_that_nobody_took_are_asked_for() -> None:
    """No counts at all: whether cycles might begin and doses be given cannot be told."""
    queries = label(given(*ALL), [])
    assert queries and all(q.startswith(("condition?", "reason?")) for q in queries), queries


SIMPLE = """
arms: {a: A}
milestones: {day-zero: start of x 1}
measures: {alt: {unit: U/L}}
events: {rash: rash}
treatments:
  x: {due: day 1, every: 7 d, times: 8, window: ±1 d, dose: {amount: 100 mg, tolerance: ±5 %}}
modifications:
"""
WEEKS = [1 + 7 * n for n in range(8)]


def weekly(**amounts: str) -> list[Row]:
    """Eight weekly doses of 100 mg, some of another amount by their number (`d3="75"`)."""
    return [dose("x", day, amounts.get(f"d{n}", "100")) for n, day in enumerate(WEEKS, 1)]


def alt(day: int, number: int, **more: str) -> Row:
    """ALT of a study day."""
    return value("alt", day, number, "U/L", **more)


def simple(rule: str, doses: list[Row], **more: list[Row]) -> list[str]:
    """What is told under one modification."""
    return told(audited(SIMPLE + f"  m: {{{rule}}}\n", 80, administrations=doses, **more))


BY = "if: alt > 200 U/L, then: reduce x by 20 to 30 %, until: alt < 50 U/L"


def test_a_reduced_dose_is_not_raised_before_its_condition_holds() -> None:
    """High on day 10, well on day 31: doses 3 to 5 at 70 to 80 %, from the sixth on either is right."""
    values = [alt(10, 260), alt(20, 100), alt(31, 40)]
    less = {f"d{n}": "75" for n in (3, 4, 5)}
    assert simple(BY, weekly(**less), observations=values) == []
    assert simple(BY, weekly(**less, d6="75", d7="75"), observations=values) == []
    assert simple(BY, weekly(d3="75", d4="75"), observations=values) == ["modification_not_made x 5"]
    assert simple(BY, weekly(**(less | {"d4": "50"})), observations=values) == ["underdose x 4"]


PER_KG = """
arms: {a: A}
milestones: {day-zero: start of x 1}
weight: {use: latest, within: 3 d}
events: {rash: rash}
treatments:
  x:
    due: day 1
    every: 7 d
    times: 8
    window: ±1 d
    level: 0
    dose: {tolerance: ±5 %}
    levels: {0: {dose: 10 mg/kg}, -1: {dose: 8 mg/kg}}
modifications:
  m: {if: event rash, then: reduce x by 1 level}
"""


def test_at_a_lower_level_too_it_is_the_weight_that_is_missing() -> None:
    """Nobody was weighed: of every dose the weight is asked for, and no level is in doubt."""
    given = [dose("x", day, "300") for day in WEEKS]
    asked = told(audited(PER_KG, 80, administrations=given, events=[event("rash", 10, 12)]))
    assert asked == [f"weight? x {n}" for n in range(1, 9)]


def test_within_a_stated_time_the_old_dose_is_still_right() -> None:
    """To be seen by within 7 days: the dose 5 days after the value may be either, the next one no longer."""
    rule, values = "if: alt > 200 U/L, then: reduce x by 25 %, within: 7 d", [alt(10, 260)]
    rest = {f"d{n}": "75" for n in range(4, 9)}
    assert simple(rule, weekly(**rest), observations=values) == []
    assert simple(rule, weekly(d3="75", **rest), observations=values) == []
    assert simple(rule, weekly(d3="75", **(rest | {"d4": "100"})), observations=values) == ["modification_not_made x 4"]


def test_a_permitted_reduction_is_right_either_way_and_has_a_limit() -> None:
    """A rash lets the dose be lowered by up to a quarter."""
    rule, rash = "if: event rash, may: reduce x by 0 to 25 %", [event("rash", 10)]
    assert simple(rule, weekly(), events=rash) == []
    assert simple(rule, weekly(d3="75"), events=rash) == []
    assert simple(rule, weekly(d3="60"), events=rash) == ["underdose x 3"]
    assert simple(rule, weekly(d2="75"), events=rash) == ["underdose x 2"]


def test_an_increase_that_is_ordered_must_be_made() -> None:
    """Low values ask for more."""
    rule, values = "if: alt < 10 U/L, then: raise x by 50 %", [alt(10, 5)]
    more = {f"d{n}": "150" for n in range(3, 9)}
    assert simple(rule, weekly(**more), observations=values) == []
    assert simple(rule, weekly(**(more | {"d5": "100"})), observations=values) == ["modification_not_made x 5"]


def test_after_a_hold_the_dose_resumes_at_its_share() -> None:
    """Held from day 10 until ALT is below 50 on day 20: doses 3 left out, from the fourth on 75 %."""
    rule = "if: alt > 200 U/L, then: hold x, until: alt < 50 U/L, resume: 75 %"
    values = [alt(10, 260), alt(20, 40)]
    rest = {f"d{n}": "75" for n in range(4, 9)}
    doses = [row for n, row in enumerate(weekly(**rest), 1) if n != 3]
    assert simple(rule, doses, observations=values) == []
    assert simple(rule, [*doses[:2], dose("x", 22, "100"), *doses[3:]], observations=values) == [
        "modification_not_made x 4"
    ]


def test_a_result_that_came_after_the_dose_changes_only_the_next() -> None:
    """Drawn at eight, dose at ten, reported at three (situation S30): the dose of that day is right."""
    rule = "if: alt > 200 U/L, then: omit x"
    late = [alt(15, 260) | {"at": "2024-03-15T08:00", "reported": "2024-03-15T15:00"}, alt(20, 40)]
    early = [late[0] | {"reported": "2024-03-15T09:00"}, alt(20, 40)]
    doses = [row | ({"start": "2024-03-15T10:00"} if n == 3 else {}) for n, row in enumerate(weekly(), 1)]
    assert simple(rule, doses, observations=late) == []
    assert simple(rule, doses, observations=early) == ["modification_not_made x 3"]


STOPS = "if: omissions of x > 2, then: stop x"


@pytest.mark.parametrize(("missing", "found"), [((3, 4), []), ((3, 5, 7), []), ((3, 4, 5), ["after"])])
def test_too_many_omissions_in_a_row_stop_the_treatment(missing: tuple[int, ...], found: list[str]) -> None:
    """Three in a row are one too many; the dose after them is one after the stop."""
    doses = [
        row | ({"status": "not given", "reason": "patient's wish", "amount": ""} if n in missing else {})
        for n, row in enumerate(weekly(), 1)
    ]
    codes = simple(STOPS, doses)
    after = [f"dose_after_stop x {n}" for n in (6, 7, 8)] if found else []
    assert codes == sorted(after + [f"dose_not_given x {n}" for n in missing])


def test_what_was_changed_as_ordered_or_permitted_is_counted_with_its_source() -> None:
    """A dose lowered by a quarter, and one left out: departures with the paragraph of the protocol."""
    rule, values = "if: alt > 200 U/L, then: reduce x by 25 %, source: team 7.1", [alt(50, 260)]
    report = audited(SIMPLE + f"  m: {{{rule}}}\n", 50, administrations=weekly(d8="75"), observations=values)
    assert (told(report), departed(report)) == ([], ["dose modified x 8"])
    rule = "if: alt > 200 U/L, then: omit x, source: team 7.1"
    report = audited(SIMPLE + f"  m: {{{rule}}}\n", 55, administrations=weekly()[:7], observations=values)
    assert (told(report), departed(report)) == ([], ["omission x 8"])
    assert report.departures["source"].to_list() == ["invented, 7.1"]
