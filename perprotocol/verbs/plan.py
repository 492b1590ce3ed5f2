"""The verb `plan`."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from perprotocol.door import bad_input, day, report_progress, resolve_as_of, say
from perprotocol.options import Format, FormatOpt, Lang, LangOpt, Out, ProtocolArg, Quiet, StudyArg

SHORT = "What a protocol asks of a site, and what would help."
EXAMPLES = (
    "Examples:\n\n"
    "perprotocol plan uc-msc-saa --participants 18 --from 2025-01-06\n\n"
    'perprotocol plan lzzt --closed "saturday, sunday, 2025-10-01 to 2025-10-08" --on-time 80\n\n'
    "perprotocol plan uc-msc-saa examples/uc-msc-saa --from 2025-01-06 --format html -o plan.html --lang zh\n\n"
    "perprotocol plan remestemcel-l --table changes --format csv -o changes.csv --from 2025-01-06"
)


class Which(str, Enum):
    """The tables of a forecast."""

    weeks = "weeks"
    activities = "activities"
    weekdays = "weekdays"
    changes = "changes"


def plan(
    protocol: ProtocolArg,
    study: StudyArg = None,
    start: Annotated[
        str | None, typer.Option("--from", help="First day of enrolment; default: today.", metavar="DATE")
    ] = None,
    participants: Annotated[int, typer.Option("--participants", help="How many the site enrols.", min=1)] = 20,
    over: Annotated[str, typer.Option("--over", help="Over how long it enrols them.", metavar="DURATION")] = "52 wk",
    closed: Annotated[
        str | None,
        typer.Option("--closed", help="Closed days, as in study.yaml; default: of STUDY, else saturday, sunday."),
    ] = None,
    site: Annotated[str, typer.Option("--site", help="The site of STUDY whose closed days hold.")] = "",
    on_time: Annotated[
        int, typer.Option("--on-time", help="Percent who come on the day booked.", min=0, max=100, metavar="PERCENT")
    ] = 90,
    delay: Annotated[
        float, typer.Option("--delay", help="By how many days the others are late on average.", min=1, metavar="DAYS")
    ] = 3.0,
    leave: Annotated[
        int, typer.Option("--leave", help="Percent who leave early.", min=0, max=100, metavar="PERCENT")
    ] = 10,
    ward: Annotated[
        list[str] | None,
        typer.Option("--ward", help="An activity done on its very day, on a ward; may be given again.", metavar="NAME"),
    ] = None,
    runs: Annotated[int, typer.Option("--runs", help="How often the enrolment is played.", min=1)] = 20,
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same forecast.")] = 1,
    table: Annotated[
        Which | None,
        typer.Option("--table", help="One table alone; default: all for people, activities for programs."),
    ] = None,
    figure: Annotated[Path | None, typer.Option("--figure", help="Write the picture as SVG.", metavar="FILE")] = None,
    format: FormatOpt = Format.table,
    output: Out = None,
    lang: LangOpt = Lang.en,
    quiet: Quiet = False,
) -> None:
    """How much a site will have to do by a protocol, what falls outside its windows, and which change would help."""
    from perprotocol.planning.asked import site_of  # noqa: PLC0415
    from perprotocol.planning.report import write_figure, write_forecast  # noqa: PLC0415
    from perprotocol.simulation.forecast import forecast  # noqa: PLC0415

    with bad_input(output, figure):
        import protocol as promised  # noqa: PLC0415

        trial = promised.read(protocol)
        first = day(start, "--from") or resolve_as_of(None, quiet=quiet)
        share = on_time / 100, delay, leave / 100
        asked = site_of(trial, study, site, closed, (participants, over, first), share, ward or ())
        with report_progress("plan", quiet=quiet) as progress:
            found = forecast(trial, asked, runs, seed, progress)
        write_forecast(found, format.value, lang.value, output, table.value if table is not None else None)
        if figure is not None:
            write_figure(found, lang.value, figure)
            say(f"wrote {figure}", quiet=quiet)
    if output is not None:
        say(f"wrote {output}", quiet=quiet)
