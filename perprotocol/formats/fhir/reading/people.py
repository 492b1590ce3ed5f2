"""People as FHIR has them: Patient, and ResearchSubject, which makes one a participant."""

from __future__ import annotations

from perprotocol.formats.fhir.codes import ENROLLED, GENDERS, OURS
from perprotocol.formats.fhir.reading.elements import Elements
from perprotocol.formats.fhir.reading.taken import Person, Taken

PROGRESS = "http://hl7.org/fhir/5.0/StructureDefinition/extension-ResearchSubject.progress"
"""Where R4 keeps the milestones that R5 has an element for."""


def take_patient(taken: Taken, e: Elements) -> None:
    """A person: sex, date of birth, and the day of death as a milestone; one that another replaces is that other."""
    for at, link in e.maps("link", e.body.get("link")):
        if link.get("type") == "replaced-by" and (other := e.reference(f"{at}.other", link.get("other"))):
            taken.replaced[e.resource.key] = other
            taken.leave(e.resource, "replaced")
            return
    cells = {
        "sex": e.code("gender", GENDERS, required=False),
        "birth_date": e.moment("birthDate", e.body.get("birthDate")),
        **e.ours(),
    }
    if e.body.get("deceasedBoolean") is True:
        taken.leave(e.resource, "death without a day")
    if death := e.moment("deceasedDateTime", e.body.get("deceasedDateTime")):
        _milestone(taken, e, e.resource.key, "death", death)
    _add(taken, taken.people, e, e.resource.key, cells)


def take_participant(taken: Taken, e: Elements) -> None:
    """A participant of the study: arms, enrolment and milestones."""
    if e.code("status", ENROLLED) in ("retired", "entered-in-error"):
        taken.leave(e.resource, "retired")
        return
    study = e.reference("study", e.body.get("study"))
    if study is None:
        e.missing("study", 'name the study, as {"reference": "ResearchStudy/..."}')
    else:
        taken.studies.setdefault(study, e.resource)
    person = taken.person(e, "individual" if "individual" in e.body else "subject")
    if person is None:
        return
    arms = {"arm": ("assignedArm", "assignedComparisonGroup"), "actual_arm": ("actualArm", "actualComparisonGroup")}
    cells = {column: e.text(key, e.body[key]) or None for column, keys in arms.items() for key in keys if key in e.body}
    cells |= {"enrolled": e.period("period", e.body.get("period"))[0]} | e.ours()
    _add(taken, taken.participants, e, person, cells)
    _milestones(taken, e, person)


def _add(taken: Taken, people: dict[str, Person], e: Elements, key: str, cells: dict[str, str | None]) -> None:
    """One more person; a fault where they are there already and otherwise."""
    identifiers = {
        str(identifier.get("system") or ""): e.text(f"{at}.value", identifier.get("value"))
        for at, identifier in e.maps("identifier", e.body.get("identifier"))
    }
    new = Person(e.resource, cells, identifiers)
    before = people.setdefault(key, new)
    if before is not new and (before.cells, before.identifiers) != (cells, identifiers):
        e.fault("", None, f"is there twice, and not the same; see {before.resource.place}", "keep one of the two")


def _milestones(taken: Taken, e: Elements, person: str) -> None:
    """Milestones of a participant: `progress` of R5, and the extension that carries it in R4."""
    told = [
        (progress.get("milestone"), progress.get("startDate"))
        for _, progress in e.maps("progress", e.body.get("progress"))
    ]
    for at, extension in e.maps("extension", e.body.get("extension")):
        if extension.get("url") == PROGRESS:
            parts = {str(part.get("url")): part for _, part in e.maps(f"{at}.extension", extension.get("extension"))}
            name, start = parts.get("milestone", {}), parts.get("startDate", {})
            told.append((name.get("valueCodeableConcept"), start.get("valueDateTime")))
    for number, (milestone, since) in enumerate(told):
        concept = e.concept(f"progress[{number}].milestone", milestone)
        day = e.moment(f"progress[{number}].startDate", since)
        nth = next((code for system, code, _ in concept.codings if system == f"{OURS}:occurrence"), None)
        if concept.words and day:
            _milestone(taken, e, person, concept.words[0], day, nth)


def _milestone(taken: Taken, e: Elements, person: str, name: str, day: str, nth: str | None = None) -> None:
    row = {"person": person, "path": e.resource.path, "milestone": name, "date": day, "occurrence": nth}
    taken.milestones.add(row | {"place": e.resource.place})
