"""What a study folder records: its rows with the words as written, and doses and measurements as resources."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from perprotocol.formats.fhir.codes import LOINC
from perprotocol.formats.fhir.writing.elements import (
    ABSENT,
    Body,
    Release,
    coding,
    columns,
    concept,
    filled,
    id_of,
    identifier,
    measured,
    moment,
    quantity,
    reference,
    route,
    text,
)
from rules.door.entry import Entry
from rules.door.reading import Recorded
from rules.door.settings import written_as
from rules.facts import Study

_STATUS = {"given": "completed", "partly given": "stopped", "not given": "not-done", "unknown": "unknown"}
_OF_DOSES = (
    "occurrence", "frequency", "brand", "bag", "weight_used", "ordered", "prepared", "volume", "concentration",
    "concentration_unit", "viability", "viable_or_total", "counted", "thawed", "released", "dispensed", "entered",
    "changed", "source",
)  # fmt: skip
_OF_VALUES = ("visit", "since_dose", "entered", "changed", "source")
_VITAL = coding("http://terminology.hl7.org/CodeSystem/observation-category", "vital-signs")
_NO_VALUE = {"not done": "not-performed", "not analysable": "error"}
_ABSENT = "http://terminology.hl7.org/CodeSystem/data-absent-reason"


@dataclass(frozen=True)
class Records:
    """A study on its way out: rows as written, days as understood, in the time zone of each participant's site."""

    study: Study
    release: Release
    zone: ZoneInfo | None = None

    def rows(self, table: str) -> Iterator[Mapping[str, Any]]:
        """The rows in use: cells as texts, under `NAME:day` the typed columns of a date, the subject, and the line."""
        if table not in self.study.tables:
            return
        recorded, data = self.study.tables[table], self.study.data(table)
        settings = self.study.settings
        entry = Entry(Recorded(table, recorded.file, recorded.raw, recorded.lines), None, **written_as(dict(settings)))
        cells = entry.cells.select(pl.col("row"), pl.exclude("row").cast(pl.String))
        typed = data.select("row", *(pl.col(c).alias(f"{c}:day") for c in data.columns if c != "row"))
        yield from typed.join(cells, on="row", how="left", maintain_order="left").iter_rows(named=True)

    def moment(self, row: Mapping[str, Any], name: str) -> str | None:
        """A date of a row as FHIR writes it."""
        day, last, minute = (row.get(f"{name}{part}:day") for part in ("", "_last", "_minute"))
        return moment(day, last, minute, self._zone_of(row, day) if minute is not None else None)

    def _zone_of(self, row: Mapping[str, Any], day: date | None) -> ZoneInfo | None:
        """The zone of the participant's site on that day, else that of the study."""
        moves = [
            zone for since, zone in self._moves.get(row.get("subject", ""), ()) if day is not None and since <= day
        ]
        return moves[-1] if moves else self._default

    @cached_property
    def _default(self) -> ZoneInfo | None:
        named = self.study.settings.get("time_zone")
        return self.zone or (ZoneInfo(named) if named else None)

    @cached_property
    def _moves(self) -> dict[str, list[tuple[date, ZoneInfo]]]:
        moves: dict[str, list[tuple[date, ZoneInfo]]] = {}
        if self.zone is None:
            subjects = self.study.subjects["subject"]
            for row in self.study.sites.drop_nulls(["from", "time_zone"]).sort("s", "from").iter_rows(named=True):
                moves.setdefault(subjects[row["s"]], []).append((row["from"], ZoneInfo(row["time_zone"])))
        return moves


def dose_id(row: Mapping[str, Any]) -> str:
    """The id of an administration: that of its record, else its line."""
    return id_of(row["record"]) if row.get("record") else id_of("line", row["row"])


def write_doses(records: Records) -> Iterator[Body]:
    """Every row of `administrations` as a MedicationAdministration."""
    for row in records.rows("administrations"):
        yield _dose(records, row)


def _dose(records: Records, row: Mapping[str, Any]) -> Body:
    given, status = quantity(row.get("amount"), row.get("unit")), row["status:day"] or "given"
    dosed = "value" in given and status != "not given"  # a dose that was not given has no amount
    dosage = {"route": route(row["route"]) if row.get("route") else None, "dose": given} if dosed else {}
    medication, contained = _medication(records, row)
    return filled({
        "resourceType": "MedicationAdministration",
        "id": dose_id(row),
        "contained": contained,
        "extension": columns(row, (*_OF_DOSES, *(() if dosed else ("amount", "unit", "route")))),
        "identifier": identifier("record", row.get("record")),
        "status": _STATUS[status],
        "statusReason": [concept(row["reason"])] if text(row.get("reason")) else None,
        **records.release.medication(medication),
        "subject": reference("Patient", row["subject"]),
        **_when(records, row),
        "dosage": filled(dosage),
    })  # fmt: skip


def _medication(records: Records, row: Mapping[str, Any]) -> tuple[Body, list[Body]]:
    """What was given, and the Medication that holds lot and expiry where one is known."""
    batch = filled({"lotNumber": text(row.get("lot")), "expirationDate": records.moment(row, "expires")})
    if not batch:
        return concept(row["treatment"]), []
    contained = {"resourceType": "Medication", "id": "given", "code": concept(row["treatment"]), "batch": batch}
    return {"reference": "#given"}, [contained]


def _when(records: Records, row: Mapping[str, Any]) -> Body:
    pick = records.release.pick
    start, end = records.moment(row, "start"), records.moment(row, "end")
    if end is not None:
        return {pick("effectivePeriod", "occurencePeriod"): filled({"start": start, "end": end})}
    name = pick("effectiveDateTime", "occurenceDateTime")
    return {name: start} if start else {f"_{name}": {"extension": [{"url": ABSENT, "valueCode": "unknown"}]}}


def write_values(records: Records) -> Iterator[Body]:
    """Every row of `observations` as an Observation."""
    for row in records.rows("observations"):
        yield _value(records, row)


def _value(records: Records, row: Mapping[str, Any]) -> Body:
    measure = str(row["measure"])
    code = measured(measure.strip().lower()) if measure.strip().lower() in ("weight", "height") else concept(measure)
    limits = filled({end: quantity(row[end], row.get("unit")) for end in ("low", "high") if row.get(end)})
    exact = row.get("reported_minute:day") is not None
    word = row.get("word:day")
    return filled({
        "resourceType": "Observation",
        "id": id_of(row["record"]) if row.get("record") else id_of("value", row["row"]),
        "extension": columns(row, (*_OF_VALUES, *(() if exact else ("reported",)))),
        "identifier": identifier("record", row.get("record")),
        "status": "final",
        "category": [concept(None, _VITAL)] if code.get("coding", [{}])[0].get("system") == LOINC else None,
        "code": code,
        "subject": reference("Patient", row["subject"]),
        "effectiveDateTime": records.moment(row, "at"),
        "issued": records.moment(row, "reported") if exact else None,
        "method": concept(row["method"]) if text(row.get("method")) else None,
        "valueQuantity": quantity(row["value"], row.get("unit")) if word is None else None,
        "valueString": text(word) if word not in _NO_VALUE else None,
        "dataAbsentReason": concept(word, coding(_ABSENT, _NO_VALUE[word])) if word in _NO_VALUE else None,
        "referenceRange": [limits] if limits else None,
    })  # fmt: skip
