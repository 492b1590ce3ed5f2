"""What USDM itself can say of a protocol: its identity, arms, criteria, and all that is planned."""

from __future__ import annotations

from html import escape

from perprotocol.formats.usdm.building import Builder, sentence, title_of
from perprotocol.formats.usdm.layout import Layout
from perprotocol.formats.usdm.lines import write_conditions, write_timelines
from perprotocol.formats.usdm.planned import Planned
from perprotocol.formats.usdm.versions import Json
from protocol import Protocol
from protocol.model import Criterion


def native(protocol: Protocol) -> Json:
    """The protocol as a USDM 4.0 file without extension attributes, but for the one that says whose file it is."""
    build = Builder()
    planned = Planned(protocol, build)
    tasks = planned.write()
    layout = Layout(protocol, build)
    layout.place_all(tasks)
    include, exclude = protocol.eligibility.include, protocol.eligibility.exclude
    items = [_criterion(build, name, one, "Inclusion Criteria") for name, one in include.items()]
    items += [_criterion(build, name, one, "Exclusion Criteria") for name, one in exclude.items()]
    criteria = [criterion for criterion, _ in items]
    official = build.code("Official Study Title")
    version = build.make(
        "StudyVersion",
        versionIdentifier=protocol.version,
        rationale="",
        dateValues=_dates(build, protocol),
        titles=[build.make("StudyTitle", text=title_of(protocol) or protocol.protocol, type=official)],
        **_identifiers(build, protocol),
        studyDesigns=[_design(build, protocol, planned, layout, criteria)],
        eligibilityCriterionItems=[item for _, item in items],
        studyInterventions=list(planned.interventions.values()),
        conditions=write_conditions(layout, tasks),
    )
    version["extensionAttributes"].append(build.attribute("form", "1"))
    study = build.named("Study", protocol.protocol, versions=[version], documentedBy=[])
    return {"study": study, "usdmVersion": "4.0.0", "systemName": "perprotocol", "systemVersion": None}


def _criterion(build: Builder, name: str, criterion: Criterion, category: str) -> tuple[Json, Json]:
    """A criterion, and the sentence that it refers to."""
    item = build.named("EligibilityCriterionItem", name, text=escape(sentence(criterion.condition), quote=False))
    fields = {"category": build.code(category), "identifier": name, "criterionItemId": item["id"]}
    return build.named("EligibilityCriterion", name, title_of(criterion), **fields), item


def _design(build: Builder, protocol: Protocol, planned: Planned, layout: Layout, criteria: list[Json]) -> Json:
    arms, elements, cells = _arms(build, protocol, planned)
    population = build.named(
        "StudyDesignPopulation",
        "participants",
        includesHealthySubjects=False,
        criterionIds=[each["id"] for each in criteria],
    )
    masked = "Double Blind Study" if protocol.blinding == "blinded" else "Open Label Study"
    return build.named(
        "InterventionalStudyDesign",
        protocol.protocol,
        rationale="",
        studyType=build.code("Interventional Study"),
        model=build.code("Single Group Study" if len(arms) == 1 else "Parallel Study"),
        blindingSchema=build.alias(masked) if "blinding" in protocol.model_fields_set else None,
        arms=arms,
        epochs=list(planned.epochs.values()),
        elements=elements,
        studyCells=cells,
        encounters=list(planned.encounters.values()),
        activities=list(planned.activities.values()),
        scheduleTimelines=write_timelines(layout),
        studyInterventionIds=[each["id"] for each in planned.interventions.values()],
        population=population,
        eligibilityCriteria=criteria,
    )


def _arms(build: Builder, protocol: Protocol, planned: Planned) -> tuple[list[Json], list[Json], list[Json]]:
    """The arms; for each an element with what its participants are given, which is that of all its cells."""
    arms, elements, cells = [], [], []
    for name, arm in protocol.arms.items():
        origin = {"dataOriginDescription": "", "dataOriginType": build.code("Data Generated Within Study")}
        made = build.named("StudyArm", name, title_of(arm), type=build.code("Unknown"), **origin)
        given = [
            planned.interventions[key]["id"]
            for key, treatment in protocol.treatments.items()
            if any(not part.arm or name in part.arm for part in treatment.parts())
        ]
        element = build.named("StudyElement", name, studyInterventionIds=given)
        arms.append(made)
        elements.append(element)
        for epoch in planned.epochs.values():
            cells.append(build.make("StudyCell", armId=made["id"], epochId=epoch["id"], elementIds=[element["id"]]))
    return arms, elements, cells


def _dates(build: Builder, protocol: Protocol) -> list[Json]:
    if protocol.effective is None:
        return []
    scopes = [build.make("GeographicScope", type=build.code("Global"), code=None)]
    kind, day = build.code("Protocol Effective Date"), protocol.effective.isoformat()
    return [build.named("GovernanceDate", "effective", type=kind, dateValue=day, geographicScopes=scopes)]


def _identifiers(build: Builder, protocol: Protocol) -> Json:
    """The study's own identifier, and its number in a registry."""
    found = [("sponsor", "Clinical Study Sponsor", protocol.protocol)]
    if protocol.registry is not None:
        found.append(("registry", "Study Registry", protocol.registry))
    organizations, identifiers = [], []
    for name, kind, text in found:
        one = build.named("Organization", name, type=build.code(kind), identifierScheme="", identifier=name)
        organizations.append(one)
        identifiers.append(build.make("StudyIdentifier", text=text, scopeId=organizations[-1]["id"]))
    return {"studyIdentifiers": identifiers, "organizations": organizations}
