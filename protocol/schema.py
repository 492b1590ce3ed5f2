"""The JSON Schema of protocol files, for editors: it accepts the short forms, and numbers where people write them."""

from __future__ import annotations

from typing import Any

from protocol.model import Protocol


def schema() -> dict[str, Any]:
    """The schema, made from the models."""
    return Protocol.model_json_schema(mode="validation")
