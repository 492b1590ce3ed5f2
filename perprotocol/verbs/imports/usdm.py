"""The verb `import usdm`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from perprotocol.door import bad_input, check_place, say
from perprotocol.options import Format, FormatOpt, Lang, LangOpt, Out, Quiet
from perprotocol.output import print_table, whole

SHORT = "A protocol from USDM, and what it leaves open."
EXAMPLES = (
    "Examples:\n\n"
    "perprotocol import usdm study.json -o protocol.yaml\n\n"
    "perprotocol import usdm study.json -o protocol.yaml --supplement arms.yaml --report report.csv --format csv"
)


def usdm(
    file: Annotated[Path, typer.Argument(help="A USDM file, 4.0 or 3.x, as JSON.", metavar="FILE")],
    supplement: Annotated[
        Path | None,
        typer.Option("--supplement", help="A YAML file that says what USDM does not.", metavar="FILE"),
    ] = None,
    report: Annotated[
        Path | None, typer.Option("--report", help="Write the report of the import to this file.", metavar="FILE")
    ] = None,
    format: FormatOpt = Format.table,
    output: Out = None,
    lang: LangOpt = Lang.en,
    quiet: Quiet = False,
) -> None:
    """A protocol file from a USDM file, and a report: contradictions, questions, assumptions, what could not be said.

    The protocol goes to -o. The report goes to --report, or to standard output in --format.
    Without -o only the report is made.
    """
    with bad_input(output):
        check_place(report)
        from perprotocol.formats.usdm import import_usdm  # noqa: PLC0415
        from perprotocol.formats.usdm.report import summary, table  # noqa: PLC0415

        imported = import_usdm(file, supplement)
        if output is not None:
            with whole(output) as place:
                place.write_text(imported.text, encoding="utf-8")
            say(f"wrote {output}", quiet=quiet)
        say(summary(imported.remarks, lang.value), quiet=quiet)
        people = format in (Format.table, Format.markdown, Format.html)
        print_table(table(imported.remarks, lang.value, titled=people), format, lang, report, quiet=quiet)
