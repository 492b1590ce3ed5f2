"""Listings on their way out: a folder of CSV tables for programs, or one workbook for people."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from perprotocol.formats.listings.tables import ANSWER, Listing, Words
from perprotocol.formats.sheets import Heading, new_workbook
from perprotocol.output import whole
from rules.page.tables import TRANSLATED, shown
from rules.report import write_table

_WIDE = frozenset({"message", "question", "expected", "value", "reason", "cause", "decision", "answer"})
_NO_NAME = re.compile(r"[^\w.-]+")
_NO_SHEET = re.compile(r"[\[\]:*?/\\']+")
_LONGEST = 31
"""Signs that Excel allows in the name of a sheet."""


def write_folder(listings: Sequence[Listing], folder: Path, manifest: Mapping[str, Any]) -> list[str]:
    """The folder holds every listing as CSV, the queries of each site in a file of their own, and the manifest."""
    with whole(folder) as place:
        (place / "queries").mkdir(parents=True)
        names = []
        for listing, name in zip(listings, _file_names(listings), strict=True):
            write_table(listing.frame, "csv", "en", place / name)
            names.append(name)
        hashes = {name: hashlib.sha256((place / name).read_bytes()).hexdigest() for name in names}
        text = json.dumps({**manifest, "results": hashes}, ensure_ascii=False, indent=2)
        (place / "manifest.json").write_text(text + "\n", encoding="utf-8", newline="\n")
    return names


def _file_names(listings: Iterable[Listing]) -> list[str]:
    plain = [
        f"{listing.name}.csv" if listing.site is None else f"queries/{_NO_NAME.sub('-', listing.site) or 'no-site'}.csv"
        for listing in listings
    ]
    return _once(plain, lambda name, n: f"{name.removesuffix('.csv')}-{n}.csv")


def _once(names: Sequence[str], numbered: Any) -> list[str]:
    """The names, each once: a later one of the same letters gets a number."""
    found: list[str] = []
    for name in names:
        free, n = name, 1
        while free.lower() in (other.lower() for other in found):
            n += 1
            free = numbered(name, n)
        found.append(free)
    return found


def write_workbook(
    listings: Sequence[Listing], path: Path, manifest: Mapping[str, Any], footer: str, lang: str
) -> list[str]:
    """The workbook holds a sheet for each listing with headings in the language; its manifest stands beside it."""
    words = Words(lang)
    names = _once([_sheet(listing, words) for listing in listings], lambda name, n: f"{name[: _LONGEST - 3]} {n}")
    with new_workbook(path, footer) as book:
        for listing, name in zip(listings, names, strict=True):
            book.add(
                name,
                [_heading(column, words) for column in listing.frame.columns],
                _rows(listing, words),
                title=_title(listing, words),
            )
    result = {path.name: hashlib.sha256(path.read_bytes()).hexdigest()}
    text = json.dumps({**manifest, "results": result}, ensure_ascii=False, indent=2)
    with whole(path.with_name(f"{path.name}.manifest.json")) as place:
        place.write_text(text + "\n", encoding="utf-8", newline="\n")
    return names


def _site(listing: Listing, words: Words) -> str:
    return words.labels("no site") if listing.site == "" else words.value(listing.site or "")


def _sheet(listing: Listing, words: Words) -> str:
    name = words["listings"][listing.name]
    full = name if listing.site is None else f"{name} {_site(listing, words)}"
    return _NO_SHEET.sub("-", full)[:_LONGEST]


def _title(listing: Listing, words: Words) -> str:
    title = words["titles"][listing.name]
    return title if listing.site is None else f"{title}: {_site(listing, words)}"


def _heading(name: str, words: Words) -> Heading:
    width = 70 if name in _WIDE else 34 if name in ("id", "event", "record", "rule_title") else 0
    return Heading(words.column(name), width=width, form="text" if name in ANSWER else "")


def _rows(listing: Listing, words: Words) -> Iterable[list[object]]:
    """The cells: days and numbers as such, the engine's words in the language."""
    columns = listing.frame.columns
    for row in listing.frame.iter_rows():
        yield [_cell(value, name, words) for value, name in zip(row, columns, strict=True)]


def _cell(value: object, name: str, words: Words) -> object:
    if not isinstance(value, str):
        return value
    if name == "flag":
        return words.value(value)
    return shown(value, words.labels, name) if name in (*TRANSLATED, "logged") else value


def rows_of(listings: Iterable[Listing]) -> dict[str, int]:
    """How many rows each listing has."""
    found: dict[str, int] = {}
    for listing in listings:
        found[listing.name] = found.get(listing.name, 0) + len(listing.frame)
    return found
