"""What a protocol says beyond USDM: the difference between it and what USDM itself can say, as extension attributes.

The exporter asks the importer what it would understand of a file, and each field that comes out otherwise is written
as an attribute of the object that stands for its element: `dose.max` of an administration, `window` of an encounter.
So whatever USDM can say is said once, in its own classes, and read from there. Each attribute also holds what USDM said
in its place (`instead-of`): where that has been changed since, the change counts and is told.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from perprotocol.formats.usdm.building import Builder
from perprotocol.formats.usdm.draft import Block, Draft, ordered
from perprotocol.formats.usdm.reading import UsdmFile
from perprotocol.formats.usdm.versions import OURS, Json, every_map

Path = tuple[str, ...]
_MISSING = object()
_DEEP = frozenset({"dose", "title"})
"""Fields that are told part by part."""
_SHORT = {
    "milestones": "anchor",
    "criteria": "if",
    "include": "if",
    "exclude": "if",
}
"""Blocks -> the field that an element written as one value stands for; of the others it is the title."""
ORDER = "order"
"""The attribute with the ids of a block in their order."""


class Change(NamedTuple):
    """A field as the protocol has it, and as USDM alone would be understood; `_MISSING` where there is none."""

    path: Path
    wanted: object
    understood: object


def differences(wanted: Block, understood: Block) -> list[Change]:
    """Every field of the protocol that USDM alone would not bring back, then the order of each block."""
    wanted, understood = expanded(wanted), expanded(understood)
    changes: list[Change] = []
    for key in [*wanted, *(key for key in understood if key not in wanted)]:
        changes += _compare((key,), wanted.get(key, _MISSING), understood.get(key, _MISSING))
    result = _applied(json.loads(json.dumps(understood)), changes)
    return changes + list(_orders((), wanted, result))


def expanded(document: Block) -> Block:
    """The document with short forms written out, as far as changes are told part by part: elements, titles, doses."""
    found: Block = {}
    for key, value in document.items():
        if key == "eligibility":
            found[key] = {side: _elements(side, block) for side, block in value.items()}
        elif isinstance(value, dict) and key not in _PLAIN:
            found[key] = _elements(key, value)
        else:
            found[key] = _fields({key: value})[key]
    return found


_PLAIN = frozenset({"title", "sources", "assumed", "stated", "weight", "bsa", "consent", "approved", "importance"})


def _elements(block: str, elements: Block) -> Block:
    short = _SHORT.get(block, "title")
    return {
        name: _fields(element if isinstance(element, dict) else {short: element}) for name, element in elements.items()
    }


def _fields(element: Block) -> Block:
    """An element with its title and its dose as maps, and no list of one."""
    found: Block = {key: _single(value) for key, value in element.items()}
    for key, short in (("title", "en"), ("dose", "amount")):
        if key in found and isinstance(found[key], str):
            found[key] = {short: found[key]}
    if isinstance(found.get("steps"), list):
        found["steps"] = [_fields(step) for step in found["steps"]]
    elif isinstance(found.get("steps"), dict):
        found["steps"] = [_fields(found["steps"])]
    return found


def _single(value: object) -> object:
    return value[0] if isinstance(value, list) and len(value) == 1 and not isinstance(value[0], list) else value


def _compare(path: Path, wanted: Any, understood: Any) -> Iterator[Change]:
    if wanted == understood and type(wanted) is type(understood):
        return
    if len(path) == 1 and {type(wanted), type(understood)} <= {dict, object} and wanted != understood:
        wanted, understood = ({} if each is _MISSING else each for each in (wanted, understood))
    blocks = len(path) <= 2 or (path[0] == "eligibility" and len(path) <= 3)
    deep = blocks or path[-1] in _DEEP or (path[-1].isdigit() and path[-2] == "steps")
    if isinstance(wanted, dict) and isinstance(understood, dict) and deep and (wanted or len(path) == 1):
        for key in [*wanted, *(key for key in understood if key not in wanted)]:
            yield from _compare((*path, key), wanted.get(key, _MISSING), understood.get(key, _MISSING))
    elif _alike(wanted, understood) and path[-1] == "steps":
        for number, (one, other) in enumerate(zip(wanted, understood, strict=True)):
            yield from _compare((*path, str(number)), one, other)
    else:
        yield Change(path, wanted, understood)


def _alike(wanted: object, understood: object) -> bool:
    """Two lists of maps of one length."""
    lists = isinstance(wanted, list) and isinstance(understood, list) and len(wanted) == len(understood)
    return lists and all(isinstance(each, dict) for each in (*wanted, *understood))  # type: ignore[misc]


def _orders(path: Path, wanted: Any, result: Any) -> Iterator[Change]:
    """Blocks whose ids would come back in another order; the fields of an element have the order of the language."""
    for key, value in wanted.items():
        if isinstance(value, dict) and isinstance(result.get(key), dict) and key not in ("title", "assumed", "stated"):
            if key == "eligibility":
                yield from _orders((*path, key), value, result[key])
            elif list(value) != list(result[key]):
                yield Change((*path, key, ORDER), list(value), _MISSING)


def attach(native: Json, understood: Draft, changes: list[Change]) -> None:
    """Each change stands at the object of its element, or at the study version."""
    build = Builder()
    build.numbers["ExtensionAttribute"] = 1
    objects = {str(one["id"]): one for one in every_map(native) if "id" in one}
    version = objects[understood.version.id]
    for change in changes:
        for end in range(len(change.path), 0, -1):
            home = understood.homes.get(".".join(change.path[:end]))
            if home in objects and end < len(change.path):
                owner, rest = objects[home], change.path[end:]
                break
        else:
            owner, rest = version, change.path
        said = None if change.understood is _MISSING else _text(change.understood)
        wanted = None if change.wanted is _MISSING else _text(change.wanted)
        owner["extensionAttributes"].append(build.attribute("/".join(rest), wanted, said))


def extended(data: Json) -> int:
    """How many fields of a file of ours stand in extension attributes, or in the annotations of version 3.5."""
    names = [one.get("url", "") for one in every_map(data)]
    names += [OURS + one["code"] for one in every_map(data) if one.get("codeSystem") == OURS]
    told = [name.removeprefix(OURS).rpartition("/")[2] for name in names if name.startswith(OURS)]
    return sum(name not in ("form", "instead-of", ORDER) for name in told)


def overlay(draft: Draft, file: UsdmFile) -> Block:
    """The document with what the extension attributes add; where USDM has been changed since, USDM counts."""
    document = expanded(ordered(draft.document))
    paths: dict[str, Path] = {}
    for path, home in draft.homes.items():
        if "." in path:
            paths.setdefault(home, tuple(path.split(".")))
    changes: list[Change] = []
    for one in every_map(file.data):
        identity = str(one.get("id"))
        base: Path | None = () if identity == draft.version.id else paths.get(identity)
        for attribute in one.get("extensionAttributes") or []:
            name = str(attribute.get("url", "")).removeprefix(OURS)
            if base is None or name == attribute.get("url") or name == "form":
                continue
            place = (*base, *name.split("/"))
            inner = attribute.get("extensionAttributes") or []
            said = next((each.get("valueString") for each in inner if each.get("url") == f"{OURS}instead-of"), None)
            now = _found(document, place)
            if place[-1] != ORDER and (None if now is _MISSING else _text(now)) != said:
                values = {"now": _shown(now), "then": said or "-", "ours": attribute.get("valueString") or "-"}
                stands = f"{one.get('instanceType')} {one.get('name', '')}".rstrip()
                draft.tell("contradiction", "changed", stands, ".".join(place), **values)
                continue
            value = attribute.get("valueString")
            changes.append(Change(place, _MISSING if value is None else _value(value), now))
    draft.tell("restored", "restored", number=sum(change.path[-1] != ORDER for change in changes))
    return {key: value for key, value in _applied(document, changes).items() if value != {}}


def _applied(document: Block, changes: list[Change]) -> Block:
    """The document with the changes made, then its maps in their order."""
    for change in sorted(changes, key=lambda each: each.path[-1] == ORDER):
        *parents, last = change.path
        home = _found(document, tuple(parents), make=change.wanted is not _MISSING)
        if isinstance(home, list) and last.isdigit() and int(last) < len(home):
            home[int(last)] = change.wanted
        elif isinstance(home, dict) and last == ORDER:
            wanted = change.wanted if isinstance(change.wanted, list) else []
            ordered = {key: home.pop(key) for key in wanted if key in home}
            rest = {key: home.pop(key) for key in list(home)}
            home |= ordered | rest
        elif isinstance(home, dict) and change.wanted is _MISSING:
            home.pop(last, None)
        elif isinstance(home, dict):
            home[last] = change.wanted
    return document


def _found(document: Any, path: Path, *, make: bool = False) -> Any:
    node = document
    for key in path:
        if isinstance(node, list):
            node = node[int(key)] if key.isdigit() and int(key) < len(node) else _MISSING
        elif isinstance(node, dict):
            if make and key not in node:
                node[key] = {}
            node = node.get(key, _MISSING)
        else:
            return _MISSING
    return node


def _text(value: object) -> str:
    """A value as the text of an attribute: a text as it is, all else as JSON."""
    if isinstance(value, str) and value[:1] not in ("[", "{", '"'):
        return value
    return json.dumps(value, ensure_ascii=False)


def _value(text: str) -> object:
    if text[:1] in ("[", "{", '"'):
        return json.loads(text)
    return text


def _shown(value: object) -> str:
    return "-" if value is _MISSING else _text(value)
