"""A protocol as plain maps, lists and texts, in its short forms; reading them gives the same protocol."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from protocol.criteria import Condition, plain_condition
from protocol.elements import Short
from protocol.importance import ImportanceCriteria
from protocol.model import Measure, Protocol
from protocol.walk import children


def plain_protocol(protocol: Protocol) -> dict[str, Any]:
    """The whole document, block by block in the language's order."""
    return {key: plain(value) for key, value in _fields(protocol).items()}


def plain(value: object) -> Any:
    """One value as a document states it: only what was written, one value for a list of one."""
    if isinstance(value, Short):
        return _plain_map(value)
    if isinstance(value, Condition):
        return plain_condition(value)
    if isinstance(value, tuple):
        parts = [plain(part) for part in value]
        return parts[0] if len(parts) == 1 and not isinstance(parts[0], list) else parts
    if isinstance(value, Mapping):
        return {str(key): plain(part) for key, part in value.items()}
    return value.isoformat() if isinstance(value, date) else str(value)


def _plain_map(element: Short) -> Any:
    fields = {key: plain(part) for key, part in _fields(element).items()}
    if isinstance(element, ImportanceCriteria):
        fields |= fields.pop("rules", {})
    if isinstance(element, Measure) and "cases" in fields:
        fields["cases"] = {word: case or "otherwise" for word, case in fields["cases"].items()}
    if set(fields) == {element.short} and not isinstance(fields[str(element.short)], dict):
        return fields[str(element.short)]
    return fields


def _fields(element: Short) -> dict[str, object]:
    """What the document wrote, by its own keys."""
    return {str(key): part for key, part in children(element)}
