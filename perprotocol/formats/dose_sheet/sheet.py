"""What stands on one sheet: who, what, how much and why, in which window, and what must be true before it is given."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

import polars as pl

from perprotocol.formats.dose_sheet.said import Both, condition, plain, route, said, title, when, word
from perprotocol.typed_in import Person, TypedDose, judge_typed
from protocol import Fault, Protocol, ScalarError, StudyError
from protocol.model import Treatment
from protocol.quantity import Quantity
from rules.facts import Study
from rules.page.labels import Labels
from rules.plan import compile_plan
from rules.planning.slots import ArmPlan, Slot

MOST_STOPS = 4
"""Modifications that are printed as reasons not to give the dose; the check looks at all of them."""


@dataclass(frozen=True)
class Order:
    """Typed in for a sheet: the day, the amount ordered, a weight just measured, the concentration, the bags."""

    on: date | None = None
    amount: str | None = None
    weight: str | None = None
    weighed_on: str | None = None
    concentration: str | None = None
    bags: int = 2


@dataclass(frozen=True)
class Sheet:
    """One sheet: where it belongs, the answer of the check, and everything the page prints, as data."""

    subject: str
    activity: str
    occurrence: int
    verdict: str
    page: dict[str, Any]


def fill_in(
    protocol: Protocol, study: Study, row: dict[str, Any], order: Order, as_of: date, *, blinded: bool
) -> Sheet:
    """The sheet of one planned occurrence, a row of the calendar."""
    arm, slot = _planned(protocol, row)
    part = slot.part.element
    assert isinstance(part, Treatment)
    on = order.on or row["due"]
    if on is None:
        raise _fault(
            "--on", "", f"{row['activity']} {row['occurrence']} has no planned day yet", "give the day with --on"
        )
    page = _who(protocol, study, row, as_of) | _what(protocol, part, arm, slot, row)
    judged = {lang: _judge(protocol, study, row, order, on, lang) for lang in ("en", "zh")}
    page |= _checked(judged, on) | _dose(part, judged, order)
    if blinded and not part.dose:
        page |= _hidden(str(page["verdict"]))
    page |= _volume(part, page["amount"], order) | {"bags": order.bags}
    page["checks"] = _checks(protocol, part, arm, slot, as_of, judged["en"])
    verdict = "cannot tell" if page["verdict"] == "timing only" else page["verdict"]
    return Sheet(row["subject"], row["activity"], row["occurrence"], verdict, page)


def _hidden(verdict: str) -> dict[str, Any]:
    """What a blinded sheet says instead of an amount: of its day it says what is wrong, of the rest nothing."""
    told = {} if verdict == "deviates" else {"verdict": "timing only", "banner": said("timing only"), "found": []}
    return {"amount": None, "why": said("pharmacy"), "arithmetic": None, **told}


def _fault(option: str, value: str, why: str, remedy: str) -> StudyError:
    return StudyError([Fault(option, None, None, "", value, why, remedy)])


def _planned(protocol: Protocol, row: dict[str, Any]) -> tuple[ArmPlan, Slot]:
    """The arm's plan, and the slot of the occurrence in it."""
    arm = compile_plan(protocol).arms[row["arm"]]
    slot = next(
        s for s in arm.slots if (s.part.activity, s.occurrence) == (row["activity"], row["occurrence"])
    )  # fmt: skip
    return arm, slot


# --- who and what -----------------------------------------------------------------------------------------------------


def _who(protocol: Protocol, study: Study, row: dict[str, Any], as_of: date) -> dict[str, Any]:
    table = study.tables["subjects"]
    mine = table.raw.filter(pl.col("subject").cast(pl.String).str.strip_chars() == row["subject"])
    born = mine["birth_date"][0] if "birth_date" in mine.columns and len(mine) else None
    return {
        "study": study.name, "subject": row["subject"], "born": str(born) if born is not None else None,
        "site": row["site"], "protocol": protocol.protocol, "version": protocol.version, "known": str(as_of),
    }  # fmt: skip


def _what(protocol: Protocol, part: Treatment, arm: ArmPlan, slot: Slot, row: dict[str, Any]) -> dict[str, Any]:
    name, several = row["activity"], arm.columns(row["activity"])
    window = None
    if row["opens"] is not None and row["closes"] is not None:
        opens, closes = (
            f"{row[end]} {row[f'{end}_time']}" if row.get(f"{end}_time") else str(row[end])
            for end in ("opens", "closes")
        )
        window = plain(f"{opens} – {closes}" if opens != closes else opens)
    product = part.product if isinstance(part.product, str) else None
    return {
        "treatment": title(protocol, name), "id": name,
        "product": title(protocol, product) if product and product in protocol.products and product != name else None,
        "number": plain(f"{slot.occurrence} / {len(several)}"),
        "route": route(part.route) if part.route else None,
        "planned": str(row["due"]) if row["due"] is not None else None,
        "study day": said("study day", n=row["study_day"]) if row["study_day"] is not None else None,
        "window": window or said("no window"),
    }  # fmt: skip


# --- the check --------------------------------------------------------------------------------------------------------


def _judge(protocol: Protocol, study: Study, row: dict[str, Any], order: Order, on: date, lang: str) -> dict[str, Any]:
    """The verdict on the dose as it would be given: with the amount ordered, else the one intended."""
    person = Person(row["subject"], None, None, order.weight, order.weighed_on, None, None)

    def judge(given: str | None) -> dict[str, Any]:
        dose = TypedDose(row["subject"], row["activity"], given, str(on), row["occurrence"])
        try:
            found: dict[str, Any] = judge_typed(protocol, study, dose, person, lang).verdict.row(0, named=True)
        except StudyError as error:
            own = {"--given": "--amount"}
            raise StudyError(replace(fault, file=own.get(fault.file, fault.file)) for fault in error.faults) from None
        return found

    first = judge(order.amount)
    if order.amount is not None:
        return first
    if first["intended"] is not None:
        # Of a range any amount inside is right: the check is that of its lower end.
        return judge(first["least"] if _is_range(first) else first["intended"])
    # Nothing is said of an amount that nobody has named: what stands in its way is.
    codes = [code for code in (first["codes"] or "").split(", ") if code not in ("", "amount")]
    verdict = "deviates" if first["verdict"] == "deviates" else "cannot tell"
    labels = Labels(lang)
    said_ = "; ".join(labels.code(code) for code in codes if code != "not_judged") or labels.code("dose")
    return first | {"verdict": verdict, "message": said_, "codes": ", ".join(codes)}


def _is_range(verdict: dict[str, Any]) -> bool:
    try:
        Quantity.parse(verdict["intended"])
    except ScalarError:
        return True
    return False


def _checked(judged: dict[str, dict[str, Any]], on: date) -> dict[str, Any]:
    """The answer of the check, and what it found in both languages."""
    verdict = str(judged["en"]["verdict"])
    found = [] if verdict == "complies" else [{lang: str(v["message"]) for lang, v in judged.items()}]
    banner = said(verdict, day=on) if verdict == "complies" else said(verdict)
    assumed = said("basis assumed") if judged["en"]["basis"] == "assumed" else None
    return {"verdict": verdict, "banner": banner, "found": found, "assumed": assumed, "on": str(on)}


def _dose(part: Treatment, judged: dict[str, dict[str, Any]], order: Order) -> dict[str, Any]:
    """The weight, the arithmetic, the amount and what is allowed."""
    verdict = judged["en"]
    dose = part.dose[0] if part.dose else None
    weight = None
    if verdict["weight_kg"] is not None:
        age = said("days old", age=verdict["weight_age"])
        weight = {"kg": f"{verdict['weight_kg']:g} kg", "on": str(verdict["weight_on"]), "age": age}
    if verdict["intended"] is None or verdict["arithmetic"] is None:
        return {"amount": None, "why": said("no amount"), "arithmetic": None, "weight": weight}
    counts = [f"counted {word_}" for word_ in (dose.count, dose.counted) if word_] if dose is not None else []
    tolerance = plain(str(dose.tolerance)) if dose is not None and dose.tolerance is not None else said("no tolerance")
    chosen = order.amount is not None or not _is_range(verdict)
    return {
        "amount": (order.amount or verdict["intended"]) if chosen else None,
        "why": None if chosen else said("choose"),
        "range": None if chosen else {lang: str(v["intended"]) for lang, v in judged.items()},
        "counted": [said(count) for count in counts],
        "allowed": plain(f"{verdict['least']} – {verdict['most']}") if verdict["least"] else None,
        "tolerance": tolerance,
        "arithmetic": {lang: str(v["arithmetic"]) for lang, v in judged.items()},
        "weight": weight,
    }  # fmt: skip


# --- volume and rate --------------------------------------------------------------------------------------------------


def _volume(part: Treatment, amount: str | None, order: Order) -> dict[str, Any]:
    """The volume of the amount at a concentration, the time it shall take, and the rate that follows."""
    volume = _millilitres(amount, order.concentration)
    over = part.over
    minutes = sorted({over.low.minutes, over.high.minutes}) if over is not None else []
    rates = [f"{_rounded(volume * 60 / m)} mL/h" for m in minutes] if volume is not None else []
    limits = [said("at most from", after=after, rate=rate) for after, rate in (part.rate or {}).items()]
    return {
        "concentration": order.concentration, "volume": f"{_rounded(volume)} mL" if volume is not None else None,
        "over": plain(over) if over is not None else said("not stated"), "fills": over is None,
        "rates": rates[::-1], "limits": limits,
    }  # fmt: skip


def _millilitres(amount: str | None, concentration: str | None) -> Fraction | None:
    """How many mL hold the amount; None where either is open. StudyError where the two do not go together."""
    if concentration is None:
        return None
    try:
        per = Quantity.parse(concentration)
    except ScalarError as error:
        raise _fault("--concentration", concentration, error.why, error.remedy) from None
    if per.value <= 0 or not per.dimension.endswith("/volume"):
        raise _fault("--concentration", concentration, "is no amount in a volume", 'write it such as "8e5 cells/mL"')
    if amount is None:
        return None
    given = Quantity.parse(amount)
    if per.dimension != f"{given.dimension}/volume":
        raise _fault(
            "--concentration", concentration, f"does not go with {amount}", "write it in the unit of the amount"
        )
    # A concentration is held as base units a litre.
    return Fraction(given.base) * 1000 / Fraction(per.base)


def _rounded(value: Fraction) -> str:
    """A number of mL as syringes and pumps take it: hundredths below 100, tenths above, without needless zeros."""
    step = Decimal("0.01") if value < 100 else Decimal("0.1")
    number = (Decimal(value.numerator) / Decimal(value.denominator)).quantize(step, ROUND_HALF_UP)
    return f"{number.normalize():f}"


# --- before starting --------------------------------------------------------------------------------------------------


def _checks(
    protocol: Protocol, part: Treatment, arm: ArmPlan, slot: Slot, as_of: date, verdict: dict[str, Any]
) -> list[dict[str, Any]]:
    """What a person ticks before the infusion begins; `state` is what the records say of it, where they do."""
    codes = set((verdict["codes"] or "").split(", "))
    checks: list[tuple[Both, str]] = [(said("identity"), ""), (said("product right"), "")]
    dose = part.dose[0] if part.dose else None
    policy = (dose.weight if dose is not None else None) or protocol.weight
    if verdict["weight_kg"] is not None and policy is not None and policy.within is not None:
        fresh = verdict["weight_age"] <= policy.within.days if policy.within.days else "weight_stale" not in codes
        checks.append((said("weight fresh", limit=policy.within), "met" if fresh else "not met"))
    state = {"prerequisite_missing": "not met", "prerequisite": "cannot tell"}
    told = next((answer for code, answer in state.items() if code in codes), "met")
    checks += [(said("requires", what=condition(protocol, one)), told) for one in part.requires]
    product = protocol.products.get(part.product if isinstance(part.product, str) else slot.part.activity)
    checks += [(said("requires", what=condition(protocol, one)), "") for one in (product.requires if product else ())]
    checks += [(said("before it", what=what, when=when), "") for what, when in _companions(protocol, arm, slot)]
    checks += [(said("after it", what=title(protocol, name)), "") for name in part.after]
    checks += [(text, "") for text in _stops(protocol, part, slot)]
    return [{"text": text, "state": state} for text, state in (*checks, (said("nothing since", day=as_of), ""))]


def _companions(protocol: Protocol, arm: ArmPlan, slot: Slot) -> list[tuple[Both, Both]]:
    """What is given before this dose, such as premedication, and when."""
    here = arm.slots.index(slot)
    found = [
        s for s in arm.slots if s.part.kind == "treatment" and s.follows and s.ref.kind == "slot" and s.ref.slot == here
    ]
    return [(title(protocol, s.part.activity), when(", ".join(map(str, s.part.element.due)))) for s in found]


def _stops(protocol: Protocol, part: Treatment, slot: Slot) -> list[Both]:
    """The conditions under which the protocol holds, stops or omits it."""
    product = part.product if isinstance(part.product, str) else slot.part.activity
    found = []
    for modification in protocol.modifications.values():
        for action in modification.then:
            if action.verb in ("hold", "stop", "omit") and action.target in (slot.part.activity, product, "all"):
                what = [condition(protocol, one) for one in modification.if_]
                joined = {"en": " and ".join(w["en"] for w in what), "zh": "且".join(w["zh"] for w in what)}
                found.append(said("not if", what=joined, action=word(action.verb)))
    return found[:MOST_STOPS]
