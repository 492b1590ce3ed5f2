"""Texts in English and Chinese that lie beside the code as YAML, each file read once."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any


@cache
def read_texts(package: str, file: str = "words.yaml") -> Any:
    """What a file of a package holds; nobody changes it, since all share it."""
    import yaml  # noqa: PLC0415  start-up of --help does not need it

    text = resources.files(package).joinpath(file).read_text(encoding="utf-8")
    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
