"""Two versions of a protocol beside each other: what was added, removed, renamed or changed, and who now says so."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Literal, TypeAlias

from protocol.elements import Element, Short
from protocol.model import Protocol
from protocol.plain import plain
from protocol.walk import children
from protocol.yaml_text import Path

Kind: TypeAlias = Literal["added", "removed", "renamed", "changed", "confirmed", "assumed", "reworded"]
WORDING = frozenset({"title", "note", "source", "sources"})
"""What people read; nothing is judged by it."""
ORIGIN = frozenset({"basis", "assumed", "stated"})
_OWN_ENTRIES = frozenset({"eligibility"})


@dataclass(frozen=True)
class Change:
    """One difference. `path` leads to it in the newer version (of what was removed in the older).

    `was` and `now` are the values of a field, or the whole element where it was added or removed; None where nothing is
    written. `fields` are those that another basis has.
    """

    kind: Kind
    path: Path
    was: object = None
    now: object = None
    fields: tuple[str, ...] = ()

    def sides(self) -> tuple[tuple[str, object], tuple[str, object]]:
        """What it was and what it is now, each with its name."""
        return ("was", self.was), ("now", self.now)


def changes(old: Protocol, new: Protocol) -> tuple[Change, ...]:
    """Every difference in meaning, in the order of the newer document; then who says so, then wording."""
    found = [*_compared((), old, new)]
    names = {str(change.was): str(change.now) for change in found if change.kind == "renamed"}
    found = [change for change in found if not _follows(change, names)]
    found += [*_origins(old, new)]
    rank = {"confirmed": 1, "assumed": 1, "reworded": 2}
    return tuple(sorted(found, key=lambda change: rank.get(change.kind, 0)))


def _follows(change: Change, names: Mapping[str, str]) -> bool:
    """Whether a field says the same as before with the new names of what was renamed."""
    if change.kind != "changed" or not names or change.was is None or change.now is None:
        return False
    word = re.compile(r"(?<![\w-])(" + "|".join(map(re.escape, names)) + r")(?![\w-])")
    return word.sub(lambda found: names[found[1]], str(plain(change.was))) == str(plain(change.now))


def _compared(path: Path, old: Short, new: Short) -> Iterator[Change]:
    """The differences of two elements, field by field; a field that is not written has its default."""
    for key, name in type(new).names_by_key().items():
        if key in ORIGIN:
            continue
        was, now = getattr(old, name), getattr(new, name)
        if was != now:
            yield from _field((*path, key), was, now)


def _field(path: Path, was: object, now: object) -> Iterator[Change]:
    if path[-1] in WORDING:
        yield Change("reworded", path, _written(was), _written(now))
    elif path == ("importance", "rules") and isinstance(was, Mapping) and isinstance(now, Mapping):
        yield from _keyed(path[:1], was, now)
    elif isinstance(was, Short) and isinstance(now, Short):
        yield from _compared(path, was, now)
    elif _elements(was) or _elements(now):
        if isinstance(was, Mapping) and isinstance(now, Mapping):
            yield from _maps(path, was, now)
        elif isinstance(was, tuple) and isinstance(now, tuple):
            yield from _lists(path, was, now)
    elif isinstance(was, Mapping) and isinstance(now, Mapping):
        yield from _keyed(path, was, now)
    else:
        yield Change("changed", path, _written(was), _written(now))


def _keyed(path: Path, was: Mapping[Any, Any], now: Mapping[Any, Any]) -> Iterator[Change]:
    """Values by their keys, such as the cases of a measure and the steps of a rate."""
    for key in dict.fromkeys((*now, *was)):
        if was.get(key) != now.get(key):
            yield Change("changed", (*path, str(key)), _written(was.get(key)), _written(now.get(key)))


def _elements(value: object) -> bool:
    """Whether a value is made of elements."""
    parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, tuple) else ()
    return any(isinstance(part, Short) for part in parts)


def _written(value: object) -> object:
    return None if value in ((), {}, "") else value


def _maps(path: Path, was: Mapping[Any, Any], now: Mapping[Any, Any]) -> Iterator[Change]:
    """Elements by their ids; one that has only another id was renamed."""
    renamed = _renamed(was, now)
    for name, element in now.items():
        before = renamed.get(name, name)
        if before not in was:
            yield Change("added", (*path, str(name)), None, element)
            continue
        if before != name:
            yield Change("renamed", (*path, str(name)), str(before), str(name))
        if was[before] != element:
            yield from _field((*path, str(name)), was[before], element)
    for name, element in was.items():
        if name not in now and name not in renamed.values():
            yield Change("removed", (*path, str(name)), element, None)


def _renamed(was: Mapping[Any, Any], now: Mapping[Any, Any]) -> dict[Any, Any]:
    """The newer id of elements that only changed their id -> the older one; nothing where two would fit."""
    gone, come = [n for n in was if n not in now], [n for n in now if n not in was]
    pairs = [(a, b) for a in come for b in gone if _same(was[b], now[a])]
    ids = Counter(name for pair in pairs for name in pair)
    return {a: b for a, b in pairs if ids[a] == ids[b] == 1}


def _same(one: object, two: object) -> bool:
    """Whether two elements say the same, or have the same title."""
    if not isinstance(one, Element) or not isinstance(two, Element):
        return False
    if one.title is not None and two.title is not None and str(one.title) == str(two.title):
        return True
    said = [{k: v for k, v in children(each) if k not in WORDING | ORIGIN} for each in (one, two)]
    return bool(said[0]) and said[0] == said[1]


def _lists(path: Path, was: Sequence[Any], now: Sequence[Any]) -> Iterator[Change]:
    """Parts in their order: those that stayed the same are found first, the others compared in turn."""
    texts = [[repr(part) for part in parts] for parts in (was, now)]
    for tag, a, b, c, d in SequenceMatcher(a=texts[0], b=texts[1], autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        both = min(b - a, d - c)
        for n in range(both):
            yield from _field((*path, c + n), was[a + n], now[c + n])
        yield from (Change("added", (*path, n), None, now[n]) for n in range(c + both, d))
        yield from (Change("removed", (*path, n), was[n], None) for n in range(a + both, b))


# --- who says so --------------------------------------------------------------------------------------------------


def _origins(old: Protocol, new: Protocol) -> Iterator[Change]:
    """Fields that say the same in both versions, and of which another basis holds now."""
    found: dict[tuple[Path, Kind], list[str]] = {}
    for path in _written_fields((), new):
        place = ".".join(map(str, path))
        if (value := _at(old, path)) is None or value != _at(new, path):
            continue
        was, now = old.origin(place), new.origin(place)
        if was.basis != now.basis:
            named = path[: 3 if path[0] in _OWN_ENTRIES else 2]
            kind: Kind = "confirmed" if now.basis == "stated" else "assumed"
            found.setdefault((named, kind), []).append(".".join(map(str, path[len(named) :])))
    for (path, kind), fields in found.items():
        yield Change(kind, path, fields=tuple(fields))


def _written_fields(path: Path, node: object) -> Iterator[Path]:
    """Every field that an element writes, down to those that are no elements."""
    if isinstance(node, Short):
        for key, part in children(node):
            if key in WORDING | ORIGIN or (not path and key in ("arms", "protocol", "version", "registry")):
                continue
            if isinstance(part, Short) or _elements(part):
                yield from _written_fields((*path, key), part)
            elif isinstance(node, Element):
                yield (*path, key)
    else:
        for key, part in children(node):
            yield from _written_fields((*path, key), part)


def _at(node: object, path: Path) -> object | None:
    """The value at a path, its default where it is not written; None where there is no such place."""
    for key in path:
        if isinstance(node, Short):
            node = getattr(node, type(node).names_by_key().get(str(key), ""), None)
        elif isinstance(node, Mapping):
            node = next((part for name, part in node.items() if str(name) == str(key)), None)
        elif isinstance(node, tuple) and isinstance(key, int):
            node = node[key] if key < len(node) else None
        else:
            return None
    return node
