"""Protocol -> one row per planned occurrence per arm. Compiled once; the same for every participant of the arm.

An occurrence (a *slot*) counts from a milestone or from another slot; `groups` lists the slots in the order in which
their days become known: what counts from an actual date comes after the records of that activity are identified.
What this version schedules but does not judge is named in `not_judged`, never passed over.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from protocol.actions import Action
from protocol.check_units import doses as treatment_doses
from protocol.conditions import Condition, Count, Given, Recent, leaves
from protocol.kept import kept
from protocol.model import Modification, Protocol, Treatment
from protocol.timing import Moment
from protocol.walk import values
from rules.course.change import judged
from rules.dosing.changed import is_stated, movable
from rules.happened.holds import targets
from rules.happened.levels import CHANGES
from rules.planning.expansion import expand_arm
from rules.planning.judgeable import rate_shown, shown, tellable
from rules.planning.slots import ArmPlan, CyclePlan, Element, Kind, Part, Plan, Ref, Slot


def compile_plan(
    protocol: Protocol, *, assessments: bool = True, visits: bool = True, not_collected: Iterable[str] = ()
) -> Plan:
    """The plan of every arm, kept for the same protocol.

    `assessments` with days of their own may be left out where nothing asks for them; without `visits` the days of a
    visit are worked out only where those of a treatment count from it.
    """
    return _compiled(protocol, assessments, visits, frozenset(not_collected))


@kept
def _compiled(protocol: Protocol, assessments: bool, visits: bool, absent: frozenset[str]) -> Plan:
    parts: list[Part] = []
    notes: list[tuple[str, str]] = []
    for part in _parts(protocol):
        parts.append(replace(part, code=len(parts)))
        notes += _unjudged(parts[-1])
    notes += _unjudged_blocks(protocol)
    wanted = [p for p in parts if assessments or p.kind != "assessment"]
    conditions = [condition for _, condition in values(protocol, Condition)]
    counts = tuple(leaf for leaf in leaves(conditions) if isinstance(leaf, Count))
    asked = {name for count in counts for name in count.names()}
    arms = {}
    for arm, description in protocol.arms.items():
        slots, cycles, more = expand_arm(protocol, [p for p in wanted if not p.element.arm or arm in p.element.arm])
        notes += more
        groups = _groups(slots, cycles)
        groups = groups if visits else _for_doses(groups, slots, cycles, asked)
        arms[arm] = ArmPlan(arm, description.group == "concurrent", slots, groups, cycles)
    notes += [(f"assessments.{name}", "not-collected") for name in protocol.assessments if name in absent]
    notes += [(f"measures.{name}", "not-collected") for name in protocol.measures if name in absent]
    return Plan(protocol, tuple(parts), arms, tuple(dict.fromkeys(notes)), absent, counts)


def _parts(protocol: Protocol) -> Iterator[Part]:
    blocks: tuple[tuple[str, Kind, Iterable[tuple[str, Element]]], ...] = (
        ("treatments", "treatment", protocol.treatments.items()),
        ("visits", "visit", protocol.visits.items()),
        ("assessments", "assessment", protocol.assessments.items()),
    )
    for block, kind, elements in blocks:
        for name, element in elements:
            steps = element.parts() if isinstance(element, Treatment) else (element,)
            stepped = isinstance(element, Treatment) and bool(element.steps)
            for number, step in enumerate(steps):
                path = f"{block}.{name}.steps.{number}" if stepped else f"{block}.{name}"
                course = isinstance(step, Treatment) and step.often() is not None
                judged = _judged(kind, step, course=course)
                dosed = step if course else _at_level(step)
                yield Part(0, name, kind, number, path, dosed, judged=judged, course=course)


def _at_level(step: Element) -> Element:
    """A part with the dose of its level as its dose."""
    if not isinstance(step, Treatment) or step.level is None:
        return step
    return step.model_copy(update={"dose": step.doses_at(step.level)})


def _judged(kind: Kind, step: Element, *, course: bool) -> bool:
    if kind == "assessment" and (step.may_if or not _timed(step)):
        return False
    return not course


def _unjudged(part: Part) -> list[tuple[str, str]]:
    """What of a part is not judged: its path, and the key of the reason in the catalogue's `notes`."""
    step = part.element
    reasons = {
        "no-gap": part.course and part.step == 0 and getattr(step, "gap", None) is None,
        "no-adherence": part.course and part.step == 0 and getattr(step, "adherence", None) is None,
        "no-window": _without_window(part),
        "no-time": part.kind == "assessment" and bool(step.due) and not _timed(step),
        "hours": part.kind == "assessment" and step.window is not None and (step.window.clock or step.window.share > 0),
    }
    if isinstance(step, Treatment):
        reasons |= {
            "requires": not tellable(step.requires),
            "rate": step.rate is not None and not rate_shown(step),
            "quota": part.course and bool(step.at_most),
            "total": part.course and any(d.max_total is not None for d in step.dose),
        }
    return [(part.path, reason) for reason, holds in reasons.items() if holds]


def _unjudged_blocks(protocol: Protocol) -> list[tuple[str, str]]:
    """What of the protocol's other blocks is read and not judged."""
    notes = []
    for key, m in protocol.modifications.items():
        courses = {name for name, t in protocol.treatments.items() if t.frequency is not None or not _dosed_by_day(t)}
        if any(_beyond(a, courses, m, protocol) for a in (*m.then, *m.may)) or (m.at is not None and m.in_ is None):
            notes.append((f"modifications.{key}", "modification"))
        elif any(isinstance(leaf, Given | Recent) for leaf in leaves((*m.if_, *m.until))):
            notes.append((f"modifications.{key}", "condition"))
    done = {name for visit in protocol.visits.values() for name in visit.does}
    nowhere = [key for key, a in protocol.assessments.items() if not a.due and not a.limits and key not in done]
    notes += [(f"assessments.{key}", "nowhere") for key in nowhere]
    notes += [
        (f"products.{key}", "product")
        for key, product in protocol.products.items()
        if not all(shown(product, condition) for condition in product.requires)
    ]
    return notes


def _without_window(part: Part) -> bool:
    """Nothing says when an occurrence is on time; of a course only its first day has a window."""
    later = part.course and part.step > 0
    return part.kind != "assessment" and not later and not _timed(part.element)


def _timed(step: Element) -> bool:
    """The protocol says when it is on time."""
    return step.window is not None or bool(step.limits) or _within(step.due)


def _beyond(action: Action, courses: set[str], m: Modification, protocol: Protocol) -> bool:
    """Whether not all that an action says is judged: a repeated visit, how far a course is changed, an amount of
    another kind than the dose.

    Of what is repeated it is judged where it must be, and has measures.
    """
    if action.verb == "repeat":
        assessment = protocol.assessments.get(action.target)
        return assessment is None or not assessment.measures or action not in m.then
    if action.verb not in CHANGES:
        return False
    for name in targets(protocol, action.target):
        parts = protocol.treatments[name].parts()
        if name in courses and not judged(action, m, parts):
            return True
        doses = [dose for _, dose in treatment_doses(protocol.treatments[name])]
        if name not in courses and is_stated(action) and not movable(doses, action):
            return True
    return False


def _dosed_by_day(treatment: Treatment) -> bool:
    return any(part.due or part.limits for part in treatment.parts())


def _within(due: tuple[Moment, ...]) -> bool:
    return any(i.kind in {"within", "within_days"} for moment in due for i in moment.alternatives)


def _groups(slots: tuple[Slot, ...], cycles: dict[str, CyclePlan]) -> tuple[tuple[int, ...], ...]:
    """Columns of one activity whose days become known together, in an order in which every reference comes first."""
    unit_of = {column: (slot.part.activity, slot.part.step) for column, slot in enumerate(slots)}
    waiting = list(unit_of)
    groups: list[tuple[int, ...]] = []
    while waiting:
        units: dict[tuple[str, int], list[int]] = {}
        for column in waiting:
            units.setdefault(unit_of[column], []).append(column)
        needs = {unit: _needs(columns, slots, cycles, unit_of) - {unit} for unit, columns in units.items()}
        ready = [unit for unit in units if not needs[unit] & set(units)]
        # The last dose of all is known once the doses are in their places.
        ready = [unit for unit in ready if not _awaits_doses(units[unit], set(waiting), slots)] or ready
        if not ready and len(units) == len(waiting):
            raise ValueError(f"circular anchors: {sorted(units)}")
        if not ready:
            # Two parts count from occurrences of each other: their occurrences wait one by one.
            unit_of |= {column: (slots[column].part.activity, -column - 1) for column in waiting}
        for activity in dict.fromkeys(unit[0] for unit in ready):
            groups.append(tuple(c for unit in ready if unit[0] == activity for c in units[unit]))
        done = {c for unit in ready for c in units[unit]}
        waiting = [column for column in waiting if column not in done]
    return tuple(groups)


def _awaits_doses(columns: list[int], waiting: set[int], slots: tuple[Slot, ...]) -> bool:
    """Whether slots count from the last dose of any treatment, or of a product, while others have no place yet."""
    last = any(ref.kind == "dose" and ref.last for c in columns for ref in slots[c].refs())
    return last and any(slots[c].part.kind == "treatment" for c in waiting - set(columns))


def _for_doses(
    groups: tuple[tuple[int, ...], ...], slots: tuple[Slot, ...], cycles: dict[str, CyclePlan], asked: set[str]
) -> tuple[tuple[int, ...], ...]:
    """The groups of treatments, of activities whose days are `asked` for, and of all that these count from."""
    wanted = asked | {slot.part.activity for slot in slots if slot.part.kind == "treatment"}
    kept = []
    for group in reversed(groups):
        if slots[group[0]].part.activity in wanted:
            kept.append(group)
            wanted |= {slots[ref.slot].part.activity for ref in _references(group, slots, cycles) if ref.slot >= 0}
    return tuple(reversed(kept))


def _references(columns: Iterable[int], slots: tuple[Slot, ...], cycles: dict[str, CyclePlan]) -> list[Ref]:
    """All that these slots, and the cycles they lie in, count from."""
    refs = [ref for c in columns for ref in slots[c].refs()]
    return refs + [cycles[ref.name].ref for ref in refs if ref.kind == "cycle"]


def _needs(
    columns: list[int], slots: tuple[Slot, ...], cycles: dict[str, CyclePlan], unit_of: dict[int, tuple[str, int]]
) -> set[tuple[str, int]]:
    return {unit_of[ref.slot] for ref in _references(columns, slots, cycles) if ref.slot >= 0}
