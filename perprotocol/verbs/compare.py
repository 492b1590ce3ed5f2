"""The verb `compare`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from perprotocol.door import bad_input, say
from perprotocol.options import Format, FormatOpt, Lang, LangOpt, Out, Quiet
from perprotocol.output import print_table

SHORT = "What differs between two runs of audit, and why."
EXAMPLES = (
    "Examples:\n\n"
    "perprotocol audit uc-msc-saa examples/uc-msc-saa --as-of 2016-01-31 --format json -o january.json\n\n"
    "perprotocol audit uc-msc-saa examples/uc-msc-saa --as-of 2016-02-29 --format json -o february.json\n\n"
    "perprotocol compare january.json february.json\n\n"
    "perprotocol compare january.json february.json --old-study examples/uc-msc-saa --new-study examples/uc-msc-saa"
)


def compare(
    old: Annotated[
        Path, typer.Argument(help="A result of audit as json, csv or parquet, or its folder.", metavar="OLD")
    ],
    new: Annotated[Path, typer.Argument(help="A later result.", metavar="NEW")],
    old_study: Annotated[
        Path | None, typer.Option("--old-study", help="The study of OLD: causes then name cells.", metavar="STUDY")
    ] = None,
    new_study: Annotated[Path | None, typer.Option("--new-study", help="The study of NEW.", metavar="STUDY")] = None,
    format: FormatOpt = Format.table,
    output: Out = None,
    lang: LangOpt = Lang.en,
    quiet: Quiet = False,
) -> None:
    """New, changed, gone and unchanged findings and queries between two runs, each with what caused it.

    A run is what audit -o wrote, with its manifest beside it. Exit status: 0 nothing differs, 1 something does.
    """
    with bad_input(output):
        import rules  # noqa: PLC0415
        from rules.review.compare import compare as beside  # noqa: PLC0415
        from rules.review.compare import counted, read_run  # noqa: PLC0415

        studies = [rules.read_study(folder) if folder is not None else None for folder in (old_study, new_study)]
        told = beside(read_run(old, studies[0]), read_run(new, studies[1]))
        differing = told.filter(told["change"] != "unchanged")
        people = format in (Format.table, Format.markdown, Format.html)
        say(counted(told, lang.value), quiet=quiet)
        print_table(differing if people else told, format, lang, output, quiet=quiet)
    raise typer.Exit(1 if len(differing) else 0)
