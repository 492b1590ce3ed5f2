"""What FHIR has no resource for, or several: rows of all other tables of a study folder as Basic, cell by cell."""

from __future__ import annotations

from collections.abc import Iterator

from perprotocol.formats.fhir.codes import OURS
from perprotocol.formats.fhir.writing.elements import Body, coding, columns, concept, filled, id_of, reference
from perprotocol.formats.fhir.writing.records import Records
from rules.door.tables import SCHEMAS

ELSEWHERE = ("subjects", "milestones", "observations", "administrations")
"""Tables whose rows have resources of their own."""


def write_rest(records: Records) -> Iterator[Body]:
    """Every row of visits, events, consents, lots, logs and decisions; `import fhir` reads them back."""
    for table, schema in SCHEMAS.items():
        if table in ELSEWHERE:
            continue
        for row in records.rows(table):
            yield filled({
                "resourceType": "Basic",
                "id": id_of(table, row["row"]),
                "extension": columns(row, [name for name in schema.names if name != "subject"]),
                "code": concept(None, coding(f"{OURS}:table", table)),
                "subject": reference("Patient", row["subject"]) if schema.of_subjects else None,
            })  # fmt: skip
