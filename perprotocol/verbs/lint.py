"""The verb `lint`."""

from __future__ import annotations

from typing import Annotated

import typer

from perprotocol.door import bad_input, say
from perprotocol.options import Format, FormatOpt, Lang, LangOpt, Out, Quiet
from perprotocol.output import print_table, print_text

SHORT = "What is wrong with a protocol before anyone enrols."
EXAMPLES = (
    "Examples:\n\n"
    "perprotocol lint uc-msc-saa\n\n"
    'perprotocol lint uc-msc-saa --closed "saturday, sunday" --lang zh\n\n'
    "perprotocol lint remestemcel-l --format json\n\n"
    "perprotocol lint --list"
)


def lint(
    protocol: Annotated[
        str | None, typer.Argument(help="A protocol file, or a name in the library.", metavar="PROTOCOL")
    ] = None,
    closed: Annotated[
        str | None,
        typer.Option(
            "--closed", help='Weekdays on which clinics are closed, as in "saturday, sunday".', metavar="DAYS"
        ),
    ] = None,
    list_: Annotated[bool, typer.Option("--list", help="All checks, one a line.")] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="What is still to be confirmed also gives exit status 1.")
    ] = False,
    format: FormatOpt = Format.table,
    output: Out = None,
    lang: LangOpt = Lang.en,
    quiet: Quiet = False,
) -> None:
    """What is wrong with a protocol before a participant is enrolled, with its line, the reason and a way out.

    Listed beside the faults: what is assumed and the study team must confirm, and what is not judged. Exit status: 0
    no fault, 1 faults, 2 a file that cannot be read. `perprotocol explain CODE` is the page of each.
    """
    with bad_input(output):
        from perprotocol.drafting import closed_days, lint_counts, lint_table, lint_text, list_checks  # noqa: PLC0415

        if list_ or protocol is None:
            print_table(list_checks(lang.value), format, lang, output, quiet=quiet)
            raise typer.Exit(0)
        from protocol.document import read_placed  # noqa: PLC0415
        from rules.lint import lint as examine  # noqa: PLC0415

        trial, tree = read_placed(protocol)
        found = examine(trial, tree, closed=closed_days(closed), lang=lang.value)
        say(lint_counts(found, lang.value), quiet=quiet)
        if format is Format.table:
            print_text(lint_text(found, lang.value), output)
        else:
            people = format in (Format.markdown, Format.html)
            print_table(lint_table(found) if people else found, format, lang, output, quiet=quiet)
    kinds = {"fault", "to confirm"} if strict else {"fault"}
    raise typer.Exit(1 if kinds & set(found["kind"]) else 0)
