"""A YAML text as plain maps, lists and texts, every scalar as it was written, with the line and column of each.

What YAML would do silently is a fault here: implicit types, duplicate keys, anchors, aliases, tags, merge keys, tabs,
empty values, and the comma that ends a value inside `{ }`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import yaml
from yaml.reader import ReaderError

from protocol.errors import Fault

Path: TypeAlias = tuple[str | int, ...]
Place: TypeAlias = tuple[int, int]
"""Line and column, both from 1."""

_DEEPEST = 40
_FULL_WIDTH = re.compile("[：，；｛｝［］＃]")


@dataclass
class Tree:
    """The data of a document, where each key and each value stands, and what is wrong with the text itself."""

    file: str
    data: Any = None
    keys: dict[Path, Place] = field(default_factory=dict)
    values: dict[Path, Place] = field(default_factory=dict)
    moved: dict[Path, Path] = field(default_factory=dict)
    """Paths of fields that came from `defaults` -> where they are written."""
    faults: list[Fault] = field(default_factory=list)

    def located(self, path: Path) -> Path:
        """The path as the document writes it: with `defaults`, and without what its short forms leave out."""
        for length in range(len(path)):
            if path[: length + 1] in self.moved:
                path = (*self.moved[path[: length + 1]], *path[length + 1 :])
        node, written = self.data, list[str | int]()
        for part in path:
            if isinstance(node, dict) and str(part) in node:
                node = node[str(part)]
                written.append(str(part))
            elif isinstance(node, list) and isinstance(part, int) and part < len(node):
                node = node[part]
                written.append(part)
        return tuple(written)

    def place(self, path: Path, key: bool = False) -> Place:
        """Where the value (or the key) of the path stands, or the nearest enclosing one that is written."""
        first, second = (self.keys, self.values) if key else (self.values, self.keys)
        while path and path not in first and path not in second:
            path = path[:-1]
        return first.get(path) or second.get(path) or (1, 1)

    def fault(self, path: Path, value: object, why: str, remedy: str, key: bool = False) -> None:
        """Note one fault at the place of the path; the same fault at the same place is noted once."""
        located = self.located(path) if self.data is not None else path
        self.fault_at(self.place(located, key), located, value, why, remedy)

    def fault_at(self, place: Place, path: Path, value: object, why: str, remedy: str) -> None:
        """Note one fault at this place."""
        found = Fault(self.file, *place, ".".join(map(str, path)), shown(value), why, remedy)
        known = {(fault.line, fault.column, fault.why) for fault in self.faults}
        if (found.line, found.column, found.why) not in known:
            self.faults.append(found)


def shown(value: object) -> str:
    """The value as a message shows it: a text itself, anything else shortened."""
    text = value if isinstance(value, str) else "" if value is None else _flow(value)
    return text if len(text) <= 80 else text[:77] + "…"


def _flow(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return str(value)


def read_tree(text: str, file: str) -> Tree:
    """The text as a tree; what cannot be read is among its faults, and its data is then None."""
    tree = Tree(file)
    text = _without_tabs(text.removeprefix("\ufeff"), tree)
    try:
        events = _events(text)
    except ReaderError as fault:
        before = text[: fault.position]
        place = (before.count("\n") + 1, len(before) - before.rfind("\n"))
        tree.fault_at(place, (), "", "there is a character that no text has", "remove it and save the file as UTF-8")
        return tree
    except yaml.MarkedYAMLError as fault:
        _explain(fault, text.splitlines(), tree)
        return tree
    _Builder(tree, events).document()
    return tree


def _events(text: str) -> Iterator[yaml.Event]:
    """The parser's events: libyaml's where it is there and reads the text, else Python's, whose words we know."""
    fast = getattr(yaml, "CSafeLoader", None)
    if fast is not None:
        try:
            return iter(list(yaml.parse(text, Loader=fast)))
        except yaml.YAMLError:
            pass  # the same fault is told below
    return iter(list(yaml.parse(text, Loader=yaml.SafeLoader)))


def _without_tabs(text: str, tree: Tree) -> str:
    """The text with each tab as one space, so that columns stay; every line with a tab outside comments is a fault."""
    for number, line in enumerate(text.splitlines(), start=1):
        column = line.split(" #")[0].find("\t") + 1
        if column and not line.lstrip().startswith("#"):
            tree.fault_at((number, column), (), "", "there is a tab", "write spaces")
    return text.replace("\t", " ")


_BEGINS = re.compile(r"(?:^\s*(?:- +)?|: +|, *|[\[{] *)(?P<sign>(?<=: )-(?= )|[>%@`&*|!])(?P<rest>\s*\S.*)")
_PROBLEMS = (
    ("mapping values are not allowed", "there is a second ': ' in one line", "put the text in quotes"),
    ("could not find expected ':'", "a line has no ': ' after its key", "write 'key: value'"),
    ("unexpected end of stream", "a quotation mark is not closed", "close it on the same line"),
    ("expected ',' or ']'", "a [ is not closed, or a comma is missing", "write [a, b]"),
    ("expected ',' or '}'", "a { is not closed, or a comma is missing", "write {key: value, key: value}"),
    ("expected <block end>", "this line is not indented as those around it", "indent it as its neighbours"),
    ("expected '<document start>'", "this line is not indented as those around it", "indent it as its neighbours"),
    ("expected the node content", "a sign stands where a value is due", "write a value, or put a text in quotes"),
    ("found unknown escape", "a backslash in double quotes means something else", "use single quotes"),
)


def _explain(error: yaml.MarkedYAMLError, lines: list[str], tree: Tree) -> None:
    """Say in plain words why the text is no YAML."""
    mark = error.problem_mark or error.context_mark
    number, column = (mark.line, mark.column) if mark else (0, 0)
    context = error.context_mark.line if error.context_mark else number
    line = lines[context] if context < len(lines) else ""
    if wide := _FULL_WIDTH.search(line):
        remedy = f"write the ASCII {chr(ord(wide[0]) - 0xFEE0)!r}, followed by a space"
        tree.fault_at((context + 1, wide.start() + 1), (), "", f"there is a full-width {wide[0]!r}", remedy)
        return
    begins = _BEGINS.search(lines[number]) if number < len(lines) else None
    if begins and begins.start("sign") <= column:
        place = (number + 1, begins.start("sign") + 1)
        value = begins["sign"] + begins["rest"]
        remedy = "begin a condition with a name ('anc > 5 10^9/L'), write 'percent', or put a text in quotes"
        tree.fault_at(place, (), value.strip(), f"begins with {begins['sign']!r}, which no value can", remedy)
        return
    problem = error.problem or ""
    said = next((known[1:] for known in _PROBLEMS if known[0] in problem), None)
    why, remedy = said or ("this cannot be read", "write 'key: value', lists as [a, b], maps as {a: b}")
    tree.fault_at((number + 1, column + 1), (), "", why, remedy)


class _Missing:
    """What stands where a value could not be read."""


_MISSING = _Missing()


@dataclass
class _Builder:
    """Makes the tree from the parser's events, one document, in one pass."""

    tree: Tree
    events: Iterator[yaml.Event]

    def document(self) -> None:
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                if self.tree.data is not None:
                    self.tree.fault_at(
                        _place(event), (), "---", "begins a second document", "write one protocol in one file"
                    )
                    return
                value = self.value((), next(self.events))
                self.tree.data = None if value is _MISSING else value

    def value(self, path: Path, event: yaml.Event, flow_map: bool = False) -> Any:
        place = _place(event)
        self.tree.values[path] = place
        self._refuse_cleverness(path, event)
        if len(path) > _DEEPEST:
            self.tree.fault(
                path, "", "there are too many brackets in brackets", "name the inner conditions under criteria"
            )
            return self._skip(event)
        if isinstance(event, yaml.MappingStartEvent):
            return self._map(path, event)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._list(path)
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(path, event, flow_map)
        return _MISSING

    def _skip(self, event: yaml.Event) -> Any:
        """Pass over the value that begins with this event."""
        depth = int(isinstance(event, yaml.CollectionStartEvent))
        while depth:
            event = next(self.events)
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        return _MISSING

    def _refuse_cleverness(self, path: Path, event: yaml.Event) -> None:
        if isinstance(event, yaml.AliasEvent):
            why, remedy = "is an alias of another place", "write the value itself, or 'percent' and names in conditions"
            self.tree.fault(path, f"*{event.anchor}", why, remedy)
            return
        if getattr(event, "anchor", None):
            self.tree.fault(path, f"&{event.anchor}", "is an anchor of YAML", "write the value alone")  # type: ignore[attr-defined]
        if getattr(event, "tag", None):
            self.tree.fault(path, event.tag, "is a tag of YAML", "write the value alone")  # type: ignore[attr-defined]

    def _scalar(self, path: Path, event: yaml.ScalarEvent, flow_map: bool) -> Any:
        if event.value.strip():
            return event.value
        if path and not flow_map:
            why, remedy = "has no value", "write one, or remove the key"
            self.tree.fault(path, "", why, remedy, key=not isinstance(path[-1], int))
        return _MISSING

    def _list(self, path: Path) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            value = self.value((*path, len(items)), event)
            if value is not _MISSING:
                items.append(value)
        return items

    def _map(self, path: Path, start: yaml.MappingStartEvent) -> dict[str, Any]:
        pairs: dict[str, Any] = {}
        before: str | None = None
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            key = self._key(path, event, pairs)
            # a second value under one key, and a value under no key, are read for their own faults only
            inner = (*path, key) if key and key not in pairs else (*path, "")
            self.tree.keys[inner] = _place(event)
            value = self.value(inner, next(self.events), flow_map=bool(start.flow_style))
            if not inner[-1]:
                continue
            if value is not _MISSING:
                pairs[key] = value
                before = key
            elif start.flow_style:
                self._comma(inner, before, pairs)
        return pairs

    def _key(self, path: Path, event: yaml.Event, pairs: dict[str, Any]) -> str:
        """The key as text; "" when it cannot be one."""
        if not isinstance(event, yaml.ScalarEvent) or not event.value.strip():
            self.value((*path, ""), event)
            self.tree.fault_at(_place(event), path, "", "there is a key that is no text", "write 'key: value'")
            return ""
        key, place = event.value, _place(event)
        if key == "<<":
            self.tree.fault_at(place, path, key, "merges another map", "write its fields, or put them under defaults")
            return ""
        if key in pairs:
            first = self.tree.keys[(*path, key)]
            why = f"stands twice, first in line {first[0]}"
            self.tree.fault_at(place, (*path, key), key, why, "keep one of them")
        return key

    def _comma(self, path: Path, before: str | None, pairs: dict[str, Any]) -> None:
        """A key without a value inside { }: nearly always a comma in the value before it."""
        key = str(path[-1])
        if wide := _FULL_WIDTH.search(key):
            ascii_sign = chr(ord(wide[0]) - 0xFEE0)
            why, remedy = f"has a full-width {wide[0]!r}", f"write the ASCII {ascii_sign!r} and a space"
        elif before is not None and isinstance(pairs.get(before), str):
            why = "has no value: a comma ends a value inside { }"
            whole = f"{pairs[before]}, {key}"
            remedy = f"write {before}: [{whole}] if it is a list; a text with a comma stands on its own line"
        else:
            why, remedy = "has no value inside { }", "write 'key: value'"
        self.tree.fault(path, key, why, remedy, key=True)


def _place(event: yaml.Event) -> Place:
    mark = event.start_mark
    return (mark.line + 1, mark.column + 1) if mark else (1, 1)
