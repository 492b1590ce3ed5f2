"""The verb `demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from perprotocol.door import bad_input
from perprotocol.options import Lang, LangOpt, Quiet

SHORT = "The main job on a synthetic study."
EXAMPLES = "Example:\n\nperprotocol demo -o demo"


def demo(
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for the HTML page.", metavar="FOLDER")] = Path(
        "demo"
    ),
    lang: LangOpt = Lang.en,
    quiet: Quiet = False,
) -> None:
    """The main job on the synthetic example study: one child's calendar, one verdict, the audit, and its HTML page."""
    from perprotocol.demonstration import run_demo  # noqa: PLC0415

    with bad_input():
        run_demo(output, lang.value, quiet=quiet)
