"""What a correction in the source removed: the finding of the old value, found again and closed, never gone.

The study with the cells as they were before is judged by the same rules, for the participants that a correction
touches. A cell that was corrected several times is taken back one correction at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from functools import partial

import polars as pl

from rules.facts import Study
from rules.page.labels import Labels
from rules.review.again import Change, read_again

Audited = Callable[[Study], pl.DataFrame]
"""The findings of a study."""

CORRECTED = {
    "id": pl.String(), "by": pl.String(), "at": pl.Date(), "said": pl.String(), "reason": pl.String(),
    "record": pl.String(), "answers": pl.Boolean(), "seen": pl.Boolean(),
}  # fmt: skip
"""A former finding: who corrected what when and why, whether that answers the finding, whether the source was seen."""


def former_findings(
    study: Study, findings: pl.DataFrame, audited: Audited, as_of: date | None, lang: str
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Findings that are there with the old values and not with the new ones, and what was corrected (`CORRECTED`)."""
    corrections = _placed(study, as_of)
    if not len(corrections):
        return findings.clear(), pl.DataFrame(schema=CORRECTED)
    pieces, said = [], []
    known = findings.select("id")
    for undone in _rounds(corrections):
        before = read_again(study, subjects=_touched(undone), changes=_changes(undone)).study
        if before is None:
            continue
        gone = audited(before).join(known, on="id", how="anti", maintain_order="left")
        pieces.append(gone)
        known = pl.concat([known, gone.select("id")])
        said.append(_explained(gone, undone, lang))
    if not pieces:
        return findings.clear(), pl.DataFrame(schema=CORRECTED)
    return pl.concat(pieces), pl.concat(said)


def _placed(study: Study, as_of: date | None) -> pl.DataFrame:
    """Corrections of one cell each whose row is there and says the new value, the latest of each cell first (`nth` 1).

    A correction of the as-of day's future, of a whole row, or of a cell that says something else now is left out.
    """
    frame = study.corrections.filter(pl.col("column").is_not_null())
    if as_of is not None:
        frame = frame.filter((pl.col("at") <= as_of).fill_null(value=True))
    pieces = [_in_table(study, str(name[0]), rows) for name, rows in frame.group_by("table", maintain_order=True)]
    pieces = [piece for piece in pieces if len(piece)]
    if not pieces:
        return pl.DataFrame()
    cell = ["table", "line", "column"]
    order = pl.concat(pieces).sort([*cell, "at", "row"], descending=[False] * 3 + [True] * 2, nulls_last=True)
    numbered = order.with_columns(nth=pl.int_range(1, pl.len() + 1).over(cell))
    fits = numbered.filter((pl.col("nth") == 1) & (pl.col("new").is_null() | (pl.col("new") == pl.col("now"))))
    return numbered.join(fits.select(cell), on=cell, how="semi", maintain_order="left")


def _in_table(study: Study, name: str, rows: pl.DataFrame) -> pl.DataFrame:
    """The corrections of one table with the line of their row, its participant and what the cell says now."""
    table = study.tables.get(name)
    if table is None or "record" not in table.raw.columns or "s" not in table.data.columns:
        return pl.DataFrame()
    record = table.raw["record"].cast(pl.String).str.strip_chars()
    lines = pl.DataFrame({"record": record, "line": table.lines, "at_raw": pl.int_range(len(record), eager=True)})
    people = table.data.select(pl.col("row").alias("line"), pl.col("s"))
    people = people.with_columns(subject=study.subjects["subject"].gather(people["s"])).drop("s")
    found = rows.join(lines, on="record", maintain_order="left").join(people, on="line", maintain_order="left")
    pieces = []
    for column, mine in found.group_by("column", maintain_order=True):
        if column[0] in table.raw.columns and column[0] != "record":
            now = table.raw[str(column[0])].gather(mine["at_raw"]).cast(pl.String).str.strip_chars()
            place = pl.concat_str(pl.lit(table.file), pl.col("line").cast(pl.String), separator=":")
            own = pl.concat_str(pl.lit(study.tables["corrections"].file), pl.col("row").cast(pl.String), separator=":")
            pieces.append(mine.with_columns(now=now, place=place, source_row=own).drop("at_raw"))
    return pl.concat(pieces) if pieces else pl.DataFrame()


def _rounds(corrections: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """The last correction of every cell; then of the cells that have more, the last two; and so on."""
    for last in sorted(corrections["nth"].unique()):
        cells = corrections.filter(pl.col("nth") == last).select("table", "line", "column")
        again = corrections.filter(pl.col("nth") <= last)
        yield again.join(cells, on=["table", "line", "column"], how="semi", maintain_order="left")


def _touched(undone: pl.DataFrame) -> pl.Series:
    """The participants whose rows are taken back, and those to whom a row belonged before."""
    moved = undone.filter(pl.col("column") == "subject")["old"]
    return pl.concat([undone["subject"], moved.rename("subject")]).drop_nulls().unique()


def _changes(undone: pl.DataFrame) -> dict[str, Change]:
    return {str(name[0]): partial(_taken_back, rows) for name, rows in undone.group_by("table")}


def _taken_back(undone: pl.DataFrame, raw: pl.DataFrame, lines: pl.Series) -> tuple[pl.DataFrame, pl.Series]:
    """The recorded table with the oldest of the values that the corrections replaced, in the dtype of its column."""
    for (column,), rows in undone.sort("nth").group_by("column", maintain_order=True):
        oldest = rows.unique("line", keep="last", maintain_order=True)
        old = oldest["old"].cast(raw.schema[str(column)], strict=False)
        before = pl.DataFrame({"row": oldest["line"], "old": old, "undone": True})
        joined = pl.DataFrame({"row": lines}).join(before, on="row", how="left", maintain_order="left")
        told = raw[str(column)].zip_with(joined["undone"].is_null(), joined["old"])
        raw = raw.with_columns(told.alias(str(column)))
    return raw, lines


def _explained(gone: pl.DataFrame, undone: pl.DataFrame, lang: str) -> pl.DataFrame:
    """For each former finding the corrections of its record, else all of its participant, in a sentence."""
    labels = Labels(lang)
    rows = []
    by_place = {str(key[0]): part for key, part in undone.group_by("place", maintain_order=True)}
    by_subject = {str(key[0]): part for key, part in undone.group_by("subject", maintain_order=True)}
    for finding in gone.select("id", "event", "subject", "record").iter_rows(named=True):
        mine = by_place.get(finding["record"], by_subject.get(finding["subject"], undone))
        said = labels("comma").join(_sentence(c, labels) for c in mine.sort("at", "row").iter_rows(named=True))
        last = mine.sort("at", "row", nulls_last=True).row(-1, named=True)
        answers = mine["finding"].is_in([finding["id"], finding["event"]]).any()
        seen = mine["source_seen"].eq_missing("yes").all()
        rows.append((finding["id"], last["by"], last["at"], said, last["reason"], last["source_row"], answers, seen))
    return pl.DataFrame(rows, schema=CORRECTED, orient="row")


def _sentence(correction: dict[str, object], labels: Labels) -> str:
    known = {name: value if value is not None else labels("not said") for name, value in correction.items()}
    return labels("corrected", **known | {"source_seen": labels.value(str(correction["source_seen"] or "not said"))})
