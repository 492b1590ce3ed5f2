"""What our own export carries beside FHIR's resources: rows of other tables, and what holds for the whole study."""

from __future__ import annotations

from perprotocol.formats.fhir.codes import OURS
from perprotocol.formats.fhir.reading.elements import Elements
from perprotocol.formats.fhir.reading.taken import ABOUT, Rows, Taken
from rules.door.settings import KEYS
from rules.door.tables import SCHEMAS


def take_basic(taken: Taken, e: Elements) -> None:
    """A row of a table, where a Basic says so; any other Basic is not read."""
    codes = e.concept("code", e.body.get("code")).codings
    table = next((code for system, code, _ in codes if system == f"{OURS}:table"), None)
    if table is None:
        taken.leave(e.resource, "kind")
    elif table not in SCHEMAS:
        e.fault("code", table, "is no table of a study folder", f"write one of {', '.join(SCHEMAS)}")
    else:
        person = taken.person(e, "subject") if SCHEMAS[table].of_subjects else None
        rows = taken.rest.setdefault(table, Rows(table, ABOUT))
        rows.add(e.ours() | {"person": person, "path": e.resource.path, "place": e.resource.place})


def take_study(taken: Taken, e: Elements) -> None:
    """The settings of the study, where our export wrote them; nothing else of a ResearchStudy is read."""
    for at, extension in e.maps("extension", e.body.get("extension")):
        key = str(extension.get("url", "")).removeprefix(f"{OURS}:setting:")
        if key in KEYS or key.startswith("closed "):
            taken.settings[key] = e.text(f"{at}.valueString", extension.get("valueString"))
