"""The verb `audit`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from perprotocol.door import bad_input, report_progress, resolve_as_of, say
from perprotocol.options import AsOf, Blinded, Format, FormatOpt, Lang, LangOpt, Out, ProtocolArg, Quiet

EXAMPLES = (
    "Examples:\n\n"
    "perprotocol audit uc-msc-saa examples/uc-msc-saa\n\n"
    "perprotocol audit uc-msc-saa examples/uc-msc-saa --format html -o audit.html --lang zh\n\n"
    "perprotocol audit uc-msc-saa examples/uc-msc-saa --format json --as-of 2016-01-31"
)


def audit(
    protocol: ProtocolArg,
    study: Annotated[Path, typer.Argument(help="A study folder, or one Excel workbook.", metavar="STUDY")],
    as_of: AsOf = None,
    format: FormatOpt = Format.table,
    output: Out = None,
    lang: LangOpt = Lang.en,
    strict: Annotated[bool, typer.Option("--strict", help="Queries alone also give exit status 3.")] = False,
    blinded: Blinded = None,
    quiet: Quiet = False,
) -> None:
    """All detected deviations and proposed queries of a study, with the evidence, beside the site's own log."""
    with bad_input(output):
        import protocol as promised  # noqa: PLC0415
        import rules  # noqa: PLC0415
        from rules.blinding import read_facts  # noqa: PLC0415
        from rules.report import write_report  # noqa: PLC0415

        versions = promised.read_versions(protocol)
        trial = versions[-1]
        facts = read_facts(study, trial, blinded)
        when = resolve_as_of(as_of, quiet=quiet)
        with report_progress("audit", quiet=quiet) as progress:
            report = rules.audit(versions, facts, as_of=when, lang=lang.value, progress=progress, blinded=blinded)
        calendar = rules.schedule(versions, facts, as_of=when, blinded=blinded) if format is Format.html else None
        write_report(report, calendar, format.value, output, protocol_file=protocol, options={"strict": strict})
    if output is not None:
        say(f"wrote {output}", quiet=quiet)
    raise typer.Exit(1 if len(report.findings) else 3 if strict and len(report.queries) else 0)
