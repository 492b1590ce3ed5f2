"""Results to files and to the screen: JSON, CSV, Parquet, Markdown, a table for people, and the HTML page."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO

import polars as pl
import polars.selectors as cs

from rules.audit import Report
from rules.manifest import Manifest, write_manifest
from rules.page.labels import Labels
from rules.page.text import markdown_report, markdown_table, print_report, print_table

"""The formats of a table and of an audit."""

_SLICE = 100_000
"""Rows turned into text at a time, so that memory stays bounded."""


def write_table(frame: pl.DataFrame, format: str, lang: str, out: Path | None) -> None:
    """The table in a file, or on standard output where `out` is None.

    `json`, `csv` and `parquet` hold every column under its own name, for programs; `table`, `markdown` and `html` have
    headings in the language (`en`, `zh`), and the first two only the columns that a person needs.
    """
    match format:
        case "json":
            _write(out, lambda file: _json(frame, file))
        case "csv":
            _write(out, lambda file: _csv(frame, file))
        case "parquet":
            _write(out, frame.write_parquet)
        case "markdown":
            _write_text(out, markdown_table(frame, Labels(lang)))
        case "html":
            from rules.page.html import table_page  # noqa: PLC0415  only a page needs it

            _write_text(out, table_page(frame, lang))
        case _:
            print_table(frame, Labels(lang), out)


def write_report(
    report: Report,
    calendar: pl.DataFrame | None,
    format: str,
    out: Path | None,
    *,
    protocol_file: str | Path | None = None,
    options: Mapping[str, object] | None = None,
    operator: str | None = None,
) -> Manifest:
    """The audit in a file, or on standard output where `out` is None; what it returns is the run's manifest.

    Beside a file lies its manifest, `NAME.manifest.json`, with the file's hash. `json`, `csv` and `parquet` hold
    findings, queries and closed findings as one table, told apart by `verdict` and `state`; the others hold the whole
    report. `calendar` (of
    `schedule`) is needed for the timelines of `html` alone.
    """
    manifest = write_manifest(report, options=options, protocol_file=protocol_file, operator=operator)
    match format:
        case "html":
            from rules.page.html import report_page  # noqa: PLC0415  only a page needs it

            _write_text(out, report_page(report, calendar, manifest))
        case "markdown":
            _write_text(out, markdown_report(report, manifest))
        case "table":
            print_report(report, manifest, out)
        case _:
            write_table(report.rows, format, report.lang, out)
    if out is not None:
        with out.open("rb") as file:
            manifest["results"] = {out.name: hashlib.file_digest(file, "sha256").hexdigest()}
        text = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
        out.with_name(f"{out.name}.manifest.json").write_text(text, encoding="utf-8", newline="\n")
    return manifest


def _write(out: Path | None, write: Callable[[IO[bytes]], object]) -> None:
    if out is None:
        write(sys.stdout.buffer)
        sys.stdout.buffer.flush()
    else:
        with out.open("wb") as file:
            write(file)


def _write_text(out: Path | None, text: str) -> None:
    _write(out, lambda file: file.write(text.encode("utf-8")))


def _json(frame: pl.DataFrame, file: IO[bytes]) -> None:
    """An array of flat objects, one a line: ISO dates, null for what is absent."""
    known = frame.with_columns(cs.float().fill_nan(None))
    before = b"[\n"
    for part in known.iter_slices(_SLICE):
        file.write(before + part.write_ndjson().encode("utf-8").rstrip(b"\n").replace(b"\n", b",\n"))
        before = b",\n"
    file.write(b"\n]\n" if len(frame) else b"[]\n")


def _csv(frame: pl.DataFrame, file: IO[bytes]) -> None:
    """Commas, a header, UTF-8. A text that a spreadsheet would run as a formula gets an apostrophe before it."""
    texts = [name for name, dtype in frame.schema.items() if dtype == pl.String]
    for n, part in enumerate(frame.iter_slices(_SLICE) if len(frame) else (frame,)):
        part.with_columns(map(_inert, texts)).write_csv(file, include_header=n == 0)


def _inert(name: str) -> pl.Expr:
    """The column with every text that begins like a formula, and is no plain number, made inert."""
    text = pl.col(name)
    formula = text.str.contains(r"^[=+\-@\t\r\n＝＋－＠]") & ~text.str.contains(r"^[+-]?\d+(\.\d+)?$")
    return pl.when(formula).then(pl.concat_str(pl.lit("'"), text)).otherwise(text).alias(name)
