"""The verb `endpoints`."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from perprotocol.door import bad_input, check_folder, report_progress, resolve_as_of, say
from perprotocol.options import AsOf, Blinded, Format, FormatOpt, Lang, LangOpt, Out, ProtocolArg, Quiet

SHORT = "Response, survival and analysis sets of the protocol."
EXAMPLES = (
    "Examples:\n\n"
    "perprotocol endpoints uc-msc-saa examples/uc-msc-saa\n\n"
    "perprotocol endpoints uc-msc-saa examples/uc-msc-saa --format html -o endpoints.html --lang zh\n\n"
    "perprotocol endpoints uc-msc-saa examples/uc-msc-saa --table participants --format csv -o participants.csv\n\n"
    "perprotocol endpoints uc-msc-saa examples/uc-msc-saa --figures figures"
)


class Which(str, Enum):
    """The tables of the outcomes."""

    results = "results"
    participants = "participants"
    sets = "sets"
    received = "received"
    published = "published"


def endpoints(
    protocol: ProtocolArg,
    study: Annotated[Path, typer.Argument(help="A study folder, or one Excel workbook.", metavar="STUDY")],
    table: Annotated[
        Which | None,
        typer.Option("--table", help="One table alone; default: all for people, results for programs."),
    ] = None,
    figures: Annotated[
        Path | None,
        typer.Option("--figures", help="Write the Kaplan-Meier figures as SVG to this folder.", metavar="FOLDER"),
    ] = None,
    as_of: AsOf = None,
    format: FormatOpt = Format.table,
    output: Out = None,
    lang: LangOpt = Lang.en,
    strict: Annotated[bool, typer.Option("--strict", help="What cannot be told also gives exit status 3.")] = False,
    blinded: Blinded = None,
    quiet: Quiet = False,
) -> None:
    """Response, survival and the analysis sets that the protocol defines, beside published figures on record.

    Exit status: 0, or 1 where a published figure differs from the computed one. Needs perprotocol[survival].
    """
    with bad_input(output):
        check_folder(figures, "--figures")
        import protocol as promised  # noqa: PLC0415
        from protocol import Fault, StudyError  # noqa: PLC0415
        from rules.blinding import read_facts  # noqa: PLC0415
        from rules.endpoints import outcomes  # noqa: PLC0415
        from rules.endpoints.report import write_figures, write_outcomes  # noqa: PLC0415

        versions = promised.read_versions(protocol)
        if not (versions[-1].endpoints or versions[-1].analysis_sets):
            why = "names neither endpoints nor analysis sets"
            raise StudyError([Fault(str(protocol), None, None, "", "", why, "write them under 'endpoints'")])
        facts = read_facts(study, versions[-1], blinded)
        when = resolve_as_of(as_of, quiet=quiet)
        with report_progress("endpoints", quiet=quiet) as progress:
            found = outcomes(versions, facts, as_of=when, lang=lang.value, blinded=blinded, progress=progress)
        which = table.value if table is not None else None
        options = {"verb": "endpoints", "table": which, "strict": strict}
        write_outcomes(found, format.value, output, table=which, protocol_file=protocol, options=options)
        for path in write_figures(found, figures) if figures is not None else ():
            say(f"wrote {path}", quiet=quiet)
    if output is not None:
        say(f"wrote {output}", quiet=quiet)
    raise typer.Exit(1 if found.differs else 3 if strict and found.open else 0)
