"""All doses together: a ceiling of the sum, absolute or per kilogram, of what was really given."""

from __future__ import annotations

import pytest

from tests.course import audited, dose, told, value

WEEKLY = """
arms: {{a: A}}
milestones: {{day-zero: start of x 1}}
weight: {{use: latest}}
treatments:
  x: {{due: day 1, every: 7 d, times: 4, window: ±1 d, dose: {{amount: {amount}, tolerance: ±20 %, max_total: {most}}}}}
"""
MG = WEEKLY.format(amount="100 mg", most="300 mg")
PER_KG = WEEKLY.format(amount="5 mg/kg", most="15 mg/kg")


def given(*amounts: str, text: str = MG, **more: dict[str, str]) -> list[str]:
    """What is told of weekly doses of these amounts; `more` are further cells of the first one."""
    rows = [dose("x", 1 + 7 * n, amount) for n, amount in enumerate(amounts)]
    rows += [dose("x", 1 + 7 * n, "", status="not given", reason="-") for n in range(len(amounts), 4)]
    rows[0] |= more.get("first", {})
    told_of = told(audited(text, 40, administrations=rows, observations=[value("weight", 0, "20", "kg")]))
    return [t for t in told_of if "dose_not_given" not in t]


@pytest.mark.parametrize(
    ("amounts", "found"),
    [
        (("100", "100", "100"), []),
        (("100", "100", "100.001"), ["above_total x 3"]),
        (("100", "90", "110"), []),
        (("120", "120", "80"), ["above_total x 3"]),
        (("100", "100", "100", "80"), ["above_total x 4"]),
        (("120", "120", "100", "80"), ["above_total x 3", "above_total x 4"]),
        (("100", "100", "121"), ["overdose x 3"]),
        (("120", "120", "121"), ["above_total x 3", "overdose x 3"]),
        (("80", "80", "200"), ["overdose x 3"]),
        (("80", "80", "200", "80"), ["overdose x 3", "above_total x 4"]),
    ],
)
def test_the_sum_may_reach_its_ceiling_and_not_pass_it(amounts: tuple[str, ...], found: list[str]) -> None:
    """Of every dose that passes it, unless only its own excess does: that is an overdose and no second finding."""
    assert sorted(given(*amounts)) == sorted(found)


def test_a_ceiling_per_kilogram_follows_the_weight_in_force() -> None:
    """15 mg/kg are 300 mg at 20 kg."""
    assert given("100", "100", "100", text=PER_KG) == []
    assert given("100", "100", "101", text=PER_KG) == ["above_total x 3"]


def test_of_a_dose_that_was_cut_short_the_part_given_counts() -> None:
    """60 mg of 100 mg were given, so three more doses of 80 mg fit under 300 mg."""
    part = {"first": {"status": "partly given", "prepared": "100"}}
    assert given("60", "80", "80", "80", **part) == []
    assert given("60", "80", "80", "81", **part) == ["above_total x 4"]


def test_the_bags_of_a_dose_are_one_dose() -> None:
    """Two bags of 50 mg are 100 mg, and the sum is that of the doses."""
    bags = [dose("x", 1, "50", bag="A"), dose("x", 1, "50", bag="B"), *(dose("x", d, "100") for d in (8, 15))]
    rest = dose("x", 22, "", status="not given", reason="-")
    assert told(audited(MG, 40, administrations=[*bags, rest])) == ["dose_not_given x 4"]


def test_an_amount_nobody_recorded_is_asked_about_where_it_could_matter() -> None:
    """One question, which names the ceiling; where no right dose could pass it, the question does not."""
    rows = [
        dose("x", 1, ""),
        *(dose("x", d, "100") for d in (8, 15)),
        dose("x", 22, "", status="not given", reason="-"),
    ]
    report = audited(MG, 40, administrations=rows)
    [query] = report.queries.rows(named=True)
    assert (query["code"], query["occurrence"]) == ("amount", 1)
    assert "above_total" in query["rule"].split(", ")
    rows[2] = dose("x", 15, "80")
    [query] = audited(MG.replace("300", "302"), 40, administrations=rows).queries.rows(named=True)
    assert "above_total" not in query["rule"].split(", ")


def test_what_passes_the_ceiling_whatever_is_missing_is_found() -> None:
    """Three doses of 101 mg are above 300 mg without the first, which nobody wrote down."""
    rows = [dose("x", 1, ""), *(dose("x", d, "101") for d in (8, 15, 22))]
    assert "above_total x 4" in told(audited(MG, 40, administrations=rows))
