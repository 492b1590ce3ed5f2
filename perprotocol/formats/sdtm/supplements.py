"""Supplemental qualifiers: what no variable of SDTM holds as it was recorded goes beside it, and comes back from there.

A column has one QNAM. What went into a variable and would come back otherwise (`iv` for INTRAVENOUS, `35.0` for 35) is
told here as recorded; so a table that went out is the same when it comes in. A text longer than SDTM allows goes on
in the qualifiers of its variable: DVTERM, then DVTERM1, DVTERM2.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

import polars as pl

from perprotocol.formats.sdtm.frames import recoded
from perprotocol.formats.xpt import MOST_BYTES
from rules.door.tables import SCHEMAS

QNAMES: dict[str, str] = {
    "amount": "AMOUNT", "unit": "UNIT", "occurrence": "OCCURNUM", "frequency": "FREQ", "route": "ROUTE",
    "brand": "BRAND", "lot": "LOT", "bag": "BAG", "expires": "EXPIRES", "status": "STATUS", "reason": "REASON",
    "weight_used": "WGTUSED", "ordered": "ORDERED", "prepared": "PREPARED", "volume": "VOLUME",
    "concentration": "CONC", "concentration_unit": "CONCU", "viability": "VIABILTY", "viable_or_total": "VIABTOT",
    "counted": "COUNTED", "thawed": "THAWED", "released": "RELEASED", "dispensed": "DISPENSD", "record": "RECORD",
    "source": "SOURCE", "entered": "ENTERED", "changed": "CHANGED", "start": "START", "end": "END",
    "treatment": "TREATMNT", "measure": "MEASURE", "value": "VALUE", "low": "LOW", "high": "HIGH", "at": "AT",
    "reported": "REPORTED", "method": "METHOD", "since_dose": "SINCDOSE", "visit": "VISITREC", "date": "DATE",
    "event": "EVENT", "grade": "GRADE", "detail": "DETAIL", "indication": "INDIC", "term": "TERM",
    "category": "CATEGORY", "activity": "ACTIVITY", "important": "IMPORTNT", "aware": "AWARE", "version": "VERSION",
    "signed": "SIGNED", "document": "DOCUMENT", "by": "SIGNEDBY", "scope": "SCOPE", "withdrawn": "WITHDRWN",
    "milestone": "MILESTON", "arm": "ARMREC", "actual_arm": "ACTARMRC", "site": "SITEREC", "sex": "SEXREC",
    "birth_date": "BIRTHREC", "screening_outcome": "SCRNOUT", "screened_as": "SCRNDAS", "enrolled": "ENROLLED",
    "day_zero": "DAYZERO",
}  # fmt: skip
"""Column of a study folder -> QNAM."""
COLUMNS = {qnam: column for column, qnam in QNAMES.items()}
FINDING = "FINDING"
"""The QNAM that names the finding which a record of DV or IE confirms: it is no entry of the site's log."""
EMPTY = "(empty)"
"""The QVAL of a cell that was empty although its variable says something."""
VARIABLES = ("STUDYID", "RDOMAIN", "USUBJID", "IDVAR", "IDVARVAL", "QNAM", "QLABEL", "QVAL", "QORIG")
_NARROW = 197
"""A piece this long was cut because it was full, not at a blank."""


def qlabel(column: str) -> str:
    """The label of a qualifier: the column's name as words."""
    return f"{column.replace('_', ' ').capitalize()}, as recorded"


# --- out ----------------------------------------------------------------------------------------------------------


def differing(table: str, texts: pl.DataFrame, back: pl.DataFrame) -> pl.DataFrame:
    """USUBJID, SEQ, column, value of each cell that did not come back as it was recorded.

    Both have a row for each record, in the same order; `back` also the keys.
    """
    pieces = []
    nothing = pl.Series([None], dtype=pl.String).new_from_index(0, len(texts))
    for column in (c for c in SCHEMAS[table].names if c in QNAMES):
        was, now = (frame[column] if column in frame.columns else nothing for frame in (texts, back))
        apart = _plain(table, column, was).ne_missing(_plain(table, column, now))
        if apart.any():
            rows = back.select("USUBJID", "SEQ").with_columns(was.alias("QVAL"), pl.lit(column).alias("column"))
            pieces.append(rows.filter(apart).with_columns(pl.col("QVAL").fill_null(EMPTY)))
    if not pieces:
        return pl.DataFrame(schema={"USUBJID": pl.String, "SEQ": pl.String, "QVAL": pl.String, "column": pl.String})
    return pl.concat(pieces)


def _plain(table: str, column: str, values: pl.Series) -> pl.Series:
    """The values; a T and a blank between day and time are alike."""
    if SCHEMAS[table][column].kind in ("date", "datetime"):
        return values.str.replace(r"^(\d{4}-\d{2}-\d{2}) (\d)", "${1}T${2}")
    return values


def supplement(study: str, domain: str, idvar: str, cells: pl.DataFrame) -> pl.DataFrame:
    """The dataset SUPPxx of these cells: USUBJID, SEQ, column (or `qnam` and `label`), QVAL."""
    rows = cells.with_columns(
        STUDYID=pl.lit(study),
        RDOMAIN=pl.lit(domain),
        IDVAR=pl.lit(idvar or None, pl.String),
        IDVARVAL=pl.col("SEQ") if idvar else pl.lit(None, pl.String),
        QNAM=pl.col("qnam") if "qnam" in cells.columns else pl.col("column").replace_strict(QNAMES),
        QLABEL=pl.col("label")
        if "label" in cells.columns
        else pl.col("column").replace_strict({column: qlabel(column) for column in QNAMES}),
        QORIG=pl.lit("CRF"),
    )
    short = rows.filter(pl.col("QVAL").str.len_bytes() <= MOST_BYTES)
    long = rows.filter(pl.col("QVAL").str.len_bytes() > MOST_BYTES)
    more = [
        {**row, "QNAM": row["QNAM"] if n == 0 else f"{row['QNAM'][:7]}{n}", "QVAL": piece}
        for row in long.select(VARIABLES).iter_rows(named=True)
        for n, piece in enumerate(pieces(row["QVAL"]))
    ]
    schema = dict.fromkeys(VARIABLES, pl.String)
    whole = pl.concat([short.select(VARIABLES), pl.DataFrame(more, schema=schema)])
    number = pl.col("IDVARVAL").cast(pl.Float64, strict=False)
    return whole.sort("USUBJID", number, "QNAM", maintain_order=True, nulls_last=False)


def continued(frame: pl.DataFrame, domain: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The frame with every text cut to what SDTM allows, and the rest as cells for its supplemental qualifiers."""
    cells = []
    for column in [c for c, dtype in frame.schema.items() if dtype == pl.String and c not in ("USUBJID", "STUDYID")]:
        long = frame.select((pl.col(column).str.len_bytes() > MOST_BYTES).fill_null(value=False)).to_series()
        if not long.any():
            continue
        cut = {text: list(pieces(text)) for text in frame[column].filter(long).unique()}
        for row in frame.filter(long).iter_rows(named=True):
            seq = str(row.get(f"{domain}SEQ", ""))
            for n, piece in enumerate(cut[row[column]][1:], 1):
                cells.append((row["USUBJID"], seq, f"{column[:7]}{n}", f"{column}, continued {n}", piece))
        frame = frame.with_columns(pl.col(column).replace({text: parts[0] for text, parts in cut.items()}))
    names = ("USUBJID", "SEQ", "qnam", "label", "QVAL")
    return frame, pl.DataFrame(cells, schema=dict.fromkeys(names, pl.String), orient="row")


def pieces(text: str) -> Iterator[str]:
    """The text in pieces that SDTM allows: cut before a blank where there is one, else where it is full."""
    rest = text
    while len(rest.encode()) > MOST_BYTES:
        narrow = rest.encode()[:_NARROW].decode("utf-8", "ignore")
        blank = narrow.rfind(" ", len(narrow) // 2)
        single = blank > 0 and " " not in (rest[blank - 1], rest[blank + 1])
        cut = blank if single else len(rest.encode()[:MOST_BYTES].decode("utf-8", "ignore"))
        yield rest[:cut]
        rest = rest[cut:]
    yield rest


# --- in -----------------------------------------------------------------------------------------------------------


def read_supplement(supp: pl.DataFrame) -> pl.DataFrame:
    """USUBJID, SEQ, QNAM, QVAL of a SUPPxx, as far as it has them; numbers of records without a point."""
    wanted = ("USUBJID", "IDVARVAL", "QNAM", "QVAL")
    if not supp.width or not {"USUBJID", "QNAM", "QVAL"} <= {*supp.columns}:
        return pl.DataFrame(schema=dict.fromkeys(("USUBJID", "SEQ", "QNAM", "QVAL"), pl.String))
    frame = supp.select(pl.col(c) if c in supp.columns else pl.lit(None, pl.String).alias(c) for c in wanted)
    seq = pl.col("IDVARVAL").str.replace(r"\.0+$", "").fill_null("")
    return frame.select("USUBJID", seq.alias("SEQ"), "QNAM", "QVAL").drop_nulls("QVAL")


def joined_texts(frame: pl.DataFrame, cells: pl.DataFrame) -> pl.DataFrame:
    """A domain whose long texts go on in its qualifiers, with these texts whole again."""
    for column in frame.columns:
        more = cells.filter(pl.col("QNAM").str.contains(f"^{re.escape(column[:7])}[1-9]$"))
        if column in ("USUBJID", "STUDYID") or not len(more):
            continue
        order = pl.col("QNAM").str.slice(-1)
        rest = more.sort("USUBJID", "SEQ", order).group_by("USUBJID", "SEQ", maintain_order=True).agg("QVAL")
        frame = frame.join(rest, on=["USUBJID", "SEQ"], how="left", maintain_order="left")
        whole = [
            together([text or "", *parts]) if parts is not None else text
            for text, parts in zip(frame[column], frame["QVAL"].to_list(), strict=True)
        ]
        frame = frame.with_columns(pl.Series(column, whole, pl.String)).drop("QVAL")
    return frame


def together(parts: list[str]) -> str:
    """The pieces as one text; other tools cut at a blank and leave it out, so it is put back."""
    text = parts[0]
    for before, piece in pairwise(parts):
        full = len(before.encode()) >= _NARROW or piece.startswith(" ")
        text += piece if full else f" {piece}"
    return text


def with_qualifiers(rows: pl.DataFrame, cells: pl.DataFrame) -> pl.DataFrame:
    """The rows of a table, with what the qualifiers of an export of ours say instead."""
    named = {**{qnam: qnam for qnam in COLUMNS}, **{f"{qnam[:7]}{n}": qnam for qnam in COLUMNS for n in range(1, 10)}}
    own = cells.with_columns(recoded(pl.col("QNAM"), named).alias("base")).drop_nulls("base")
    if not len(own):
        return rows
    part = (
        pl.when(pl.col("QNAM") == pl.col("base"))
        .then(0)
        .otherwise(pl.col("QNAM").str.slice(-1).cast(pl.Int8, strict=False))
    )
    own = own.sort("USUBJID", "SEQ", "base", part)
    told = own.group_by("USUBJID", "SEQ", "base", maintain_order=True).agg(pl.col("QVAL").alias("parts"))
    whole = [parts[0] if len(parts) == 1 else together(parts) for parts in told["parts"].to_list()]
    told = told.select("USUBJID", "SEQ", "base", pl.Series("QVAL", whole, pl.String))
    for qnam in told["base"].unique(maintain_order=True):
        column = COLUMNS[qnam]
        values = told.filter(pl.col("base") == qnam).select("USUBJID", "SEQ", "QVAL")
        rows = rows.join(values, on=["USUBJID", "SEQ"], how="left", maintain_order="left")
        was = pl.col(column) if column in rows.columns else pl.lit(None, pl.String)
        said = pl.when(pl.col("QVAL") == EMPTY).then(None).otherwise(pl.coalesce("QVAL", was))
        rows = rows.with_columns(said.alias(column)).drop("QVAL")
    return rows
