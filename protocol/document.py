"""A protocol file: read, checked, written. Every fault of a file is reported at once, with its place and a remedy."""

from __future__ import annotations

import difflib
import re
from importlib import resources
from pathlib import Path as FilePath
from typing import Any

import yaml
from pydantic import ValidationError

from protocol.checks import check
from protocol.defaults import merge_defaults
from protocol.errors import DocumentError, Fault
from protocol.faults import note_faults
from protocol.model import Protocol
from protocol.plain import plain_protocol
from protocol.yaml_text import Path, Tree, read_tree

__all__ = ["library", "read", "read_placed", "read_placed_text", "read_text", "read_versions", "write"]


def library() -> tuple[str, ...]:
    """The names of the protocols that ship with the package."""
    folder = resources.files("protocol") / "library"
    return tuple(sorted(file.name.removesuffix(".yaml") for file in folder.iterdir() if file.name.endswith(".yaml")))


def read(source: str | FilePath) -> Protocol:
    """The protocol of a file, or of a name in the library. Raises DocumentError with every fault of the file."""
    return read_placed(source)[0]


def read_placed(source: str | FilePath) -> tuple[Protocol, Tree]:
    """The same, and the tree of its text, which knows in which line each field is written."""
    path = FilePath(source)
    name = str(source)
    if path.is_file():
        return read_placed_text(_decode(path.read_bytes(), name), name)
    if name in library():
        file = resources.files("protocol") / "library" / f"{name}.yaml"
        return read_placed_text(file.read_text(encoding="utf-8"), f"{name}.yaml")
    raise DocumentError([_not_found(path, name)])


def read_versions(source: str | FilePath) -> tuple[Protocol, ...]:
    """The protocol with the versions that it replaces, oldest first, as far as their files lie beside it.

    A version before is the file in the same folder with the same `protocol` and the `version` that `replaces` names.
    """
    versions = [read(source)]
    folder = FilePath(source).parent if FilePath(source).is_file() else None
    while folder is not None and versions[0].replaces is not None:
        found = _version_before(folder, versions[0])
        if found is None or any(found.version == known.version for known in versions):
            break
        versions.insert(0, found)
    return tuple(versions)


def _version_before(folder: FilePath, newer: Protocol) -> Protocol | None:
    """The version that a protocol replaces, from a file of its folder. DocumentError where two files say so."""
    named = re.compile(rf"^protocol:\s*[\"']?{re.escape(newer.protocol)}[\"']?\s*(#.*)?$", re.MULTILINE)
    files = sorted(path for path in folder.iterdir() if path.suffix in (".yaml", ".yml") and path.is_file())
    of_trial = [path for path in files if named.search(path.read_text("utf-8", errors="replace"))]
    found = [(path, one) for path in of_trial if (one := read(path)).version == newer.replaces]
    if len(found) > 1:
        why = f"is version {newer.replaces} of {newer.protocol}, and so is {found[1][0].name}"
        raise DocumentError([Fault(found[0][0].name, None, None, "version", "", why, "keep one of them in the folder")])
    return found[0][1] if found else None


def read_text(text: str, name: str = "<text>") -> Protocol:
    """The protocol that the text states; `name` is what messages call the file. Raises DocumentError."""
    return read_placed_text(text, name)[0]


def read_placed_text(text: str, name: str = "<text>") -> tuple[Protocol, Tree]:
    """The protocol that the text states, and its tree. Raises DocumentError."""
    tree = read_tree(text, name)
    if tree.faults and tree.data is None:
        raise DocumentError(tree.faults)
    if not isinstance(tree.data, dict):
        why = "the file is empty" if tree.data is None else "the file is no map of blocks"
        raise DocumentError([Fault(name, 1, 1, "", "", why, "begin with 'protocol: my-trial'")])
    data = merge_defaults(tree)
    protocol = _validated(tree, data)
    if protocol is not None:
        check(protocol, tree)
    if protocol is None or tree.faults:
        raise DocumentError(sorted(tree.faults, key=lambda fault: (fault.line or 0, str(fault.column).zfill(6))))
    return protocol, tree


def write(protocol: Protocol) -> str:
    """The protocol as a YAML document that reads back equal; comments are not part of a protocol and are gone."""
    return yaml.safe_dump(plain_protocol(protocol), allow_unicode=True, sort_keys=False, width=120)


def _validated(tree: Tree, data: dict[str, Any]) -> Protocol | None:
    """The protocol; after faults, what is left of it without the faulty parts, so that the rest is checked too."""
    try:
        return Protocol.model_validate(data)
    except ValidationError as error:
        faulty = note_faults(tree, data, error)
    try:
        return Protocol.model_validate({"protocol": "?", "version": "?"} | _without(data, faulty))
    except ValidationError:
        return None


def _without(node: Any, faulty: set[Path], path: Path = ()) -> Any:
    """The data without the parts at these paths."""
    if isinstance(node, dict):
        return {key: _without(part, faulty, (*path, key)) for key, part in node.items() if (*path, key) not in faulty}
    if isinstance(node, list):
        return [
            _without(part, faulty, (*path, index)) for index, part in enumerate(node) if (*path, index) not in faulty
        ]
    return node


def _decode(raw: bytes, name: str) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        before = raw[: fault.start].decode("utf-8", errors="replace")
        place = before.count("\n") + 1, len(before) - before.rfind("\n")
        why = "the file is not UTF-8"
        raise DocumentError([Fault(name, *place, "", "", why, "save it as UTF-8")]) from fault


def _not_found(path: FilePath, name: str) -> Fault:
    """Why there is no such protocol, and which one may be meant."""
    if path.is_dir():
        return Fault(name, None, None, "", "", "is a folder", "name the protocol file in it")
    if path.suffix in (".yaml", ".yml", ".json") or len(path.parts) > 1:
        beside = _nearest_file(path)
        remedy = f"write '{beside}' if that is meant" if beside else "check the path"
        return Fault(name, None, None, "", "", "there is no such file", remedy)
    near = next(iter(difflib.get_close_matches(name, library(), n=1, cutoff=0.4)), None)
    remedy = f"write '{near}'" if near else "write a path, or one of: " + ", ".join(library())
    return Fault(name, None, None, "", "", "is neither a file nor the name of a protocol in the library", remedy)


def _nearest_file(path: FilePath) -> str | None:
    if not path.parent.is_dir():
        return None
    names = [file.name for file in path.parent.iterdir() if file.is_file()]
    near = difflib.get_close_matches(path.name, names, n=1)
    return str(path.with_name(near[0])) if near else None
