"""The verb `init`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from perprotocol.door import bad_input, say
from perprotocol.options import Quiet

EXAMPLES = "Example:\n\nperprotocol init my-study"


def init(
    folder: Annotated[Path, typer.Argument(help="The folder to make.", metavar="FOLDER")], quiet: Quiet = False
) -> None:
    """An empty study folder: its tables with their headers, its settings, and a page that explains them."""
    with bad_input():
        import rules  # noqa: PLC0415

        files = rules.init_study(folder)
    say(f"made {folder} with {len(files)} files; begin with {folder}/README.md and {folder}/subjects.csv", quiet=quiet)
