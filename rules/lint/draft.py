"""A protocol as the checks see it: the document, its plan, the days that it plans, and what its conditions say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from protocol.check_units import doses
from protocol.dosing import Dose
from protocol.model import Protocol
from protocol.yaml_text import Path
from rules.door.closures import Closures
from rules.lint.logic import Reasoning
from rules.lint.measured import Measured, measured_of
from rules.lint.people import People, people_of
from rules.lint.timeline import Line, lines_of
from rules.plan import compile_plan
from rules.planning.slots import Part, Plan


@dataclass(frozen=True)
class Draft:
    """One protocol under examination, and the days on which clinics are closed where somebody named them."""

    protocol: Protocol
    closed: Closures | None = None

    @cached_property
    def plan(self) -> Plan:
        """The protocol, compiled."""
        return compile_plan(self.protocol)

    @cached_property
    def lines(self) -> tuple[Line, ...]:
        """The planned days of every arm."""
        return lines_of(self.plan)

    @cached_property
    def logic(self) -> Reasoning:
        """What can be so together."""
        return Reasoning.of(self.protocol)

    @cached_property
    def people(self) -> People:
        """Who may take part."""
        return people_of(self.protocol)

    @cached_property
    def measured(self) -> Measured:
        """Where each measure is measured."""
        return measured_of(self.protocol)

    def doses(self) -> Iterator[tuple[str, Path, Dose]]:
        """Every dose that the document writes: its treatment, its path, and the dose with what it inherits."""
        for name, treatment in self.protocol.treatments.items():
            base = treatment.dose[0] if len(treatment.dose) == 1 else None
            for inner, dose in doses(treatment):
                yield name, ("treatments", name, *inner), dose.over(base) if inner[0] != "dose" else dose

    def path(self, part: Part, *field: str | int) -> Path:
        """The path of a part of the plan, or of a field of it: of its step where that writes it, else of all steps."""
        path: Path = tuple(int(key) if key.isdigit() else key for key in part.path.split("."))
        if field and len(path) > 2:
            step = self.protocol.treatments[part.activity].steps[part.step]
            return (*path, *field) if step.written(str(field[0])) is not None else (*path[:2], *field)
        return (*path, *field)
