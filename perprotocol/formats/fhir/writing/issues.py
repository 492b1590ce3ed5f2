"""Findings about dose and timing as DetectedIssue: a candidate is preliminary, a confirmed one final.

FHIR's issue is a clinical one, so no other finding becomes one (consent, eligibility, records), and importance, which
is the sponsor's, is no severity.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date

import polars as pl

from perprotocol.formats.fhir.codes import OURS
from perprotocol.formats.fhir.writing.elements import Body, coding, concept, filled, id_of, reference, text
from perprotocol.formats.fhir.writing.records import Records, dose_id

ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
_HIGH = coding(ACT, "DOSEH", "High Dose Alert")
_LOW = coding(ACT, "DOSEL", "Low Dose Alert")
_DOSE = coding(ACT, "DOSE", "Dosage problem")
_INTERVAL = coding(ACT, "DOSEIVL", "Dose-Interval Alert")
_TIME = coding(ACT, "TIME", "timing detected issue")

ISSUES: Mapping[str, Body] = {
    "overdose": _HIGH,
    "above_ceiling": _HIGH,
    "above_total": coding(ACT, "MDOSE", "maximum dosage reached"),
    "underdose": _LOW,
    "amount_zero": _LOW,
    "dose_off_level": _DOSE,
    "dose_not_recalculated": _DOSE,
    "infusion_too_fast": _DOSE,
    "infusion_too_slow": _DOSE,
    "adherence_high": _HIGH,
    "adherence_low": _LOW,
    "course_gap": coding(ACT, "DOSEDUR", "Dose-Duration Alert"),
    "course_after_end": coding(ACT, "DOSEDURH", "Dose-Duration High Alert"),
    "course_ended_early": coding(ACT, "DOSEDURL", "Dose-Duration Low Alert"),
    "frequency_wrong": _INTERVAL,
    "interval_too_short": _INTERVAL,
    "interval_too_long": _INTERVAL,
    "too_many_in_span": _INTERVAL,
    "dose_early": _TIME,
    "dose_late": _TIME,
    "dose_not_counted": _TIME,
    "course_start_out_of_window": _TIME,
    "premedication_mistimed": _TIME,
    "out_of_order": _TIME,
    "order_reversed": _TIME,
}
"""The rules about dose and timing, each with the code of HL7 for such an issue."""


def write_issues(
    records: Records,
    findings: pl.DataFrame,
    planned: Mapping[tuple[str, str, int], Body],
    as_of: date,
    *,
    recorded: bool = True,
) -> Iterator[Body]:
    """Each finding about dose and timing, with the dose `recorded` and the one `planned`, where they are exported."""
    file = records.study.tables["administrations"].file if "administrations" in records.study.tables else ""
    given_rows = records.rows("administrations") if recorded else ()
    doses = {f"{file}:{row['row']}": reference("MedicationAdministration", dose_id(row)) for row in given_rows}
    about = findings.filter(pl.col("code").is_in(list(ISSUES)) & (pl.col("verdict") == "deviates"))
    for row in about.iter_rows(named=True):
        given = doses.get(row["record"] or "")
        intended = planned.get((row["subject"], row["activity"], row["occurrence"] or 0))
        yield filled({
            "resourceType": "DetectedIssue",
            "id": id_of(row["id"].replace("/", ".")),
            "identifier": [{"system": f"{OURS}:finding", "value": row["id"]}],
            "status": "final" if row["state"] == "confirmed" else "preliminary",
            "code": concept(row["term"], ISSUES[row["code"]], coding(f"{OURS}:rule", row["code"])),
            records.release.pick("patient", "subject"): reference("Patient", row["subject"]),
            "identifiedDateTime": as_of.isoformat(),
            "implicated": [one for one in (given, intended) if one is not None],
            "evidence": [{"detail": [given]}] if given else None,
            "detail": text(row["message"]),
        })  # fmt: skip
