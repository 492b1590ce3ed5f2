"""The verb `export fhir`."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perprotocol.door import bad_input, resolve_as_of, say, zone_of
from perprotocol.options import AsOf, Blinded, Lang, LangOpt, ProtocolArg, Quiet, StudyArg
from perprotocol.output import whole

if TYPE_CHECKING:
    pass

SHORT = "A protocol and its study as FHIR resources."
EXAMPLES = (
    "Examples:\n\n"
    "perprotocol export fhir uc-msc-saa -o plan.json\n\n"
    "perprotocol export fhir uc-msc-saa examples/uc-msc-saa -o study.json\n\n"
    "perprotocol export fhir uc-msc-saa examples/uc-msc-saa --release R5 --only schedule --only issues -o folder"
)


class Releases(str, Enum):
    """Releases of FHIR."""

    R4 = "R4"
    R5 = "R5"


class Parts(str, Enum):
    """Parts of an export."""

    plan = "plan"
    records = "records"
    schedule = "schedule"
    issues = "issues"


def fhir(
    protocol: ProtocolArg,
    output: Annotated[
        Path, typer.Option("-o", "--output", help="One file .json, or a new folder of NDJSON.", metavar="FILE|FOLDER")
    ],
    study: StudyArg = None,
    release: Annotated[Releases, typer.Option("--release", help="Release of FHIR.")] = Releases.R4,
    only: Annotated[
        list[Parts] | None, typer.Option("--only", help="Only this part; may be given again. Default: all.")
    ] = None,
    subject: Annotated[str | None, typer.Option("--subject", help="One participant only.", metavar="ID")] = None,
    time_zone: Annotated[
        str | None,
        typer.Option("--time-zone", help="Time zone of recorded times; default: what study.yaml says.", metavar="ZONE"),
    ] = None,
    as_of: AsOf = None,
    lang: LangOpt = Lang.en,
    blinded: Blinded = None,
    quiet: Quiet = False,
) -> None:
    """A protocol as PlanDefinition; with a study its schedules, what is on record, and issues of dose and timing."""
    zone = zone_of(time_zone)
    with bad_input():
        import protocol as promised  # noqa: PLC0415
        from perprotocol.formats.fhir.writing.elements import Release  # noqa: PLC0415
        from perprotocol.formats.fhir.writing.export import Export, write  # noqa: PLC0415
        from rules.blinding import read_facts  # noqa: PLC0415

        versions = promised.read_versions(protocol)
        facts = read_facts(study, versions[-1], blinded) if study is not None else None
        when = resolve_as_of(as_of, quiet=quiet) if facts is not None else None
        wanted = tuple(part.value for part in only or Parts)
        export = Export(versions, facts, Release(release.value), lang.value, when, zone, subject, blinded)
        with whole(output) as place:
            counts = write(export, wanted, place)
        told = ", ".join(f"{number} {kind}" for kind, number in counts.items())
        say(f"wrote {output}: {told}", quiet=quiet)
