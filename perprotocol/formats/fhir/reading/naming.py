"""What medications, observations and routes are called in the study folder: by a mapping file, by standard codes, by
the words of the protocol; else as they are recorded. Nothing is guessed: what is not known keeps its own word.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

import yaml

from perprotocol.formats.fhir.codes import MEASURES, ROUTES
from perprotocol.formats.fhir.reading.elements import Concept
from protocol.errors import Fault, StudyError
from protocol.model import Protocol
from rules.happened.records import treatments_named

LEAVE_OUT = "leave out"
"""What a mapping file says of a word that is not wanted."""

KINDS = ("treatments", "measures", "routes")


class Name(NamedTuple):
    """What something is called; `known` where the mapping, a standard code or the protocol says so."""

    word: str
    known: bool
    method: str | None = None


class Ambiguous(ValueError):
    """Words of one concept that a mapping file gives different names."""


@dataclass
class Names:
    """The names of everything, each concept looked up once."""

    protocol: Protocol | None = None
    mapping: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    _found: dict[tuple[str, Concept], Name] = field(default_factory=dict)

    def treatment(self, concept: Concept) -> Name:
        """The treatment that a medication is."""
        return self._once("treatments", concept, self._of_treatment)

    def measure(self, concept: Concept) -> Name:
        """What an observation measures."""
        return self._once("measures", concept, self._of_measure)

    def route(self, concept: Concept) -> Name:
        """The route of a dose."""
        return self._once("routes", concept, lambda c: _coded(c, {code: (word, None) for code, word in ROUTES.items()}))

    def _once(self, kind: str, concept: Concept, otherwise: Callable[[Concept], Name | None]) -> Name:
        if (kind, concept) not in self._found:
            name = self._mapped(kind, concept) or otherwise(concept)
            self._found[kind, concept] = name or Name(concept.words[0] if concept.words else "", False)
        return self._found[kind, concept]

    def _mapped(self, kind: str, concept: Concept) -> Name | None:
        mapping = self.mapping.get(kind, {})
        found = {mapping[word.casefold()] for word in concept.words if word.casefold() in mapping}
        if len(found) > 1:
            raise Ambiguous(" and ".join(sorted(found)))
        return Name(found.pop(), True) if found else None

    def _of_treatment(self, concept: Concept) -> Name | None:
        if self.protocol is None:
            return None
        for word in concept.words:
            if treatments_named(self.protocol, word, tuple(self.protocol.treatments)):
                return Name(word, True)
        return None

    def _of_measure(self, concept: Concept) -> Name | None:
        if found := _coded(concept, MEASURES):
            return found
        measures = self.protocol.measures if self.protocol is not None else {}
        words = {word.casefold() for word in concept.words}
        for name, measure in measures.items():
            titles = (measure.title.en, measure.title.zh or "") if measure.title else ()
            if words & {word.casefold() for word in (name, *titles) if word}:
                return Name(name, True)
        return None


def _coded(concept: Concept, known: Mapping[tuple[str, str], tuple[str, str | None]]) -> Name | None:
    """The name that a standard code has."""
    for system, code, _ in concept.codings:
        if (system, code) in known:
            word, method = known[system, code]
            return Name(word, True, method)
    return None


def read_mapping(path: Path | None, protocol: Protocol | None) -> dict[str, dict[str, str]]:
    """The mapping file, its keys without regard to case; StudyError with everything wrong with it."""
    if path is None:
        return {}
    try:
        root = yaml.compose(path.read_text("utf-8-sig"), Loader=yaml.BaseLoader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else None
        raise StudyError([Fault(path.name, line, None, "", "", "is no YAML", "write 'treatments: {...}'")]) from None
    faults: list[Fault] = []
    mapping: dict[str, dict[str, str]] = {kind: {} for kind in KINDS}
    for kind_node, block in root.value if isinstance(root, yaml.MappingNode) else ():
        kind = str(kind_node.value)
        if kind not in KINDS or not isinstance(block, yaml.MappingNode):
            near = get_close_matches(kind, KINDS, n=1)
            remedy = f"write one of {', '.join(KINDS)}, each with 'word: name' below it"
            remedy = f"write {near[0]}" if near and kind not in KINDS else remedy
            faults.append(_fault(path, kind_node, kind, "", "is no list of words", remedy))
            continue
        for word, name in block.value:
            faults += _entry(path, mapping[kind], kind, word, name, protocol)
    if not isinstance(root, yaml.MappingNode):
        faults.append(Fault(path.name, 1, None, "", "", "holds no words", "write 'treatments: {word: name}'"))
    if faults:
        raise StudyError(faults)
    return mapping


def _entry(
    path: Path, into: dict[str, str], kind: str, word: yaml.Node, name: yaml.Node, protocol: Protocol | None
) -> list[Fault]:
    """One word and its name are in the mapping, or what is wrong with them."""
    said, meant = str(word.value).strip(), str(name.value).strip() if isinstance(name, yaml.ScalarNode) else ""
    where = f"{kind}.{said}"
    if not meant:
        return [_fault(path, name, where, "", "has no name", f"write '{said}: name', or '{said}: {LEAVE_OUT}'")]
    if into.get(said.casefold(), meant) != meant:
        return [_fault(path, word, where, "", "stands twice", "keep one of the two")]
    known = tuple(protocol.treatments) if protocol is not None and kind == "treatments" else ()
    if protocol is not None and known and meant != LEAVE_OUT and not treatments_named(protocol, meant, known):
        return [_fault(path, name, where, meant, "is no treatment of the protocol", f"write one of {', '.join(known)}")]
    into[said.casefold()] = meant
    return []


def _fault(path: Path, node: yaml.Node, where: str, value: str, why: str, remedy: str) -> Fault:
    mark = node.start_mark
    return Fault(path.name, mark.line + 1, mark.column + 1, where, value, why, remedy)
