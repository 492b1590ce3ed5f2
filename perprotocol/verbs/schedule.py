"""The verb `schedule`."""

from __future__ import annotations

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
from perprotocol.output import print_table

SHORT = "What is due to whom, when, in which window, how much."
EXAMPLES = (
    "Examples:\n\n"
    "perprotocol schedule uc-msc-saa examples/uc-msc-saa --subject 109\n\n"
    'perprotocol schedule uc-msc-saa --subject 001 --arm msc --day-zero 2024-03-01 --weight "16.2 kg"'
)


def schedule(
    protocol: ProtocolArg,
    study: StudyArg = None,
    subject: Subject = None,
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
        print_table(only_of(calendar, facts, subject if study is not None else None), format, lang, output, quiet=quiet)
