"""Results on their way out: a table in the wanted format, or a text, to a file or to standard output."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
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


@contextmanager
def whole(output: Path) -> Iterator[Path]:
    """Where to write a file, or a new folder, that then stands at `output`: all of it, or what was there before."""
    from protocol.errors import Fault, StudyError  # noqa: PLC0415

    if output.is_dir() and any(output.iterdir()):
        why = "is there already and is not empty"
        raise StudyError([Fault("-o", None, None, "", str(output), why, "name a new folder, or empty this one")])
    if not output.parent.is_dir():
        why, remedy = "stands in a folder that is not there", "name a place in a folder that is there"
        raise StudyError([Fault("-o", None, None, "", str(output), why, remedy)])
    place = Path(mkdtemp(prefix=".perprotocol-", dir=output.parent))
    try:
        yield place / output.name
        if output.is_dir():
            output.rmdir()
        (place / output.name).replace(output)
    finally:
        shutil.rmtree(place)
