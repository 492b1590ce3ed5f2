"""The verb `import fhir`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from perprotocol.door import bad_input, report_progress, say, zone_of
from perprotocol.options import Format, FormatOpt, Lang, LangOpt, Quiet, Tables
from perprotocol.output import print_table, whole

SHORT = "A study from FHIR, and what was left out."
EXAMPLES = (
    "Examples:\n\n"
    "perprotocol import fhir bundle.json -o study\n\n"
    "perprotocol import fhir exported --protocol uc-msc-saa --mapping words.yaml --time-zone Asia/Shanghai -o study\n\n"
    "perprotocol import fhir MedicationAdministration.ndjson Patient.ndjson --tables parquet --format json -o study"
)


def fhir(
    files: Annotated[
        list[Path], typer.Argument(help="Resources, Bundles or NDJSON (R4 or R5), or folders of them.", metavar="FILES")
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="The study folder to make.", metavar="STUDY")],
    protocol: Annotated[
        str | None,
        typer.Option(
            "--protocol",
            help="Name treatments and measures by this protocol; other drugs become events.",
            metavar="PROTOCOL",
        ),
    ] = None,
    mapping: Annotated[
        Path | None, typer.Option("--mapping", help="What codes and words of the files mean, as YAML.", metavar="FILE")
    ] = None,
    time_zone: Annotated[
        str | None,
        typer.Option("--time-zone", help="Time zone of the sites: all times are moved to it.", metavar="ZONE"),
    ] = None,
    subject_system: Annotated[
        str | None,
        typer.Option("--subject-system", help="The system of the identifier that the study goes by.", metavar="URI"),
    ] = None,
    partial: Annotated[
        bool, typer.Option("--partial", help="Leave out resources with a fault, listed in left-out.csv.")
    ] = False,
    tables: Annotated[Tables, typer.Option("--tables", help="How to write the tables.")] = Tables.csv,
    format: FormatOpt = Format.table,
    lang: LangOpt = Lang.en,
    quiet: Quiet = False,
) -> None:
    """A study folder from FHIR: people, doses (with every status), weights and laboratory values; what was left out."""
    zone = zone_of(time_zone)
    with bad_input():
        import protocol as promised  # noqa: PLC0415
        from perprotocol.formats.fhir.reading.elements import Clock  # noqa: PLC0415
        from perprotocol.formats.fhir.reading.folder import assemble, write_folder  # noqa: PLC0415
        from perprotocol.formats.fhir.reading.intake import take_files  # noqa: PLC0415
        from perprotocol.formats.fhir.reading.naming import Names, read_mapping  # noqa: PLC0415
        from perprotocol.formats.fhir.reading.source import find_files  # noqa: PLC0415
        from perprotocol.formats.fhir.reading.taken import Taken  # noqa: PLC0415
        from perprotocol.formats.fhir.reading.words import told  # noqa: PLC0415

        trial = promised.read_versions(protocol)[-1] if protocol is not None else None
        taken = Taken(Names(trial, read_mapping(mapping, trial)), Clock(zone))
        with whole(output) as place:
            with report_progress("import", quiet=quiet) as progress:
                take_files(find_files(files), taken, progress)
            imported = assemble(taken, subject_system, partial=partial)
            settings = {"name": output.name, "time_zone": time_zone, "protocol": protocol}
            write_folder(imported, place, tables.value, {k: v for k, v in settings.items() if v is not None})
        print_table(told(imported.report, lang.value), format, lang, None)
        say(f"wrote {output} with {len(imported.tables)} tables", quiet=quiet)
