"""Assumed, to be confirmed.

What
----
Fields that no document states: the file marks them as `assumed`, with who assumed them.

Why it matters
--------------
A finding that rests on one of them is a finding against an assumption, and says so. Before the first patient the
study team should have confirmed each.

Way out
-------
Ask the study team. What is confirmed becomes `stated`, with the document that now states it.

Bad
---
sources: {doc: protocol v1.0, team: the study team must confirm}
source: doc
basis: stated
visits: {week-4: {due: day 28, window: ±3 d, assumed: {window: team}}}

Good
----
sources: {doc: protocol v1.0}
source: doc
basis: stated
visits: {week-4: {due: day 28, window: ±3 d}}
"""

from collections.abc import Iterator

from protocol.elements import Element
from protocol.origin import source_text
from protocol.walk import children, elements
from protocol.yaml_text import Path
from rules.lint.check import Check, Hit
from rules.lint.draft import Draft

_ABOUT = frozenset({"title", "note", "source", "basis", "assumed", "stated"})
_NAMING = frozenset(
    {"protocol", "version", "effective", "replaces", "registry", "sources", "arms", "approved", "blinding"}
)


def _find(draft: Draft) -> Iterator[Hit]:
    found: dict[tuple[Path, str], list[Path]] = {}
    for path, element in elements(draft.protocol):
        for key, value in children(element) if isinstance(element, Element) and path[:1] != ("arms",) else ():
            if key in _ABOUT or (not path and key in _NAMING) or _is_map(value):
                continue
            origin = draft.protocol.origin(".".join(map(str, (*path, key))))
            if origin.basis == "assumed":
                named = path[: 3 if path[:1] == ("eligibility",) else 2]
                found.setdefault((named, origin.source), []).append((*path, key))
    for (named, source), fields in found.items():
        said = ", ".join(_called(_brief(draft, field)[len(named) :]) for field in fields)
        words = {"where": _called(named), "fields": said, "source": source_text(draft.protocol.sources, source)}
        yield Hit(fields[0], words, source=source)


def _is_map(value: object) -> bool:
    """Whether the value is made of elements, each of which is told by itself."""
    parts = value if isinstance(value, tuple) else value.values() if isinstance(value, dict) else (value,)
    return any(isinstance(part, Element) for part in parts)


def _brief(draft: Draft, path: Path) -> Path:
    """The path without the place in a list of one, which a document need not write as a list."""
    node: object = draft.protocol
    kept: list[str | int] = []
    for key in path:
        alone = isinstance(node, tuple) and len(node) == 1
        node = next((part for found, part in children(node) if found == key), None)
        if not alone:
            kept.append(key)
    return tuple(kept)


def _called(path: Path) -> str:
    return ".".join(map(str, path)) or "protocol"


assumed = Check(
    code="assumed",
    title="Assumed, to be confirmed",
    page=__doc__,
    find=_find,
    message="{where}: {fields} assumed ({source})",
    remedy="ask the study team; what is confirmed becomes stated, with its document",
    kind="to confirm",
)
