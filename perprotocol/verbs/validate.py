"""The verb `validate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perprotocol.door import bad_input, resolve_as_of, say_weighed
from perprotocol.options import (
    Arm,
    AsOf,
    BirthDate,
    Blinded,
    DayZero,
    Format,
    FormatOpt,
    Height,
    Lang,
    LangOpt,
    Out,
    ProtocolArg,
    Quiet,
    StudyArg,
    Subject,
    WeighedOn,
    Weight,
)
from perprotocol.output import print_table, print_text

if TYPE_CHECKING:
    from polars import DataFrame

    from perprotocol.typed_in import Judged, Person, TypedDose

SHORT = "Was (or would be) this dose right, and if not, why?"
EXAMPLES = (
    "Examples:\n\n"
    "perprotocol validate uc-msc-saa examples/uc-msc-saa --format csv\n\n"
    'perprotocol validate uc-msc-saa examples/uc-msc-saa --subject 109 --treatment uc-msc --given "1.63e7 cells" '
    "--on 2015-10-27\n\n"
    'perprotocol validate uc-msc-saa --subject 001 --arm msc --day-zero 2024-03-01 --weight "16.2 kg" '
    '--treatment uc-msc --given "1.62e8 cells" --on 2024-03-15'
)


def validate(
    protocol: ProtocolArg,
    study: StudyArg = None,
    subject: Subject = None,
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
    arm: Arm = None,
    day_zero: DayZero = None,
    weight: Weight = None,
    weighed_on: WeighedOn = None,
    birth_date: BirthDate = None,
    height: Height = None,
    as_of: AsOf = None,
    format: FormatOpt = Format.table,
    output: Out = None,
    lang: LangOpt = Lang.en,
    blinded: Blinded = None,
    quiet: Quiet = False,
) -> None:
    """Was (or would be) a dose right? One verdict per administration on record, or for one dose typed in.

    Nothing is stored. Exit status for one dose: 0 complies, 1 deviates, 3 cannot tell.
    """
    from perprotocol.typed_in import Person, TypedDose  # noqa: PLC0415

    with bad_input(output):
        person = Person(subject, arm, day_zero, weight, weighed_on, birth_date, height)
        say_weighed(person, on, quiet=quiet)
        if given is not None:
            judged = _judge(protocol, study, TypedDose(subject, treatment, given, on), person, lang, blinded)
            verdicts = judged.verdict
            if format is Format.table and output is None:
                from perprotocol.pages import judged_text  # noqa: PLC0415

                print_text(judged_text(judged, lang.value), None)
            else:
                print_table(verdicts, format, lang, output, quiet=quiet)
        else:
            typed = {"--treatment": treatment, "--on": on, **person.options()}
            verdicts = _validate(protocol, study, subject, typed, as_of, lang, blinded, quiet=quiet)
            print_table(verdicts, format, lang, output, quiet=quiet)
    worst = set(verdicts["verdict"])
    if given is not None:
        raise typer.Exit(1 if "deviates" in worst else 3 if "cannot tell" in worst or not worst else 0)
    raise typer.Exit(1 if "deviates" in worst else 0)


def _judge(
    protocol: str, study: Path | None, dose: TypedDose, person: Person, lang: Lang, blinded: bool | None
) -> Judged:
    """The verdict on one dose typed in, beside what a study knows where one is given."""
    import protocol as promised  # noqa: PLC0415
    from perprotocol.typed_in import judge_typed  # noqa: PLC0415
    from rules.blinding import is_blinded, read_facts  # noqa: PLC0415

    trial = promised.read_versions(protocol)[-1]
    if is_blinded(trial, blinded):
        raise typer.BadParameter("an amount tells the arm: a dose of a blinded trial is judged with --unblinded")
    known = read_facts(study, trial, blinded) if study is not None else None
    return judge_typed(trial, known, dose, person, lang.value)


def _validate(
    protocol: str,
    study: Path | None,
    subject: str | None,
    typed: dict[str, str | None],
    as_of: str | None,
    lang: Lang,
    blinded: bool | None,
    *,
    quiet: bool,
) -> DataFrame:
    """The verdict on every administration on record, or on those of one participant."""
    import protocol as promised  # noqa: PLC0415
    import rules  # noqa: PLC0415
    from perprotocol.typed_in import only_of, refuse_beside  # noqa: PLC0415
    from rules.blinding import read_facts  # noqa: PLC0415

    versions = promised.read_versions(protocol)
    if study is None:
        raise typer.BadParameter("give a STUDY folder, or one dose with --treatment, --given and --on")
    refuse_beside(typed, "a STUDY without a dose typed in", "add --given, or leave it out")
    facts = read_facts(study, versions[-1], blinded)
    when = resolve_as_of(as_of, quiet=quiet)
    verdicts = rules.validate(versions, facts, as_of=when, lang=lang.value, blinded=blinded)
    return only_of(verdicts, facts, subject)
