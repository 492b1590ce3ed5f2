"""The verb `import redcap`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from perprotocol.door import bad_input, say
from perprotocol.options import Format, FormatOpt, Lang, LangOpt, Quiet
from perprotocol.output import print_table, print_text

SHORT = "A study from an export of REDCap, by a mapping file."
EXAMPLES = (
    "Examples:\n\n"
    "perprotocol import redcap export.csv --dictionary dictionary.csv --draft mapping.yaml\n\n"
    "perprotocol import redcap export.csv --dictionary dictionary.csv --mapping mapping.yaml -o study"
)


def redcap(
    file: Annotated[Path, typer.Argument(help="An export of REDCap as CSV, raw or with labels.", metavar="FILE")],
    mapping: Annotated[
        Path | None, typer.Option("--mapping", help="Which field is which column of a study.", metavar="FILE")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="The study to make: a folder, or one workbook (.xlsx).", metavar="STUDY"),
    ] = None,
    dictionary: Annotated[
        Path | None,
        typer.Option("--dictionary", help="The project's data dictionary: labels are then read.", metavar="FILE"),
    ] = None,
    draft: Annotated[
        Path | None, typer.Option("--draft", help="Write a first mapping there, to be checked.", metavar="FILE")
    ] = None,
    partial: Annotated[
        bool, typer.Option("--partial", help="Leave out rows with a fault, listed in left-out.csv.")
    ] = False,
    format: FormatOpt = Format.table,
    lang: LangOpt = Lang.en,
    quiet: Quiet = False,
) -> None:
    """A study from an export of REDCap, longitudinal and with repeating instruments, by a mapping file.

    Prints what each field is read as, and which fields nobody reads.
    """
    with bad_input():
        from perprotocol.formats.redcap.dictionary import read_dictionary  # noqa: PLC0415
        from perprotocol.formats.redcap.draft import draft_mapping  # noqa: PLC0415
        from perprotocol.formats.redcap.export import read_export  # noqa: PLC0415
        from perprotocol.formats.redcap.mapping import read_mapping  # noqa: PLC0415
        from perprotocol.formats.redcap.study import import_study, write_imported  # noqa: PLC0415
        from protocol import Fault, StudyError  # noqa: PLC0415

        known = read_dictionary(dictionary) if dictionary is not None else {}
        export = read_export(file, known)
        if draft is not None:
            if draft.exists():
                raise StudyError([Fault("--draft", None, None, "", str(draft), "is there already", "name a new file")])
            print_text(draft_mapping(export, known), draft)
            say(f"wrote {draft}: check every line of it, and then write checked: yes", quiet=quiet)
            return
        if mapping is None or output is None:
            raise typer.BadParameter("give --mapping FILE and -o STUDY, or begin a mapping with --draft FILE")
        read = read_mapping(mapping)
        imported = import_study(export, read, known, partial=partial)
        files = write_imported(imported, output, read)
        print_table(imported.columns, format, lang, None)
    rows = ", ".join(f"{len(table.raw)} {name}" for name, table in imported.study.tables.items())
    say(f"wrote {output} ({', '.join(files)}): {rows}", quiet=quiet)
    for line in imported.nothing:
        say(line, quiet=quiet)
    if len(imported.left_out):
        say(f"{len(imported.left_out)} faults: those rows were left out, see left-out.csv", quiet=quiet)
