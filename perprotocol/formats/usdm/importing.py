"""A USDM file as a protocol in our language, with a report of what was read, assumed, asked and left out."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from perprotocol.formats.usdm.activities import Timelines
from perprotocol.formats.usdm.draft import Draft, ordered
from perprotocol.formats.usdm.extension import overlay
from perprotocol.formats.usdm.flow import Flow, follow
from perprotocol.formats.usdm.header import write_arms, write_eligibility, write_identity
from perprotocol.formats.usdm.model import Instance
from perprotocol.formats.usdm.native import native
from perprotocol.formats.usdm.paths import with_paths
from perprotocol.formats.usdm.reading import UsdmFile, check_data, read_usdm
from perprotocol.formats.usdm.report import Remark
from perprotocol.formats.usdm.supplement import add_supplement
from perprotocol.formats.usdm.timing import Clock
from perprotocol.formats.usdm.treatments import Interventions
from perprotocol.formats.usdm.versions import OURS, every_map
from protocol import DocumentError, Protocol, read_text, write


@dataclass(frozen=True)
class Imported:
    """The protocol of a USDM file, its YAML, and what there is to tell of it."""

    protocol: Protocol
    text: str
    remarks: tuple[Remark, ...]


def import_usdm(path: Path, supplement: Path | None = None) -> Imported:
    """The protocol of a file, with what a supplement adds. DocumentError with everything that is wrong with either."""
    file = read_usdm(path)
    draft = draft_of(file)
    document = overlay(draft, file) if draft.own else ordered(draft.document)
    remarks = [*draft.remarks, *left_out(file, _OURS if draft.own else frozenset())]
    if supplement is not None:
        document, remarks = add_supplement(document, remarks, supplement)
    # Through JSON, so that no value is the same object twice: YAML would write an alias.
    plain = json.loads(json.dumps(document))
    protocol = _read(yaml.safe_dump(plain, allow_unicode=True, sort_keys=False), path.name)
    if draft.own:
        remarks = _news(protocol, remarks)
    return Imported(protocol, write(protocol), tuple(remarks))


def _read(text: str, name: str) -> Protocol:
    """The protocol; a fault that the file leads to has its path, as no line of the file is to blame alone."""
    try:
        return read_text(text, name)
    except DocumentError as error:
        raise DocumentError([replace(fault, line=None, column=None) for fault in error.faults]) from None


def _news(protocol: Protocol, remarks: list[Remark]) -> list[Remark]:
    """The remarks on a file of ours that its protocol, written anew, would not raise: those on what others changed."""
    known = draft_of(check_data(native(protocol), protocol.protocol)).remarks
    return [one for one in remarks if one.kind in ("read", "restored", "settled") or one not in known]


def draft_of(file: UsdmFile) -> Draft:
    """What the classes of USDM say, as blocks of a protocol."""
    version = file.study.study.versions[0]
    design = version.study_designs[0]
    own = any(attribute.url.startswith(OURS) for attribute in version.extension_attributes)
    draft = Draft(version, design, own)
    for what, found in (("versions", file.study.study.versions), ("designs", version.study_designs)):
        if len(found) > 1:
            draft.tell("not said", f"more_{what}", "Study", number=len(found))
    arms = write_arms(draft)
    flows = [follow(timeline) for timeline in design.schedule_timelines]
    called = _called(draft, flows)
    clock = Clock(draft, flows)
    timelines = Timelines(draft, clock, flows, called)
    interventions = Interventions(draft, timelines, arms)
    timelines.dosing = interventions.giving()
    write_identity(draft, file.study, file.name, clock.first)
    interventions.name_points()
    timelines.name_all()
    timelines.write_assessments()
    timelines.name_elsewhere()
    _enter(draft, clock, flows, called)
    timelines.write_cycles()
    timelines.write_visits()
    timelines.write_timepoints()
    timelines.write_elsewhere()
    interventions.write()
    write_eligibility(draft, file.data)
    _write_day_zero(draft, clock)
    _tell_timelines(draft, flows, called)
    draft.remarks = with_paths(draft, clock)
    return draft


def _called(draft: Draft, flows: list[Flow]) -> dict[str, list[Instance]]:
    """The sub-timelines that an activity or a point runs, and from where."""
    by_activity = {one.id: one.timeline_id for one in draft.design.activities if one.timeline_id}
    found: dict[str, list[Instance]] = {}
    for flow in flows:
        for point in flow.order:
            runs = [point.timeline_id, *(by_activity.get(key) for key in point.activity_ids)]
            for key in dict.fromkeys(run for run in runs if run and run != flow.timeline.id):
                found.setdefault(key, []).append(point)
    return found


def _enter(draft: Draft, clock: Clock, flows: list[Flow], called: dict[str, list[Instance]]) -> None:
    """Where each timeline begins: the main one with its days, others at a visit that runs them or at an event."""
    for flow in flows:
        timeline = flow.timeline
        if timeline.id in called:
            stands = [clock.stands[point.id] for point in called[timeline.id] if point.id in clock.stands]
            anchors = [
                f"each {one.element}" if one.many or _loops(clock, one.element) else one.element for one in stands
            ]
            clock.entries[timeline.id] = list(dict.fromkeys(anchors))
        elif not timeline.main_timeline:
            name = draft.name(timeline.name, timeline.label, suffix="entry")
            title = timeline.entry_condition or timeline.title
            draft.block("events")[name] = draft.origin({"title": title}, timeline.place)
            clock.entries[timeline.id] = [name]
            draft.tell("assumed", "entered_at_event", timeline.place, f"events.{name}", condition=title, event=name)


def _loops(clock: Clock, element: str) -> bool:
    """Whether an element comes again in a loop."""
    points = [key for key, stands in clock.stands.items() if stands.element == element]
    return any(clock.flow_of[key].loop_of(key) is not None for key in points)


def _write_day_zero(draft: Draft, clock: Clock) -> None:
    """Day zero is the point that the main timeline fixes, where that is a visit."""
    points = [point for flow in clock.flows if flow.timeline.main_timeline for point in flow.order]
    for point in points:
        timing, stands = clock.timing(point.id), clock.stands.get(point.id)
        fixed = timing is not None and timing.kind == "fixed reference" and clock.nominal(point) == 0
        if timing is not None and fixed and stands is not None and clock.flow_of[point.id].loop_of(point.id) is None:
            draft.block("milestones")["day-zero"] = draft.origin({"anchor": stands.element}, timing.place)
            return
    draft.tell("question", "no_fixed_reference", "ScheduleTimeline", "milestones.day-zero")


def _tell_timelines(draft: Draft, flows: list[Flow], called: dict[str, list[Instance]]) -> None:
    for flow in flows:
        timeline = flow.timeline
        values = {
            "points": len(timeline.instances),
            "timings": len(timeline.timings),
            "entry": timeline.entry_condition,
        }
        kind = "main" if timeline.main_timeline else "called" if timeline.id in called else "entered"
        if kind == "called" and timeline.entry_condition.lower() not in ("", "automatic execution"):
            draft.tell("assumed", "called_always", timeline.place, condition=timeline.entry_condition)
        draft.tell("read", f"timeline_{kind}", timeline.place, callers=len(called.get(timeline.id, [])), **values)
        for point in flow.unreached:
            draft.tell("contradiction", "unreached", point.place, timeline=timeline.title)
    for condition in draft.version.conditions:
        about = [one.title for one in draft.design.activities if one.id in condition.applies_to_ids]
        if about:
            draft.tell("question", "condition", condition.place, text=condition.text, about=", ".join(about))
        else:
            draft.tell("question", "condition_alone", condition.place, text=condition.text)


_SAID = frozenset({
    "Study", "StudyVersion", "InterventionalStudyDesign", "ObservationalStudyDesign", "StudyDesign", "StudyArm",
    "Encounter", "Activity", "ScheduleTimeline", "ScheduleTimelineExit", "ScheduledActivityInstance", "Timing",
    "ScheduledDecisionInstance", "ConditionAssignment", "StudyIntervention", "Administration", "Duration", "Quantity",
    "Range", "Code", "AliasCode", "EligibilityCriterion", "EligibilityCriterionItem", "StudyTitle", "StudyIdentifier",
    "Organization", "Address", "TransitionRule", "Condition", "ParameterMap", "SyntaxTemplateDictionary", "StudyEpoch",
    "StudyAmendment", "GovernanceDate", "ExtensionAttribute", "AdministrableProduct", "GeographicScope",
    "CommentAnnotation", "BiomedicalConceptProperty", "ResponseCode", "StudyCell",
})  # fmt: skip
"""Classes that are read, or that say nothing without the class that holds them."""


_OURS = frozenset({"Procedure", "StudyDesignPopulation", "StudyElement"})
"""Classes that a file of ours has only because USDM asks for them."""


def left_out(file: UsdmFile, known: frozenset[str]) -> list[Remark]:
    """What of the file a protocol has no place for, counted by class; those that are `known` to say nothing are not."""
    kinds = Counter(str(one.get("instanceType")) for one in every_map(file.data) if one.get("instanceType"))
    return [
        Remark("not said", "class", kind, "", {"number": str(number), "kind": kind})
        for kind, number in sorted(kinds.items())
        if kind not in _SAID | known
    ]
