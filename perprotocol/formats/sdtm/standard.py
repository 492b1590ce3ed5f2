"""The datasets of SDTM as they are written: labels, keys, origins, and the table that describes every variable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import polars as pl
import yaml

DEFINE: dict[str, pl.DataType] = {
    "dataset": pl.String(), "variable": pl.String(), "label": pl.String(), "type": pl.String(), "length": pl.Int64(),
    "key": pl.Int64(), "codelist": pl.String(), "origin": pl.String(), "how": pl.String(),
}  # fmt: skip
"""One row a variable: what a define.xml says of it."""

DATASETS: dict[str, pl.DataType] = {
    "dataset": pl.String(), "label": pl.String(), "class": pl.String(), "structure": pl.String(), "keys": pl.String(),
    "records": pl.Int64(),
}  # fmt: skip
"""One row a dataset."""


@dataclass(frozen=True)
class Variable:
    """One variable: its label, whether it is a number, its codelist, where it comes from and how it is made."""

    label: str
    kind: str = "C"
    codelist: str = ""
    origin: str = "Collected"
    how: str = ""


@dataclass(frozen=True)
class Dataset:
    """One dataset: what it is, what its rows are, and the variables that make a row unique."""

    name: str
    label: str
    kind: str
    structure: str
    keys: tuple[str, ...]
    variables: Mapping[str, Variable]

    def variable(self, name: str) -> Variable:
        """What is said of a variable: of this one alone, or of all that end like it."""
        return self.variables.get(name) or self.variables.get("--" + name[2:]) or Variable(name)


@cache
def dataset(name: str) -> Dataset:
    """The dataset of that name; `SUPPEX` are the supplemental qualifiers of EX."""
    told = _standard()
    if name.startswith("SUPP"):
        keys = ("STUDYID", "RDOMAIN", "USUBJID", "IDVAR", "IDVARVAL", "QNAM")
        said = {n: _variable(text) for n, text in told["supplemental"].items()}
        structure = "One record per supplemental qualifier per related parent record"
        return Dataset(name, f"Supplemental Qualifiers for {name[4:]}", "RELATIONSHIP", structure, keys, said)
    entry = told["datasets"][name]
    shared = {n: _variable(text) for n, text in told["shared"].items()}
    own = {n: _variable(text) for n, text in entry["variables"].items()}
    for variable, label in entry.get("labels", {}).items():
        like = shared.get("--" + variable[2:], Variable(label))
        own[variable] = Variable(label, like.kind, like.codelist, like.origin, like.how)
    return Dataset(name, entry["label"], entry["class"], entry["structure"], tuple(entry["keys"]), shared | own)


def labels(name: str, frame: pl.DataFrame) -> dict[str, str]:
    """The label of every variable of a dataset."""
    return {column: dataset(name).variable(column).label for column in frame.columns}


def define(datasets: Mapping[str, pl.DataFrame]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The datasets, and every variable of each, as tables."""
    about, rows = [], []
    for name, frame in datasets.items():
        said = dataset(name)
        about.append((name, said.label, said.kind, said.structure, ", ".join(said.keys), len(frame)))
        for column, dtype in frame.schema.items():
            v = said.variable(column)
            text = dtype == pl.String
            length = int(frame.select(pl.col(column).str.len_bytes().max()).item() or 1) if text else 8
            kind = "text" if text else "date" if dtype == pl.Date else "integer" if dtype == pl.Int64 else "float"
            key = said.keys.index(column) + 1 if column in said.keys else None
            rows.append((name, column, v.label, kind, length, key, v.codelist, v.origin, v.how))
    return pl.DataFrame(about, schema=DATASETS, orient="row"), pl.DataFrame(rows, schema=DEFINE, orient="row")


@cache
def _standard() -> Any:
    return yaml.safe_load(files("perprotocol.formats.sdtm").joinpath("standard.yaml").read_text("utf-8"))


def _variable(text: str) -> Variable:
    return Variable(*(part.strip() for part in text.split("|")))
