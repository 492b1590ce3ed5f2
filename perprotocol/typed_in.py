"""One participant or one dose typed in: a study of one, judged by the same engine. Nothing is stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from protocol import Fault, Protocol, StudyError
from protocol.quantity import Quantity, parse_unit
from rules import Study, from_frames, validate
from rules.records import treatment_words

Row = dict[str, object]


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


@dataclass(frozen=True)
class TypedDose:
    """A dose typed in; texts as typed."""

    subject: str | None
    treatment: str | None
    given: str
    on: str | None


def _fault(option: str, value: str, why: str, remedy: str) -> StudyError:
    return StudyError([Fault(option, None, None, "", value, why, remedy)])


def person_study(protocol: Protocol, person: Person) -> Study:
    """A study of one participant."""
    name = person.subject or "typed-in"
    arms = tuple(protocol.arms)
    if person.arm is not None and person.arm not in arms:
        raise _fault("--arm", person.arm, f"is no arm of {protocol.protocol}", "write one of " + ", ".join(arms))
    arm = person.arm or (arms[0] if len(arms) == 1 else None)
    subject: Row = {"subject": name, "arm": arm, "birth_date": person.birth_date, "day_zero": person.day_zero}
    return from_frames("typed-in", {"subjects": [subject], **_body(name, person)})


def _body(name: str, person: Person) -> dict[str, list[Row]]:
    rows: list[Row] = []
    for measure, typed in (("weight", person.weight), ("height", person.height)):
        if typed is None:
            continue
        if person.weighed_on is None:
            raise _fault(f"--{measure}", typed, "has no day", "give the day with --weighed-on 2024-03-14")
        number, _, unit = typed.strip().partition(" ")
        rows.append(
            {"subject": name, "measure": measure, "value": number, "unit": unit or None, "at": person.weighed_on}
        )
    return {"observations": rows} if rows else {}


def one_of(study: Study, subject: str | None) -> Study:
    """The study, or only one of its participants."""
    if subject is None:
        return study
    known = study.subjects["subject"]
    if subject not in known:
        some = ", ".join(known.head(5))
        raise _fault("--subject", subject, f"is no subject of {study.name}", f"write one of {some}, ...")
    return _narrowed(study, subject, {})


def _narrowed(study: Study, subject: str, more: dict[str, list[Row]]) -> Study:
    """The recorded rows of one participant, with rows added, through the same door."""
    tables: dict[str, pl.DataFrame | list[Row]] = {}
    for name, table in study.tables.items():
        if "subject" not in table.raw.columns:
            continue
        mine = table.raw.filter(pl.col("subject").cast(pl.String).str.strip_chars() == subject)
        if len(mine) or name == "subjects":
            tables[name] = mine.to_dicts() if name in more else mine
    for name, rows in more.items():
        tables[name] = [*tables.get(name, []), *rows]
    zone = study.settings.get("time_zone", "")
    return from_frames(study.name, tables, data_cut=study.data_cut, final=study.final, time_zone=zone)


def judge_typed(protocol: Protocol, study: Study, dose: TypedDose, person: Person, lang: str) -> pl.DataFrame:
    """The verdict on the dose typed in: one row. A record of the same treatment and day stands aside for it."""
    subject = dose.subject or (study.subjects["subject"][0] if len(study.subjects) == 1 else None)
    if subject is None or subject not in study.subjects["subject"]:
        raise _fault("--subject", subject or "", "is not in the study", "name the participant with --subject ID")
    if dose.treatment is None or dose.on is None:
        raise _fault(
            "--given", dose.given, "is a dose without treatment or day", "add --treatment NAME and --on 2024-03-15"
        )
    words = treatment_words(protocol, dose.treatment)
    if not words:
        raise _fault(
            "--treatment",
            dose.treatment,
            f"is no treatment of {protocol.protocol}",
            "write one of " + ", ".join(protocol.treatments),
        )
    row = _dose_row(protocol, subject, dose, words[0])
    body = _body(subject, person) if person.weight or person.height else {}
    facts = _narrowed(_without(study, subject, words, dose.on), subject, {"administrations": [row], **body})
    verdicts = validate(protocol, facts, as_of=max(date.fromisoformat(dose.on[:10]), date(1900, 1, 1)), lang=lang)
    return verdicts.filter(pl.col("record") == f"administrations:{len(facts.administrations)}")


def _dose_row(protocol: Protocol, subject: str, dose: TypedDose, treatment: str) -> Row:
    amount = Quantity.parse(dose.given)
    if amount.unit.text:
        parse_unit(amount.unit.text)
    number = dose.given[: len(dose.given) - len(amount.unit.text)].strip() if amount.unit.text else dose.given
    entry = protocol.treatments[treatment].parts()[0]
    count = entry.dose[0].count if entry.dose else None
    unit = amount.unit.text or ("cells" if count else None)
    return {
        "subject": subject,
        "treatment": treatment,
        "start": dose.on,
        "amount": number,
        "unit": unit,
        "viable_or_total": count,
    }


def _without(study: Study, subject: str, words: tuple[str, ...], on: str) -> Study:
    """The study without records of the same treatment and day: the typed dose stands for them."""
    table = study.tables.get("administrations")
    if table is None:
        return study
    raw = table.raw
    same = (pl.col("treatment").cast(pl.String).is_in(words)) & pl.col("start").cast(pl.String).str.starts_with(on[:10])
    kept = raw.filter(~(same & (pl.col("subject").cast(pl.String) == subject)).fill_null(value=False))
    tables = dict(study.tables) | {"administrations": type(table)(**(table.__dict__ | {"raw": kept}))}
    return type(study)(**(study.__dict__ | {"tables": tables}))


def worklist(calendar: pl.DataFrame, first: date, last: date | None) -> pl.DataFrame:
    """What is not done and can be done between two days, and what is overdue; with the last compliant day of each."""
    end = last if last is not None else first + timedelta(days=6)
    waiting = pl.col("status").is_in(["upcoming", "open", "overdue", "no record"])
    opens, closes = pl.coalesce("opens", "due"), pl.coalesce("closes", "due")
    chosen = calendar.filter(waiting & ((opens <= end) & (closes >= first) | (pl.col("status") == "overdue")))
    return chosen.with_columns(last_compliant_day=closes).sort("due", "subject", "activity", "occurrence")
