"""The verb `export dose-sheet`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from perprotocol.door import bad_input, day, resolve_as_of, say
from perprotocol.options import AsOf, Blinded, ProtocolArg, Quiet, WeighedOn, Weight
from perprotocol.output import whole

SHORT = "A page for each infusion, to be checked and signed."
EXAMPLES = (
    "Examples:\n\n"
    "perprotocol export dose-sheet uc-msc-saa examples/uc-msc-saa --subject 109 --activity uc-msc --occurrence 1 "
    "--as-of 2015-10-26 -o sheet.pdf\n\n"
    "perprotocol export dose-sheet uc-msc-saa examples/uc-msc-saa --from 2015-03-16 --to 2015-03-22 -o week.pdf\n\n"
    "perprotocol export dose-sheet uc-msc-saa examples/uc-msc-saa --subject 109 --activity uc-msc --occurrence 2 "
    '--as-of 2015-10-30 --weight "16.4 kg" --concentration "8e5 cells/mL" -o sheet.pdf'
)


def dose_sheet(
    protocol: ProtocolArg,
    study: Annotated[Path, typer.Argument(help="A study folder, or one Excel workbook.", metavar="STUDY")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The PDF to write.", metavar="FILE")],
    subject: Annotated[str | None, typer.Option("--subject", help="One participant only.", metavar="ID")] = None,
    activity: Annotated[
        str | None, typer.Option("--activity", help="One treatment of the protocol only.", metavar="NAME")
    ] = None,
    occurrence: Annotated[
        int | None, typer.Option("--occurrence", help="Which of its planned doses.", metavar="N", min=1)
    ] = None,
    start: Annotated[
        str | None, typer.Option("--from", help="All infusions due from this day on.", metavar="DATE")
    ] = None,
    end: Annotated[str | None, typer.Option("--to", help="Last day of them; default: a week.", metavar="DATE")] = None,
    on: Annotated[
        str | None, typer.Option("--on", help="Day of the infusion; default: the planned day.", metavar="DATE")
    ] = None,
    amount: Annotated[
        str | None, typer.Option("--amount", help='Amount ordered, such as "50 mg", where there is a choice.')
    ] = None,
    weight: Weight = None,
    weighed_on: WeighedOn = None,
    concentration: Annotated[
        str | None,
        typer.Option("--concentration", help='Of the product as prepared, such as "8e5 cells/mL": gives the volume.'),
    ] = None,
    bags: Annotated[int, typer.Option("--bags", help="Lines for bags or vials.", metavar="N", min=1, max=8)] = 2,
    fonts: Annotated[
        Path | None, typer.Option("--fonts", help="A folder with more fonts, for rare signs.", metavar="FOLDER")
    ] = None,
    as_of: AsOf = None,
    blinded: Blinded = None,
    quiet: Quiet = False,
) -> None:
    """A page for each infusion, in English and Chinese: identity, weight, arithmetic, amount, volume, rate, signatures.

    Exit status: 0 every dose would comply, 1 one would deviate, 3 of one it cannot be told.
    """
    with bad_input(output):
        from perprotocol.formats.dose_sheet.batch import Chosen, sheets_of  # noqa: PLC0415
        from perprotocol.formats.dose_sheet.drawing import draw  # noqa: PLC0415
        from perprotocol.formats.dose_sheet.sheet import Order  # noqa: PLC0415

        days = day(start, "--from"), day(end, "--to")
        given = day(on, "--on")
        when = day(as_of, "--as-of") or given or days[0] or resolve_as_of(None, quiet=quiet)
        order = Order(given, amount, weight, weighed_on, concentration, bags)
        batch = sheets_of(protocol, study, Chosen(subject, activity, occurrence, *days), order, when, blinded)
        pdf = draw(batch.sheets, batch.foot, fonts)
        with whole(output) as place:
            place.write_bytes(pdf)
    say(f"wrote {output} with {len(batch.sheets)} sheets", quiet=quiet)
    answers = {sheet.verdict for sheet in batch.sheets}
    for sheet in batch.sheets:
        if sheet.verdict != "complies":
            said = sheet.page["found"][0]["en"] if sheet.page["found"] else sheet.page["banner"]["en"]
            say(f"{sheet.subject} {sheet.activity} {sheet.occurrence}: {sheet.verdict}: {said}", quiet=quiet)
    raise typer.Exit(1 if "deviates" in answers else 3 if answers != {"complies"} else 0)
