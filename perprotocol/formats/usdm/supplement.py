"""A short file that says what a USDM file does not: elements to add, fields to set, what to leave out."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path as FilePath
from typing import Any

from perprotocol.formats.usdm.draft import Block
from perprotocol.formats.usdm.report import Remark
from protocol import DocumentError, Fault
from protocol.yaml_text import Tree, read_tree

KEY = "supplement"
"""The key of the supplement among the sources, where it names no source of its own."""
_ORIGINS = ("source", "basis", "sources", "remove")


def add_supplement(document: Block, remarks: list[Remark], path: FilePath) -> tuple[Block, list[Remark]]:
    """The document with what the supplement says, and its questions settled where it says the answer.

    The supplement has the blocks of a protocol file: an element that the document lacks is added, a field is set;
    `remove` lists the paths of what goes. DocumentError with everything that is wrong with it.
    """
    adding = _Adding(document, _tree(path), path.name)
    adding.remove()
    adding.add()
    if adding.tree.faults:
        raise DocumentError(adding.tree.faults)
    values = {"number": str(len(adding.written)), "file": path.name}
    document = {key: value for key, value in document.items() if value != {}}
    return document, [adding.settle(remark) for remark in remarks] + [Remark("read", "supplemented", values=values)]


def _tree(path: FilePath) -> Tree:
    if not path.is_file():
        raise DocumentError([Fault(str(path), None, None, "", "", "there is no such file", "check the path")])
    tree = read_tree(path.read_text(encoding="utf-8-sig"), path.name)
    if tree.faults:
        raise DocumentError(tree.faults)
    if not isinstance(tree.data, dict):
        remedy = "begin with a block of a protocol file, such as 'treatments:'"
        raise DocumentError([Fault(path.name, 1, 1, "", "", "the file is no map of blocks", remedy)])
    return tree


@dataclass
class _Adding:
    document: Block
    tree: Tree
    file: str
    written: set[str] = field(default_factory=set)
    removed: set[str] = field(default_factory=set)

    def remove(self) -> None:
        """What the supplement leaves out is gone, with everything beneath it."""
        listed = self.tree.data.get("remove", []) if isinstance(self.tree.data, dict) else []
        for number, path in enumerate(listed if isinstance(listed, list) else [listed]):
            *parents, last = str(path).split(".")
            home: Any = self.document
            for key in parents:
                home = home.get(key) if isinstance(home, dict) else None
            if not isinstance(home, dict) or last not in home:
                self.tree.fault(
                    ("remove", number), str(path), "is no path of the imported protocol", self._near(parents)
                )
                continue
            del home[last]
            self.removed.add(str(path))
        self._drop_unused_criteria()

    def _near(self, parents: list[str]) -> str:
        home: Any = self.document
        for key in parents:
            home = home.get(key, {}) if isinstance(home, dict) else {}
        names = ", ".join(home) if isinstance(home, dict) and home else ", ".join(self.document)
        return f"write one of: {names}"

    def _drop_unused_criteria(self) -> None:
        """A condition that asked who gets a removed treatment asks no more."""
        criteria = self.document.get("criteria", {})
        rest = {key: value for key, value in self.document.items() if key != "criteria"}
        for name in [name for name in criteria if f"treatments.{name.removesuffix('-assigned')}" in self.removed]:
            if not _mentions(rest, name):
                del criteria[name]

    def add(self) -> None:
        """Every block of the supplement is in the document."""
        data: Block = self.tree.data if isinstance(self.tree.data, dict) else {}
        sources = data.get("sources")
        source = str(data.get("source") or KEY)
        known = self.document.setdefault("sources", {})
        known |= sources if isinstance(sources, dict) else {}
        if source.split(" ", maxsplit=1)[0] not in known:
            known[KEY] = self.file
        for key, value in data.items():
            if key in _ORIGINS:
                continue
            if isinstance(value, dict) and isinstance(self.document.get(key), dict):
                for name, element in value.items():
                    self._element(self.document[key], (key, name), element, source, str(data.get("basis") or "stated"))
            else:
                self.document[key] = value
                self.written.add(key)

    def _element(self, block: Block, path: tuple[str, ...], element: Any, source: str, basis: str) -> None:
        name = path[-1]
        old = block.get(name)
        if not isinstance(element, dict) or not isinstance(old, dict):
            new = dict(element) if isinstance(element, dict) else {"title": element}
            block[name] = element if path[0] == "milestones" and not isinstance(element, dict) else new
            if isinstance(block[name], dict):
                block[name] = block[name] | {"source": source, "basis": basis} | dict(new)
            self.written.add(".".join(path))
            return
        for key, value in element.items():
            old[key] = value
            self.written.add(".".join((*path, key)))
            if key in ("source", "basis", "assumed", "stated"):
                continue
            for word in ("assumed", "stated"):
                old.get(word, {}).pop(key, None)
            old.setdefault(basis, {})[key] = source
        for word in ("assumed", "stated"):
            if not old.get(word, True):
                del old[word]

    def settle(self, remark: Remark) -> Remark:
        """The remark, settled where the supplement says or removes what it asks about."""
        if remark.kind not in ("question", "assumed") or not remark.path:
            return remark
        heads = {remark.path[:end] for end in range(len(remark.path) + 1) if remark.path[end : end + 1] in (".", "")}
        if heads & (self.removed | self.written):
            return replace(remark, kind="settled")
        return remark


def _mentions(node: object, name: str) -> bool:
    if isinstance(node, dict):
        return any(_mentions(value, name) for value in node.values())
    if isinstance(node, list):
        return any(_mentions(value, name) for value in node)
    return isinstance(node, str) and name in node.split()
