"""What verbs have in common: the options people type, with their help."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer


class Format(str, Enum):
    """Output formats."""

    table = "table"
    json = "json"
    csv = "csv"
    parquet = "parquet"
    markdown = "markdown"
    html = "html"


class Tables(str, Enum):
    """Forms of the tables of a study folder."""

    csv = "csv"
    parquet = "parquet"


class Lang(str, Enum):
    """Languages of messages."""

    en = "en"
    zh = "zh"


ProtocolArg = Annotated[
    str,
    typer.Argument(
        help="A protocol file, with the versions that it replaces beside it, or a name in the library.",
        metavar="PROTOCOL",
    ),
]
StudyArg = Annotated[Path | None, typer.Argument(help="A study folder, or one Excel workbook.", metavar="[STUDY]")]
AsOf = Annotated[
    str | None, typer.Option("--as-of", help="Judge as of this day (YYYY-MM-DD); default: today.", metavar="DATE")
]
FormatOpt = Annotated[Format, typer.Option("--format", "-f", help="How to print the result.")]
Out = Annotated[Path | None, typer.Option("-o", "--output", help="Write the result to this file.", metavar="FILE")]
LangOpt = Annotated[Lang, typer.Option("--lang", help="Language of sentences: en or zh.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no remarks.")]
Subject = Annotated[
    str | None, typer.Option("--subject", help="One participant only, or the one typed in.", metavar="ID")
]
Arm = Annotated[str | None, typer.Option("--arm", help="Planned arm of the participant typed in.", metavar="ARM")]
DayZero = Annotated[
    str | None, typer.Option("--day-zero", help="Day zero of the participant typed in.", metavar="DATE")
]
Weight = Annotated[str | None, typer.Option("--weight", help='Body weight, such as "16.2 kg".', metavar="WEIGHT")]
WeighedOn = Annotated[str | None, typer.Option("--weighed-on", help="Day of that weight.", metavar="DATE")]
BirthDate = Annotated[
    str | None, typer.Option("--birth-date", help="Date of birth, for plausible weights.", metavar="DATE")
]
Blinded = Annotated[
    bool | None,
    typer.Option("--blinded/--unblinded", help="Show nothing that tells an arm; default: what the protocol says."),
]
Height = Annotated[str | None, typer.Option("--height", help='Body height, such as "101 cm".', metavar="HEIGHT")]
