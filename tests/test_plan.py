"""The plan: what a protocol schedules for each arm, in which order, and what it names as not judged."""

from __future__ import annotations

import pytest

from protocol import Protocol, read_text
from protocol.errors import DocumentError
from rules.plan import compile_plan
from rules.planning.slots import ArmPlan, Plan, Ref, Span
from tests.trials import EVERY, trial


def plan_of(body: str) -> Plan:
    """The plan of two arms with these blocks."""
    return compile_plan(protocol_of(body))


def protocol_of(body: str) -> Protocol:
    """A protocol of two arms."""
    return read_text(
        f"""
protocol: plan
version: 1
first_day: 0
months: clamp
source: team
basis: assumed
sources: {{team: a protocol for tests}}
arms: {{one: one, two: {{title: two, group: concurrent}}}}
{body}
""",
        "plan",
    )


def slots(arm: ArmPlan) -> list[tuple[str, int, int]]:
    """Activity, number and days from its reference of every slot."""
    return [(slot.part.activity, slot.occurrence, slot.offset.about) for slot in arm.slots]


def test_an_arm_has_the_slots_of_its_own_treatments() -> None:
    """What names another arm is not in the plan, and what names none is in both."""
    plan = plan_of("treatments: {a: {arm: one, due: day 0, dose: 1 mg}, b: {due: days 1 to 2, dose: 1 mg}}")
    assert slots(plan.arms["one"]) == [("a", 1, 0), ("b", 1, 1), ("b", 2, 2)]
    assert slots(plan.arms["two"]) == [("b", 1, 1), ("b", 2, 2)]
    assert (plan.arms["one"].concurrent, plan.arms["two"].concurrent) == (False, True)


def test_occurrences_are_numbered_through_all_steps() -> None:
    """The second step goes on where the first one ends, and inherits what it leaves out."""
    plan = plan_of("""
treatments:
  a:
    window: ±1 d
    dose: {amount: 1 mg, tolerance: ±5 %}
    steps: [{due: days 0 to 1}, {due: [day 7, day 14], dose: 2 mg}]
""")
    found = plan.arms["one"].slots
    assert slots(plan.arms["one"]) == [("a", 1, 0), ("a", 2, 1), ("a", 3, 7), ("a", 4, 14)]
    assert [slot.part.path for slot in found] == ["treatments.a.steps.0"] * 2 + ["treatments.a.steps.1"] * 2
    assert {(slot.low, slot.high) for slot in found} == {(-1, 1)}


def test_what_counts_from_another_activity_comes_after_it() -> None:
    """In every plan each group of slots comes after the groups that it counts from."""
    for name in EVERY:
        for arm in compile_plan(trial(name)).arms.values():
            done: set[int] = set()
            for group in arm.groups:
                slots_here = [arm.slots[column] for column in group]
                refs = [r.slot for s in slots_here for r in (s.ref, *(b.ref for b in s.bounds)) if r.slot >= 0]
                assert set(refs) <= done | set(group), (name, group)
                done |= set(group)
            assert sorted(done) == list(range(len(arm.slots)))


def test_an_anchor_may_stand_before_what_it_names() -> None:
    """The order of the document does not matter."""
    plan = plan_of("""
treatments: {a: {due: 7 d after later, dose: 1 mg}}
visits: {later: {due: day 14}}
""")
    arm = plan.arms["one"]
    [column] = arm.columns("a")
    assert arm.slots[column].ref == Ref("slot", "later", arm.columns("later")[0])
    assert [arm.slots[c].part.activity for group in arm.groups for c in group] == ["later", "a"]


def test_one_is_given_before_each_of_a_treatment_named_like_its_product() -> None:
    """A treatment and a product of the same name: the treatment's occurrences are meant."""
    plan = plan_of("""
products: {a: {title: a}}
treatments: {a: {due: days 0 to 2, dose: 1 mg}, pre: {due: within 2 h before each a, dose: 1 mg}}
""")
    arm = plan.arms["one"]
    assert [arm.slots[column].ref.slot for column in arm.columns("pre")] == arm.columns("a")
    assert all(arm.slots[column].follows for column in arm.columns("pre"))


def test_months_stay_months() -> None:
    """An offset keeps months apart from days; repeats multiply both."""
    plan = plan_of("""
treatments: {a: {dose: 1 mg}}
visits: {b: {due: 1 mo + 10 d after day-zero, every: 1 mo, times: 3}}
""")
    assert [slot.offset for slot in plan.arms["one"].slots] == [Span(1, 10), Span(2, 10), Span(3, 10)]


NAMED = {
    "no-gap": "treatments: {a: {dose: 5 mg/d, frequency: twice daily, from: day 0, for: 28 d, adherence: 80 to 120 %}}",
    "no-adherence": "treatments: {a: {dose: 5 mg/kg/d, frequency: twice daily, from: day 0, for: 28 d, gap: 2 d}}",
    "hours": "treatments: {a: {dose: 1 mg, due: day 0, window: ±1 d}}\n"
    "assessments: {x: {due: 1 h after a 1, window: ±5 min}}",
    "no-window": "treatments: {a: {dose: 1 mg, due: day 0}}",
    "requires": "treatments: {a: {dose: 1 mg, due: day 0, window: ±1 d, requires: given a within 3 d}}",
    "rate": "treatments: {a: {dose: 1 mg, due: day 0, window: ±1 d, rate: 1 mg/kg/h}}",
    "no-time": "treatments: {a: {dose: 1 mg, due: day 0, window: ±1 d}}\nassessments: {x: {due: day 1}}",
    "horizon": "treatments: {a: {dose: 1 mg, due: day 0, every: 1 y, window: ±1 d}}",
    "quota": "treatments: {a: {dose: 1 mg/d, frequency: daily, from: day 0, for: 9 d, at_most: 3 days in any 7 d}}",
    "total": "treatments: {a: {dose: {amount: 1 mg, max_total: 3 mg}, frequency: once daily, from: day 0, for: 5 d}}",
    "modification": "treatments: {a: {dose: 1 mg, due: day 0, window: ±1 d}}\nevents: {x: x}\n"
    "modifications: {m: {if: event x, then: reduce a by 2 mg/kg}}",
}


@pytest.mark.parametrize("reason", NAMED)
def test_what_is_not_judged_is_named(reason: str) -> None:
    """Read, scheduled where possible, and never passed over in silence."""
    assert reason in {why for _, why in plan_of(NAMED[reason]).not_judged}


def test_what_is_judged_whole_names_nothing() -> None:
    """A note is an exception: an ordinary dose and visit have none."""
    plan = plan_of("""
treatments: {a: {dose: {amount: 1 mg, tolerance: ±5 %}, due: day 0, every: 7 d, times: 3, window: ±1 d}}
visits: {b: {due: 14 d after a 1, window: ±2 d}}
""")
    assert plan.not_judged == ()


def test_circles_are_refused_before_they_are_compiled() -> None:
    """What counts from itself is a fault of the document."""
    with pytest.raises(DocumentError, match="counts from itself"):
        plan_of("treatments: {a: {dose: 1 mg}}\nvisits: {b: {due: 1 d after c}, c: {due: 1 d after b}}")


def test_assessments_may_be_left_out() -> None:
    """An audit asks for none."""
    protocol = protocol_of("treatments: {a: {dose: 1 mg}}\nassessments: {x: {due: day 1}}")
    assert slots(compile_plan(protocol).arms["one"]) == [("x", 1, 1)]
    assert slots(compile_plan(protocol, assessments=False).arms["one"]) == []


def test_the_days_of_visits_may_be_left_out_where_no_dose_counts_from_them() -> None:
    """A verdict asks for none; what a dose counts from, or a condition counts between, is kept with all it rests on."""
    protocol = protocol_of("""
treatments: {a: {due: 7 d after x, dose: 1 mg}}
visits:
  w: {due: day 1}
  x: {due: 1 d after w}
  y: {due: 1 d after a}
  z: {due: day 9}
  q: {due: day 10}
modifications: {late: {if: time from w to z > 8 d, then: stop a}}
""")
    whole, doses = (compile_plan(protocol, visits=visits).arms["one"] for visits in (True, False))
    assert slots(whole) == slots(doses)
    laid = {whole.slots[c].part.activity for group in whole.groups for c in group}
    kept = {doses.slots[c].part.activity for group in doses.groups for c in group}
    assert laid - kept == {"y", "q"}
    assert [group for group in whole.groups if group in doses.groups] == list(doses.groups)
