"""A difference between two versions as a sentence, in English or Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

from protocol.activities import Limit
from protocol.conditions import Condition
from protocol.criteria import plain_condition
from protocol.elements import Element, Short
from protocol.importance import ImportanceCriteria
from protocol.model import Protocol, Text
from protocol.quantity import Quantity, Range, format_number
from protocol.walk import children
from protocol.yaml_text import Path
from rules.diff.changes import ORIGIN, WORDING, Change
from rules.lint.stated import flow
from rules.texts import read_texts

_SETS = frozenset({"does", "measures", "terms", "arm", "values", "unless", "brand", "event"})
"""Lists of which it matters what came and went, not in which order."""
_RECORDED = ("arms", "milestones", "products", "measures", "events", "treatments", "visits")
"""Blocks whose ids a study may record."""
_INNER = {"steps": "step", "limits": "limit", "dose": "dose", "levels": "level"}
_LONGEST = 160


def words_of(lang: str) -> dict[str, Any]:
    """All words of a language."""
    found: dict[str, Any] = read_texts("rules.diff")[lang]
    return found


@dataclass(frozen=True)
class Speaker:
    """The words of one language, and the two versions that are compared."""

    old: Protocol
    new: Protocol
    lang: str

    @cached_property
    def words(self) -> dict[str, Any]:
        """All words of the language."""
        return words_of(self.lang)

    def sentence(self, change: Change) -> str:
        """What a change means."""
        if change.kind in ("confirmed", "assumed"):
            fields = self.words["comma"].join(map(self._field_path, change.fields))
            return self._say(change.kind, what=self.what(change.path), fields=fields)
        if change.kind == "renamed":
            case = "renamed" if change.path[0] in _RECORDED else "renamed only"
            return self._say(case, block=self._block(change.path), was=str(change.was), now=self._title(change.path))
        if change.kind in ("added", "removed"):
            element = change.now if change.kind == "added" else change.was
            said = self.told(element) or self.words["whole"]
            part = isinstance(change.path[-1], int)
            what = (self.what if part else self._title)(change.path, old=change.kind == "removed")
            case = f"part {change.kind}" if part else change.kind
            return self._say(case, block=self._block(change.path), what=what, said=said)
        return self._of_field(change)

    def _of_field(self, change: Change) -> str:
        """What became of one field."""
        place = change.path[:-1]
        head = "" if place else "header "
        field = self.field(str(change.path[-1]))
        what = self.words["blocks"]["importance"] if place == ("importance",) else self.what(place) if place else ""
        if change.kind == "reworded":
            return self._say(f"{head}reworded", what=what, field=field)
        was, now = (self.told(value) for _, value in change.sides())
        if change.path[-1] in _SETS and isinstance(change.was, tuple) and isinstance(change.now, tuple):
            return self._say("listed", what=what, field=field, listed=self._listed(change.was, change.now))
        case = "changed" if change.was is not None and change.now is not None else "unset" if change.was else "set"
        case = case if not head else {"changed": "header"}.get(case, f"header {case}")
        return self._say(case, what=what, field=field, was=was, now=now)

    def _listed(self, was: tuple[Any, ...], now: tuple[Any, ...]) -> str:
        parts = []
        for word, come in (("also", [v for v in now if v not in was]), ("no longer", [v for v in was if v not in now])):
            if come:
                parts.append(self.words[word].format(words=", ".join(map(self.said, come))))
        return str(self.words["comma"].join(parts) or self.said(now))

    def _say(self, case: str, **words: str) -> str:
        return str(self.words["sentences"][case].format(**words))

    def field(self, key: str) -> str:
        """A field as a monitor calls it; a code of a rule and a free key stand for themselves."""
        return str(self.words["fields"].get(key, key))

    def _field_path(self, path: str) -> str:
        return " ".join(self.field(key) for key in path.split(".") if not key.isdigit() and key != "rules") or path

    def _block(self, path: Path) -> str:
        return str(self.words["blocks"].get(str(path[-2]), path[-2]))

    def _title(self, path: Path, *, old: bool = False) -> str:
        """The element at the end of a path by its title and id."""
        node: object = self.old if old else self.new
        for key in path:
            node = _child(node, key)
        return self._named(node, str(path[-1]))

    def what(self, path: Path, *, old: bool = False) -> str:
        """What a path leads to: the element by its title and id, then the part of it."""
        protocol = self.old if old else self.new
        node: object = protocol
        said = ""
        for n, key in enumerate(path):
            node = _child(node, key)
            before = str(path[n - 1]) if n else ""
            if n == 0 or (n == 1 and key in ("include", "exclude")):
                said = self.field(str(key)) if len(path) <= n + 1 else said
            elif said == "" or before in ("include", "exclude"):
                said = self._named(node, str(key))
                said = f"{self.words['blocks'][before]} {said}" if before in ("include", "exclude") else said
            elif before in _INNER:
                number = int(key) + 1 if isinstance(key, int) else key
                number = self._anchor(node) if isinstance(node, Limit) else number
                said = self._within(said, self.words[_INNER[before]].format(n=number), node, before)
            elif before not in _INNER and key not in (*_INNER, "cases"):
                said = self.words["within"].format(what=said, part=self.field(str(key)))
        return said

    def _anchor(self, limit: Limit) -> str:
        """What an interval counts from."""
        text = limit.from_.text
        return str(self.words["previous"]) if text == "previous" else text

    def _within(self, said: str, part: str, node: object, block: str) -> str:
        """A part of an element; the one dose that there mostly is needs no number."""
        if block == "dose" and part == self.words["dose"].format(n=1):
            return said
        title = getattr(node, "title", None)
        part = self.words["named"].format(title=title.in_(self.lang), id=part) if isinstance(title, Text) else part
        return str(self.words["within"].format(what=said, part=part))

    def _named(self, node: object, key: str) -> str:
        title = node.title.in_(self.lang) if isinstance(node, Element) and node.title is not None else key
        return key if title == key else str(self.words["named"].format(title=title, id=key))

    def told(self, value: object) -> str:
        """A value, or what an element writes."""
        return self.described(value) if isinstance(value, Short) else self.said(value)

    def described(self, element: object) -> str:
        """An element in a line: what it writes, without what people read and who says so."""
        if not isinstance(element, Short):
            return self.said(element)
        parts = []
        for key, value in children(element):
            if key in WORDING | ORIGIN or (key == "from" and isinstance(element, Limit)):
                continue
            said = self.described(value) if isinstance(value, Short) else self.said(value)
            parts.append(self.words["field"].format(field=self.field(str(key)), said=said))
        text: str = self.words["comma"].join(parts)
        return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"

    def said(self, value: object) -> str:
        """A value as a person writes it: 1×10⁶ cells/kg, not 1e6 cells/kg."""
        match value:
            case None:
                return "-"
            case Quantity():
                return _amount(value)
            case Range():
                return f"{_amount(value.low)} – {_amount(value.high)}"
            case Text():
                return value.in_(self.lang)
            case Short():
                return str(self.words["brackets"].format(said=self.described(value)))
            case date():
                return value.isoformat()
            case _ if isinstance(value, Condition):
                return flow(plain_condition(value))
            case tuple():
                return ", ".join(map(self.said, value))
            case Mapping():
                return ", ".join(f"{key}: {self.said(part)}" for key, part in value.items())
        return str(value)


def _amount(quantity: Quantity) -> str:
    """The amount with its power of ten raised; any other as it is written."""
    power = "e" in quantity.text.lower().split(" ")[0] or "10" in quantity.text.split(" ")[0]
    if not power or abs(quantity.value.adjusted()) < 5:
        return quantity.text
    return f"{format_number(quantity.value, scientific=True)} {quantity.unit.text}"


def _child(node: object, key: str | int) -> object:
    if isinstance(node, ImportanceCriteria):
        return node.written(str(key))
    if isinstance(node, Short):
        return getattr(node, type(node).names_by_key().get(str(key), ""), None)
    if isinstance(node, Mapping):
        return next((part for name, part in node.items() if str(name) == str(key)), None)
    if isinstance(node, tuple) and isinstance(key, int) and key < len(node):
        return node[key]
    return None
