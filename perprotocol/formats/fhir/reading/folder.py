"""What was read -> a study folder: references resolved, names given, rows checked by the study's own door."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import polars as pl
import yaml

import rules
from perprotocol.formats.fhir.codes import OURS
from perprotocol.formats.fhir.reading.naming import LEAVE_OUT
from perprotocol.formats.fhir.reading.taken import Medication, Person, Rows, Taken
from protocol.errors import Fault, StudyError
from rules.door.tables import SCHEMAS

Found = TypeVar("Found")
_ABSOLUTE = re.compile(r"(?P<base>https?://.+?)/(?P<key>[A-Z][A-Za-z]+/[A-Za-z0-9.\-]{1,64})(?:/_history/.+)?")
_HERE = ("concept:", "identifier:")
_ELEMENTS = {
    "amount": "dosage.dose.value",
    "unit": "dosage.dose.unit",
    "start": "effective[x]",
    "end": "effectivePeriod.end",
    "value": "value[x]",
    "at": "effective[x]",
    "low": "referenceRange.low",
    "high": "referenceRange.high",
    "record": "id",
    "subject": "subject",
    "date": "startDate",
    "birth_date": "birthDate",
}
"""Columns of a table -> the elements they come from, for messages of the door."""


@dataclass(frozen=True)
class Imported:
    """The tables of a study, what holds for all of it, what became of every resource, and faults of those left out."""

    tables: Mapping[str, pl.DataFrame]
    settings: Mapping[str, str]
    report: pl.DataFrame
    left_out: pl.DataFrame


@dataclass
class References:
    """What references name, whichever way they are written; addresses of two servers are never taken for one."""

    addresses: Mapping[str, str]
    replaced: Mapping[str, str]
    bases: dict[str, str] = field(default_factory=dict)

    def key(self, reference: str) -> str:
        """The key of what a reference names: `Patient/101`."""
        key = self.addresses.get(reference, reference)
        if found := _ABSOLUTE.fullmatch(key):
            self.bases.setdefault(found["base"], reference)
            key = found["key"]
        key = key.partition("/_history/")[0]
        return self.key(self.replaced[key]) if key in self.replaced else key


REPORT = {
    "kind": pl.String(),
    "table": pl.String(),
    "number": pl.Int64(),
    "why": pl.String(),
    "value": pl.String(),
    "record": pl.String(),
}
"""The fields of the report: how many of which resource became rows of which table, or why not, and where the first
of them stands; `why` is a key of the words, `value` what it is about."""

LEFT_OUT = ("place", "element", "value", "why", "remedy")
"""The fields of left-out.csv."""
Report = list[tuple[str, str | None, int, str | None, str | None, str | None]]


def assemble(taken: Taken, system: str | None, *, partial: bool = False) -> Imported:
    """The tables of a study folder; StudyError with everything that is wrong with the resources.

    With `partial` single resources with a fault are left out, and listed in `left_out`.
    """
    references = References(taken.addresses, taken.replaced)
    participants = {references.key(key): person for key, person in taken.participants.items()}
    all_rows = (taken.administrations, taken.observations, taken.milestones, *taken.rest.values())
    sound = ~pl.col("place").is_in(list(taken.faulty))
    frames = {rows.table: rows.frame().filter(sound) for rows in all_rows}
    people = _people(taken, references, participants, frames, system)
    report: Report = [(kind, None, n, why, None, first) for (kind, why), (n, first) in taken.left_out.items()]
    for name, frame in frames.items():
        frames[name] = _of_participants(frame, people, report) if SCHEMAS[name].of_subjects else frame
    frames["administrations"] = _named(taken, references, frames["administrations"], report)
    frames |= _concomitant(taken, frames, report)
    if len(references.bases) > 1:
        first, other, *_ = references.bases.values()
        why = f"is of another server than {first}, where the same id may be another person"
        taken.fatal.append(Fault("references", None, None, "", other, why, "import the files of each by themselves"))
    if len(studies := sorted({references.key(study) for study in taken.studies})) > 1:
        second = next(r for key, r in taken.studies.items() if references.key(key) == studies[1])
        why = f"is a second study beside {studies[0]}"
        taken.fatal.append(second.fault("study", studies[1], why, "import the files of one study"))
    tables = {"subjects": _subjects(taken, people, participants)} | frames
    tables = {name: _tidy(name, frame) for name, frame in tables.items() if name == "subjects" or len(frame)}
    if taken.fatal or (taken.faults and not partial):
        raise StudyError([*taken.fatal, *taken.faults])
    tables = _checked(tables, taken, partial=partial)
    report[:0] = [row for name, frame in tables.items() for row in _made(name, frame)]
    places = [f"{f.file}:{f.line}" if f.line is not None else f.file for f in taken.faults]
    report += [("", None, len(taken.faults), "fault", None, places[0])] if taken.faults else []
    left_out = [(place, f.path, f.value, f.why, f.remedy) for place, f in zip(places, taken.faults, strict=True)]
    listed = pl.DataFrame(left_out, schema=dict.fromkeys(LEFT_OUT, pl.String()), orient="row")
    return Imported(tables, taken.settings, pl.DataFrame(report, schema=REPORT, orient="row"), listed)


def _made(name: str, frame: pl.DataFrame) -> Report:
    """How many rows of a table are from which kind of resource."""
    kinds = frame.select(kind=pl.col("path").str.extract("^([A-Z][A-Za-z]+)").fill_null("")).to_series()
    return [(str(kind), name, number, "rows", None, None) for kind, number in kinds.value_counts(sort=True).rows()]


# --- people ------------------------------------------------------------------------------------------------------


def _people(
    taken: Taken,
    references: References,
    participants: Mapping[str, Person],
    frames: Mapping[str, pl.DataFrame],
    system: str | None,
) -> dict[str, tuple[str, str | None]]:
    """Every reference to a person -> their key, and their id in the study; None for one who takes no part in it."""
    first: dict[str, tuple[str, str]] = {}
    for frame in frames.values():
        named = frame.filter(pl.col("person").is_not_null())
        for row in named.unique("person", keep="first", maintain_order=True).iter_rows(named=True):
            first.setdefault(row["person"], (row["place"], row["path"]))
    people: dict[str, tuple[str, str | None]] = {}
    for reference in [*first, *taken.participants, *taken.people]:
        key = references.key(reference)
        if taken.people and key not in taken.people and not key.startswith("identifier:"):
            place, path = first.get(reference, ("ResearchSubject", ""))
            why, remedy = "names a Patient who is not in the files", "export the Patient too, or correct the reference"
            taken.faults.append(Fault(place, None, None, f"{path}.subject".lstrip("."), reference, why, remedy))
        elif participants and key not in participants:
            people[reference] = key, None
        else:
            people[reference] = key, _subject(taken, participants.get(key), taken.people.get(key), key, system)
    return people


def _subject(taken: Taken, participant: Person | None, person: Person | None, key: str, system: str | None) -> str:
    """The id in the study: of the system asked for, else the participant's own, else the id of the resource."""
    both = [one for one in (participant, person) if one is not None]
    if system is not None:
        for one in both:
            if own := one.identifiers.get(system):
                return own
        if both:
            why = f"has no identifier of {system}"
            taken.fatal.append(both[0].resource.fault("identifier", None, why, "name the system that all have"))
        return ""
    if participant is not None and (known := participant.identifiers):
        if len(known) == 1 or f"{OURS}:subject" in known:
            return known.get(f"{OURS}:subject") or next(iter(known.values()))
        systems = ", ".join(name or "none" for name in known)
        why = f"is not one alone: {systems}"
        taken.fatal.append(participant.resource.fault("identifier", None, why, "name one with --subject-system"))
    return key.removeprefix("identifier:").rpartition("/")[2]


def _of_participants(frame: pl.DataFrame, people: Mapping[str, tuple[str, str | None]], report: Report) -> pl.DataFrame:
    """The rows of participants, each with the id of its subject; the others are counted."""
    ids = {reference: subject for reference, (_, subject) in people.items()}
    frame = frame.with_columns(subject=pl.col("person").replace_strict(ids, default=None, return_dtype=pl.String()))
    others = frame.filter(pl.col("subject").is_null() & pl.col("person").is_in(list(ids)))
    for kind, rows in others.group_by(pl.col("path").str.extract("^([A-Za-z]+)"), maintain_order=True):
        report.append((str(kind[0]), None, len(rows), "no participant", None, rows["place"][0]))
    return frame.filter(pl.col("subject").is_not_null()).drop("person")


def _subjects(
    taken: Taken, people: Mapping[str, tuple[str, str | None]], participants: Mapping[str, Person]
) -> pl.DataFrame:
    """Everyone who takes part, once: what the participant's record says, and the person's where it says nothing."""
    rows: dict[str, dict[str, str | None]] = {}
    for key, subject in people.values():
        if subject is None or key in rows:
            continue
        found = [one for one in (participants.get(key), taken.people.get(key)) if one is not None]
        cells: dict[str, str | None] = {}
        for one in reversed(found):
            cells |= {name: value for name, value in one.cells.items() if value}
        place = found[0].resource.place if found else None
        rows[key] = cells | {"subject": subject, "place": place, "path": key}
    table = Rows("subjects", ("path", "place"))
    for row in rows.values():
        table.add(row)
    return table.frame().sort("subject", maintain_order=True)


# --- what was given ----------------------------------------------------------------------------------------------


def _named(taken: Taken, references: References, frame: pl.DataFrame, report: Report) -> pl.DataFrame:
    """The doses with the treatment each is of; those that the mapping file leaves out are counted."""
    found: dict[str, Medication] = {}
    for reference in frame["medication"].unique(maintain_order=True):
        medication = taken.medications.get(references.key(reference)) or taken.medications.get(f"display:{reference}")
        if medication is None:
            row = frame.row(frame["medication"].index_of(reference) or 0, named=True)
            why, remedy = (
                "names a Medication that is not in the files",
                "export it too, or give the reference a display",
            )
            taken.faults.append(Fault(row["place"], None, None, f"{row['path']}.medication", reference, why, remedy))
        else:
            found[reference] = medication
    names = {reference: taken.names.treatment(medication.concept) for reference, medication in found.items()}
    given = pl.col("medication")
    frame = frame.with_columns(
        treatment=given.replace_strict({r: n.word for r, n in names.items()}, default=None, return_dtype=pl.String()),
        known=given.replace_strict({r: n.known for r, n in names.items()}, default=None, return_dtype=pl.Boolean()),
        lot=pl.coalesce("lot", _of(found, "lot")),
        expires=pl.coalesce("expires", _of(found, "expires")),
    )
    words = {reference: medication.concept.words[0] for reference, medication in found.items()}
    told = frame.with_columns(recorded=given.replace_strict(words, default=None, return_dtype=pl.String()))
    for group, rows in told.group_by("recorded", "treatment", "known", maintain_order=True):
        recorded, treatment, known = group
        other = "own word" if taken.names.protocol is None else "concomitant"
        why = "mapping" if treatment == LEAVE_OUT else "renamed" if recorded != treatment else "" if known else other
        if why:
            about = f"{recorded} → {treatment}" if why == "renamed" else str(recorded)
            table = {"mapping": None, "concomitant": "events"}.get(why, "administrations")
            report.append(("MedicationAdministration", table, len(rows), why, about, rows["place"][0]))
    return frame.filter(pl.col("treatment") != LEAVE_OUT)


def _of(found: Mapping[str, Medication], name: str) -> pl.Expr:
    said = {reference: getattr(medication, name) for reference, medication in found.items()}
    return pl.col("medication").replace_strict(said, default=None, return_dtype=pl.String())


def _concomitant(taken: Taken, frames: Mapping[str, pl.DataFrame], report: Report) -> dict[str, pl.DataFrame]:
    """Doses of what the protocol does not name are other medication; without a protocol all are treatments."""
    frame = frames["administrations"]
    if taken.names.protocol is None:
        return {}
    other = frame.filter(~pl.col("known"))
    not_given = other.filter(pl.col("status") != "given")
    for status, rows in not_given.group_by("status", maintain_order=True):
        report.append(("MedicationAdministration", None, len(rows), "other", str(status[0]), rows["place"][0]))
    events = other.filter(pl.col("status").is_in(["given", "partly given"])).select(
        "subject", "path", "start", pl.lit("concomitant medication").alias("event"),
        pl.coalesce("end", pl.col("start").str.slice(0, 10)).alias("end"),
        pl.col("treatment").alias("detail"), "record", "source", "place",
    )  # fmt: skip
    both = [frames["events"], events] if "events" in frames else [events]
    return {"administrations": frame.filter(pl.col("known")), "events": pl.concat(both, how="diagonal")}


# --- the folder --------------------------------------------------------------------------------------------------


def _tidy(name: str, frame: pl.DataFrame) -> pl.DataFrame:
    """The columns that hold something, in the order of the table; the same resource twice is one row."""
    first = pl.struct(pl.exclude("place")).is_first_distinct()
    frame = frame.filter(first | ~pl.col("path").str.contains("[/ ]"))
    needed = SCHEMAS[name].required
    kept = [
        c for c in SCHEMAS[name].names if c in frame.columns and (c in needed or frame[c].null_count() < len(frame))
    ]
    return frame.select(*kept, "place", "path")


def _checked(tables: dict[str, pl.DataFrame], taken: Taken, *, partial: bool) -> dict[str, pl.DataFrame]:
    """The tables as the door takes them; StudyError with its faults at the places of the resources.

    With `partial` rows with a fault go, until there are none: the door tells some of them at a time.
    """
    while True:
        try:
            rules.from_frames("fhir", {name: frame.drop("path", "place") for name, frame in tables.items()})
            return tables
        except StudyError as error:
            told = [*_placed(error.faults, tables)]
            lines = {(f.file, f.line - 1) for f in error.faults if f.line is not None and f.file != "subjects"}
            if not partial or not lines:
                raise StudyError(told) from None
            taken.faults += [fault for fault, one in zip(told, error.faults, strict=True) if one.line is not None]
        for name in {table for table, _ in lines}:
            bad = [line for table, line in lines if table == name]
            tables[name] = tables[name].with_row_index("row").filter(~pl.col("row").is_in(bad)).drop("row")


def _placed(faults: Sequence[Fault], tables: Mapping[str, pl.DataFrame]) -> Iterator[Fault]:
    """Faults of rows, each at the element of the resource that the row is from."""
    for fault in faults:
        frame = tables.get(fault.file)
        if frame is None or fault.line is None or not len(frame):
            yield fault
            continue
        row = frame.row(fault.line - 1, named=True)
        path = f"{row['path']}.{_ELEMENTS.get(str(fault.column), str(fault.column))}"
        yield Fault(row["place"] or fault.file, None, None, path, fault.value, fault.why, fault.remedy)


def write_folder(imported: Imported, folder: Path, form: str, settings: Mapping[str, str]) -> None:
    """The tables and study.yaml are in the folder, which is new."""
    folder.mkdir()
    for name, frame in imported.tables.items():
        table = frame.drop("path").rename({"place": "resource"})
        if form == "parquet":
            table.write_parquet(folder / f"{name}.parquet")
        else:
            table.write_csv(folder / f"{name}.csv")
    if len(imported.left_out):
        imported.left_out.write_csv(folder / "left-out.csv")
    text = yaml.safe_dump({**imported.settings, **settings}, allow_unicode=True, sort_keys=False)
    (folder / "study.yaml").write_text(text, encoding="utf-8")
