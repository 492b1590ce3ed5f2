"""What is said of an import or export beside its result: what was assumed, left out, or needs somebody's answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Literal

import polars as pl
import yaml

Kind = Literal["question", "left out", "assumed", "read"]
ORDER: tuple[Kind, ...] = ("question", "left out", "assumed", "read")

REPORT: dict[str, pl.DataType] = {
    "kind": pl.String(), "dataset": pl.String(), "variable": pl.String(), "value": pl.String(), "rows": pl.Int64(),
    "what": pl.String(), "remedy": pl.String(),
}  # fmt: skip
"""One row a note; `rows` says of how many records it holds."""


@dataclass
class Notes:
    """Notes as they come up; the same note of several records is one, with their number."""

    found: dict[tuple[Kind, str, str, str, str], int] = field(default_factory=dict)
    extra: dict[tuple[Kind, str, str, str, str], dict[str, str]] = field(default_factory=dict)

    def add(
        self, kind: Kind, what: str, dataset: str, variable: str = "", value: str = "", rows: int = 1, **extra: str
    ) -> None:
        """Note one thing: `what` is a key of the catalogue."""
        if rows:
            key = (kind, dataset, variable, value, what)
            self.found[key] = self.found.get(key, 0) + rows
            self.extra[key] = extra

    def count(self, kind: Kind, what: str, dataset: str, variable: str, values: pl.Series) -> None:
        """Note each distinct value with the number of its rows."""
        for value, rows in values.cast(pl.String).fill_null("").value_counts(sort=True).rows():
            self.add(kind, what, dataset, variable, value, rows)

    @property
    def open(self) -> bool:
        """Whether somebody has to answer something."""
        return any(kind == "question" for kind, *_ in self.found)

    def table(self, lang: str) -> pl.DataFrame:
        """The notes as a table, questions first, in the words of a language."""
        words = sentences(lang)
        rows = []
        for key in sorted(self.found, key=lambda k: (ORDER.index(k[0]), *k[1:])):
            kind, dataset, variable, value, what = key
            said = {"value": value, "variable": variable, "dataset": dataset, **self.extra[key]}
            text, _, remedy = words[what].format(**said).partition("; ")
            rows.append((words["kinds"][kind], dataset, variable, value[:80], self.found[key], text, remedy))  # type: ignore[index]
        return pl.DataFrame(rows, schema=REPORT, orient="row")


@cache
def sentences(lang: str) -> Mapping[str, str]:
    """The catalogue in one language: what was seen; after `; ` what to write instead."""
    told = yaml.safe_load(files("perprotocol.formats.sdtm").joinpath("words.yaml").read_text("utf-8"))
    return {key: by[lang] for key, by in told.items()}


def merged(parts: Iterable[Notes]) -> Notes:
    """The notes of several parts as one."""
    whole = Notes()
    for part in parts:
        for key, rows in part.found.items():
            whole.found[key] = whole.found.get(key, 0) + rows
            whole.extra[key] = part.extra[key]
    return whole
