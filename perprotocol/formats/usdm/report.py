"""What an import has to tell: what was read, assumed, asked, contradictory, or could not be said; one row each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Literal, TypeAlias

import yaml

if TYPE_CHECKING:
    import polars as pl

Kind: TypeAlias = Literal["contradiction", "question", "assumed", "not said", "read", "restored", "settled"]
KINDS: tuple[Kind, ...] = ("contradiction", "question", "assumed", "not said", "settled", "restored", "read")
"""In the order of the report: first what somebody must look at."""


@dataclass(frozen=True)
class Remark:
    """One row: where in the file, where in the protocol, and the sentence `key` with its values."""

    kind: Kind
    key: str
    place: str = ""
    path: str = ""
    values: dict[str, str] = field(default_factory=dict)

    def text(self, lang: str) -> str:
        """The sentence in that language."""
        return words()["sentences"][self.key][lang].format(**self.values)


@lru_cache(maxsize=1)
def words() -> dict[str, dict[str, dict[str, str]]]:
    """The catalogue of this format: sentences, kinds and column titles, each in English and Chinese."""
    file = resources.files("perprotocol.formats.usdm") / "words.yaml"
    found: dict[str, dict[str, dict[str, str]]] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return found


def table(remarks: Iterable[Remark], lang: str, *, titled: bool = False) -> pl.DataFrame:
    """The report as a table; `titled`: its columns have the headings that people read.

    Columns
    -------
    kind: what it is, in plain words (`KINDS`)
    usdm: the object of the file
    protocol: the path in the protocol
    text: the sentence
    """
    import polars as pl  # noqa: PLC0415

    ordered = sorted(remarks, key=lambda remark: KINDS.index(remark.kind))
    rows = [(words()["kinds"][r.kind][lang], r.place, r.path, r.text(lang)) for r in ordered]
    names = [each[lang] if titled else name for name, each in words()["columns"].items()]
    return pl.DataFrame(rows, schema=dict.fromkeys(names, pl.String), orient="row")


def summary(remarks: Iterable[Remark], lang: str) -> str:
    """How many rows of each kind there are, in one line."""
    found = [remark.kind for remark in remarks]
    said = [f"{words()['kinds'][kind][lang]}: {found.count(kind)}" for kind in KINDS if kind in found]
    return ("；" if lang == "zh" else "; ").join(said)
