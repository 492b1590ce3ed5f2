"""The command: its verbs in the order of its help, one file each. Heavy imports wait inside a verb: help is quick."""

from __future__ import annotations

from types import ModuleType
from typing import Annotated

import typer

from perprotocol.memory import keep_memory
from perprotocol.verbs import (
    audit,
    compare,
    demo,
    diff,
    due,
    endpoints,
    explain,
    init,
    library,
    lint,
    plan,
    schedule,
    simulate,
    validate,
)
from perprotocol.verbs.exports import dose_sheet, excel, ical, listings
from perprotocol.verbs.exports import fhir as fhir_out
from perprotocol.verbs.exports import sdtm as sdtm_out
from perprotocol.verbs.exports import usdm as usdm_out
from perprotocol.verbs.imports import fhir as fhir_in
from perprotocol.verbs.imports import redcap
from perprotocol.verbs.imports import sdtm as sdtm_in
from perprotocol.verbs.imports import usdm as usdm_in

EPILOG = (
    "For research and compliance review, never the sole basis of a dose. Not cleared, CE-marked or registered anywhere."
)
VERBS = (schedule, validate, audit, due, endpoints, compare, explain, lint, diff, library, plan, simulate, init, demo)
IMPORTS: tuple[ModuleType, ...] = (usdm_in, sdtm_in, redcap, fhir_in)
EXPORTS: tuple[ModuleType, ...] = (listings, dose_sheet, usdm_out, excel, ical, sdtm_out, fhir_out)


def command(help: str) -> typer.Typer:
    """A command without verbs yet."""
    return typer.Typer(
        name="perprotocol",
        help=help,
        epilog=EPILOG,
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )


def register(verbs: tuple[ModuleType, ...], parent: typer.Typer) -> None:
    """Each module's function of its own name is a verb, with a line in the list and examples below its help."""
    for verb in verbs:
        named = getattr(verb, verb.__name__.rpartition(".")[2])
        parent.command(short_help=getattr(verb, "SHORT", None), epilog=verb.EXAMPLES)(named)


app = command("Where patients in a clinical trial were not treated per protocol: calendars, doses, verdicts, an audit.")
register(VERBS, app)


def say_version(asked: bool) -> None:
    """Print the version, and end."""
    if asked:
        from importlib.metadata import version  # noqa: PLC0415  --help does not need it

        typer.echo(f"perprotocol {version('perprotocol')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=say_version, is_eager=True, help="The version.")
    ] = False,
) -> None:
    """Hold what stands before a verb."""
    keep_memory()


for name, said, formats in (
    ("import", "Protocols and studies from the formats of the field.", IMPORTS),
    ("export", "Protocols, calendars and findings in the formats of the field.", EXPORTS),
):
    if formats:
        group = command(said)
        register(formats, group)
        app.add_typer(group, name=name)
