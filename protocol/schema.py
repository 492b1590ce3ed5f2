"""The JSON Schema of protocol files, for editors: it accepts the short forms, and numbers where people write them.

It is made from the models and published as `protocol/schema.json`; a test says how to renew that file. The schema sees
keys, words and the outline of scalars; what names mean and whether units belong together only reading can tell.
"""

from __future__ import annotations

import json
from typing import Any, TypeAlias

from protocol.actions import Action, Resume
from protocol.defaults import blocks
from protocol.dosing import Frequency, Interruption, Rounding, Span, Tolerance
from protocol.importance import Extent, Importance
from protocol.model import Protocol
from protocol.quantity import Quantity, Range
from protocol.quota import Quota
from protocol.scalar import Scalar
from protocol.timing import NAME, Anchor, Cycles, Duration, FirstDay, Moment, Window

Schema: TypeAlias = dict[str, Any]

_QUANTITY = r"^(?!\s*[0-9.]+\s*/)(?!.*[×x]\s*10\s*/)\s*[-+−]?[0-9.]"
_SCALARS: tuple[tuple[str, tuple[type[Scalar], ...], str | None], ...] = (
    ("quantity", (Quantity,), _QUANTITY),
    ("range", (Range,), r"[0-9].*(to|–|-).*[0-9]"),
    ("amount", (Quantity, Range), _QUANTITY),
    ("duration", (Duration,), r"^\s*[-+−]?\s*[0-9].*[a-z]"),
    ("span", (Span,), r"[0-9]\s*(min|h)"),
    ("interruption", (Interruption,), r"^(not )?allowed$|^up to [0-9]"),
    ("window", (Window,), r"^\s*(±\s*[0-9]|[-+−]\s*[0-9].*)"),
    ("tolerance", (Tolerance,), r"^\s*(±|[-+−]).*(%|percent)"),
    ("rounding", (Rounding,), r"[0-9]"),
    ("frequency", (Frequency,), r"daily|weekly|every"),
    ("anchor", (Anchor,), r"^[a-z]"),
    ("moment", (Moment,), r"^[a-z0-9]"),
    ("cycles", (Cycles,), r"^[a-z]"),
    ("quota", (Quota,), r"^\s*[0-9]+ (doses?|days?) in any [0-9]"),
    ("first-day", (FirstDay,), None),
    ("action", (Action,), r"^(hold|stop|omit|continue|delay|reduce|raise|set|repeat) "),
    ("resume", (Resume,), r"level|%|percent"),
    ("importance", (Importance,), r"^(not )?important"),
    ("extent", (Extent,), r"^(from|above|below) "),
)
_TEXT: Schema = {"type": ["string", "number"]}
_NESTED: Schema = {
    "anyOf": [{"$ref": "#/$defs/condition"}, {"type": "array", "items": {"$ref": "#/$defs/condition"}, "minItems": 1}]
}


def schema() -> Schema:
    """The schema, draft 2020-12, made from the models."""
    raw = Protocol.model_json_schema(mode="validation")
    definitions = {name: _tidy(part) for name, part in raw.pop("$defs").items()}
    definitions |= _scalar_definitions() | {"condition": _condition()}
    document = _tidy(raw)
    importance = definitions["ImportanceCriteria"]
    importance["additionalProperties"] = importance["properties"].pop("rules")["additionalProperties"]
    for path, kind in blocks().items():
        owner = document if len(path) == 1 else definitions["Eligibility"]
        owner["properties"][path[-1]] |= _block(kind.__name__, definitions)
    for name, definition in list(definitions.items()):
        if "short" in definition:
            definitions[name] = _with_short_form(definition)
    document.pop("short", None)
    about = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "A protocol of perprotocol"}
    return about | document | {"$defs": definitions}


def _scalar_definitions() -> dict[str, Schema]:
    """Each grammar with its examples, and the outline that a pattern can show."""
    found = {}
    for name, kinds, pattern in _SCALARS:
        examples = [example for kind in kinds for example in kind.examples]
        numeric = any(kind.numeric for kind in kinds)
        outline = {"pattern": pattern} if pattern else {}
        description = (kinds[0].__doc__ or "").split("\n")[0]
        kind: Schema = {"type": ["string", "number"] if numeric else "string"}
        found[name] = {"description": description} | kind | outline | {"examples": examples}
    return found


def _condition() -> Schema:
    """A leaf as text, or a tree."""
    trees: list[Schema] = [
        {"type": "object", "properties": {word: _NESTED}, "required": [word], "additionalProperties": False}
        for word in ("all", "any", "none")
    ]
    least = {"at_least": {"type": ["integer", "string"], "pattern": "^[1-9][0-9]*$", "minimum": 1}, "of": _NESTED}
    trees.append({"type": "object", "properties": least, "required": list(least), "additionalProperties": False})
    judged = {"text": _TEXT}
    trees.append({"type": "object", "properties": judged, "required": ["text"], "additionalProperties": False})
    examples = ["anc < 0.5 10^9/L", "no event transfusion within 28 d", "age < 18 y"]
    leaf: Schema = {"type": "string", "pattern": "^[a-z0-9]", "examples": examples}
    return {"description": "What is compared, or how conditions are combined.", "anyOf": [leaf, *trees]}


def _block(name: str, definitions: dict[str, Schema]) -> Schema:
    """A map of ids, with `defaults`, which may supply what an element leaves out."""
    definitions[name].pop("required", None)
    plain = {key: part for key, part in definitions[name].items() if key not in ("short", "description")}
    return {"properties": {"defaults": plain}, "propertyNames": {"pattern": f"^{NAME}$"}}


def _with_short_form(definition: Schema) -> Schema:
    """The definition, or one value that stands for the map."""
    short = definition.pop("short")
    value = definition["properties"][short]
    value = _TEXT if value.get("$ref") == "#/$defs/Text" else value
    about = {key: definition.pop(key) for key in ("description",) if key in definition}
    return about | {"anyOf": [value, definition]}


def _tidy(node: Schema) -> Schema:
    """A schema of pydantic's without nulls, defaults and made-up titles, with the short forms of fields."""
    node = {key: part for key, part in node.items() if key not in ("title", "default")}
    if "anyOf" in node:
        options = [_tidy(option) for option in node.pop("anyOf") if option != {"type": "null"}]
        return node | (options[0] if len(options) == 1 else {"anyOf": options})
    if "examples" in node:
        examples = node["examples"]
        named = next(row[0] for row in _SCALARS if [text for kind in row[1] for text in kind.examples] == examples)
        return {"$ref": f"#/$defs/{named}"}
    for key in ("properties", "patternProperties"):
        if key in node:
            node[key] = {name: _tidy(part) for name, part in node[key].items()}
    for key in ("items", "additionalProperties"):
        if isinstance(node.get(key), dict):
            node[key] = _tidy(node[key])
    if node.get("type") == "array":
        return _one_or_more(node)
    if node.get("type") == "string" and not {"enum", "const"} & set(node):
        return node | _TEXT
    if node.get("type") == "integer":
        pattern = "^[1-9][0-9]*$" if node.get("minimum") == 1 else "^-?[0-9]+$"
        return node | {"type": ["integer", "string"], "pattern": pattern}
    return node


def _one_or_more(node: Schema) -> Schema:
    """A list, or the one value that stands for a list of it; a list without a type is one of conditions."""
    items = node["items"] or {"$ref": "#/$defs/condition"}
    return {"anyOf": [items, {"type": "array", "items": items, "minItems": 1}]}


def published() -> str:
    """The text of `protocol/schema.json`."""
    return json.dumps(schema(), ensure_ascii=False, indent=2) + "\n"
