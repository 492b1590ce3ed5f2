"""What the models refuse, in the words of the language: where, which value, why, and what to write instead."""

from __future__ import annotations

import difflib
from typing import Any, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from protocol.elements import Short
from protocol.errors import ScalarError
from protocol.model import Protocol
from protocol.yaml_text import Path, Tree, shown

_PLAIN = {
    "string_type": ("is not a text", "write one text"),
    "dict_type": ("is a value where a map is due", "write 'id: …' lines under the key"),
    "model_type": ("is a value where a map is due", "write 'key: value' lines under the key"),
    "int_parsing": ("is not a whole number", "write a number such as 1"),
    "int_type": ("is not a whole number", "write a number such as 1"),
    "int_from_float": ("is not a whole number", "write a number such as 1"),
    "greater_than_equal": ("is too small", "write a number from 1 on"),
    "too_short": ("is empty", "write at least one entry, or remove the key"),
}


def note_faults(tree: Tree, data: dict[str, Any], error: ValidationError) -> set[Path]:
    """Note every error in the tree as a fault; return the paths in `data` that are faulty."""
    faulty: set[Path] = set()
    for details in error.errors(include_url=False):
        path = _path_in(data, details["loc"])
        _note(tree, path, details)
        faulty.add(path)
    return faulty


def _path_in(data: object, loc: Path) -> Path:
    """The part of pydantic's location that the data has."""
    path: list[str | int] = []
    for part in loc:
        if isinstance(data, dict) and str(part) in data:
            data = data[str(part)]
            path.append(str(part))
        elif isinstance(data, list) and isinstance(part, int) and part < len(data):
            data = data[part]
            path.append(part)
    return tuple(path)


def _note(tree: Tree, path: Path, details: ErrorDetails) -> None:
    kind, value = details["type"], details["input"]
    fault = details.get("ctx", {}).get("error")
    if isinstance(fault, ScalarError):
        whole = value if isinstance(value, str) else shown(value) if fault.text == str(value) else fault.text
        inner = "" if fault.text.strip() in (whole.strip(), "") else f"'{fault.text}' "
        tree.fault(path, whole, inner + fault.why, fault.remedy, key=not whole)
    elif kind == "extra_forbidden":
        key = str(path[-1])
        tree.fault(path, key, "is no key here", _nearest_key(key, keys_at(path[:-1])), key=True)
    elif kind == "missing":
        key = str(details["loc"][-1])
        if (*path, key) in tree.keys:
            return  # it is there, and why it cannot be read has been said
        tree.fault(path, "", f"lacks the key '{key}'", f"write '{key}: …'", key=True)
    elif kind == "literal_error":
        words = str(details.get("ctx", {}).get("expected", "")).replace("'", "")
        tree.fault(path, value, "is not a word that can stand here", f"write {words}")
    else:
        why, remedy = _PLAIN.get(kind, ("does not fit here", "see the table of fields of the language"))
        tree.fault(path, shown(value), why, remedy)


def _nearest_key(key: str, keys: list[str]) -> str:
    near = difflib.get_close_matches(key.lower().replace("-", "_"), keys, n=1, cutoff=0.5)
    return f"write '{near[0]}'" if near else "its keys are " + ", ".join(keys)


def keys_at(path: Path) -> list[str]:
    """The keys that the map at this path may have, in the order of the language."""
    model: type[Short] = Protocol
    for part in path:
        if name := model.names_by_key().get(str(part)):
            model = _model_in(model.model_fields[name].annotation) or model
    return list(model.names_by_key())


def _model_in(annotation: object) -> type[Short] | None:
    """The first of our models inside an annotation."""
    if isinstance(annotation, type) and issubclass(annotation, Short):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model_in(part))), None)
