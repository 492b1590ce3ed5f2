"""The verb `simulate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from perprotocol.door import bad_input
from perprotocol.options import Format, FormatOpt, Lang, LangOpt, ProtocolArg, Quiet, Tables
from perprotocol.output import print_table

SHORT = "A synthetic study, with faults put in and listed."
EXAMPLES = (
    "Examples:\n\n"
    "perprotocol simulate uc-msc-saa -n 100 -o simulated\n\n"
    "perprotocol simulate uc-msc-saa -n 1000 --seed 2 --faults overdose=3,dose_late=5 -o with-faults\n\n"
    "perprotocol simulate covacta -n 500 --faults all=2 --tables parquet --format json -o every-kind"
)


def simulate(
    protocol: ProtocolArg,
    output: Annotated[
        Path, typer.Option("-o", "--output", help="The folder to make: a study folder.", metavar="FOLDER")
    ],
    number: Annotated[int, typer.Option("-n", "--number", help="How many participants.", min=1, metavar="N")] = 100,
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same study.", metavar="N")] = 1,
    faults: Annotated[
        str | None,
        typer.Option("--faults", help="Faults to put in, such as overdose=3,dose_late=5 or all=2.", metavar="KIND=N"),
    ] = None,
    tables: Annotated[Tables, typer.Option("--tables", help="How to write the tables.")] = Tables.csv,
    format: FormatOpt = Format.table,
    lang: LangOpt = Lang.en,
    quiet: Quiet = False,
) -> None:
    """A synthetic study: participants who do as the protocol says, with faults put in, and the list of these."""
    from perprotocol.synthetic import simulate_folder  # noqa: PLC0415

    with bad_input():
        summary = simulate_folder(protocol, output, number, seed, faults, tables.value, quiet=quiet)
        print_table(summary, format, lang, None)
