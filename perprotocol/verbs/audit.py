"""The verb `audit`."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from perprotocol.door import bad_input, extra, report_progress, resolve_as_of, say
from perprotocol.options import AsOf, Blinded, Format, FormatOpt, Lang, LangOpt, Out, ProtocolArg, Quiet
from perprotocol.output import print_table

if TYPE_CHECKING:
    from collections.abc import Callable

    import polars as pl

    from perprotocol.bulk.audit import Task

SHORT = "Where the study left its protocol; what is unknown."
EXAMPLES = (
    "Examples:\n\n"
    "perprotocol audit uc-msc-saa examples/uc-msc-saa\n\n"
    "perprotocol audit uc-msc-saa examples/uc-msc-saa --format html -o audit.html --lang zh\n\n"
    "perprotocol audit uc-msc-saa examples/uc-msc-saa --format json --as-of 2016-01-31\n\n"
    "perprotocol audit uc-msc-saa examples/uc-msc-saa --engine parts -o results"
)


class Engine(str, Enum):
    """Where a study is judged."""

    memory = "memory"
    parts = "parts"
    spark = "spark"


def audit(
    protocol: ProtocolArg,
    study: Annotated[Path, typer.Argument(help="A study folder, or one Excel workbook.", metavar="STUDY")],
    as_of: AsOf = None,
    format: FormatOpt = Format.table,
    output: Out = None,
    lang: LangOpt = Lang.en,
    strict: Annotated[bool, typer.Option("--strict", help="Queries alone also give exit status 3.")] = False,
    blinded: Blinded = None,
    quiet: Quiet = False,
    engine: Annotated[
        Engine,
        typer.Option(
            "--engine",
            help="memory: all at once. parts, spark: a study larger than memory, from Parquet sorted by subject to "
            "Parquet in the folder named with -o; a broken run goes on where it stopped.",
        ),
    ] = Engine.memory,
    memory: Annotated[
        float | None, typer.Option("--memory", help="Gigabytes that --engine parts may use.", min=0.3, metavar="GB")
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", help="Processes of --engine parts; default: the cores.", min=1)
    ] = None,
    master: Annotated[
        str | None,
        typer.Option("--master", help="Spark to use, such as spark://host:7077; default: this machine.", metavar="URL"),
    ] = None,
) -> None:
    """All detected deviations and proposed queries of a study, with the evidence, beside the site's own log."""
    how = Seen(as_of, lang, strict, blinded, quiet)
    if engine is not Engine.memory:
        if output is None:
            raise typer.BadParameter("name a folder for the results with -o", param_hint="--engine")
        with bad_input():
            room = Room(engine, memory, workers, master)
            raise typer.Exit(_in_parts(protocol, study, output, format, how, room))
    with bad_input(output):
        raise typer.Exit(_at_once(protocol, study, output, format, how))


class Seen(NamedTuple):
    """How an audit is to see the study, and what it says on the way."""

    as_of: str | None
    lang: Lang
    strict: bool
    blinded: bool | None
    quiet: bool

    def status(self, findings: int, queries: int) -> int:
        """The exit status of so many findings and queries."""
        return 1 if findings else 3 if self.strict and queries else 0


class Room(NamedTuple):
    """Where an audit in parts is done, and how much of it at once."""

    engine: Engine
    memory: float | None
    workers: int | None
    master: str | None


def _at_once(protocol: str, study: Path, output: Path | None, format: Format, how: Seen) -> int:
    """The report of a study in memory is written; the exit status is returned."""
    import protocol as promised  # noqa: PLC0415
    import rules  # noqa: PLC0415
    from rules.blinding import read_facts  # noqa: PLC0415
    from rules.report import write_report  # noqa: PLC0415

    versions, blinded = promised.read_versions(protocol), how.blinded
    facts = read_facts(study, versions[-1], blinded)
    when = resolve_as_of(how.as_of, quiet=how.quiet)
    with report_progress("audit", quiet=how.quiet) as progress:
        report = rules.audit(versions, facts, as_of=when, lang=how.lang.value, progress=progress, blinded=blinded)
    calendar = rules.schedule(versions, facts, as_of=when, blinded=blinded) if format is Format.html else None
    write_report(report, calendar, format.value, output, protocol_file=protocol, options={"strict": how.strict})
    if output is not None:
        say(f"wrote {output}", quiet=how.quiet)
    return how.status(len(report.findings), len(report.queries))


def _in_parts(protocol: str, study: Path, output: Path, format: Format, how: Seen, room: Room) -> int:
    """The results stand in the folder `output`, the rules that found something are printed; the exit status."""
    import protocol as promised  # noqa: PLC0415
    from perprotocol.bulk.audit import Task  # noqa: PLC0415

    when = resolve_as_of(how.as_of, quiet=how.quiet)
    task = Task(promised.read_versions(protocol), study, when, how.lang.value, how.blinded, protocol)
    with report_progress("audit", quiet=how.quiet) as progress:
        counts = _counts(task, output, room, progress)
    told = counts.filter(counts["deviates"] + counts["cannot tell"] > 0)
    print_table(told, format, how.lang, None, quiet=how.quiet)
    say(f"wrote {output}", quiet=how.quiet)
    return how.status(int(counts["deviates"].sum()), int(counts["cannot tell"].sum()))


def _counts(task: Task, output: Path, room: Room, progress: Callable[[int, int], None]) -> pl.DataFrame:
    """The counts of an audit in parts, by the engine that was asked for."""
    from perprotocol.bulk.local import cores, part_size, run_task  # noqa: PLC0415

    processes = room.workers or cores()
    size = part_size(task.folder, room.memory, processes) if room.memory is not None else None
    if room.engine is Engine.parts:
        return run_task(task, output, progress=progress, workers=processes, size=size)
    for module in ("pyspark", "pyarrow"):
        extra("spark", module)
    from perprotocol.bulk.spark import run_on_spark, session  # noqa: PLC0415

    return run_on_spark(task, output, session(room.master), progress=progress, size=size)
