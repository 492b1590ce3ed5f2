"""Treatments, visits and assessments as interventions, encounters and activities, and as tasks to be placed in time."""

from __future__ import annotations

from dataclasses import dataclass, field

from perprotocol.formats.usdm.activities import WHOLE
from perprotocol.formats.usdm.building import Builder, sentence, title_of
from perprotocol.formats.usdm.layout import Task
from perprotocol.formats.usdm.terms import EPOCHS, FREQUENCY_TERMS, ROUTE_TERMS
from perprotocol.formats.usdm.versions import Json
from protocol import Protocol
from protocol.activities import Activity, Treatment
from protocol.quantity import Quantity


@dataclass
class Planned:
    """What a protocol plans to do: the objects of USDM by their names in the protocol."""

    protocol: Protocol
    build: Builder
    activities: dict[str, Json] = field(default_factory=dict)
    encounters: dict[str, Json] = field(default_factory=dict)
    interventions: dict[str, Json] = field(default_factory=dict)
    epochs: dict[str, Json] = field(default_factory=dict)

    def write(self) -> list[Task]:
        """Everything is there, in the order of the protocol; what remains is when it is done."""
        for name, assessment in self.protocol.assessments.items():
            self._activity(name, title_of(assessment))
        tasks = [task for name in self.protocol.treatments for task in self._treatment(name)]
        tasks += [self._visit(name) for name in self.protocol.visits]
        for name, assessment in self.protocol.assessments.items():
            if assessment.due:
                tasks.append(_task(name, assessment, activities=(self.activities[name]["id"],)))
        if not self.epochs:
            self._epoch(None)
        for block in (self.activities, self.encounters, self.epochs):
            chain(list(block.values()))
        return tasks

    def _activity(self, name: str, label: str | None, procedures: tuple[Json, ...] = ()) -> Json:
        self.activities[name] = self.build.named("Activity", name, label, definedProcedures=list(procedures))
        return self.activities[name]

    def _treatment(self, name: str) -> list[Task]:
        """An intervention, an administration for each part, and an activity for each part that has days of its own."""
        treatment = self.protocol.treatments[name]
        parts = treatment.parts()
        named = [name if len(parts) == 1 else f"{name} part {n + 1}" for n in range(len(parts))]
        made = self.build.named(
            "StudyIntervention",
            name,
            title_of(treatment),
            role=self.build.code("Unknown"),
            type=self.build.code("Unknown"),
            administrations=[self._administration(n, part) for n, part in zip(named, parts, strict=True)],
        )
        self.interventions[name] = made
        tasks = []
        for part_name, part in zip(named, parts, strict=True):
            if part.often() is None and part.due:
                code = self.build.code("Unknown")
                fields = {"procedureType": "administration", "code": code, "studyInterventionId": made["id"]}
                giving = self.build.named("Procedure", part_name, **fields)
                activity = self._activity(part_name, title_of(treatment), (giving,))
                tasks.append(_task(name, part, activities=(activity["id"],)))
        return tasks

    def _administration(self, name: str, part: Treatment) -> Json:
        """How much, by which route, how often and how long; a range of amounts in words, as USDM has one number."""
        amounts = (dose.amount or dose.start for dose in part.doses())
        amount = next((each for each in amounts if each is not None), None)
        often, one = part.often(), isinstance(amount, Quantity)
        return self.build.named(
            "Administration",
            name,
            description=None if one or amount is None else str(amount),
            duration=self._duration(part),
            dose=self.build.quantity(amount) if isinstance(amount, Quantity) else None,
            route=self.build.alias(ROUTE_TERMS.get(part.route, part.route)) if part.route else None,
            frequency=self.build.alias(FREQUENCY_TERMS.get(often.text, often.text)) if often is not None else None,
        )

    def _duration(self, part: Treatment) -> Json:
        over = part.over.low if part.over is not None and part.over.low == part.over.high else None
        lasting = part.for_ if part.often() is not None else over
        said = lasting is not None and lasting.text.count(" ") == 1
        quantity = self.build.quantity(Quantity.parse(lasting.text)) if lasting is not None and said else None
        end = next((f"until {moment}" for moment in (part.to, part.before) if moment is not None), None)
        vary = part.often() is not None and quantity is None
        return self.build.make("Duration", quantity=quantity, durationWillVary=vary, reasonDurationWillVary=end)

    def _visit(self, name: str) -> Task:
        visit = self.protocol.visits[name]
        mode = "Telephone Call" if visit.mode == "telephone" else visit.mode or "In Person"
        fields = {"type": self.build.code("Visit"), "contactModes": [self.build.code(mode)]}
        made = self.build.named("Encounter", name, title_of(visit), **fields)
        self.encounters[name] = made
        done = [self.activities.get(each) or self._activity(each, None) for each in visit.does]
        ids = tuple(each["id"] for each in done)
        return _task(name, visit, encounter=made["id"], activities=ids, epoch=self._epoch(visit.epoch))

    def _epoch(self, name: str | None) -> str:
        """The id of an epoch; what belongs to none is in that of the whole study."""
        key = name or WHOLE
        if key not in self.epochs:
            kind = next((kind for kind in EPOCHS if kind.split()[0].lower() in key.lower()), "Unknown")
            self.epochs[key] = self.build.named("StudyEpoch", key, type=self.build.code(kind))
        return str(self.epochs[key]["id"])


def _task(
    name: str,
    activity: Activity,
    encounter: str | None = None,
    activities: tuple[str, ...] = (),
    epoch: str | None = None,
) -> Task:
    conditions = tuple(sentence(each) for each in (*activity.if_, *activity.may_if))
    return Task(name, activity, activity.due, encounter, activities, conditions, epoch)


def chain(objects: list[Json]) -> None:
    """Each object names the one before and the one after it."""
    for n, each in enumerate(objects):
        each["previousId"] = objects[n - 1]["id"] if n else None
        each["nextId"] = objects[n + 1]["id"] if n + 1 < len(objects) else None
