"""Figures of a publication beside those computed: do they agree at the precision in which they were printed?"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from difflib import get_close_matches
from typing import Any

import polars as pl

from protocol.durations import Duration
from protocol.errors import Fault, ScalarError, StudyError
from protocol.model import Protocol
from rules.endpoints.results import days_in
from rules.endpoints.sets import EVERYONE
from rules.facts import Study, Table

COMPARED: dict[str, pl.DataType] = {
    "endpoint": pl.String(), "figure": pl.String(), "arm": pl.String(), "answer": pl.String(), "at": pl.String(),
    "published": pl.String(), "computed": pl.String(), "agrees": pl.String(), "source": pl.String(),
}  # fmt: skip
"""A published figure, the same one computed, and whether they agree: yes, no, or not computed."""

AGREES, DIFFERS, ABSENT = "yes", "no", "not computed"
Row = Mapping[str, Any]


def beside_published(protocol: Protocol, study: Study, results: pl.DataFrame) -> pl.DataFrame:
    """Every published figure of the study folder with what this run computes for it. StudyError for unknown names."""
    if "published" not in study.tables:
        return pl.DataFrame(schema=COMPARED)
    table = study.tables["published"]
    _check(protocol, table)
    rows = []
    recorded = table.recorded(table.data["row"]) if len(table.data) else table.raw
    for row, raw in zip(table.data.iter_rows(named=True), recorded.iter_rows(named=True), strict=True):
        found = _computed(row, results)
        printed, same = _printed(raw), _beside(raw, found)
        rows.append(
            {key: row[key] for key in ("endpoint", "figure", "arm", "answer", "at", "source")}
            | {"published": printed, "computed": same[0], "agrees": same[1]}
        )
    return pl.DataFrame(rows, schema=COMPARED, orient="row")


def _check(protocol: Protocol, table: Table) -> None:
    faults = []
    for row in table.data.iter_rows(named=True):
        for column, known in (("endpoint", protocol.endpoints), ("arm", protocol.arms)):
            if row[column] is not None and row[column] not in known:
                near = get_close_matches(row[column], known, n=1)
                remedy = f"write {near[0]}" if near else "write one of " + ", ".join(known)
                why = f"is no {column} of the protocol {protocol.protocol}"
                faults.append(Fault(table.file, row["row"], column, "", row[column], why, remedy))
        if row["at"] is not None:
            try:
                Duration.parse(row["at"])
            except ScalarError as error:
                faults.append(Fault(table.file, row["row"], "at", "", row["at"], error.why, error.remedy))
    if faults:
        raise StudyError(faults)


def _computed(row: Row, results: pl.DataFrame) -> Row | None:
    """The row of the results that a published figure is about."""
    mine = results.filter(
        (pl.col("analysis_set") == EVERYONE)
        & (pl.col("endpoint") == row["endpoint"])
        & (pl.col("figure") == row["figure"])
    )
    for column in ("arm", "answer"):
        mine = mine.filter(pl.col(column).eq_missing(pl.lit(row[column], pl.String)))
    if row["at"] is not None:
        wanted = days_in(Duration.parse(row["at"]))
        mine = mine.filter(
            pl.Series([at is not None and days_in(Duration.parse(at)) == wanted for at in mine["at"]], dtype=pl.Boolean)
        )
    return mine.row(0, named=True) if len(mine) == 1 else None


_CELLS = ("number", "of", "value", "error")


def _beside(raw: Row, found: Row | None) -> tuple[str | None, str]:
    """What was computed, at the published precision, and whether it is the same."""
    if found is None:
        return None, ABSENT
    shown = {name: _rounded(found[name], _text(raw, name)) for name in _CELLS if _text(raw, name)}
    same = all(text is not None and Decimal(text) == Decimal(_text(raw, name)) for name, text in shown.items())
    return _joined(shown, _text(raw, "unit")), AGREES if same else DIFFERS


def _rounded(value: float | None, like: str) -> str | None:
    """A number with as many digits after the point as another has."""
    if value is None:
        return None
    places = Decimal(1).scaleb(min(0, int(Decimal(like).as_tuple().exponent)))
    return str(Decimal(repr(float(value))).quantize(places, ROUND_HALF_UP))


def _text(raw: Row, name: str) -> str:
    text = str(raw[name]).strip() if raw.get(name) is not None else ""
    return text.removesuffix(".0") if isinstance(raw.get(name), float) else text


def _printed(raw: Row) -> str:
    return _joined({name: _text(raw, name) for name in _CELLS if _text(raw, name)}, _text(raw, "unit"))


def _joined(cells: Mapping[str, str | None], unit: str) -> str:
    """`4/9 (44 %)`, `38.1 % ± 17.2 %`, `0.153`."""
    said = {name: cell if cell is not None else "?" for name, cell in cells.items()}
    after = f" {unit}" if unit else ""
    count = "/".join(said[name] for name in ("number", "of") if name in said)
    value = " ± ".join(f"{said[name]}{after}" for name in ("value", "error") if name in said)
    return f"{count} ({value})" if count and value else count or value
