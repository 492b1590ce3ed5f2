"""The verb `diff`."""

from __future__ import annotations

from typing import Annotated

import typer

from perprotocol.door import bad_input, day, report_progress, resolve_as_of, say
from perprotocol.options import AsOf, Blinded, Format, FormatOpt, Lang, LangOpt, Out, Quiet, StudyArg
from perprotocol.output import print_table, print_text

SHORT = "An amendment in words, and what it changes."
EXAMPLES = (
    "Examples:\n\n"
    "perprotocol diff examples/amendment/infusion-1.yaml examples/amendment/infusion-2.yaml\n\n"
    "perprotocol diff examples/amendment/infusion-1.yaml examples/amendment/infusion-2.yaml examples/amendment/study "
    "--as-of 2024-04-15\n\n"
    "perprotocol diff examples/amendment/infusion-1.yaml examples/amendment/infusion-2.yaml examples/amendment/study "
    "--as-of 2024-04-15 --active 2024-04-09 --lang zh"
)


def diff(
    old: Annotated[str, typer.Argument(help="A protocol file, or a name in the library.", metavar="OLD")],
    new: Annotated[str, typer.Argument(help="A later version of it.", metavar="NEW")],
    study: StudyArg = None,
    as_of: AsOf = None,
    active: Annotated[
        str | None,
        typer.Option(
            "--active",
            help="NEW is in force at every site from this day on, for whom its transition says; default: always was.",
            metavar="DATE",
        ),
    ] = None,
    format: FormatOpt = Format.table,
    output: Out = None,
    lang: LangOpt = Lang.en,
    blinded: Blinded = None,
    quiet: Quiet = False,
) -> None:
    """An amendment in words, and with a STUDY what it changes for the participants already enrolled.

    Which occurrences move, and which findings and queries would come or go: the study is audited with both versions.
    Exit status: 0 nothing differs, 1 something does.
    """
    with bad_input(output):
        import protocol as promised  # noqa: PLC0415
        from perprotocol.drafting import diff_table, diff_text  # noqa: PLC0415
        from rules.blinding import read_facts  # noqa: PLC0415
        from rules.diff import diff as beside  # noqa: PLC0415
        from rules.diff import either_blinded  # noqa: PLC0415

        versions = promised.read(old), promised.read(new)
        since = day(active, "--active")
        if study is None and (since is not None or blinded is not None):
            raise typer.BadParameter("says how a STUDY is seen; give one", param_hint="--active, --blinded")
        seen = either_blinded(*versions, blinded)
        facts = read_facts(study, versions[1], seen) if study is not None else None
        when = resolve_as_of(as_of, quiet=quiet) if study is not None else None
        with report_progress("audit", quiet=quiet) as progress:
            told = beside(*versions, facts, as_of=when, active=since, lang=lang.value, blinded=seen, progress=progress)
        if format is Format.table:
            number = len(facts.subjects) if facts is not None else None
            print_text(diff_text(told, *versions, number, since, lang.value), output)
        else:
            people = format in (Format.markdown, Format.html)
            print_table(diff_table(told, lang.value) if people else told, format, lang, output, quiet=quiet)
        if not len(told):
            say("nothing differs", quiet=quiet)
    raise typer.Exit(1 if len(told) else 0)
