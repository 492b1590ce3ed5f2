"""A data dictionary of REDCap: what each field is called, what it may say, and where it stands."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from pathlib import Path

from protocol import Fault, StudyError
from rules.door.reading import column_key, decoded

_HEADERS = {
    "name": ("variable_/_field_name", "field_name"),
    "form": ("form_name",),
    "kind": ("field_type",),
    "label": ("field_label",),
    "choices": ("choices,_calculations,_or_slider_labels", "select_choices_or_calculations"),
    "validation": ("text_validation_type_or_show_slider_number",),
    "identifier": ("identifier?", "identifier"),
}
"""The columns of a dictionary as it is downloaded, and as the API gives it."""

_CHOOSING = frozenset({"radio", "dropdown", "checkbox"})
_FIXED = {"yesno": {"1": "Yes", "0": "No"}, "truefalse": {"1": "True", "0": "False"}}


@dataclass(frozen=True)
class Field:
    """One field of a project; `choices` are its codes with their labels, empty where anything may be written."""

    name: str
    form: str
    kind: str
    label: str
    validation: str = ""
    identifier: bool = False
    choices: dict[str, str] = field(default_factory=dict)

    def columns(self) -> dict[str, str]:
        """The columns of an export that hold it, with the label at their head: one, or one for each box."""
        if self.kind != "checkbox":
            return {self.name: self.label}
        return {box(self.name, code): f"{self.label} (choice={label})" for code, label in self.choices.items()}


def box(name: str, code: str) -> str:
    """The column of one box of a checkbox field: letters, digits and underscores, as REDCap names it."""
    return f"{name}___{''.join(sign if sign.isalnum() else '_' for sign in code.lower())}"


def read_dictionary(path: Path) -> dict[str, Field]:
    """The fields of a data dictionary by name, in their order; StudyError where the file is none."""
    text, _ = decoded(path.read_bytes())
    rows = list(csv.reader(io.StringIO(text or "", newline="")))
    places = {column_key(cell.strip("﻿")): n for n, cell in enumerate(rows[0] if rows else [])}
    at = {key: next((places[name] for name in names if name in places), None) for key, names in _HEADERS.items()}
    if at["name"] is None or at["kind"] is None:
        remedy = "download it in REDCap under Project Setup, Data Dictionary"
        why = "is no data dictionary: it has no column 'Variable / Field Name'"
        raise StudyError([Fault(path.name, 1, None, "", "", why, remedy)])
    found = {}
    for row in rows[1:]:
        said = {key: row[n].strip() if n is not None and n < len(row) else "" for key, n in at.items()}
        if said["name"] and said["kind"] != "descriptive":
            found[said["name"]] = Field(
                said["name"], said["form"], said["kind"], said["label"], said["validation"],
                said["identifier"].lower() == "y", _choices(said["kind"], said["choices"]),
            )  # fmt: skip
    return found


def _choices(kind: str, text: str) -> dict[str, str]:
    """Codes and labels from `1, Male | 2, Female`; a label may hold a comma, a code does not."""
    if kind not in _CHOOSING:
        return _FIXED.get(kind, {})
    pairs = (part.partition(",") for part in text.split("|"))
    return {code.strip(): label.strip() or code.strip() for code, _, label in pairs if code.strip()}
