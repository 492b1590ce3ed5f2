"""Every check over one protocol: what is wrong, where it is written, why, and a way out."""

from __future__ import annotations

from typing import Any

import polars as pl

from protocol.model import Protocol
from protocol.yaml_text import Path, Tree
from rules.door.closures import Closures
from rules.lint.check import Check, Hit
from rules.lint.draft import Draft
from rules.lint.faults import CHECKS
from rules.telling.wording import catalogue

LINT: dict[str, pl.DataType] = {
    "kind": pl.String(), "code": pl.String(), "title": pl.String(), "file": pl.String(), "line": pl.Int32(),
    "column": pl.Int32(), "path": pl.String(), "message": pl.String(), "remedy": pl.String(), "source": pl.String(),
}  # fmt: skip
"""What is found: a fault, something to confirm, or what is not judged; where; why; and a way out."""


def lint(
    protocol: Protocol, tree: Tree | None = None, *, closed: Closures | None = None, lang: str = "en"
) -> pl.DataFrame:
    """What is wrong with a protocol (`LINT`), faults first. The `tree` of its text knows the lines.

    `closed` names the days on which clinics are closed; without it no target is held against them.
    """
    draft = Draft(protocol, closed)
    rows = [_row(check, hit, tree, lang) for check in CHECKS for hit in check.find(draft)]
    found = pl.DataFrame(rows, schema=LINT, orient="row").unique(maintain_order=True)
    order = {kind: number for number, kind in enumerate(("fault", "to confirm", "not judged"))}
    rank = pl.col("kind").replace_strict(order, return_dtype=pl.Int8)
    return found.sort(rank, "line", "column", nulls_last=True, maintain_order=True)


def _row(check: Check, hit: Hit, tree: Tree | None, lang: str) -> tuple[Any, ...]:
    located = tree.located(hit.path) if tree is not None else hit.path
    line, column = tree.place(located, key=True) if tree is not None else (None, None)
    words = {name: _in(lang, value) for name, value in hit.words.items()}
    message = check.text("message", lang, hit.case).format(**words)
    remedy = check.text("remedy", lang).format(**words)
    place = (tree.file if tree is not None else None, line, column, _dotted(located))
    return (check.kind, check.code, check.text("title", lang), *place, message, remedy, hit.source)


def _in(lang: str, value: object) -> str:
    """A word of a sentence in the language: notes of the catalogue have a text, all else is as the document has it."""
    text = str(value)
    return str(catalogue(lang)["notes"].get(text, text))


def _dotted(path: Path) -> str:
    return ".".join(map(str, path))
