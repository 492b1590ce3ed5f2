"""The entry `defaults` of a block, merged into the elements that leave its fields out."""

from __future__ import annotations

from typing import Any, get_args, get_origin

from protocol.elements import Element
from protocol.model import Criterion, Protocol
from protocol.yaml_text import Tree

_OWN = frozenset({"title", "note", "source", "basis", "assumed", "stated"})


def blocks() -> dict[tuple[str, ...], type[Element]]:
    """The blocks that are maps of ids -> what their elements are."""
    found: dict[tuple[str, ...], type[Element]] = {}
    for name, info in Protocol.model_fields.items():
        kind = get_args(info.annotation)[-1:]
        if get_origin(info.annotation) is dict and isinstance(kind[0], type) and issubclass(kind[0], Element):
            found[(name,)] = kind[0]
    return found | {("eligibility", "include"): Criterion, ("eligibility", "exclude"): Criterion}


def merge_defaults(tree: Tree) -> dict[str, Any]:
    """The data of the tree with all `defaults` merged and gone; the tree remembers where merged fields are written.

    A merged field keeps the origin it had in `defaults`: where an element names a source or basis of its own, the
    field is entered in the element's `assumed` or `stated`.
    """
    data: dict[str, Any] = dict(tree.data)
    above = (data.get("basis"), data.get("source"))
    for path, kind in blocks().items():
        outer = data if len(path) == 1 else data.get(path[0])
        block = outer.get(path[-1]) if isinstance(outer, dict) else None
        if isinstance(outer, dict) and isinstance(block, dict) and isinstance(block.get("defaults"), dict):
            merged = {path[-1]: _merged_block(tree, path, block, kind, above)}
            data |= merged if len(path) == 1 else {path[0]: outer | merged}
    return data


def _merged_block(
    tree: Tree, path: tuple[str, ...], block: dict[str, Any], kind: type[Element], above: tuple[Any, Any]
) -> dict[str, Any]:
    defaults = block["defaults"]
    merged = {}
    for name, element in block.items():
        if name == "defaults":
            continue
        fields = {kind.short: element} if kind.short and not isinstance(element, dict) else element
        if not isinstance(fields, dict):
            merged[name] = element
            continue
        inherited = [key for key in defaults if key not in fields]
        for key in inherited:
            tree.moved[(*path, name, key)] = (*path, "defaults", key)
        merged[name] = _with_origins(defaults, fields, inherited, above)
    return merged


def _with_origins(
    defaults: dict[str, Any], fields: dict[str, Any], inherited: list[str], above: tuple[Any, Any]
) -> dict[str, Any]:
    """The element with its inherited fields, each with the origin it had in `defaults`."""
    basis, source = defaults.get("basis", above[0]), defaults.get("source", above[1])
    differs = (fields.get("basis", basis), fields.get("source", source)) != (basis, source)
    said = defaults.get("assumed")
    known: dict[str, Any] = said if isinstance(said, dict) else {}
    assumed = {key: known[key] for key in inherited if key in known}
    stated: dict[str, Any] = {}
    if differs and isinstance(source, str):
        entries = assumed if basis == "assumed" else stated
        entries |= {key: source for key in inherited if key not in _OWN and key not in assumed}
    element = {key: defaults[key] for key in inherited if key not in ("assumed", "stated")} | fields
    for word, entries in (("assumed", assumed), ("stated", stated)):
        own = fields.get(word, {})
        if entries and isinstance(own, dict):
            element[word] = entries | own
    return element
