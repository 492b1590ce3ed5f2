"""The mapping file: from which field of REDCap each column of a study comes, said once and checked by a person."""

from __future__ import annotations

from collections.abc import Mapping as Map
from dataclasses import dataclass
from dataclasses import field as of_each
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from protocol import Fault, StudyError
from protocol.yaml_text import Tree, read_tree
from rules.door.settings import KEYS, Line
from rules.door.tables import SCHEMAS

TO_FILL = "TO FILL"
"""What a draft says where only a person knows."""

_TOP = ("checked", "subject", "missing", "events", "settings", "tables")
_CELL = ("field", "checkbox", "codes", "event", "time")
_WHERE = ("form", "on", "if")
HERE = "same"
"""`event: same`: the line of the same record and event that does not repeat."""


@dataclass(frozen=True)
class Cell:
    """Where a column comes from: a `field`, one row for each box of a `checkbox`, or a `constant`.

    `codes`: what the field says -> what the study says. `event`: the event from whose own line it is taken.
    `time`: the field with the time of day. `line`: where the mapping says so.
    """

    line: int
    field: str = ""
    checkbox: str = ""
    constant: str | None = None
    codes: Map[str, str] = of_each(default_factory=dict)
    event: str = ""
    time: str = ""


@dataclass(frozen=True)
class Rows:
    """One kind of row of a table: its columns, and on which lines of the export it is looked for.

    `form`: lines of this repeating instrument. `on`: lines of these events. `only`: lines on which a field says this.
    """

    table: str
    line: int
    columns: Map[str, Cell]
    form: str = ""
    on: tuple[str, ...] = ()
    only: Map[str, str] = of_each(default_factory=dict)


@dataclass(frozen=True)
class Mapping:
    """A whole mapping file; `events` has the visit of the protocol for each event of REDCap."""

    file: str
    checked: bool
    subject: str
    missing: tuple[str, ...]
    events: Map[str, str]
    settings: tuple[Line, ...]
    rows: tuple[Rows, ...]


def read_mapping(path: Path) -> Mapping:
    """The mapping in a file; StudyError with every fault of it at once."""
    tree = read_tree(path.read_text("utf-8"), path.name)
    if tree.faults or not isinstance(tree.data, dict):
        why, remedy = "is no mapping", "begin one with: perprotocol import redcap EXPORT --draft MAPPING"
        raise StudyError(tree.faults or [Fault(path.name, 1, 1, "", "", why, remedy)])
    mapping = _Reader(tree).mapping()
    if tree.faults:
        raise StudyError(sorted(tree.faults, key=lambda fault: (fault.line or 0, fault.column or 0)))
    return mapping


@dataclass
class _Reader:
    """Reads the tree; what is wrong goes into the tree's faults with its place."""

    tree: Tree

    def mapping(self) -> Mapping:
        """The mapping, as far as it can be read."""
        data = self.tree.data
        self._known((), data, _TOP)
        for key in ("subject", "tables"):
            if key not in data:
                self.tree.fault((), "", f"has no '{key}'", f"write {key}: …")
        settings = self._texts(("settings",), data.get("settings", {}))
        self._known(("settings",), settings, tuple(KEYS))
        lines = tuple(self._setting(key, text) for key, text in settings.items())
        missing = data.get("missing", [])
        checked = data.get("checked", "no")
        if checked not in ("yes", "no"):
            self.tree.fault(
                ("checked",), checked, "is neither yes nor no", "write yes once a person has read every line"
            )
        return Mapping(
            self.tree.file, checked == "yes", str(data.get("subject", "")),
            tuple(map(str, missing if isinstance(missing, list) else [missing])),
            self._texts(("events",), data.get("events", {})), lines, tuple(self._tables(data.get("tables", {}))),
        )  # fmt: skip

    def _setting(self, key: str, text: str) -> Line:
        path = ("settings", key)
        return Line(key, text, *self.tree.place(path, key=True), *self.tree.place(path))

    def _tables(self, tables: Any) -> list[Rows]:
        found: list[Rows] = []
        if not self._is(("tables",), tables, dict, "a map of tables"):
            return found
        self._known(("tables",), tables, tuple(SCHEMAS))
        for table, kinds in tables.items():
            if table in SCHEMAS and self._is(
                ("tables", table), kinds, list, "a list of kinds of rows, each begun with -"
            ):
                found += [self._rows(table, ("tables", table, n), each) for n, each in enumerate(kinds)]
        return found

    def _rows(self, table: str, path: tuple[Any, ...], said: Any) -> Rows:
        line = self.tree.place(path)[0]
        if not self._is(path, said, dict, "a map of columns"):
            return Rows(table, line, {})
        names = tuple(name for name in SCHEMAS[table].names if name != "subject")
        self._known(path, said, (*names, *_WHERE))
        columns = {name: self._cell((*path, name), said[name]) for name in names if name in said}
        for name in SCHEMAS[table].required:
            if name != "subject" and name not in columns:
                self.tree.fault(
                    path, "", f"lacks '{name}', which every row of {table} has", f"write {name}: FIELD or {name}: =WORD"
                )
        if sum(bool(cell.checkbox) for cell in columns.values()) > 1:
            self.tree.fault(path, "", "has two checkboxes", "write one kind of row for each")
        events = said.get("on", [])
        only = self._texts((*path, "if"), said.get("if", {}))
        return Rows(table, line, columns, str(said.get("form", "")), _several(events), only)

    def _cell(self, path: tuple[Any, ...], said: Any) -> Cell:
        line = self.tree.place(path)[0]
        if isinstance(said, str):
            return Cell(line, constant=said[1:].strip()) if said.startswith("=") else Cell(line, field=said)
        if not self._is(path, said, dict, "a field, a constant (=kg) or a map with field and codes"):
            return Cell(line)
        self._known(path, said, _CELL)
        if ("field" in said) == ("checkbox" in said):
            self.tree.fault(path, "", "names not one field", "write field: NAME, or checkbox: NAME")
        codes = self._texts((*path, "codes"), said.get("codes", {}))
        if "checkbox" in said and not codes:
            self.tree.fault(path, "", "is a checkbox without codes", "write codes: {1: word, 2: word}")
        texts = {key: str(said.get(key, "")) for key in ("field", "checkbox", "event", "time")}
        return Cell(line, codes=codes, **texts)

    # --- the grammar --------------------------------------------------------------------------------------------------

    def _is(self, path: tuple[Any, ...], value: Any, kind: type, wanted: str) -> bool:
        if isinstance(value, kind):
            return True
        self.tree.fault(path, value, f"is not {wanted}", "see docs/formats/redcap.md for an example")
        return False

    def _texts(self, path: tuple[Any, ...], value: Any) -> dict[str, str]:
        if not self._is(path, value, dict, "a map of words"):
            return {}
        for key, text in value.items():
            if text == TO_FILL:
                self.tree.fault((*path, key), text, "is still to be filled in", "write it, or take the line out")
        return {str(key): str(text) for key, text in value.items()}

    def _known(self, path: tuple[Any, ...], said: Map[str, Any], names: tuple[str, ...]) -> None:
        for key in said:
            if key not in names:
                near = get_close_matches(key, names, n=1)
                remedy = f"write {near[0]} if that is meant" if near else "write one of " + ", ".join(names)
                self.tree.fault((*path, key), "", f"'{key}' is not known here", remedy, key=True)


def _several(value: Any) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else (str(value),) if value else ()
