"""The verb `init`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from perprotocol.door import bad_input, say
from perprotocol.options import Quiet

NO_FOLDER = {".xls", ".xlsm", ".ods", ".csv", ".parquet", ".json", ".yaml", ".yml", ".zip"}
"""Endings of files: a folder with such a name is a slip."""
SHORT = "An empty study folder or workbook, with its page."
EXAMPLES = "Examples:\n\nperprotocol init my-study\n\nperprotocol init my-study.xlsx"


def init(
    folder: Annotated[
        Path, typer.Argument(help="The folder to make, or one workbook where the name ends in .xlsx.", metavar="FOLDER")
    ],
    quiet: Quiet = False,
) -> None:
    """An empty study folder: its tables with their headers, its settings, and a page that explains them.

    As a workbook it has a sheet for each table; what a column means, and the words it takes, stand at its head.
    """
    if folder.suffix.lower() == ".xlsx":
        init_workbook(folder, quiet=quiet)
        return
    with bad_input():
        import rules  # noqa: PLC0415
        from protocol import Fault, StudyError  # noqa: PLC0415

        if folder.suffix.lower() in NO_FOLDER:
            remedy = f"write {folder.with_suffix('.xlsx')} for a workbook, or a name without an ending for a folder"
            raise StudyError([Fault(str(folder), None, None, "", "", "looks like a file", remedy)])
        files = rules.init_study(folder)
    say(f"made {folder} with {len(files)} files; begin with {folder}/README.md and {folder}/subjects.csv", quiet=quiet)


def init_workbook(path: Path, *, quiet: bool) -> None:
    """An empty study as one workbook."""
    with bad_input(path):
        from perprotocol.formats.excel import write_empty  # noqa: PLC0415
        from protocol import Fault, StudyError  # noqa: PLC0415

        if path.exists():
            raise StudyError([Fault(str(path), None, None, "", "", "is there already", "name a new workbook")])
        sheets = write_empty(path)
    say(f"made {path} with {sheets} sheets; begin with the sheet subjects", quiet=quiet)
