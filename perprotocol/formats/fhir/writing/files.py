"""Resources as files: one Bundle, a folder of NDJSON with a file for each kind, or one resource alone."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from typing import IO
from uuid import uuid5

from perprotocol.formats.fhir.writing.elements import NAMESPACE, Body

_MARK = "\x02"
_NUMBER = re.compile(rf'"{json.dumps(_MARK)[1:-1]}([^"]*)"'.replace("\\", "\\\\"))
_REFERENCE = re.compile(r'"reference": "([A-Z][A-Za-z]+/[A-Za-z0-9\-.]{1,64})"')


def dump(body: Body, indent: int | None = None) -> str:
    """A resource as JSON, its numbers with every digit they have."""
    written = json.dumps(body, ensure_ascii=False, indent=indent, default=_marked)
    return _NUMBER.sub(r"\1", written)


def write_bundle(resources: Iterable[Body], file: Path) -> Counter[str]:
    """All resources in one Bundle, a collection; references name its entries. How many of each kind are in it."""
    counts: Counter[str] = Counter()
    with file.open("w", encoding="utf-8", newline="\n") as out:
        out.write('{"resourceType": "Bundle", "type": "collection", "entry": [')
        for body in resources:
            entry = json.dumps({"fullUrl": _address(f"{body['resourceType']}/{body['id']}")})[:-1]
            resource = _REFERENCE.sub(lambda found: f'"reference": "{_address(found[1])}"', dump(body))
            out.write(f'{"," if counts else ""}\n{entry}, "resource": {resource}}}')
            counts[body["resourceType"]] += 1
        out.write("\n]}\n" if counts else "]}\n")
    return counts


def write_folder(resources: Iterable[Body], folder: Path) -> Counter[str]:
    """A file of NDJSON for each kind of resource, as bulk exports have them. How many of each kind there are."""
    counts: Counter[str] = Counter()
    folder.mkdir()
    with ExitStack() as stack:
        files: dict[str, IO[str]] = {}
        for body in resources:
            kind = body["resourceType"]
            if kind not in files:
                path = folder / f"{kind}.ndjson"
                files[kind] = stack.enter_context(path.open("w", encoding="utf-8", newline="\n"))
            files[kind].write(dump(body) + "\n")
            counts[kind] += 1
    return counts


def _address(key: str) -> str:
    return f"urn:uuid:{uuid5(NAMESPACE, key)}"


def _marked(value: object) -> str:
    if isinstance(value, Decimal):
        return f"{_MARK}{value}"
    raise TypeError(f"{value!r} is no JSON")
