"""The verbs people type. Heavy imports happen inside a verb, so that `--help` stays quick."""

from __future__ import annotations

import sys
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perprotocol.door import bad_input, day, report_progress, resolve_as_of, say, say_weighed

if TYPE_CHECKING:
    import polars as pl

EPILOG = (
    "For research and compliance review, never the sole basis of a dose. Not cleared, CE-marked or registered anywhere."
)
app = typer.Typer(
    name="perprotocol",
    help="Where patients in a clinical trial were not treated per protocol: calendars, doses, verdicts, an audit.",
    epilog=EPILOG,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


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


_ProtocolArg = Annotated[
    str,
    typer.Argument(
        help="A protocol file, with the versions that it replaces beside it, or a name in the library.",
        metavar="PROTOCOL",
    ),
]
_StudyArg = Annotated[Path | None, typer.Argument(help="A study folder, or one Excel workbook.", metavar="[STUDY]")]
_AsOf = Annotated[
    str | None, typer.Option("--as-of", help="Judge as of this day (YYYY-MM-DD); default: today.", metavar="DATE")
]
_FormatOpt = Annotated[Format, typer.Option("--format", "-f", help="How to print the result.")]
_Out = Annotated[Path | None, typer.Option("-o", "--output", help="Write the result to this file.", metavar="FILE")]
_LangOpt = Annotated[Lang, typer.Option("--lang", help="Language of sentences: en or zh.")]
_Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no remarks.")]
_Subject = Annotated[
    str | None, typer.Option("--subject", help="One participant only, or the one typed in.", metavar="ID")
]
_Arm = Annotated[str | None, typer.Option("--arm", help="Planned arm of the participant typed in.", metavar="ARM")]
_Zero = Annotated[str | None, typer.Option("--day-zero", help="Day zero of the participant typed in.", metavar="DATE")]
_Weight = Annotated[str | None, typer.Option("--weight", help='Body weight, such as "16.2 kg".', metavar="WEIGHT")]
_Weighed = Annotated[str | None, typer.Option("--weighed-on", help="Day of that weight.", metavar="DATE")]
_Birth = Annotated[
    str | None, typer.Option("--birth-date", help="Date of birth, for plausible weights.", metavar="DATE")
]
_Blinded = Annotated[
    bool | None,
    typer.Option("--blinded/--unblinded", help="Show nothing that tells an arm; default: what the protocol says."),
]
_Height = Annotated[str | None, typer.Option("--height", help='Body height, such as "101 cm".', metavar="HEIGHT")]


@app.command(
    epilog="Examples:\n\n"
    "perprotocol schedule uc-msc-saa examples/uc-msc-saa --subject 109\n\n"
    'perprotocol schedule uc-msc-saa --subject 001 --arm msc --day-zero 2024-03-01 --weight "16.2 kg"'
)
def schedule(
    protocol: _ProtocolArg,
    study: _StudyArg = None,
    subject: _Subject = None,
    arm: _Arm = None,
    day_zero: _Zero = None,
    weight: _Weight = None,
    weighed_on: _Weighed = None,
    birth_date: _Birth = None,
    height: _Height = None,
    as_of: _AsOf = None,
    format: _FormatOpt = Format.table,
    output: _Out = None,
    lang: _LangOpt = Lang.en,
    blinded: _Blinded = None,
    quiet: _Quiet = False,
) -> None:
    """The calendar: what is due to whom, when, within which window, and how much."""
    from perprotocol.typed_in import Person, only_of, person_study, refuse_beside  # noqa: PLC0415

    with bad_input(output):
        import protocol as promised  # noqa: PLC0415
        import rules  # noqa: PLC0415
        from rules.blinding import read_facts  # noqa: PLC0415

        versions = promised.read_versions(protocol)
        trial = versions[-1]
        person = Person(subject, arm, day_zero, weight, weighed_on, birth_date, height)
        say_weighed(person, day_zero, quiet=quiet)
        if study is None:
            facts = person_study(trial, person.complete(trial))
        else:
            refuse_beside(person.options(), "a STUDY, which knows its participants", "leave out one of the two")
            facts = read_facts(study, trial, blinded)
        when = resolve_as_of(as_of, quiet=quiet)
        calendar = rules.schedule(versions, facts, as_of=when, blinded=blinded)
        _print(only_of(calendar, facts, subject if study is not None else None), format, lang, output, quiet=quiet)


@app.command(
    epilog="Examples:\n\n"
    "perprotocol validate uc-msc-saa examples/uc-msc-saa --format csv\n\n"
    'perprotocol validate uc-msc-saa examples/uc-msc-saa --subject 109 --treatment uc-msc --given "1.63e7 cells" '
    "--on 2015-10-27\n\n"
    'perprotocol validate uc-msc-saa --subject 001 --arm msc --day-zero 2024-03-01 --weight "16.2 kg" '
    '--treatment uc-msc --given "1.62e8 cells" --on 2024-03-15'
)
def validate(
    protocol: _ProtocolArg,
    study: _StudyArg = None,
    subject: _Subject = None,
    treatment: Annotated[
        str | None, typer.Option("--treatment", help="Treatment of the dose typed in.", metavar="NAME")
    ] = None,
    given: Annotated[
        str | None,
        typer.Option(
            "--given", help='Amount typed in, such as "1.6e7 cells", in the count the protocol uses.', metavar="AMOUNT"
        ),
    ] = None,
    on: Annotated[str | None, typer.Option("--on", help="Day of the dose typed in.", metavar="DATE")] = None,
    arm: _Arm = None,
    day_zero: _Zero = None,
    weight: _Weight = None,
    weighed_on: _Weighed = None,
    birth_date: _Birth = None,
    height: _Height = None,
    as_of: _AsOf = None,
    format: _FormatOpt = Format.table,
    output: _Out = None,
    lang: _LangOpt = Lang.en,
    blinded: _Blinded = None,
    quiet: _Quiet = False,
) -> None:
    """Was (or would be) a dose right? One verdict per administration on record, or for one dose typed in.

    Nothing is stored. Exit status for one dose: 0 complies, 1 deviates, 3 cannot tell.
    """
    from perprotocol.pages import judged_text  # noqa: PLC0415
    from perprotocol.typed_in import Person, TypedDose, judge_typed, only_of, refuse_beside  # noqa: PLC0415

    with bad_input(output):
        import protocol as promised  # noqa: PLC0415
        import rules  # noqa: PLC0415
        from rules.blinding import is_blinded, read_facts  # noqa: PLC0415

        versions = promised.read_versions(protocol)
        trial = versions[-1]
        person = Person(subject, arm, day_zero, weight, weighed_on, birth_date, height)
        say_weighed(person, on, quiet=quiet)
        if given is not None:
            if is_blinded(trial, blinded):
                raise typer.BadParameter(
                    "an amount tells the arm: a dose of a blinded trial is judged with --unblinded"
                )
            known = read_facts(study, trial, blinded) if study is not None else None
            judged = judge_typed(trial, known, TypedDose(subject, treatment, given, on), person, lang.value)
            verdicts = judged.verdict
        elif study is None:
            raise typer.BadParameter("give a STUDY folder, or one dose with --treatment, --given and --on")
        else:
            typed = {"--treatment": treatment, "--on": on, **person.options()}
            refuse_beside(typed, "a STUDY without a dose typed in", "add --given, or leave it out")
            facts = read_facts(study, trial, blinded)
            verdicts = rules.validate(
                versions, facts, as_of=resolve_as_of(as_of, quiet=quiet), lang=lang.value, blinded=blinded
            )
            verdicts = only_of(verdicts, facts, subject)
        if given is not None and format is Format.table and output is None:
            _write(judged_text(judged, lang.value), None)
        else:
            _print(verdicts, format, lang, output, quiet=quiet)
    worst = set(verdicts["verdict"])
    if given is not None:
        raise typer.Exit(1 if "deviates" in worst else 3 if "cannot tell" in worst or not worst else 0)
    raise typer.Exit(1 if "deviates" in worst else 0)


@app.command(
    epilog="Examples:\n\n"
    "perprotocol audit uc-msc-saa examples/uc-msc-saa\n\n"
    "perprotocol audit uc-msc-saa examples/uc-msc-saa --format html -o audit.html --lang zh\n\n"
    "perprotocol audit uc-msc-saa examples/uc-msc-saa --format json --as-of 2016-01-31"
)
def audit(
    protocol: _ProtocolArg,
    study: Annotated[Path, typer.Argument(help="A study folder, or one Excel workbook.", metavar="STUDY")],
    as_of: _AsOf = None,
    format: _FormatOpt = Format.table,
    output: _Out = None,
    lang: _LangOpt = Lang.en,
    strict: Annotated[bool, typer.Option("--strict", help="Queries alone also give exit status 3.")] = False,
    blinded: _Blinded = None,
    quiet: _Quiet = False,
) -> None:
    """All detected deviations and proposed queries of a study, with the evidence, beside the site's own log."""
    with bad_input(output):
        import protocol as promised  # noqa: PLC0415
        import rules  # noqa: PLC0415
        from rules.blinding import read_facts  # noqa: PLC0415
        from rules.report import write_report  # noqa: PLC0415

        versions = promised.read_versions(protocol)
        trial = versions[-1]
        facts = read_facts(study, trial, blinded)
        when = resolve_as_of(as_of, quiet=quiet)
        with report_progress("audit", quiet=quiet) as progress:
            report = rules.audit(versions, facts, as_of=when, lang=lang.value, progress=progress, blinded=blinded)
        calendar = rules.schedule(versions, facts, as_of=when, blinded=blinded) if format is Format.html else None
        write_report(report, calendar, format.value, output, protocol_file=protocol, options={"strict": strict})
    if output is not None:
        say(f"wrote {output}", quiet=quiet)
    raise typer.Exit(1 if len(report.findings) else 3 if strict and len(report.queries) else 0)


@app.command(
    epilog="Examples:\n\n"
    "perprotocol due uc-msc-saa examples/uc-msc-saa --from 2015-03-09 --to 2015-03-15\n\n"
    "perprotocol due uc-msc-saa examples/uc-msc-saa --format csv -o week.csv"
)
def due(
    protocol: _ProtocolArg,
    study: Annotated[Path, typer.Argument(help="A study folder.", metavar="STUDY")],
    start: Annotated[
        str | None, typer.Option("--from", help="First day of the list; default: the as-of day.", metavar="DATE")
    ] = None,
    end: Annotated[
        str | None, typer.Option("--to", help="Last day of the list; default: a week later.", metavar="DATE")
    ] = None,
    subject: _Subject = None,
    as_of: _AsOf = None,
    format: _FormatOpt = Format.table,
    output: _Out = None,
    lang: _LangOpt = Lang.en,
    blinded: _Blinded = None,
    quiet: _Quiet = False,
) -> None:
    """The worklist: what is open, due or overdue, the first and the last compliant day of each, and what it moves."""
    from perprotocol.typed_in import only_of  # noqa: PLC0415

    with bad_input(output):
        import protocol as promised  # noqa: PLC0415
        import rules  # noqa: PLC0415
        from rules.ahead import worklist  # noqa: PLC0415
        from rules.blinding import read_facts  # noqa: PLC0415

        first, last = day(start, "--from"), day(end, "--to")
        when = day(as_of, "--as-of") or first or resolve_as_of(None, quiet=quiet)
        first = first or when
        last = last or first + timedelta(days=6)
        if last < first:
            raise typer.BadParameter(f"{last} lies before {first}; write a later day", param_hint="--to")
        versions = promised.read_versions(protocol)
        trial = versions[-1]
        facts = read_facts(study, trial, blinded)
        calendar = only_of(rules.schedule(versions, facts, as_of=when, blinded=blinded), facts, subject)
        _print(worklist(trial, calendar, first, last), format, lang, output, quiet=quiet)


@app.command(
    epilog="Examples:\n\n"
    "perprotocol audit uc-msc-saa examples/uc-msc-saa --as-of 2016-01-31 --format json -o january.json\n\n"
    "perprotocol audit uc-msc-saa examples/uc-msc-saa --as-of 2016-02-29 --format json -o february.json\n\n"
    "perprotocol compare january.json february.json\n\n"
    "perprotocol compare january.json february.json --old-study examples/uc-msc-saa --new-study examples/uc-msc-saa"
)
def compare(
    old: Annotated[
        Path, typer.Argument(help="A result of audit as json, csv or parquet, or its folder.", metavar="OLD")
    ],
    new: Annotated[Path, typer.Argument(help="A later result.", metavar="NEW")],
    old_study: Annotated[
        Path | None, typer.Option("--old-study", help="The study of OLD: causes then name cells.", metavar="STUDY")
    ] = None,
    new_study: Annotated[Path | None, typer.Option("--new-study", help="The study of NEW.", metavar="STUDY")] = None,
    format: _FormatOpt = Format.table,
    output: _Out = None,
    lang: _LangOpt = Lang.en,
    quiet: _Quiet = False,
) -> None:
    """New, changed, gone and unchanged findings and queries between two runs, each with what caused it.

    A run is what audit -o wrote, with its manifest beside it. Exit status: 0 nothing differs, 1 something does.
    """
    with bad_input(output):
        import rules  # noqa: PLC0415
        from rules.compare import compare as beside  # noqa: PLC0415
        from rules.compare import counted, read_run  # noqa: PLC0415

        studies = [rules.read_study(folder) if folder is not None else None for folder in (old_study, new_study)]
        told = beside(read_run(old, studies[0]), read_run(new, studies[1]))
        differing = told.filter(told["change"] != "unchanged")
        people = format in (Format.table, Format.markdown, Format.html)
        say(counted(told, lang.value), quiet=quiet)
        _print(differing if people else told, format, lang, output, quiet=quiet)
    raise typer.Exit(1 if len(differing) else 0)


@app.command(epilog="Examples:\n\nperprotocol explain dose_late\n\nperprotocol explain --list --lang zh")
def explain(
    code: Annotated[str | None, typer.Argument(help="A rule's code, such as dose_late.", metavar="[CODE]")] = None,
    list_: Annotated[bool, typer.Option("--list", help="All rules, one a line.")] = False,
    format: _FormatOpt = Format.table,
    output: _Out = None,
    lang: _LangOpt = Lang.en,
) -> None:
    """A rule's page: what it finds, why it matters, its source, and an example of each kind."""
    from perprotocol.pages import explain_rule, list_rules  # noqa: PLC0415

    with bad_input(output):
        if list_ or code is None:
            _print(list_rules(lang.value), format, lang, output)
        else:
            _write(explain_rule(code, lang.value), output)


@app.command(epilog="Examples:\n\nperprotocol library\n\nperprotocol library --lang zh --format json")
def library(format: _FormatOpt = Format.table, output: _Out = None, lang: _LangOpt = Lang.en) -> None:
    """The protocols that ship with the package: any of their names may stand for PROTOCOL."""
    from perprotocol.pages import list_library  # noqa: PLC0415

    with bad_input(output):
        _print(list_library(lang.value), format, lang, output)


@app.command(
    epilog="Examples:\n\n"
    "perprotocol simulate uc-msc-saa -n 100 -o simulated\n\n"
    "perprotocol simulate uc-msc-saa -n 1000 --seed 2 --faults overdose=3,dose_late=5 -o with-faults\n\n"
    "perprotocol simulate covacta -n 500 --faults all=2 --tables parquet --format json -o every-kind"
)
def simulate(
    protocol: _ProtocolArg,
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
    format: _FormatOpt = Format.table,
    lang: _LangOpt = Lang.en,
    quiet: _Quiet = False,
) -> None:
    """A synthetic study: participants who do as the protocol says, with faults put in, and the list of these."""
    from perprotocol.synthetic import simulate_folder  # noqa: PLC0415

    with bad_input():
        summary = simulate_folder(protocol, output, number, seed, faults, tables.value, quiet=quiet)
        _print(summary, format, lang, None)


@app.command(epilog="Example:\n\nperprotocol init my-study")
def init(
    folder: Annotated[Path, typer.Argument(help="The folder to make.", metavar="FOLDER")], quiet: _Quiet = False
) -> None:
    """An empty study folder: its tables with their headers, its settings, and a page that explains them."""
    with bad_input():
        import rules  # noqa: PLC0415

        files = rules.init_study(folder)
    say(f"made {folder} with {len(files)} files; begin with {folder}/README.md and {folder}/subjects.csv", quiet=quiet)


@app.command(epilog="Example:\n\nperprotocol demo -o demo")
def demo(
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for the HTML page.", metavar="FOLDER")] = Path(
        "demo"
    ),
    lang: _LangOpt = Lang.en,
    quiet: _Quiet = False,
) -> None:
    """The main job on the synthetic example study: one child's calendar, one verdict, the audit, and its HTML page."""
    from perprotocol.demonstration import run_demo  # noqa: PLC0415

    with bad_input():
        run_demo(output, lang.value, quiet=quiet)


def _print(frame: pl.DataFrame, format: Format, lang: Lang, output: Path | None, *, quiet: bool = False) -> None:
    """A table in the wanted format, to a file or to standard output."""
    from rules.report import write_table  # noqa: PLC0415

    if format is Format.parquet and output is None and sys.stdout.isatty():
        raise typer.BadParameter(
            "a terminal cannot show Parquet; write it to a file with -o FILE", param_hint="--format"
        )
    write_table(frame, format.value, lang.value, output)
    if output is not None:
        say(f"wrote {output}", quiet=quiet)


def _write(text: str, output: Path | None) -> None:
    if output is None:
        sys.stdout.write(text.rstrip() + "\n")
    else:
        output.write_text(text, encoding="utf-8")
