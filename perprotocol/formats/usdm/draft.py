"""A protocol while it is read from a USDM file: its blocks as plain maps, the ids taken, and what there is to tell."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from perprotocol.formats.usdm.model import StudyDesign, Version
from perprotocol.formats.usdm.report import Kind, Remark
from protocol.model import MILESTONES
from protocol.timing import GRAMMAR_WORDS, NAME

Block = dict[str, Any]
TEAM = "team"
FILE = "usdm"


@dataclass
class Draft:
    """What has been read so far. `own`: the file was written by this tool, so it states its origins itself."""

    version: Version
    design: StudyDesign
    own: bool
    document: Block = field(default_factory=dict)
    remarks: list[Remark] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)
    homes: dict[str, str] = field(default_factory=dict)
    """The path of an element -> the id of the object of the file that it is."""

    def block(self, name: str) -> Block:
        """A block of the protocol, made where there is none yet."""
        found: Block = self.document.setdefault(name, {})
        return found

    def tell(self, kind: Kind, key: str, place: str = "", path: str = "", /, **values: object) -> None:
        """One more row of the report; of our own files, nothing is news."""
        self.remarks.append(Remark(kind, key, place, path, {name: str(value) for name, value in values.items()}))

    def name(self, *candidates: str | None, suffix: str) -> str:
        """An id that no other element has, from the first text that makes one."""
        made = [made for text in candidates if text and (made := kebab(text))]
        free = [one for one in made if self._may_be(one)]
        if not free:
            base = f"{made[0]}-{suffix}" if made else suffix
            free = [one for one in (base, *(f"{base}-{n}" for n in range(2, 10_000))) if self._may_be(one)]
        self.taken.add(free[0])
        return free[0]

    def _may_be(self, name: str) -> bool:
        allowed = name not in GRAMMAR_WORDS and name not in MILESTONES and name != "defaults"
        return allowed and name not in self.taken and bool(re.fullmatch(NAME, name))

    def origin(self, element: Block, place: str, *assumed: str) -> Block:
        """The element with its source, and with the fields that the file does not state."""
        if self.own:
            return element
        element["source"] = f"{FILE} {place}"
        if assumed:
            element["assumed"] = dict.fromkeys(assumed, TEAM)
        return element


def kebab(text: str) -> str | None:
    """The text as an id, None where it makes none."""
    made = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    return made if re.fullmatch(NAME, made) else None


ORDER = (
    "protocol", "version", "effective", "blinding", "registry", "title", "note", "first_day", "source", "basis",
    "assumed", "sources", "arms", "milestones", "products", "events", "criteria", "eligibility", "cycles",
    "treatments", "visits", "assessments",
)  # fmt: skip
"""Blocks in the order of a protocol file."""


def ordered(document: Block) -> Block:
    """The blocks in the order of a protocol file; those that are empty are left out."""
    known = [key for key in ORDER if document.get(key)]
    return {key: document[key] for key in (*known, *(key for key in document if key not in ORDER))}
