"""Encounters, activities and timelines become visits, assessments and cycles."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction

from perprotocol.formats.usdm.draft import Block, Draft
from perprotocol.formats.usdm.flow import Flow, Loop
from perprotocol.formats.usdm.model import Activity, Encounter, Instance, StudyEpoch
from perprotocol.formats.usdm.timing import Clock, Stands, series, study_day

WHOLE = "study"
"""The epoch of what belongs to none, in files of ours."""

MODES = {"In Person": None, "Telephone Call": "telephone"}
"""The contact modes of USDM -> ours; None is the one that goes without saying."""


@dataclass
class Group:
    """Points of the timelines that are one visit, or one assessment: alike in all but their day."""

    element: str
    points: list[Instance]
    encounter: Encounter | None = None
    mode: str | None = None


@dataclass
class Timelines:
    """The timelines of a design on their way into visits, assessments and cycles."""

    draft: Draft
    clock: Clock
    flows: list[Flow]
    called: dict[str, list[Instance]]
    """Sub-timeline -> the points that run it."""
    visits: list[Group] = field(default_factory=list)
    timepoints: list[Group] = field(default_factory=list)
    cycles: dict[str, str] = field(default_factory=dict)
    """Decision -> the cycle that its loop became."""
    dosing: frozenset[str] = frozenset()
    """Activities that are the giving of an intervention."""

    def __post_init__(self) -> None:
        design = self.draft.design
        self.activities = {one.id: one for one in design.activities}
        self.encounters = {one.id: one for one in design.encounters}
        self.epochs: dict[str, StudyEpoch] = {one.id: one for one in design.epochs}
        self.assessments: dict[str, str] = {}

    def done(self, point: Instance) -> list[Activity]:
        """The activities of a point; a group stands for its parts."""
        return list(dict.fromkeys(one for key in point.activity_ids for one in self._parts(self.activities[key], ())))

    def _parts(self, activity: Activity, asked: tuple[str, ...]) -> Iterator[Activity]:
        if not activity.child_ids or activity.id in asked:
            yield activity
        for key in activity.child_ids:
            if activity.id not in asked:
                yield from self._parts(self.activities[key], (*asked, activity.id))

    def name_all(self) -> None:
        """Every point that becomes an element has its name, so that others can count from it."""
        for flow in self.flows:
            if flow.timeline.id in self.called:
                self._name_timepoints(flow)
            else:
                self._name_visits(flow)
        self.stand_for({group.element: group.points for group in (*self.visits, *self.timepoints)})

    def name_elsewhere(self) -> None:
        """Points without an encounter whose one activity is done nowhere else stand for that assessment."""
        placed = self._placed()
        found: dict[str, list[Instance]] = {}
        for flow in self.flows:
            for point in flow.order:
                done = [one for one in self.done(point) if one.id in self.assessments]
                free = point.id not in self.clock.stands and (flow.timeline.main_timeline or self.draft.own)
                if free and len(done) == 1 and (self.draft.own or done[0].id not in placed):
                    found.setdefault(self.assessments[done[0].id], []).append(point)
        self.stand_for(found)

    def stand_for(self, found: dict[str, list[Instance]]) -> None:
        """These points are the occurrences of these elements."""
        for element, points in found.items():
            for number, point in enumerate(points):
                self.clock.stands[point.id] = Stands(element, number + 1, len(points) > 1)

    def _placed(self) -> set[str]:
        """The activities that visits do."""
        return {one.id for group in (*self.visits, *self.timepoints) for p in group.points for one in self.done(p)}

    def _name_timepoints(self, flow: Flow) -> None:
        for point in flow.order:
            if not point.decides and self.done(point):
                self.timepoints.append(Group(self.draft.name(point.name, point.label, suffix="timepoint"), [point]))

    def _name_visits(self, flow: Flow) -> None:
        by_encounter: dict[str, list[Instance]] = {}
        for point in flow.order:
            main = flow.timeline.main_timeline or self.draft.own
            alone = not main and not point.encounter_id and self.done(point)
            if point.encounter_id or (alone and not self._only_dosing(point)):
                by_encounter.setdefault(point.encounter_id or point.id, []).append(point)
        names = [self.encounters[key].name for key in by_encounter if key in self.encounters]
        for key, points in by_encounter.items():
            encounter = self.encounters.get(key)
            alike: dict[object, list[Instance]] = {}
            for point in points:
                alike.setdefault(self._signature(flow, point), []).append(point)
            modes = self._modes(encounter, len(alike))
            for number, (group, mode) in enumerate(zip(alike.values(), modes, strict=True)):
                own = encounter.name if encounter and number == 0 and names.count(encounter.name) == 1 else None
                element = self.draft.name(own, group[0].name, encounter.label if encounter else None, suffix="visit")
                self.visits.append(Group(element, group, encounter, mode))

    def _only_dosing(self, point: Instance) -> bool:
        return {one.id for one in self.done(point)} <= self.dosing

    def _signature(self, flow: Flow, point: Instance) -> object:
        loop = flow.loop_of(point.id)
        done = tuple(one.id for one in self.done(point))
        return done, self.clock.window(self.clock.timing(point.id)), loop.decision.id if loop else None

    def _modes(self, encounter: Encounter | None, groups: int) -> list[str | None]:
        """The contact mode of each group of an encounter: the one it has, or as many in the order of the file."""
        modes = [MODES.get(one.decode, one.decode.lower()) for one in encounter.contact_modes] if encounter else []
        if encounter is None or len(modes) < 2:
            return modes * groups if modes else [None] * groups
        said = ", ".join(one.decode for one in encounter.contact_modes)
        if len(modes) == groups:
            self.draft.tell("assumed", "modes_in_order", encounter.place, modes=said)
            return modes
        self.draft.tell("question", "which_mode", encounter.place, modes=said)
        return [None] * groups

    def write_cycles(self) -> None:
        """Every loop is a cycle, as often as its condition says, else until a milestone is recorded."""
        for flow in self.flows:
            for loop in flow.loops:
                if any(one.id in self.clock.stands for one in loop.body):
                    self._write_cycle(flow, loop)

    def _write_cycle(self, flow: Flow, loop: Loop) -> None:
        every = self.clock.since_base(loop.decision, loop)
        place = loop.decision.place
        if every is None or every <= 0 or every.denominator != 1:
            self.draft.tell("question", "loop_without_length", place, condition=loop.condition)
            return
        name = self.draft.name(loop.decision.name, f"{loop.decision.name} cycle", suffix="cycle")
        self.cycles[loop.decision.id] = name
        begins = self.clock.moments(loop.base)
        cycle: Block = {"from": begins[0].text if begins else "day-zero", "every": f"{every} d"}
        rounds = self._rounds(loop, every)
        values = {"loop": loop.decision.name, "condition": loop.condition, "every": cycle["every"]}
        if rounds is not None:
            cycle["times"] = str(rounds)
            self.draft.tell("assumed", "loop_rounds", place, f"cycles.{name}.times", rounds=rounds, **values)
        else:
            end = self.draft.name(f"{loop.decision.name} ends", suffix="ends")
            title = loop.condition if loop.until else f"no longer: {loop.condition}"
            self.draft.block("milestones")[end] = self.draft.origin({"title": title}, place)
            cycle["to"] = end
            self.draft.tell("question", "loop_condition", place, f"cycles.{name}.to", milestone=end, **values)
        assumed: list[str] = [key for key in ("times", "to") if key in cycle]
        assumed += ["every"] if self.clock.replaced & {one.id for one in loop.body} else []
        self.draft.block("cycles")[name] = self.draft.origin(cycle, place, *assumed)

    def _rounds(self, loop: Loop, every: Fraction) -> int | None:
        """How often a loop runs, where its condition names cycles or the day of each round; else None."""
        if found := re.fullmatch(r"cycles? ([0-9]+) (?:to|-|–) ([0-9]+)", loop.condition.strip().lower()):
            first, last = int(found[1]), int(found[2])
            return last - first + 1 if last >= first else None
        found = re.fullmatch(r"day (=|<=|<|≤) (-?[0-9]+)", loop.condition.strip().lower())
        base, last_of_round = self.clock.nominal(loop.base), loop.body[-2] if len(loop.body) > 1 else loop.base
        since = self.clock.since_base(last_of_round, loop)
        if not found or loop.until or base is None or since is None:
            return None
        for number in range(1, 1000):
            day = study_day(base + since + every * (number - 1), self.clock.first)
            holds = {"=": day == int(found[2]), "<": day < int(found[2])}.get(found[1], day <= int(found[2]))
            if not holds:
                return number
        return None

    def write_assessments(self) -> None:
        """Every activity is an assessment, but those that give an intervention and those that only group others."""
        for activity in self.draft.design.activities:
            if activity.child_ids or activity.id in self.dosing:
                continue
            name = self.draft.name(activity.name, activity.label, suffix="assessment")
            self.assessments[activity.id] = name
            self.draft.homes[f"assessments.{name}"] = activity.id
            element: Block = {"title": activity.title}
            self.draft.block("assessments")[name] = self.draft.origin(element, activity.place)

    def write_visits(self) -> None:
        """Every encounter is a visit, more than one where its points differ in more than their day."""
        for group in self.visits:
            point = group.points[0]
            flow = self.clock.flow_of[point.id]
            timing = self.clock.timing(point.id)
            title = group.encounter.title if group.encounter and group.encounter.name else point.title
            first_of_it = group.encounter is None or self._first_of(group)
            visit: Block = {"title": title if first_of_it else point.title}
            if group.mode is not None:
                visit["mode"] = group.mode
            if point.epoch_id in self.epochs and not (self.draft.own and self.epochs[point.epoch_id].name == WHOLE):
                visit["epoch"] = self.epochs[point.epoch_id].title
            self.schedule(visit, flow, group.points)
            if window := self.clock.window(timing):
                visit["window"] = window
            does = [self.assessments[one.id] for one in self.done(point) if one.id in self.assessments]
            if does:
                visit["does"] = does
            if note := self._note(group, point):
                visit["note"] = note
            place = (group.encounter or point).place + (f", {timing.place}" if timing is not None else "")
            several = group.encounter is not None and len(group.encounter.contact_modes) > 1
            assumed = ["mode"] if group.mode is not None and several else []
            assumed += ["due"] if point.id in self.clock.replaced else []
            self.draft.block("visits")[group.element] = self.draft.origin(visit, place, *assumed)
            self.draft.homes[f"visits.{group.element}"] = (group.encounter or point).id
            self._check_days(group)
            self._check_scheduled(group)

    def _first_of(self, group: Group) -> bool:
        return next(one for one in self.visits if one.encounter is group.encounter) is group

    def schedule(self, element: Block, flow: Flow, points: list[Instance]) -> None:
        """`due`, `in` and `if` of an element that stands at these points."""
        loop = flow.loop_of(points[0].id)
        if loop is not None and loop.decision.id in self.cycles:
            days = [self.clock.since_base(point, loop) for point in points]
            due = [_day_in_cycle(day) for day in days if day is not None]
            element["in"] = self.cycles[loop.decision.id]
            element |= {"due": due} if due else {}
        else:
            occurrences = Counter(stands.element for stands in self.clock.stands.values())
            element |= series([when for point in points for when in self.clock.moments(point)], occurrences)
        if "due" not in element:
            self.draft.tell("question", "no_timing", points[0].place)
        for branch in flow.branches:
            if points[0].id in branch.inside | branch.outside:
                name = self._criterion(branch.decision, branch.condition)
                element["if"] = name if points[0].id in branch.inside else f"not {name}"

    def _criterion(self, decision: Instance, condition: str) -> str:
        key = f"criterion {decision.id} {condition}"
        if key not in self.draft.homes:
            name = self.draft.name(decision.name, suffix="decision")
            self.draft.homes[key] = name
            self.draft.block("criteria")[name] = self.draft.origin({"text": condition}, decision.place)
            self.draft.tell("question", "branch_condition", decision.place, f"criteria.{name}", condition=condition)
        return self.draft.homes[key]

    def _note(self, group: Group, point: Instance) -> str:
        """What people may want to know of a visit, and the language has no field for."""
        encounter = group.encounter
        said = []
        if encounter is not None and self._first_of(group):
            rules = (("begins", encounter.transition_start_rule), ("ends", encounter.transition_end_rule))
            said += [f"{word}: {rule.text}" for word, rule in rules if rule is not None]
        return "; ".join(said)

    def _check_days(self, group: Group) -> None:
        """The day that people wrote in a name is the one that the timing gives."""
        point = group.points[0]
        texts = [*point.texts, *(group.encounter.texts if group.encounter and self._first_of(group) else ())]
        cycle = any("cycle" in text.lower() for text in texts)
        loop = self.clock.flow_of[point.id].loop_of(point.id)
        if cycle and not any(re.match(r"cycle 1\b", text.lower()) for text in texts):
            return
        offset = self.clock.nominal(point)
        if offset is None or offset.denominator != 1 or loop is not None:
            return
        day = study_day(offset, self.clock.first)
        for text in sorted(texts, key=len, reverse=True):
            found = re.search(r"\bday (-?[0-9]+)\b", text.lower())
            if found and int(found[1]) != day:
                values = {
                    "text": text,
                    "day": str(day),
                    "due": str(self.draft.document["visits"][group.element].get("due")),
                }
                self.draft.tell("contradiction", "day_in_name", point.place, f"visits.{group.element}.due", **values)
                return

    def _check_scheduled(self, group: Group) -> None:
        """The timing that an encounter names is one of those of its points."""
        encounter = group.encounter
        if encounter is None or not encounter.scheduled_at_id or not self._first_of(group):
            return
        points = [point for each in self.visits if each.encounter is encounter for point in each.points]
        timings = [timing for point in points if (timing := self.clock.timing(point.id)) is not None]
        named = next(
            (one for found in self.clock.timings.values() for one in found if one.id == encounter.scheduled_at_id), None
        )
        if named is not None and named not in timings:
            values = {"named": named.name, "timings": ", ".join(one.name for one in timings) or "-"}
            self.draft.tell("contradiction", "scheduled_at", encounter.place, **values)

    def write_timepoints(self) -> None:
        """The points of a sub-timeline are assessments at each visit that runs it."""
        for group in self.timepoints:
            point = group.points[0]
            flow, timing = self.clock.flow_of[point.id], self.clock.timing(point.id)
            element: Block = {"title": point.title}
            self.schedule(element, flow, group.points)
            if window := self.clock.window(timing):
                element["window"] = window
            element["note"] = ", ".join(one.title for one in self.done(point))
            place = point.place + (f", {timing.place}" if timing is not None else "")
            self.draft.block("assessments")[group.element] = self.draft.origin(element, place)
            self.draft.homes[f"assessments.{group.element}"] = point.id

    def write_elsewhere(self) -> None:
        """What the main timeline does without an encounter: assessments with days of their own."""
        placed = self._placed()
        visited = {point.id for group in (*self.visits, *self.timepoints) for point in group.points}
        for flow in (flow for flow in self.flows if flow.timeline.main_timeline or self.draft.own):
            points: dict[str, list[Instance]] = {}
            for point in flow.order:
                for activity in self.done(point) if point.id not in visited else ():
                    points.setdefault(activity.id, []).append(point)
            for key, found in points.items():
                if key in placed and not self.draft.own:
                    names = ", ".join(point.name for point in found)
                    self.draft.tell("not said", "no_encounter", self.activities[key].place, instances=names)
                elif key in self.assessments:
                    element = self.draft.block("assessments")[self.assessments[key]]
                    self.schedule(element, flow, found)
                    if window := self.clock.window(self.clock.timing(found[0].id)):
                        element["window"] = window


def _day_in_cycle(since: Fraction) -> str:
    if since.denominator == 1:
        return f"day {int(since) + 1 if since >= 0 else int(since)}"
    minutes = since * 1440
    return f"{int(minutes)} min after day 1" if minutes >= 0 else f"{int(-minutes)} min before day 1"
