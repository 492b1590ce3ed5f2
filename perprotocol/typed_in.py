"""One participant or one dose typed in: a study of one, judged by the same engine. Nothing is stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

import polars as pl

from protocol import Fault, Protocol, ScalarError, StudyError
from protocol.quantity import Quantity, parse_unit
from rules import Study, from_frames, validate
from rules.ahead import follows
from rules.door.cells import parse_date
from rules.happened.records import treatment_words
from rules.telling.wording import hypothetical

Row = dict[str, object]
Typed = dict[str, list[tuple[Row, dict[str, str]]]]
"""Rows typed in by table, each with the option that its columns come from."""


@dataclass(frozen=True)
class Person:
    """A participant typed in; texts as typed."""

    subject: str | None
    arm: str | None
    day_zero: str | None
    weight: str | None
    weighed_on: str | None
    birth_date: str | None
    height: str | None

    def options(self) -> dict[str, str | None]:
        """What was typed of the participant, by option; the id is no part of it."""
        return self.identity() | {
            "--weight": self.weight,
            "--weighed-on": self.weighed_on,
            "--height": self.height,
        }

    def identity(self) -> dict[str, str | None]:
        """What a study knows of its participants by itself."""
        return {"--arm": self.arm, "--day-zero": self.day_zero, "--birth-date": self.birth_date}

    def born_after(self) -> bool:
        """Whether the birth lies after day zero for certain; a day that cannot be read has a fault of its own."""
        try:
            return (
                self.birth_date is not None
                and self.day_zero is not None
                and parse_date(self.birth_date).first > parse_date(self.day_zero).last
            )
        except ScalarError:
            return False

    def complete(self, protocol: Protocol) -> Person:
        """Oneself, where that is enough for a calendar; StudyError with what is missing."""
        missing = []
        if self.arm is None and len(protocol.arms) > 1:
            arms = ", ".join(protocol.arms)
            missing.append(_fault("--arm", "", "is missing", f"write one of {arms}, or give a STUDY folder"))
        if self.day_zero is None and self.birth_date is None:
            missing.append(_fault("--day-zero", "", "is missing", "write the day, such as --day-zero 2024-03-01"))
        if missing:
            raise StudyError(fault for error in missing for fault in error.faults)
        return self


@dataclass(frozen=True)
class TypedDose:
    """A dose typed in; texts as typed. `occurrence`: which planned one it is meant to be, where that is known.

    `given` is None where only the rest of it is asked about.
    """

    subject: str | None
    treatment: str | None
    given: str | None
    on: str | None
    occurrence: int | None = None


def _fault(option: str, value: str, why: str, remedy: str) -> StudyError:
    return StudyError([Fault(option, None, None, "", value, why, remedy)])


def refuse_beside(options: Mapping[str, str | None], what: str, remedy: str) -> None:
    """Nothing was typed that would be passed over; StudyError with the first option that was."""
    for option, value in options.items():
        if value is not None:
            raise _fault(option, value, f"has no place beside {what}", remedy)


def person_study(protocol: Protocol, person: Person) -> Study:
    """A study of one participant."""
    typed = _person_rows(protocol, person) | _body(person, person.subject or "typed-in", "--day-zero", person.day_zero)
    return _admit("typed-in", {}, typed)


def _person_rows(protocol: Protocol, person: Person) -> Typed:
    arms = tuple(protocol.arms)
    if person.arm is not None and person.arm not in arms:
        raise _fault("--arm", person.arm, f"is no arm of {protocol.protocol}", "write one of " + ", ".join(arms))
    if person.subject is not None and not person.subject.strip():
        raise _fault("--subject", "", "is empty", "write the participant's id, or leave it out")
    if person.born_after():
        why = f"lies after day zero, {person.day_zero}"
        raise _fault("--birth-date", str(person.birth_date), why, "write the day of birth, or leave it out")
    arm = person.arm or (arms[0] if len(arms) == 1 else None)
    row: Row = {"subject": person.subject or "typed-in", "arm": arm}
    row |= {"birth_date": person.birth_date, "day_zero": person.day_zero}
    options = {"subject": "--subject", "birth_date": "--birth-date", "day_zero": "--day-zero"}
    return {"subjects": [(row, options)]}


def _body(person: Person, subject: str, other: str, other_day: str | None) -> Typed:
    """Weight and height as observations, of the day of another option where no day of weighing is typed."""
    rows: list[tuple[Row, dict[str, str]]] = []
    day, at = (person.weighed_on, "--weighed-on") if person.weighed_on is not None else (other_day, other)
    for measure, typed in (("weight", person.weight), ("height", person.height)):
        if typed is None:
            continue
        option = f"--{measure}"
        if day is None:
            raise _fault(option, typed, "has no day", "give the day with --weighed-on 2024-03-14")
        number, _, unit = typed.strip().partition(" ")
        row: Row = {"subject": subject, "measure": measure, "value": number, "unit": unit or None, "at": day}
        rows.append((row, {"value": option, "unit": option, "at": at}))
    return {"observations": rows} if rows else {}


def _admit(name: str, recorded: Mapping[str, pl.DataFrame], typed: Typed, study: Study | None = None) -> Study:
    """Recorded and typed rows through the same door; a fault of a typed row stands at its option."""
    before = {table: frame.height for table, frame in recorded.items()}
    tables: dict[str, pl.DataFrame | list[Row]] = dict(recorded)
    for table, rows in typed.items():
        known = recorded[table].to_dicts() if table in recorded else []
        tables[table] = [*known, *(row for row, _ in rows)]
    cut, final = (study.data_cut, study.final) if study is not None else (None, False)
    settings = study.settings if study is not None else None
    try:
        return from_frames(name, tables, data_cut=cut, final=final, settings=settings)
    except StudyError as error:
        raise StudyError(_at_option(fault, typed, before) for fault in error.faults) from None


def _at_option(fault: Fault, typed: Typed, before: Mapping[str, int]) -> Fault:
    rows = typed.get(fault.file, [])
    number = (fault.line or 0) - 1 - before.get(fault.file, 0)
    if not 0 <= number < len(rows):
        return fault
    options = rows[number][1]
    option = options.get(str(fault.column), next(iter(options.values())))
    return replace(fault, file=option, line=None, column=None)


def only_of(rows: pl.DataFrame, study: Study, subject: str | None) -> pl.DataFrame:
    """All rows of a result, or those of one participant of the study; each keeps the place of its record."""
    if subject is None:
        return rows
    known = study.subjects["subject"]
    if subject not in known:
        some = ", ".join(known.head(5)) + (", ..." if len(known) > 5 else "")
        raise _fault("--subject", subject, f"is no subject of {study.name}", f"write one of {some}")
    return rows.filter(pl.col("subject") == subject)


def _recorded(study: Study, subject: str, aside: Mapping[str, pl.Series] | None = None) -> dict[str, pl.DataFrame]:
    """The recorded rows of one participant; `aside` names rows by table for which typed ones stand."""
    tables = {}
    for name, table in study.tables.items():
        if "subject" not in table.raw.columns:
            continue
        kept = pl.col("subject").cast(pl.String).str.strip_chars() == subject
        if aside and name in aside:
            kept &= ~table.lines.is_in(aside[name].implode())
        mine = table.raw.filter(kept)
        if len(mine) or name == "subjects":
            tables[name] = mine
    return tables


@dataclass(frozen=True)
class Judged:
    """The verdict on a dose typed in, one row; what would follow it; and whether nothing of it is on record yet."""

    verdict: pl.DataFrame
    follows: pl.DataFrame
    ahead: bool


def judge_typed(protocol: Protocol, study: Study | None, dose: TypedDose, person: Person, lang: str) -> Judged:
    """The verdict on the dose typed in. A record of the same treatment and day stands aside for it."""
    if dose.treatment is None or dose.on is None:
        remedy = "add --treatment NAME and --on 2024-03-15"
        raise _fault("--given", dose.given or "", "is a dose without treatment or day", remedy)
    words = treatment_words(protocol, dose.treatment)
    if not words:
        remedy = "write one of " + ", ".join(protocol.treatments)
        raise _fault("--treatment", dose.treatment, f"is no treatment of {protocol.protocol}", remedy)
    day = _day_of("--on", dose.on)
    subject = person.subject or "typed-in" if study is None else _subject_of(study, dose)
    options = {"start": "--on", "amount": "--given", "unit": "--given"}
    body, row = _body(person, subject, "--on", dose.on), _dose_row(protocol, subject, dose, words)
    typed: Typed = {"administrations": [(row, options)]}
    ahead = True
    if study is None:
        body = _person_rows(protocol, person) | body
        without, facts = _admit("typed-in", {}, body), _admit("typed-in", {}, body | typed)
    else:
        refuse_beside(person.identity(), "a STUDY, which knows its participants", "leave out one of the two")
        aside = {"administrations": _same_dose(protocol, study, subject, words, day)}
        aside["observations"] = _same_measures(study, subject, person, day)
        ahead = not len(aside["administrations"])
        recorded = _recorded(study, subject, aside)
        if "administrations" in recorded:
            # Nobody knows yet when an infusion will end that is asked about before it is given.
            recorded["administrations"] = recorded["administrations"].drop("end", strict=False)
        without, facts = (_admit(study.name, recorded, rows, study) for rows in (body, body | typed))
    verdicts = validate(protocol, facts, as_of=day, lang=lang, blinded=False)
    verdict = verdicts.filter(pl.col("record") == f"administrations:{facts.tables['administrations'].raw.height}")
    later = follows(protocol, without, facts, subject, day)
    if ahead:
        verdict = verdict.with_columns(message=hypothetical(verdict["message"], lang))
    return Judged(verdict.with_columns(_around(later)), later, ahead)


def _around(later: pl.DataFrame) -> list[pl.Expr]:
    """The first allowed and the last compliant day of a dose, and what it moves: `uc-msc 2 by 3 d`."""
    moved = later.filter(pl.col("moved").fill_null(0) != 0)
    said = moved.select(pl.format("{} {} by {} d", "activity", "occurrence", "moved")).to_series().to_list()
    return [
        pl.coalesce("opens", "due").alias("first_allowed_day"),
        pl.coalesce("closes", "due").alias("last_compliant_day"),
        pl.lit(", ".join(said) or None, pl.String).alias("moves"),
    ]


def _day_of(option: str, text: str) -> date:
    try:
        day = parse_date(text)
    except ScalarError as error:
        raise _fault(option, text, error.why, error.remedy) from None
    if day.first != day.last:
        raise _fault(option, text, "is more than one day", "write the day, such as 2024-03-15")
    return day.first


def _subject_of(study: Study, dose: TypedDose) -> str:
    known = study.subjects["subject"]
    if dose.subject is None and len(known) == 1:
        return str(known[0])
    if dose.subject is None:
        raise _fault("--subject", "", "is missing", "name the participant with --subject ID")
    if dose.subject not in known:
        some = ", ".join(known.head(5))
        raise _fault("--subject", dose.subject, f"is no subject of {study.name}", f"write one of {some}, ...")
    return dose.subject


def _dose_row(protocol: Protocol, subject: str, dose: TypedDose, words: tuple[str, ...]) -> Row:
    """The record of the dose; a word that several treatments share stays as typed, and the engine finds which.

    What an option does not say counts as the protocol has it: viable or total cells, the route.
    """
    number, unit = _amount(dose.given) if dose.given is not None else (None, "")
    entry = protocol.treatments[words[0]].parts()[0]
    count = entry.dose[0].count if entry.dose else None
    counted = entry.dose[0].counted if entry.dose else None
    return {
        "subject": subject,
        "treatment": words[0] if len(words) == 1 else dose.treatment,
        "start": dose.on,
        "amount": number,
        "unit": unit or ("cells" if count else None),
        "viable_or_total": count,
        "counted": counted,
        "route": entry.route,
        "occurrence": dose.occurrence,
    }


def _amount(given: str) -> tuple[str, str]:
    """Number and unit of an amount typed in."""
    try:
        amount = Quantity.parse(given)
        if amount.unit.text:
            parse_unit(amount.unit.text)
    except ScalarError as error:
        raise _fault("--given", given, error.why, error.remedy) from None
    return given[: len(given) - len(amount.unit.text)].strip() if amount.unit.text else given, amount.unit.text


def _same_dose(protocol: Protocol, study: Study, subject: str, words: tuple[str, ...], day: date) -> pl.Series:
    """The rows of `administrations` for which the typed dose stands: same participant, treatment and day."""
    records = study.administrations
    recorded = records["treatment"].drop_nulls().unique()
    same = [word for word in recorded if set(words) & set(treatment_words(protocol, word))]
    s = study.subjects["subject"].index_of(subject)
    return records.filter((pl.col("s") == s) & (pl.col("start") == day) & pl.col("treatment").is_in(same))["row"]


def _same_measures(study: Study, subject: str, person: Person, day: date) -> pl.Series:
    """The rows of `observations` for which a typed weight or height stands: same participant, measure and day."""
    weighed = _day_of("--weighed-on", person.weighed_on) if person.weighed_on is not None else day
    measured = pl.lit(value=False)
    for column, typed in (("grams", person.weight), ("mm", person.height)):
        if typed is not None:
            measured |= pl.col(column).is_not_null()
    s = study.subjects["subject"].index_of(subject)
    return study.observations.filter((pl.col("s") == s) & (pl.col("at") == weighed) & measured)["row"]
