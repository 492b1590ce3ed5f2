"""The verb `due`."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from perprotocol.door import bad_input, day, resolve_as_of
from perprotocol.options import AsOf, Blinded, Format, FormatOpt, Lang, LangOpt, Out, ProtocolArg, Quiet, Subject
from perprotocol.output import print_table

SHORT = "The worklist: open, due or overdue, with the last day."
EXAMPLES = (
    "Examples:\n\n"
    "perprotocol due uc-msc-saa examples/uc-msc-saa --from 2015-03-09 --to 2015-03-15\n\n"
    "perprotocol due uc-msc-saa examples/uc-msc-saa --format csv -o week.csv"
)


def due(
    protocol: ProtocolArg,
    study: Annotated[Path, typer.Argument(help="A study folder.", metavar="STUDY")],
    start: Annotated[
        str | None, typer.Option("--from", help="First day of the list; default: the as-of day.", metavar="DATE")
    ] = None,
    end: Annotated[
        str | None, typer.Option("--to", help="Last day of the list; default: a week later.", metavar="DATE")
    ] = None,
    subject: Subject = None,
    as_of: AsOf = None,
    format: FormatOpt = Format.table,
    output: Out = None,
    lang: LangOpt = Lang.en,
    blinded: Blinded = None,
    quiet: Quiet = False,
) -> None:
    """The worklist: what is open, due or overdue, the first and the last compliant day of each, and what it moves."""
    from perprotocol.typed_in import only_of  # noqa: PLC0415

    with bad_input(output):
        import protocol as promised  # noqa: PLC0415
        import rules  # noqa: PLC0415
        from rules.ahead import worklist  # noqa: PLC0415
        from rules.blinding import read_facts  # noqa: PLC0415

        first, last = day(start, "--from"), day(end, "--to")
        when = day(as_of, "--as-of") or first or resolve_as_of(None, quiet=quiet)
        first = first or when
        last = last or first + timedelta(days=6)
        if last < first:
            raise typer.BadParameter(f"{last} lies before {first}; write a later day", param_hint="--to")
        versions = promised.read_versions(protocol)
        trial = versions[-1]
        facts = read_facts(study, trial, blinded)
        calendar = only_of(rules.schedule(versions, facts, as_of=when, blinded=blinded), facts, subject)
        print_table(worklist(trial, calendar, first, last), format, lang, output, quiet=quiet)
