"""A first mapping, written from the header of an export and from its data dictionary, for a person to check."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from perprotocol.formats.redcap.dictionary import Field
from perprotocol.formats.redcap.export import EVENT, FORM, INSTANCE, LINE, OWN, SITE, Export
from perprotocol.formats.redcap.mapping import TO_FILL

_HEAD = """\
# A first mapping of {file}. Nobody has checked it: nothing is read by it until it says so.
# A line says COLUMN: FIELD, COLUMN: =WORD for what is always the same, or
# COLUMN: {{field: FIELD, codes: {{1: word}}, event: EVENT}}; see docs/formats/redcap.md.
checked: no
subject: {subject}
missing: []                     # codes such as NI, UNK or -99 that say nothing is known
settings: {{name: {name}}}       # what study.yaml says: data_cut, time_zone, protocol, ...
"""


@dataclass(frozen=True)
class _Guess:
    """A field that looks like a column of a study: words in its name or label, and what a line of it would say."""

    words: str
    table: str
    column: str
    unit: str = ""


_GUESSES = (
    _Guess(r"\b(arm|group|treatment_arm|allocation|randomi[sz]ed_to|分组|组别)\b", "subjects", "arm"),
    _Guess(r"\b(sex|gender|性别)\b", "subjects", "sex"),
    _Guess(r"\b(dob|birth_?date|date of birth|出生日期)\b", "subjects", "birth_date"),
    _Guess(r"\b(day_?zero|day_?0)\b", "subjects", "day_zero"),
    _Guess(r"\b(enrol(l?ed|l?ment)_?(date)?|date of enrol(l?ment)|入组日期)\b", "subjects", "enrolled"),
    _Guess(r"\b(visit_?date|date of (the )?visit|访视日期)\b", "visits", "date"),
    _Guess(r"\b(weight|wt|body_weight|weight_kg|体重)\b", "observations", "weight", "kg"),
    _Guess(r"\b(height|ht|body_height|height_cm|身高)\b", "observations", "height", "cm"),
    _Guess(r"\b(consent_?date|date of consent|知情同意日期)\b", "consents", "signed"),
    _Guess(r"\b(death_?date|date of death|死亡日期)\b", "milestones", "death"),
)


def draft_mapping(export: Export, dictionary: Mapping[str, Field]) -> str:
    """The mapping file as text: what looks certain is proposed, what only a person knows is to be filled in."""
    there = [name for name in export.lines.columns if name != LINE and not name.endswith("_complete")]
    boxes = {
        name: Field(name, f.form, "box", label) for f in dictionary.values() for name, label in f.columns().items()
    }
    fields = {name: dictionary.get(name) or boxes.get(name) or Field(name, "", "text", name) for name in there}
    subject = next((name for name in there if name not in OWN.values()), "record_id")
    guessed = {
        name: guess for name, field in fields.items() if name != subject and (guess := _guess(field)) is not None
    }
    head = _HEAD.format(file=export.file, subject=subject, name=_word(export.file.rpartition(".")[0]))
    used = (*guessed, subject, *OWN.values(), INSTANCE)
    return "\n".join([head, *_events(export), "tables:", *_tables(export, fields, guessed), *_others(fields, used), ""])


def _guess(field: Field) -> _Guess | None:
    said = f"{field.name.replace('_', ' ')} {field.name} {field.label}".lower()
    return next((guess for guess in _GUESSES if re.search(guess.words, said)), None)


def _events(export: Export) -> Iterator[str]:
    """Every event of the export, with the visit of the protocol to be filled in."""
    events = export.lines[EVENT].drop_nulls().unique(maintain_order=True)
    if len(events):
        yield "events:                         # event of REDCap: visit of the protocol, such as weekly 2"
        yield from (f"  {_word(event)}: {TO_FILL}" for event in events)
        yield ""


def _tables(export: Export, fields: Mapping[str, Field], guessed: Mapping[str, _Guess]) -> Iterator[str]:
    """The kinds of rows that the guesses make."""
    own = {guess.column: name for name, guess in guessed.items() if guess.table == "subjects"}
    if SITE in export.lines.columns and export.lines[SITE].null_count() < len(export.lines):
        own = {"site": SITE, **own}
    yield "  subjects:"
    yield from _row({column: (name, fields[name]) for column, name in own.items()}) if own else ("    - {}",)
    dates = [name for name, guess in guessed.items() if guess.table == "visits"]
    several = export.lines[EVENT].null_count() < len(export.lines)
    if dates and several:
        yield "  visits:"
        yield from _row({"visit": (EVENT, fields[EVENT]), "date": (dates[0], fields[dates[0]])})
    at = dates[0] if dates else f'"={TO_FILL}"'
    measured = {name: guess for name, guess in guessed.items() if guess.table == "observations"}
    if measured:
        yield "  observations:"
        for name, guess in measured.items():
            row = f"measure: ={guess.column}, value: {name}, unit: ={guess.unit}, at: {at}"
            yield f"    - {{{row}}}  # {_said(fields[name])}"
    for name, guess in guessed.items():
        if guess.table == "consents":
            yield "  consents:"
            yield f'    - {{version: "={TO_FILL}", signed: {name}}}  # {_said(fields[name])}'
        if guess.table == "milestones":
            yield "  milestones:"
            yield f"    - {{milestone: ={guess.column}, date: {name}}}  # {_said(fields[name])}"


def _row(columns: Mapping[str, tuple[str, Field]]) -> Iterator[str]:
    for n, (column, (name, field)) in enumerate(columns.items()):
        codes = ", ".join(f"{_word(code)}: {_word(label)}" for code, label in field.choices.items())
        said = f"{{field: {name}, codes: {{{codes}}}}}" if codes else name
        yield f"    {'-' if n == 0 else ' '} {column}: {said}  # {_said(field)}"


def _others(fields: Mapping[str, Field], used: tuple[str, ...]) -> Iterator[str]:
    """Every other field as a comment: what it is, to be taken from here where a table needs it."""
    rest = [field for name, field in fields.items() if name not in used]
    if rest:
        yield "\n# Fields that nothing is made of yet:"
        yield from (f"# {field.name}: {_said(field)}" for field in rest)
    if FORM in fields:
        yield "# Rows of a repeating instrument: form: NAME, and occurrence: redcap_repeat_instance for its number."


def _said(field: Field) -> str:
    """What a field is, on one line."""
    choices = "; ".join(f"{code} {label}" for code, label in field.choices.items())
    parts = (
        field.label if field.label != field.name else "",
        field.validation,
        choices,
        "identifier" * field.identifier,
    )
    return " | ".join(" ".join(part.split()) for part in parts if part) or field.kind


def _word(text: str) -> str:
    """A text as a word of the mapping, in quotes where its signs could be read otherwise."""
    if re.fullmatch(r"[\w./()-][\w ./()-]*", text):
        return text
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{" ".join(quoted.split())}"'
