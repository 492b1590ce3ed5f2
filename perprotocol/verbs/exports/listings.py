"""The verb `export listings`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from perprotocol.door import bad_input, report_progress, resolve_as_of, say
from perprotocol.options import AsOf, Blinded, Lang, LangOpt, ProtocolArg, Quiet

SHORT = "Deviations, queries and exposure to hand over."
EXAMPLES = (
    "Examples:\n\n"
    "perprotocol export listings uc-msc-saa examples/uc-msc-saa --as-of 2020-12-31 -o listings\n\n"
    "perprotocol export listings uc-msc-saa examples/uc-msc-saa --as-of 2020-12-31 --lang zh -o listings.xlsx"
)


def listings(
    protocol: ProtocolArg,
    study: Annotated[Path, typer.Argument(help="A study folder, or one Excel workbook.", metavar="STUDY")],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="The folder to make, or one workbook (.xlsx).", metavar="PLACE")
    ],
    as_of: AsOf = None,
    lang: LangOpt = Lang.en,
    blinded: Blinded = None,
    quiet: Quiet = False,
) -> None:
    """Deviations by participant, by site and by arm, the queries of each site, and exposure, to be handed over."""
    book = output.suffix.lower() == ".xlsx"
    with bad_input(output if book else None):
        import protocol as promised  # noqa: PLC0415
        import rules  # noqa: PLC0415
        from perprotocol.formats.listings.files import rows_of, write_folder, write_workbook  # noqa: PLC0415
        from perprotocol.formats.listings.tables import make_listings  # noqa: PLC0415
        from rules.blinding import read_facts  # noqa: PLC0415
        from rules.exposure import exposure  # noqa: PLC0415
        from rules.manifest import write_manifest  # noqa: PLC0415
        from rules.page.labels import Labels  # noqa: PLC0415
        from rules.page.summary import marks  # noqa: PLC0415

        versions = promised.read_versions(protocol)
        facts = read_facts(study, versions[-1], blinded)
        when = resolve_as_of(as_of, quiet=quiet)
        with report_progress("listings", quiet=quiet) as progress:
            report = rules.audit(versions, facts, as_of=when, lang=lang.value, progress=progress, blinded=blinded)
            taken = exposure(versions, facts, as_of=when, blinded=blinded)
        manifest = write_manifest(report, protocol_file=protocol, options={"listings": True})
        approval = manifest["approval"]
        about = {
            "approval": approval if isinstance(approval, str) else f"{approval.get('by')}, {approval.get('on')}",
            "tool": f"perprotocol {manifest['version']}", "manifest": str(manifest["hash"]),
        }  # fmt: skip
        made = make_listings(report, taken, about, lang.value)
        labels = Labels(lang.value)
        cut = f"{labels('data cut')} {report.study.data_cut or labels('no cut')}"
        said = (report.study.name, cut, f"{labels('as of')} {when}", f"{labels('manifest')} {manifest['hash'][:12]}")
        footer = " · ".join((*said, *(mark for mark, _ in marks(report, labels))))
        if book:
            write_workbook(made, output, manifest, footer, lang.value)
        else:
            write_folder(made, output, manifest)
    rows = ", ".join(f"{number} {name}" for name, number in rows_of(made).items() if name != "about")
    say(f"wrote {output}: {rows}", quiet=quiet)
