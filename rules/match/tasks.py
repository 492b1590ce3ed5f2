"""What is measured at which occasion of an arm: the assessments that a visit does, or one with days of its own."""

from __future__ import annotations

from typing import NamedTuple

from protocol.conditions import Condition
from protocol.model import Assessment, Visit
from rules.planning.slots import ArmPlan, Part, Plan


class Task(NamedTuple):
    """What is measured at an occasion under one name: the numbers and names of its measures, and when it is done."""

    name: str
    measures: tuple[int, ...]
    names: tuple[str, ...]
    if_: tuple[Condition, ...] = ()


_NOT_SAMPLED = frozenset({"age", "arm", "bsa", "gfr", "sex"})
"""Measures of the language that are known or worked out, never sampled."""


class Measures:
    """The measures of the protocol's assessments, numbered, and the words a record may use for each."""

    def __init__(self, plan: Plan) -> None:
        self.protocol = plan.protocol
        self.not_collected = plan.not_collected
        self.words: list[tuple[str, ...]] = []
        self._numbers: dict[str, int] = {}

    def task(self, name: str, arm: str) -> Task | None:
        """What an assessment measures, by its id; None where it is not done in the arm or everything is worked out."""
        found = self.protocol.assessments.get(name)
        if found is not None and (found.may_if or (found.arm and arm not in found.arm)):
            return None
        named = (found.measures if found is not None else ()) or (name,)
        worked_out = {m for m, measure in self.protocol.measures.items() if measure.cases} | _NOT_SAMPLED
        recorded = [m for m in named if not {name, m} & self.not_collected and m not in worked_out]
        title = found.title if found is not None and not found.measures else None
        numbers = tuple(self._number(m, title) for m in recorded)
        return Task(name, numbers, tuple(recorded), found.if_ if found is not None else ()) if numbers else None

    def _number(self, measure: str, title: object) -> int:
        if measure not in self._numbers:
            self._numbers[measure] = len(self.words)
            titles = [str(t).lower() for t in (getattr(title, "en", None), getattr(title, "zh", None)) if t]
            self.words.append(tuple(dict.fromkeys((measure, measure.replace("-", " "), *titles))))
        return self._numbers[measure]


def tasks_of(arm: ArmPlan, measures: Measures) -> dict[int, tuple[Task, ...]]:
    """What is measured in each column of an arm that anything is measured in."""
    found: dict[int, tuple[Task, ...]] = {}
    for column, slot in enumerate(arm.slots):
        element = slot.part.element
        names = element.does if isinstance(element, Visit) else (slot.part.activity,) if _own(slot.part) else ()
        tasks = tuple(task for name in names if (task := measures.task(name, arm.arm)) is not None)
        if tasks:
            found[column] = tasks
    return found


def _own(part: Part) -> bool:
    return isinstance(part.element, Assessment) and part.judged
