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
    for key in ("dictionaries", "conditions", "biomedicalConcepts", "bcCategories", "bcSurrogates"):
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
            if str(code.get("codeSystem", "")).startswith(OURS) and code.get("code"):
                attribute = {"id": note.get("id"), "url": OURS + code["code"], "valueString": note.get("text")}
                found.setdefault("extensionAttributes", []).append(attribute)
                if code.get("decode") != code["code"]:
                    inner = {"id": code.get("id"), "url": OURS + "instead-of", "valueString": code["decode"]}
                    attribute["extensionAttributes"] = [inner]


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
