"""The verb `export excel`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from perprotocol.door import bad_input, report_progress, say
from perprotocol.options import Blinded, ProtocolArg, Quiet

SHORT = "A study as one workbook."
EXAMPLES = (
    "Examples:\n\n"
    "perprotocol export excel uc-msc-saa examples/uc-msc-saa -o study.xlsx\n\n"
    "perprotocol audit uc-msc-saa study.xlsx"
)


def excel(
    protocol: ProtocolArg,
    study: Annotated[Path, typer.Argument(help="A study folder, or one Excel workbook.", metavar="STUDY")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The workbook to write.", metavar="FILE")],
    blinded: Blinded = None,
    quiet: Quiet = False,
) -> None:
    """A study as one workbook, a sheet per table: as recorded, to be filled in, and read again as a STUDY."""
    with bad_input(output):
        import protocol as promised  # noqa: PLC0415
        from perprotocol.formats.excel import write_study  # noqa: PLC0415
        from rules.blinding import read_facts, sighted  # noqa: PLC0415

        versions = promised.read_versions(protocol)
        _, facts, _ = sighted(versions, read_facts(study, versions[-1], blinded), blinded)
        with report_progress("export", quiet=quiet) as progress:
            sheets = write_study(facts, output, progress)
    say(f"wrote {output} with {sheets} sheets", quiet=quiet)
