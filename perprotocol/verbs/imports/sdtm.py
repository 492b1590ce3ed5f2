"""The verb `import sdtm`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from perprotocol.door import bad_input, report_progress, say
from perprotocol.options import Format, FormatOpt, Lang, LangOpt, Quiet, Tables
from perprotocol.output import print_table, whole

SHORT = "A study from SDTM datasets, and what has to be asked."
EXAMPLES = (
    "Examples:\n\n"
    "perprotocol import sdtm tabulations --protocol lzzt -o study\n\n"
    "perprotocol import sdtm tabulations --protocol lzzt --mapping mapping.yaml --tables parquet -o study\n\n"
    "perprotocol audit lzzt study"
)


def sdtm(
    folder: Annotated[
        Path,
        typer.Argument(help="A folder of SDTM datasets: XPT, Dataset-JSON, CSV or Parquet.", metavar="FOLDER"),
    ],
    protocol: Annotated[
        str,
        typer.Option("--protocol", help="The protocol that the study follows: a file or a name.", metavar="PROTOCOL"),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="The study folder to make.", metavar="STUDY")],
    mapping: Annotated[
        Path | None,
        typer.Option("--mapping", help="What names and numbers do not settle, as YAML.", metavar="FILE"),
    ] = None,
    tables: Annotated[Tables, typer.Option("--tables", help="How to write the tables.")] = Tables.csv,
    format: FormatOpt = Format.table,
    lang: LangOpt = Lang.en,
    quiet: Quiet = False,
) -> None:
    """A study folder from SDTM datasets, and a report: open questions first, then what was left out and assumed.

    Visits are linked to the protocol's by name, number or label; a mapping file settles the rest.
    Exit status 3: the folder is there, and some questions are open.
    """
    with bad_input():
        import protocol as promised  # noqa: PLC0415
        from perprotocol.formats.sdtm.importing import REPORT_FILE, import_study  # noqa: PLC0415

        trial = promised.read_versions(protocol)[-1]
        with whole(output) as place, report_progress("import", quiet=quiet) as progress:
            told = import_study(folder, trial, place, mapping, tables=tables.value, lang=lang.value, progress=progress)
        print_table(told.notes.table(lang.value), format, lang, None)
    say(f"wrote {output}: " + ", ".join(f"{rows} {name}" for name, rows in told.rows.items()), quiet=quiet)
    say(f"the report stands in {output / REPORT_FILE}", quiet=quiet)
    if told.notes.open:
        raise typer.Exit(3)
