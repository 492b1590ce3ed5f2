"""Results on their way out: a table in the wanted format, or a text, to a file or to standard output."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from perprotocol.door import say
from perprotocol.options import Format, Lang

if TYPE_CHECKING:
    import polars as pl


def print_table(frame: pl.DataFrame, format: Format, lang: Lang, output: Path | None, *, quiet: bool = False) -> None:
    """A table in the wanted format, to a file or to standard output."""
    from rules.report import write_table  # noqa: PLC0415

    if format is Format.parquet and output is None and sys.stdout.isatty():
        raise typer.BadParameter(
            "a terminal cannot show Parquet; write it to a file with -o FILE", param_hint="--format"
        )
    write_table(frame, format.value, lang.value, output)
    if output is not None:
        say(f"wrote {output}", quiet=quiet)


def print_text(text: str, output: Path | None) -> None:
    """A text, to a file or to standard output."""
    if output is None:
        sys.stdout.write(text.rstrip() + "\n")
    else:
        output.write_text(text, encoding="utf-8")
