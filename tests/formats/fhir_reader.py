"""Resources read by fhir.resources, and what it lets pass held against its own tables: codes, references, the required.

fhir.resources accepts `status="nope"` and an explicit `subject=None`; what its models know of value sets it does not
check. Here every element of a read resource is checked against them.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from functools import cache
from typing import Any

from fhir_core.fhirabstractmodel import FHIRAbstractModel

SPELT_OUT = {
    "registered", "preliminary", "final", "amended", "corrected", "cancelled", "entered-in-error", "unknown",
}  # fmt: skip
"""The codes for which the tables of fhir.resources put a `+`."""


@cache
def _model(kind: str, release: str) -> Any:
    room = "fhir.resources.R4B." if release == "R4" else "fhir.resources."
    return getattr(importlib.import_module(room + kind.lower()), kind)


def read(text: str, release: str) -> Any:
    """The resource as fhir.resources reads it; its error for one that it does not take."""
    return _model(json.loads(text)["resourceType"], release).model_validate_json(text)


def faults(resource: Any, path: str = "") -> Iterator[str]:
    """Every code outside its value set, reference to a kind that is not allowed, and required element not there."""
    groups: dict[str, list[bool]] = {}
    for name, field in type(resource).model_fields.items():
        extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
        value, where = getattr(resource, name), f"{path}.{field.alias or name}"
        known = set(extra.get("enum_values") or ())
        known |= SPELT_OUT if "+" in known else set()
        known = set() if "etc." in known else known  # a binding that others may extend
        told = value is not None or getattr(resource, f"{name}__ext", None) is not None
        if extra.get("element_required") and not told:
            yield f"{where} is missing"
        if extra.get("one_of_many_required"):
            groups.setdefault(str(extra["one_of_many"]), []).append(told)
        for number, one in enumerate(value if isinstance(value, list) else [value]):
            if isinstance(one, FHIRAbstractModel):
                yield from faults(one, f"{where}[{number}]")
                yield from _reference(one, extra.get("enum_reference_types"), where)
            elif one is not None and known and one not in known:
                yield f"{where} {one!r} is none of {sorted(known)}"
    yield from (f"{path}.{name}[x] is missing" for name, told in groups.items() if not any(told))


def _reference(one: Any, kinds: Any, where: str) -> Iterator[str]:
    named = getattr(one, "reference", None)
    wanted = kinds if kinds and "Resource" not in kinds else None
    inside = isinstance(named, str) and named.startswith(("#", "urn:"))
    if wanted and isinstance(named, str) and not inside and named.partition("/")[0] not in wanted:
        yield f"{where} names {named}, which is none of {wanted}"
