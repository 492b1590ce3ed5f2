"""An export of REDCap as it stands: one line for each record, event and instance of what repeats."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from perprotocol.formats.redcap.dictionary import Field
from protocol import Fault, StudyError
from rules.door.reading import decoded, records

EVENT, FORM, INSTANCE = "redcap_event_name", "redcap_repeat_instrument", "redcap_repeat_instance"
SITE = "redcap_data_access_group"
OWN = {
    "Event Name": EVENT, "Repeat Instrument": FORM, "Repeat Instance": INSTANCE, "Data Access Group": SITE,
    "Survey Identifier": "redcap_survey_identifier",
}  # fmt: skip
"""REDCap's own columns as an export with labels heads them."""

LINE = "line of the export"
"""The column with the line on which each row begins; no field has blanks in its name."""


@dataclass(frozen=True)
class Export:
    """The lines of an export: texts, null where empty, `LINE` first; labels where it was exported with labels."""

    file: str
    lines: pl.DataFrame
    twice: tuple[str, ...] = ()
    """Headings that stand more than once: nobody can say which is meant."""


def read_export(path: Path, dictionary: Mapping[str, Field]) -> Export:
    """The export in a file, headings as names of fields; StudyError with every fault of its form."""
    text, _ = decoded(path.read_bytes())
    if text is None or not text.strip():
        why = "is neither UTF-8 nor GB18030 text" if text is None else "is empty"
        raise StudyError([Fault(path.name, None, None, "", "", why, "export it from REDCap again, as CSV")])
    first = text.strip().partition("\n")[0]
    try:
        rows = list(records(text, max(",;\t|^", key=first.count)))
    except csv.Error as error:
        line, why = error.args
        remedy = "export it again; a file that was cut off ends so"
        raise StudyError([Fault(path.name, line, None, "", "", f"has a quote out of place ({why})", remedy)]) from None
    heads, twice = _names([(cell or "").strip() for cell in rows[0][1]], dictionary)
    faults = [
        Fault(path.name, line, None, "", "", f"has {len(cells)} cells where the header has {len(heads)}",
              "export it again; a file that was cut off, or edited in a spreadsheet, looks so")
        for line, cells in rows[1:]
        if len(cells) != len(heads) and any(cells)
    ]  # fmt: skip
    if faults:
        raise StudyError(faults)
    body = [(line, *((cell or "").strip() or None for cell in cells)) for line, cells in rows[1:] if any(cells)]
    schema = {LINE: pl.Int32(), **dict.fromkeys(heads, pl.String())}
    frame = pl.DataFrame(body, schema=schema, orient="row")
    missing = [pl.lit(None, pl.String).alias(name) for name in (EVENT, FORM, INSTANCE) if name not in frame.columns]
    return Export(path.name, frame.with_columns(missing), twice)


def _names(cells: Iterable[str], dictionary: Mapping[str, Field]) -> tuple[list[str], tuple[str, ...]]:
    """The name of each column, each once; and the headings that stand more than once."""
    labelled: dict[str, list[str]] = {}
    for known in dictionary.values():
        for name, label in known.columns().items():
            labelled.setdefault(label, []).append(name)
    found: list[str] = []
    twice = set()
    for cell in cells:
        of = labelled.get(cell, [])
        name = OWN.get(cell) or (of[0] if len(of) == 1 and cell not in dictionary else cell)
        if name in found or len(of) > 1:
            twice.add(cell)
        same = sum(name == other.rpartition(" (")[0] or name == other for other in found)
        found.append(f"{name} ({same + 1})" if same or not name else name)
    return found, tuple(sorted(twice))


def check_keys(export: Export, subject: str) -> list[Fault]:
    """A fault for each line without a record, and for each that says the same record, event and instance again."""
    keys = [subject, EVENT, FORM, INSTANCE]
    remedy = "export it again: a line without its record belongs to nobody"
    empty = export.lines.filter(pl.col(subject).is_null())[LINE]
    faults = [Fault(export.file, line, subject, "", "", "is empty", remedy) for line in empty]
    again = export.lines.with_columns(first=pl.col(LINE).min().over(keys)).filter(pl.col(LINE) != pl.col("first"))
    for row in again.filter(pl.col(subject).is_not_null()).iter_rows(named=True):
        said = " ".join(str(row[key]) for key in keys if row[key] is not None)
        why = f"stands on line {row['first']} already: one record, event and instance has one line"
        faults.append(Fault(export.file, row[LINE], subject, "", said, why, "export it again"))
    return faults
