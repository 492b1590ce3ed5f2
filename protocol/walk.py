"""A protocol, element by element and value by value, each with the path that the document gives it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import UnionType
from typing import Any

from protocol.elements import Short
from protocol.yaml_text import Path


def children(node: object) -> Iterator[tuple[str | int, object]]:
    """What a document writes directly beneath this node, by key or position."""
    if isinstance(node, Short):
        names = type(node).names_by_key()
        yield from ((key, getattr(node, name)) for key, name in names.items() if name in node.model_fields_set)
    elif isinstance(node, Mapping):
        yield from ((str(key), part) for key, part in node.items())
    elif isinstance(node, tuple):
        yield from enumerate(node)


def elements(node: object, path: Path = ()) -> Iterator[tuple[Path, Short]]:
    """Every element with its path, outer before inner."""
    yield from ((place, found) for place, found in values(node, Short, path))


def values(node: object, kind: type[Any] | UnionType, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every value of this kind with its path, outer before inner."""
    if isinstance(node, kind):
        yield path, node
    for key, part in children(node):
        yield from values(part, kind, (*path, key))
