"""Files of FHIR -> what they say: each resource by the module that knows its kind, all others counted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from perprotocol.formats.fhir.reading.doses import take_administration, take_medication
from perprotocol.formats.fhir.reading.elements import Elements
from perprotocol.formats.fhir.reading.observed import take_observation
from perprotocol.formats.fhir.reading.people import take_participant, take_patient
from perprotocol.formats.fhir.reading.rest import take_basic, take_study
from perprotocol.formats.fhir.reading.source import Resource, read_resources
from perprotocol.formats.fhir.reading.taken import Taken
from protocol.errors import Fault

Progress = Callable[[int, int], None]


def take_files(files: Sequence[Path], taken: Taken, progress: Progress) -> None:
    """Every resource of the files is in `taken`, or counted there as left out; what is wrong is in its faults."""
    total, done = sum(file.stat().st_size for file in files), 0
    for file in files:
        for resource in read_resources(file, taken.fatal):
            _take(taken, resource)
            if resource.end:
                progress(done + resource.end, total)
        done += file.stat().st_size
        progress(done, total)
    if not taken.fatal and not any(kind in taken.read for kind in _WANTED):
        held = ", ".join(f"{number} {kind}" for kind, number in taken.read.items()) or "nothing"
        wanted = ", ".join(_WANTED)
        name = files[0].name if len(files) == 1 else f"{files[0].name} and {len(files) - 1} more"
        why = f"holds {held}, and nothing that a study folder has a place for"
        taken.fatal.append(Fault(name, None, None, "", "", why, f"name files with {wanted}"))


def _take(taken: Taken, resource: Resource) -> None:
    taken.read[resource.kind] = taken.read.get(resource.kind, 0) + 1
    take = _TAKERS.get(resource.kind)
    if take is None:
        taken.leave(resource, "kind")
        return
    if resource.url:
        taken.addresses[resource.url] = resource.key
    elements = Elements(resource, taken.clock, taken.faults)
    before = len(taken.faults)
    elements.check_understood()
    take(taken, elements)
    if len(taken.faults) > before:
        taken.faulty.add(resource.place)


def _bundle(taken: Taken, e: Elements) -> None:
    """A page of a search that has a next page is not all there is."""
    if any(link.get("relation") == "next" for _, link in e.maps("link", e.body.get("link"))):
        taken.leave(e.resource, "next page")


_WANTED = ("MedicationAdministration", "Observation", "Patient", "ResearchSubject")
_TAKERS: Mapping[str, Callable[[Taken, Elements], None]] = {
    "MedicationAdministration": take_administration,
    "Medication": take_medication,
    "Observation": take_observation,
    "Patient": take_patient,
    "ResearchSubject": take_participant,
    "ResearchStudy": take_study,
    "Basic": take_basic,
    "Bundle": _bundle,
}
