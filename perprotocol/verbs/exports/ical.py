"""The verb `export ical`."""

from __future__ import annotations

import sys
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perprotocol.door import bad_input, check_place, extra, resolve_as_of, say
from perprotocol.options import AsOf, Blinded, Lang, LangOpt, ProtocolArg, Quiet
from perprotocol.output import whole

if TYPE_CHECKING:
    from icalendar import Calendar

    from perprotocol.formats.ical import Style

SHORT = "Calendars of all-day events."
EXAMPLES = (
    "Examples:\n\n"
    "perprotocol export ical uc-msc-saa examples/uc-msc-saa -o calendars\n\n"
    "perprotocol export ical uc-msc-saa examples/uc-msc-saa --by site --titles --lang zh -o calendars\n\n"
    "perprotocol export ical uc-msc-saa examples/uc-msc-saa --subject 103 -o 103.ics"
)


class By(str, Enum):
    """What one calendar is of."""

    subject = "subject"
    site = "site"


def ical(
    protocol: ProtocolArg,
    study: Annotated[Path, typer.Argument(help="A study folder, or one Excel workbook.", metavar="STUDY")],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="A folder for the calendars, or one file .ics.", metavar="FOLDER|FILE"),
    ] = None,
    by: Annotated[By | None, typer.Option("--by", help="One calendar for each subject (default) or site.")] = None,
    subject: Annotated[
        str | None, typer.Option("--subject", help="The calendar of one participant only.", metavar="ID")
    ] = None,
    titles: Annotated[
        bool, typer.Option("--titles", help="Name trial and activities by their titles, which may tell a diagnosis.")
    ] = False,
    as_of: AsOf = None,
    lang: LangOpt = Lang.en,
    blinded: Blinded = None,
    quiet: Quiet = False,
) -> None:
    """What is due, as calendars of all-day events: a file for each participant or site, or one for all.

    Written over the calendars of an earlier run, it updates them: events keep their ids, changed ones count up, and
    those that are not due any more are cancelled.
    """
    single = output is None or output.suffix.lower() == ".ics"
    if by is not None and (single or subject is not None):
        raise typer.BadParameter(
            "one calendar is not divided; leave it out, or name a folder with -o", param_hint="--by"
        )
    with bad_input(output if single else None):
        extra("calendar", "icalendar")
        import protocol as promised  # noqa: PLC0415
        import rules  # noqa: PLC0415
        from perprotocol.formats import ical as format  # noqa: PLC0415
        from perprotocol.typed_in import only_of  # noqa: PLC0415
        from rules.blinding import is_blinded, read_facts  # noqa: PLC0415

        versions = promised.read_versions(protocol)
        facts = read_facts(study, versions[-1], blinded)
        when = resolve_as_of(as_of, quiet=quiet)
        rows = only_of(rules.schedule(versions, facts, as_of=when, blinded=blinded), facts, subject)
        style = format.Style(lang.value, when, titles, any(is_blinded(v, blinded) for v in versions))
        of = "subject" if subject is not None else "" if single else (by or By.subject).value
        made = format.calendars(rows, versions[-1], of, style)
        if output is None:
            sys.stdout.buffer.write(b"".join(map(format.write, made.values())))
            return
        _write(made, output, style, single=single)
        waiting = rows["due"].null_count()
        open_ = (
            f"; {waiting} occurrences have no day yet, since what they count from has not happened" if waiting else ""
        )
        say(f"wrote {output}: {len(rows) - waiting} events, {len(made)} calendars{open_}", quiet=quiet)


def _write(made: dict[str, Calendar], output: Path, style: Style, *, single: bool) -> None:
    """Each calendar is in its file, in place of the one that it updates; none where one of them cannot be."""
    from perprotocol.formats.ical import file_name, renew, write  # noqa: PLC0415

    if not single:
        check_place(output / "_" if output.is_dir() else output)
    files = {output if single else output / file_name(key): calendar for key, calendar in made.items()}
    texts = {path: write(renew(path, calendar, style)) for path, calendar in files.items()}
    if not single:
        output.mkdir(exist_ok=True)
    for path, text in texts.items():
        with whole(path) as place:
            place.write_bytes(text)
