"""Interventions and their administrations become treatments: how much, by which route, how often, to whom, when."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fractions import Fraction

from perprotocol.formats.usdm.activities import Timelines
from perprotocol.formats.usdm.administrations import Administrations, number, unit
from perprotocol.formats.usdm.draft import Block, Draft
from perprotocol.formats.usdm.header import plain_text
from perprotocol.formats.usdm.model import (
    Administration,
    Instance,
    Quantity,
    StudyIntervention,
)
from perprotocol.formats.usdm.timing import study_day


@dataclass
class Interventions:
    """The interventions of a design on their way into treatments."""

    draft: Draft
    timelines: Timelines
    arms: dict[str, str]
    names: dict[str, str] = field(default_factory=dict)
    """Intervention -> the treatment that it is, where it is one."""

    def __post_init__(self) -> None:
        chosen = self.draft.design.study_intervention_ids
        every = self.draft.version.study_interventions
        self.chosen = [one for one in every if not chosen or one.id in chosen]
        self.administrations = Administrations(self.draft, self.timelines.clock.first)

    def giving(self) -> frozenset[str]:
        """The activities whose procedures say that they give an intervention."""
        return frozenset(
            activity.id
            for activity in self.draft.design.activities
            if any(procedure.study_intervention_id for procedure in activity.defined_procedures)
        )

    def name_points(self) -> None:
        """Points without an encounter that give an intervention stand for the doses of its treatment."""
        for intervention in self.chosen:
            points = [point for _, point in self._points(intervention) if not point.encounter_id]
            if points or self.draft.own:
                self.names[intervention.id] = self.draft.name(intervention.name, intervention.label, suffix="treatment")
                self.timelines.stand_for({self.names[intervention.id]: list(dict.fromkeys(points))})

    def write(self) -> None:
        """A treatment for each intervention, or for each of its administrations where nothing says who gets which."""
        for intervention in self.chosen:
            parts = {one.id: self.administrations.part(one) for one in intervention.administrations}
            arms = self._arms(intervention)
            points = self._points(intervention)
            if self.draft.own:
                self._write_own(intervention, parts, arms, points)
            elif points:
                self._write_given(intervention, parts, arms, points)
            elif arms is not None and self._in_succession(intervention, parts):
                self._write_course(intervention, parts, arms)
            else:
                self._write_unassigned(intervention, parts, arms)
            for administration in intervention.administrations:
                self.administrations.check_texts(intervention, administration)

    def _arms(self, intervention: StudyIntervention) -> list[str] | None:
        """The arms that get an intervention, by the elements of their cells; [] for all, None where nothing says so."""
        giving = {one.id for one in self.draft.design.elements if intervention.id in one.study_intervention_ids}
        found = [
            name
            for key, name in self.arms.items()
            if any(cell.arm_id == key and set(cell.element_ids) & giving for cell in self.draft.design.study_cells)
        ]
        if found:
            return [] if len(found) == len(self.arms) else found
        return [] if len(self.arms) == 1 else None

    def _points(self, intervention: StudyIntervention) -> list[tuple[str, Instance]]:
        """The activities that give it, with the points where they do."""
        giving = {
            activity.id: activity.name
            for activity in self.draft.design.activities
            if any(procedure.study_intervention_id == intervention.id for procedure in activity.defined_procedures)
        }
        flows = self.timelines.flows
        return [
            (giving[one.id], point)
            for flow in flows
            for point in flow.order
            for one in self.timelines.done(point)
            if one.id in giving
        ]

    def _in_succession(self, intervention: StudyIntervention, parts: dict[str, Block]) -> bool:
        """Whether the administrations of one arm can follow one another: all but the last have an end."""
        courses = [part for part in parts.values() if "frequency" in part]
        return len(courses) == len(parts) > 0 and all("for" in part for part in courses[:-1])

    def _start(self, intervention: StudyIntervention) -> Block:
        treatment: Block = {"title": intervention.title} if intervention.title else {}
        if intervention.description and intervention.description != intervention.title and not self.draft.own:
            treatment["note"] = plain_text(intervention.description)
        return treatment

    def _write_course(self, intervention: StudyIntervention, parts: dict[str, Block], arms: list[str]) -> None:
        """One treatment by days: its administrations one after the other, from the fixed reference on."""
        name = self._name(intervention)
        day = f"day {self.timelines.clock.first}"
        treatment = self._start(intervention) | ({"arm": arms} if arms else {})
        courses = list(parts.values())
        common = {
            k: v
            for k, v in courses[0].items()
            if k in ("route", "frequency", "product") and all(p.get(k) == v for p in courses)
        }
        treatment |= common | {"from": day}
        rest = [{k: v for k, v in part.items() if k not in common} for part in courses]
        place = intervention.place
        if len(courses) == 1:
            treatment |= rest[0]
        else:
            treatment["steps"] = rest
            self.draft.tell("assumed", "in_succession", place, f"treatments.{name}.steps", number=len(courses))
        self.draft.tell("assumed", "starts", place, f"treatments.{name}.from", day=day)
        assumed = ["from", *(["steps"] if len(courses) > 1 else [])]
        self._put(name, self.draft.origin(treatment, place, *assumed), intervention, intervention.id)
        self._check_days(intervention)

    def _write_given(
        self,
        intervention: StudyIntervention,
        parts: dict[str, Block],
        arms: list[str] | None,
        points: list[tuple[str, Instance]],
    ) -> None:
        """Doses at the points of a timeline whose activities give the intervention."""
        name = self._name(intervention)
        by_part: dict[str, list[Instance]] = {}
        for activity, point in points:
            fitting = [one.id for one in intervention.administrations if activity == one.name] or list(parts)[:2]
            if len(fitting) > 1:
                values = {"activity": activity, "number": len(parts)}
                self.draft.tell("question", "which_administration", point.place, f"treatments.{name}", **values)
                continue
            for key in fitting or [""]:
                by_part.setdefault(key, []).append(point)
        steps: list[Block] = []
        for key, found in by_part.items():
            for alike in self._alike(found):
                flow = self.timelines.clock.flow_of[alike[0].id]
                step = {k: v for k, v in parts.get(key, {}).items() if k not in ("frequency", "for")}
                self.timelines.schedule(step, flow, alike)
                if window := self.timelines.clock.window(self.timelines.clock.timing(alike[0].id)):
                    step["window"] = window
                if alike[0].encounter_id and alike[0].id in self.timelines.clock.stands:
                    step["due"] = [self.timelines.clock.stands[point.id].element for point in alike]
                steps.append(step)
        treatment = self._start(intervention) | ({"arm": arms} if arms else {})
        if arms is None:
            self._ask_arm(intervention, name)
            treatment["if"] = self._unassigned(name, intervention.title, intervention.place)
        treatment |= steps[0] if len(steps) == 1 else {"steps": steps} if steps else {}
        self._put(name, self.draft.origin(treatment, intervention.place), intervention, intervention.id)

    def _write_own(
        self,
        intervention: StudyIntervention,
        parts: dict[str, Block],
        arms: list[str] | None,
        points: list[tuple[str, Instance]],
    ) -> None:
        """The treatment of a file of ours: its administrations are its steps, in their order."""
        name = self._name(intervention)
        steps = []
        for place, administration in enumerate(intervention.administrations):
            step = parts[administration.id]
            found = [point for activity, point in points if activity == administration.name]
            if found:
                self.timelines.schedule(step, self.timelines.clock.flow_of[found[0].id], found)
                if window := self.timelines.clock.window(self.timelines.clock.timing(found[0].id)):
                    step["window"] = window
            elif place == 0 and "frequency" in step:
                step["from"] = f"day {self.timelines.clock.first}"
            steps.append(step)
        treatment = self._start(intervention) | ({"arm": arms} if arms else {})
        treatment |= steps[0] if len(steps) == 1 else {"steps": steps}
        self._put(name, treatment, intervention, intervention.id)

    def _alike(self, points: list[Instance]) -> list[list[Instance]]:
        """Points of one loop, or of none, with the same window."""
        found: dict[object, list[Instance]] = {}
        clock = self.timelines.clock
        for point in points:
            loop = clock.flow_of[point.id].loop_of(point.id)
            key = loop.decision.id if loop else None, clock.window(clock.timing(point.id))
            found.setdefault(key, []).append(point)
        return list(found.values())

    def _write_unassigned(
        self, intervention: StudyIntervention, parts: dict[str, Block], arms: list[str] | None
    ) -> None:
        """Each administration apart, under a condition that a person judges: who is to get it."""
        day = f"day {self.timelines.clock.first}"
        for administration in intervention.administrations:
            one = len(parts) == 1
            part = parts[administration.id]
            name = self._name(intervention) if one else self._name_of(administration, intervention)
            treatment = {"title": f"{intervention.title}, {administration.title}"} | ({"arm": arms} if arms else {})
            place = administration.place
            assumed = []
            if arms is None or not one:
                self._ask_arm(intervention, name, administration)
                treatment["if"] = self._unassigned(name, administration.title, place)
                assumed.append("if")
            treatment |= part
            if "due" in part:
                assumed.append("due")
                self.draft.tell("assumed", "starts", place, f"treatments.{name}.due", day=day)
            elif "frequency" in part:
                treatment["from"] = day
                assumed.append("from")
                self.draft.tell("assumed", "starts", place, f"treatments.{name}.from", day=day)
            if "frequency" not in part:
                treatment.pop("for", None)
            if not {"due", "frequency"} & set(part):
                self.draft.tell("question", "when_given", place, f"treatments.{name}.due")
            if administration.description and not self.draft.own:
                treatment["note"] = plain_text(administration.description)
            self._put(name, self.draft.origin(treatment, place, *assumed), intervention, administration.id)

    def _unassigned(self, name: str, title: str, place: str) -> str:
        criterion = self.draft.name(f"{name}-assigned", suffix="assigned")
        text = f"the participant is to get {title}: the USDM file does not say which arm does"
        self.draft.block("criteria")[criterion] = self.draft.origin({"text": text}, place)
        return criterion

    def _ask_arm(
        self, intervention: StudyIntervention, name: str, administration: Administration | None = None
    ) -> None:
        one = administration or intervention
        hints = [
            f"{self.arms[cell.arm_id]}: {element.description}"
            for cell in self.draft.design.study_cells
            for element in self.draft.design.elements
            if element.id in cell.element_ids and element.description and self._tells_arms_apart(element.id)
        ]
        said = "; ".join(dict.fromkeys(hints))
        self.draft.tell("question", "which_arm", one.place, f"treatments.{name}.arm", what=one.title, hints=said or "-")

    def _tells_arms_apart(self, element: str) -> bool:
        arms = {cell.arm_id for cell in self.draft.design.study_cells if element in cell.element_ids}
        return 0 < len(arms) < len(self.arms)

    def _name(self, intervention: StudyIntervention) -> str:
        if intervention.id in self.names:
            return self.names[intervention.id]
        return self.draft.name(intervention.name, intervention.label, suffix="treatment")

    def _name_of(self, administration: Administration, intervention: StudyIntervention) -> str:
        both = f"{intervention.name} {administration.name}"
        return self.draft.name(both, suffix="treatment")

    def _put(self, name: str, treatment: Block, intervention: StudyIntervention, identity: str) -> None:
        self.draft.block("treatments")[name] = treatment
        self.draft.homes[f"treatments.{name}"] = identity

    def _check_days(self, intervention: StudyIntervention) -> None:
        """The days on which the activities of a timeline name a dose are those of its administration."""
        clock, begin = self.timelines.clock, 0
        for administration in intervention.administrations:
            quantity = administration.duration.quantity
            if not isinstance(quantity, Quantity) or administration.dose is None or unit(quantity) != "d":
                return
            first = study_day(Fraction(begin), clock.first)
            last = study_day(Fraction(begin + int(quantity.value) - 1), clock.first)
            begin += int(quantity.value)
            days = self._days_named(intervention, administration.dose)
            if days and (min(days), max(days)) != (first, last):
                values = {"dose": f"{number(administration.dose.value)} {unit(administration.dose)}"}
                values |= {"days": f"{min(days)}–{max(days)}", "course": f"{first}–{last}"}
                self.draft.tell("contradiction", "days_of_dose", administration.place, **values)

    def _days_named(self, intervention: StudyIntervention, dose: Quantity) -> list[int]:
        pattern = rf"(?<![0-9.]){re.escape(number(dose.value))}\s?{re.escape(unit(dose))}\b"
        names = [text.lower() for text in (intervention.name, intervention.title)]
        naming = {
            one.id
            for one in self.draft.design.activities
            if re.search(pattern, one.title) and any(name in one.title.lower() for name in names)
        }
        points = [p for flow in self.timelines.flows for p in flow.order if naming & set(p.activity_ids)]
        offsets = [self.timelines.clock.nominal(point) for point in points]
        return [study_day(offset, self.timelines.clock.first) for offset in offsets if offset is not None]
