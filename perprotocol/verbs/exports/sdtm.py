"""The verb `export sdtm`."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from perprotocol.door import bad_input, extra, report_progress, resolve_as_of, say
from perprotocol.options import AsOf, Blinded, Format, FormatOpt, Lang, LangOpt, ProtocolArg, Quiet
from perprotocol.output import print_table, whole

SHORT = "A study as SDTM datasets."
EXAMPLES = (
    "Examples:\n\n"
    "perprotocol export sdtm uc-msc-saa examples/uc-msc-saa --as-of 2020-12-31 -o tabulations\n\n"
    "perprotocol export sdtm uc-msc-saa examples/uc-msc-saa --as json -o tabulations\n\n"
    "perprotocol import sdtm tabulations --protocol uc-msc-saa -o study"
)


class Form(str, Enum):
    """Forms of a dataset."""

    xpt = "xpt"
    json = "json"


def sdtm(
    protocol: ProtocolArg,
    study: Annotated[Path, typer.Argument(help="A study folder, or one Excel workbook.", metavar="STUDY")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The folder to make.", metavar="FOLDER")],
    form: Annotated[Form, typer.Option("--as", help="Transport files version 5, or Dataset-JSON 1.1.")] = Form.xpt,
    as_of: AsOf = None,
    format: FormatOpt = Format.table,
    lang: LangOpt = Lang.en,
    blinded: Blinded = None,
    quiet: Quiet = False,
) -> None:
    """A study as SDTM datasets: what was recorded, confirmed deviations in DV and IE, detected ones in ADDV.

    What SDTM has no place for stands in the folder `beside`: imported again, the study gives the same audit.
    """
    with bad_input():
        if form is Form.xpt:
            extra("sdtm", "pyreadstat")
        import protocol as promised  # noqa: PLC0415
        import rules  # noqa: PLC0415
        from perprotocol.formats.sdtm.exporting import export_study  # noqa: PLC0415
        from perprotocol.formats.sdtm.standard import define  # noqa: PLC0415
        from rules.blinding import read_facts  # noqa: PLC0415

        versions = promised.read_versions(protocol)
        facts = read_facts(study, versions[-1], blinded)
        when = resolve_as_of(as_of, quiet=quiet)
        with report_progress("audit", quiet=quiet) as progress:
            report = rules.audit(versions, facts, as_of=when, lang=lang.value, progress=progress, blinded=blinded)
        with whole(output) as place, report_progress("export", quiet=quiet) as progress:
            made = export_study(report, place, form.value, progress)
        print_table(define(made.datasets)[0].select("dataset", "label", "records"), format, lang, None)
    say(f"wrote {output} with {len(made.datasets)} datasets", quiet=quiet)
