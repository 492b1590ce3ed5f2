"""The command: its verbs in the order of its help, one file each. Heavy imports wait inside a verb: help is quick."""

from __future__ import annotations

from types import ModuleType

import typer

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
    """Each module's function of its own name is a verb, with the module's examples below its help."""
    for verb in verbs:
        parent.command(epilog=verb.EXAMPLES)(getattr(verb, verb.__name__.rpartition(".")[2]))


app = command("Where patients in a clinical trial were not treated per protocol: calendars, doses, verdicts, an audit.")
register(VERBS, app)
for name, said, formats in (
    ("import", "Protocols and studies from the formats of the field.", IMPORTS),
    ("export", "Protocols, calendars and findings in the formats of the field.", EXPORTS),
):
    if formats:
        group = command(said)
        register(formats, group)
        app.add_typer(group, name=name)
