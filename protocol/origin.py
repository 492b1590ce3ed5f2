"""Who says so: the origin of every field of a protocol, found by its path."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from protocol.elements import Element

if TYPE_CHECKING:
    from protocol.model import Protocol

DEFAULT = "default"


@dataclass(frozen=True)
class Origin:
    """Whether a field is stated or assumed, its source as written (key and place), and the source's full text."""

    basis: Literal["stated", "assumed"]
    source: str
    text: str


def origin(protocol: Protocol, path: str) -> Origin:
    """The origin of the field at `path`, such as `treatments.uc-msc.window`.

    The nearest enclosing `assumed` entry for the field decides, else the nearest enclosing basis and source. A field
    that is not written, neither here nor (for a step) in its treatment, is assumed by this tool: source `default`.
    """
    found = _search(protocol, tuple(path.split(".")))
    if found is None and (outer := _without_step(path)):
        found = _search(protocol, tuple(outer.split(".")))
    if found is None:
        return Origin("assumed", DEFAULT, "stated nowhere: a default of this tool")
    basis, source = found
    return Origin(basis, source, source_text(protocol.sources, source))


def source_text(sources: Mapping[str, str], source: str) -> str:
    """The full text of a source as written: what its key stands for, and the place in it."""
    key, _, place = source.partition(" ")
    text = sources.get(key)
    if text is None:
        return source or "no source is named"
    return f"{text}, {place}" if place else text


Found: TypeAlias = tuple[Literal["stated", "assumed"], str]


def _without_step(path: str) -> str | None:
    """The same field of the treatment, for a field of one of its steps or levels."""
    keys = path.split(".")
    if keys[0] == "treatments" and len(keys) > 4 and keys[2] in ("steps", "levels"):
        return ".".join([*keys[:2], *keys[4:]])
    return None


def _search(node: object, path: tuple[str, ...]) -> Found | None:
    """What the entries that enclose the path say, nearest last; None when nothing is written there."""
    basis: Literal["stated", "assumed"] = "assumed"
    source = ""
    for key in (*path, None):
        while isinstance(node, tuple) and node and not (key or "0").isdigit():
            node = node[0]
        if isinstance(node, Element):
            basis, source = node.basis or basis, node.source or source
            if key in node.assumed:
                basis, source = "assumed", node.assumed[key]
            elif key in node.stated:
                basis, source = "stated", node.stated[key]
        if key is not None:
            node = _child(node, key)
            if node is None:
                return None
    return basis, source


def _child(node: object, key: str) -> object | None:
    """What is written under the key, or None."""
    if isinstance(node, Element):
        return node.written(key)
    if isinstance(node, Mapping):
        return next((value for name, value in node.items() if str(name) == key), None)
    if isinstance(node, tuple) and key.isdigit() and int(key) < len(node):
        child: object = node[int(key)]
        return child
    return None
