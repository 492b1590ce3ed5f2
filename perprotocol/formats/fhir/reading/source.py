"""Files of FHIR resources as plain maps, one at a time: NDJSON by line, Bundles by entry, single resources.

Numbers stay the texts that they were written as: 1.620 is no 1.62 where the last digit says how exact a dose is.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from protocol.errors import Fault, StudyError

Body: TypeAlias = dict[str, Any]
SUFFIXES = (".json", ".ndjson", ".jsonl")
_LINES = (".ndjson", ".jsonl")
_CUT = "export it again; it may have been cut short"
_MANY = ("history", "batch-response", "transaction-response", "subscription-notification")


class Number(str):
    """A number of a JSON text, as it was written."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource: its content, the file and line or entry it stands in, and the address a Bundle gives it."""

    body: Body
    file: str
    line: int | None = None
    entry: int | None = None
    url: str = ""
    end: int = 0
    """How far the file has been read, in bytes, once this line is read; 0 where that is not known."""

    @property
    def kind(self) -> str:
        """What it is, such as Patient."""
        return str(self.body.get("resourceType") or "")

    @property
    def key(self) -> str:
        """What references name it by: `Patient/101`, or its address in the Bundle where it has no id."""
        return f"{self.kind}/{self.body['id']}" if self.body.get("id") else self.url

    @property
    def path(self) -> str:
        """What it is called in messages: its kind, with its id or else its address."""
        return self.key if self.body.get("id") else f"{self.kind} {self.url}".strip()

    @property
    def place(self) -> str:
        """Where it stands, for people."""
        at = f":{self.line}" if self.line is not None else f": entry[{self.entry}]" if self.entry is not None else ""
        return f"{self.file}{at}"

    def fault(self, path: str, value: object, why: str, remedy: str) -> Fault:
        """A fault at one of its elements."""
        where = ".".join(filter(None, (self.path, path)))
        entry = f"entry[{self.entry}] " if self.entry is not None else ""
        return Fault(self.file, self.line, None, f"{entry}{where}", shown(value), why, remedy)


def shown(value: object) -> str:
    """A value of a resource in a message: short, and as it was written."""
    text = "" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "..."


def find_files(places: Iterable[Path]) -> list[Path]:
    """The files named, and those with FHIR in the folders named; StudyError where there are none."""
    files: list[Path] = []
    faults = []
    for place in places:
        inside = sorted(p for p in place.iterdir() if p.suffix.lower() in SUFFIXES) if place.is_dir() else [place]
        if not place.exists():
            faults.append(_fault(place.name, "", "is not there", "name a file or folder of FHIR resources"))
        elif not inside:
            faults.append(_fault(place.name, "", "holds no .json and no .ndjson", "name a folder of FHIR resources"))
        files += inside if place.exists() else []
    if faults:
        raise StudyError(faults)
    return list(dict.fromkeys(files))


def read_resources(path: Path, faults: list[Fault]) -> Iterator[Resource]:
    """Every resource of a file, those in Bundles one by one; what cannot be read is one more fault."""
    name = path.name
    if path.suffix.lower() in _LINES:
        yield from _lines(path, faults)
        return
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError:
        faults.append(_fault(name, "", "is not UTF-8 text", "save it as UTF-8"))
        return
    if text.lstrip().startswith("<"):
        faults.append(_fault(name, "", "is XML", "export it as JSON or NDJSON"))
        return
    try:
        whole = _parse(text)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data":
            yield from _lines(path, faults)
        else:
            faults.append(Fault(name, error.lineno, error.colno, "", "", f"is no JSON: {error.msg}", _CUT))
        return
    yield from _unpacked(Resource(whole, name), faults) if isinstance(whole, dict) else _refuse(name, None, faults)


def _lines(path: Path, faults: list[Fault]) -> Iterator[Resource]:
    end = 0
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            end += len(line)
            if not line.strip():
                continue
            try:
                body = _parse(line.decode("utf-8-sig" if number == 1 else "utf-8"))
            except UnicodeDecodeError:
                faults.append(Fault(path.name, number, None, "", "", "is not UTF-8 text", "save it as UTF-8"))
                continue
            except json.JSONDecodeError as error:
                faults.append(Fault(path.name, number, error.colno, "", "", f"is no JSON: {error.msg}", _CUT))
                continue
            if isinstance(body, dict):
                yield from _unpacked(Resource(body, path.name, number, end=end), faults)
            else:
                yield from _refuse(path.name, number, faults)


def _no_constant(word: str) -> None:
    raise json.JSONDecodeError(f"{word} is no number", word, 0)


_DECODER = json.JSONDecoder(parse_float=Number, parse_int=Number, parse_constant=_no_constant)
_parse: Callable[[str], Any] = _DECODER.decode


def _refuse(name: str, line: int | None, faults: list[Fault]) -> Iterator[Resource]:
    faults.append(Fault(name, line, None, "", "", "is no resource", "write one resource, or a Bundle of them"))
    yield from ()


def _unpacked(resource: Resource, faults: list[Fault]) -> Iterator[Resource]:
    """The resource, or those of a Bundle; a Bundle that holds several versions of one is refused."""
    if not isinstance(resource.body.get("resourceType"), str):
        faults.append(resource.fault("resourceType", None, "is missing", 'write what it is, such as "Observation"'))
        return
    if resource.kind != "Bundle":
        yield resource
        return
    kind, entries = resource.body.get("type"), resource.body.get("entry", [])
    if kind in _MANY:
        why = "is a Bundle of answers or of former versions"
        faults.append(resource.fault("type", kind, why, "export the resources as they are now (searchset, collection)"))
        return
    if not isinstance(entries, list):
        faults.append(resource.fault("entry", entries, "is no list", "write a list of entries"))
        return
    yield resource
    for number, entry in enumerate(entries):
        body = entry.get("resource") if isinstance(entry, dict) else entry
        if body is None and isinstance(entry, dict):
            continue  # an entry may be a mere request or response
        url = str(entry.get("fullUrl") or "") if isinstance(entry, dict) else ""
        if not isinstance(body, dict):
            faults.append(resource.fault(f"entry[{number}].resource", body, "is no resource", "write one resource"))
        else:
            yield from _unpacked(Resource(body, resource.file, resource.line, number, url), faults)


def _fault(file: str, value: str, why: str, remedy: str) -> Fault:
    return Fault(file, None, None, "", value, why, remedy)
