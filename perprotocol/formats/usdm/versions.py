"""USDM 3 as USDM 4 has it, and back: where version 3 kept things, and what it had no place for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

OURS = "urn:perprotocol:"
"""How the names of our extension attributes begin."""

Json = dict[str, Any]


def raised(data: Json) -> Json:
    """A file of version 3.x in the shape of version 4; `data` stays as it is."""
    data = deepcopy(data)
    for version in _maps(data.get("study"), "versions"):
        _raise_identifiers(version)
        version.setdefault("studyInterventions", [])
        for design in _maps(version, "studyDesigns"):
            _raise_design(version, design)
        _raise_criteria(version)
        for amendment in _maps(version, "amendments"):
            amendment.setdefault("name", f"Amendment {amendment.get('number')}")
    for found in _every(data):
        _raise_notes(found)
    return data


def _raise_identifiers(version: Json) -> None:
    for identifier in _maps(version, "studyIdentifiers"):
        scope = identifier.pop("studyIdentifierScope", None)
        if isinstance(scope, dict):
            scope.setdefault("type", scope.pop("organizationType", None))
            version.setdefault("organizations", []).append(scope)
            identifier["scopeId"] = scope.get("id")
        if "studyIdentifier" in identifier:
            identifier["text"] = identifier.pop("studyIdentifier")


def _raise_design(version: Json, design: Json) -> None:
    """What version 4 keeps at the study version: interventions, sentences and their tags."""
    interventions = list(_maps(design, "studyInterventions"))
    for administration in (a for each in interventions for a in _maps(each, "administrations")):
        administration["instanceType"] = "Administration"
        for duration in _maps({"one": [administration.get("duration")]}, "one"):
            duration["instanceType"] = "Duration"
    design.pop("studyInterventions", None)
    version["studyInterventions"] += interventions
    design.setdefault("studyInterventionIds", [each.get("id") for each in interventions])
    for key in _OF_DESIGN:
        version.setdefault(key, []).extend(design.pop(key, None) or [])
    if "interventionModel" in design:
        design["model"] = design.pop("interventionModel")


def _raise_criteria(version: Json) -> None:
    """Criteria with their sentence in them: of the version, of the population or of a cohort."""
    designs = list(_maps(version, "studyDesigns"))
    items = version.setdefault("eligibilityCriterionItems", [])
    homes = [version] + [p for d in designs for p in _maps({"one": [d.get("population")]}, "one")]
    homes += [cohort for home in homes[1:] for cohort in _maps(home, "cohorts")]
    criteria = [c for home in homes for c in home.pop("criteria", None) or [] if isinstance(c, dict)]
    for number, criterion in enumerate(criteria):
        item = f"{criterion.get('id')}_item"
        text = {key: criterion.pop(key, None) for key in ("text", "dictionaryId")}
        items.append({"id": item, "name": criterion.get("name") or str(number + 1), **text})
        items[-1]["instanceType"] = "EligibilityCriterionItem"
        criterion["criterionItemId"] = item
    for design in designs[:1]:
        design.setdefault("eligibilityCriteria", []).extend(criteria)


def _raise_notes(found: Json) -> None:
    """Annotations that hold what version 4 has extension attributes for."""
    for note in list(_maps(found, "notes")):
        for code in _maps(note, "codes"):
            if code.get("codeSystem") == OURS and code.get("code"):
                found.setdefault("extensionAttributes", []).append(_attribute(note, code))


def _attribute(note: Json, code: Json) -> Json:
    """The annotation that `_annotation` made, as it was."""
    flags = str(code.get("codeSystemVersion"))
    inner = {"id": code.get("id"), "url": OURS + "instead-of", "valueString": code.get("decode")}
    return {
        "id": note.get("id"),
        "url": OURS + code["code"],
        "valueString": None if flags.startswith("no") else note.get("text"),
        "extensionAttributes": [inner] if flags.endswith("instead") else [],
        "instanceType": "ExtensionAttribute",
    }


def _maps(home: object, key: str) -> Iterator[Json]:
    """The maps in a list of a map; nothing where there is none."""
    values = home.get(key) if isinstance(home, dict) else None
    yield from (value for value in (values if isinstance(values, list) else []) if isinstance(value, dict))


def _every(node: object) -> Iterator[Json]:
    """Every map of a file, outer before inner."""
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from _every(value)
    elif isinstance(node, list):
        for value in node:
            yield from _every(value)


every_map: Callable[[object], Iterator[Json]] = _every


def lowered(data: Json) -> Json:
    """A file of version 4 in the shape of version 3.5, with annotations for extension attributes; a new map."""
    data = deepcopy(data)
    data["usdmVersion"] = "3.5.0"
    for version in _maps(data["study"], "versions"):
        _lower_version(version)
    for found in list(_every(data)):
        attributes = found.pop("extensionAttributes", [])
        if attributes:
            found["notes"] = [*found.get("notes", []), *(_annotation(each) for each in attributes)]
    return data


def _lower_version(version: Json) -> None:
    scopes = {one["id"]: one for one in version.pop("organizations", [])}
    for identifier in _maps(version, "studyIdentifiers"):
        scope = dict(scopes[identifier.pop("scopeId")])
        scope["organizationType"] = scope.pop("type")
        scope.pop("managedSites", None)
        identifier |= {"studyIdentifier": identifier.pop("text"), "studyIdentifierScope": scope}
    items = {one["id"]: one for one in version.pop("eligibilityCriterionItems", [])}
    designs = list(_maps(version, "studyDesigns"))
    version["criteria"] = [c for design in designs for c in design.pop("eligibilityCriteria", [])]
    for criterion in version["criteria"]:
        item = items[criterion.pop("criterionItemId")]
        criterion |= {"text": item["text"], "dictionaryId": item.get("dictionaryId"), "contextId": None}
    interventions = version.pop("studyInterventions", [])
    for administration in (a for each in interventions for a in _maps(each, "administrations")):
        administration["instanceType"] = "AgentAdministration"
        administration["duration"] |= {"instanceType": "AdministrationDuration", "description": ""}
        for key in ("administrableProductId", "medicalDeviceId"):
            administration.pop(key, None)
        administration["duration"].pop("text", None)
    moved = {key: version.pop(key, []) for key in _OF_DESIGN}
    for key in ("referenceIdentifiers", "administrableProducts", "medicalDevices", "productOrganizationRoles", "roles"):
        version.pop(key, None)
    for design in designs:
        design |= {"instanceType": "StudyDesign", "studyInterventions": interventions, **moved}
        design["interventionModel"] = design.pop("model")
        for key in _NOT_BEFORE_4:
            design.pop(key, None)
        design |= {"trialIntentTypes": [], "trialTypes": [], "maskingRoles": [], "organizations": []}


def _annotation(attribute: Json) -> Json:
    """An extension attribute as an annotation: its name is the code, what it stands instead of the decode."""
    name = attribute["url"].removeprefix(OURS)
    value, inner = attribute["valueString"], attribute.get("extensionAttributes") or []
    said = next((each["valueString"] for each in inner), None)
    code = {
        "id": f"{attribute['id']}_code",
        "code": name,
        "codeSystem": OURS,
        "codeSystemVersion": ("no value" if value is None else "value") + ("" if said is None else ", instead"),
        "decode": name if said is None else said,
        "instanceType": "Code",
    }
    return {
        "id": attribute["id"],
        "text": value or "",
        "codes": [code],
        "instanceType": "CommentAnnotation",
    }


_NOT_BEFORE_4 = (
    "studyInterventionIds", "studyType", "studyPhase", "subTypes", "intentTypes", "analysisPopulations",
    "biospecimenRetentions", "documentVersionIds",
)  # fmt: skip
_OF_DESIGN = ("dictionaries", "conditions", "biomedicalConcepts", "bcCategories", "bcSurrogates")
"""What version 3 keeps at the study design."""
