"""The rules of the naive audit, with their sentences: a function a rule, from an occasion to what it found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from bench.make_study import Series
from bench.naive_model import BASE, CUT, Dose, Finding, Occasion, Subject, Weight, plausible_weight

WEIGHT_COUNTS = 14
WRITTEN = {
    "cells": "1e6 cells/kg", "antibody": "5.25 mg/kg", "booster": "40 ug", "factor": "50 IU/kg",
    "globulin": "400 to 600 mg/kg", "tablet": "150 mg",
}  # fmt: skip
"""The doses as the protocol writes them."""
TITLES = {"cells": "stromal cells"}
"""What a treatment is called where that is not its id."""
RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
SLIPS = (10, 100, 1000, 2.2046, 2, 3, 5)


@dataclass(slots=True)
class Hit:
    """What a rule found."""

    message: str
    expected: str | None
    observed: str | None
    because: str | None
    measure: float | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: its code, what it rests on, what a deviation is called, and the function that judges."""

    code: str
    term: str
    rests_on: tuple[str, ...]
    unit: str | None
    judge: Callable[[Occasion], Hit | None]
    asks: bool = False
    grave: bool = False
    important: tuple[Literal["above", "from"], float] | None = None

    @property
    def source(self) -> str:
        """Where the protocol says what the rule rests on."""
        return "; ".join(f"{field}: made up for the benchmark (stated)" for field in self.rests_on) or "the record"


# --- words --------------------------------------------------------------------------------------------------------


def _name(o: Occasion) -> str:
    return TITLES.get(o.series.name, o.series.name)


def _which(o: Occasion) -> str:
    return f"{_name(o)} {o.number}" if o.number else _name(o)


def _text(amount: int | None, unit: str) -> str:
    """An amount in base units as people write it."""
    if amount is None:
        return "?"
    if unit == "10^6 cells":
        digits = str(amount)
        if len(digits) <= 5:
            return f"{digits} cells"
        rest = digits[1:].rstrip("0")
        return f"{digits[0]}{'.' + rest if rest else ''}×10{str(len(digits) - 1).translate(RAISED)} cells"
    return f"{_point(amount, len(str(BASE[unit])) - 1)} {unit}"


def _point(amount: int, places: int) -> str:
    whole, rest = divmod(amount, 10**places)
    after = f"{rest:0{places}d}".rstrip("0")
    return f"{whole}.{after}" if after else str(whole)


def _kilograms(grams: int | None) -> str:
    return "?" if grams is None else f"{_point(grams, 3)} kg"


def _days(number: int) -> str:
    return "1 day" if number == 1 else f"{number} days"


def _percent(measure: float) -> str:
    tenths = round(measure * 10) / 10
    return f"{int(tenths) if tenths == int(tenths) else tenths} %"


def _window(o: Occasion) -> str:
    return f"{o.opens} to {o.closes}"


def _limits(o: Occasion) -> str:
    return f"{_text(o.least, o.series.unit)} to {_text(o.most, o.series.unit)}"


def _intended(o: Occasion) -> str:
    if o.low is None or o.high is None:
        return "?"
    low = _text(o.low // 1000, o.series.unit)
    return low if o.low == o.high else f"{low} to {_text(o.high // 1000, o.series.unit)}"


def _recorded(dose: Dose | None) -> str:
    if dose is None:
        return "recorded: nothing"
    amount = "" if dose.amount is None else f", amount {dose.amount}"
    return f"recorded: treatment {dose.treatment}, start {dose.start}{amount}, unit {dose.unit}, status {dose.status}"


def _sided(series: Series) -> str:
    return f"±{series.high} d" if series.low == -series.high else f"{series.low} d to +{series.high} d"


def _timing(o: Occasion) -> str:
    plan = f"day {o.series.first}, every {o.series.every} d"
    zero = o.subject.day_zero
    return f"day zero {zero}; due {o.due} ({plan}), window {_sided(o.series)}: {_window(o)}; {_recorded(o.dose)}"


def _arithmetic(o: Occasion, dose: Dose) -> str:
    """The steps from the protocol's dose to its limits, or what is known of them without a weight."""
    steps, unit = WRITTEN[o.series.name], o.series.unit
    given = f"given {_text(o.amount, unit)}; {_recorded(dose)}"
    if o.weight:
        age = (dose.start - o.weight.at).days
        steps += f" × {_kilograms(o.weight.grams)} (of {o.weight.at}, {age} d old)"
    elif o.series.per_kg:
        steps += f" × weight unknown (the amount implies {_kilograms(o.implied)})"
    if o.least is None:
        return f"{steps}: no limits can be computed; {given}"
    bounds = f", at most {_text(o.ceiling, unit)}" if o.ceiling else ""
    tolerance = f"tolerance ±{o.series.tolerance * 100:.0f} %: {_limits(o)}"
    return f"{steps}{bounds} = {_intended(o)}; {tolerance}; {given}"


def _slip(o: Occasion) -> str:
    """The known slip that the ratio fits; empty where it fits none."""
    for factor in SLIPS:
        for ratio, sign in ((o.over, "×"), (o.under, "÷")):
            if ratio > 1.9 and abs(ratio / factor - 1) <= (0.1 if factor >= 10 else 0.02):
                if factor == 2.2046:
                    return f"; pounds taken for kilograms ({sign}2.2) are suspected"
                if factor < 10:
                    how = "as between a daily and a single dose, is possible"
                    return f"; a slip by a factor of {factor} ({sign}{factor}), {how}"
                return f"; a slip by a factor of {factor} ({sign}{factor}) is suspected"
    return ""


# --- rules --------------------------------------------------------------------------------------------------------


def _wrong(o: Occasion) -> Hit | None:
    if not o.dose or o.dose.status != "given" or o.subject.arm in o.series.arms:
        return None
    text = f"{_name(o)} was given on {o.dose.start}, but arm {o.subject.arm} does not get it."
    return Hit(text, o.subject.arm, _name(o), f"recorded as {_recorded(o.dose)}; planned arm {o.subject.arm}")


def _unplanned(o: Occasion) -> Hit | None:
    if o.number or not o.dose or o.dose.status != "given" or o.duplicate or o.subject.arm not in o.series.arms:
        return None
    observed = f"{_text(o.amount, o.series.unit)} on {o.dose.start}"
    text = f"{_name(o)} was given on {o.dose.start}; no planned occurrence accounts for it."
    return Hit(text, "no further dose", observed, f"no free occurrence within reach; {_recorded(o.dose)}")


def _duplicate(o: Occasion) -> Hit | None:
    if not o.dose or not o.duplicate:
        return None
    text = f"{_name(o)} on {o.dose.start} is recorded more than once with the same amount."
    return Hit(text, "one record", f"{_text(o.amount, o.series.unit)} recorded again", _recorded(o.dose)[10:])


def _not_given(o: Occasion) -> Hit | None:
    if not o.number or not o.dose or o.dose.status == "given":
        return None
    text = f"{_which(o)}, due {o.due}, was not given."
    return Hit(text, f"{_which(o)} from {o.opens} to {o.closes}", "recorded as not done", _timing(o))


def _no_record(o: Occasion) -> Hit | None:
    if not o.number or o.dose or o.closes >= CUT:
        return None
    text = f"Was {_which(o)}, due {o.due} (window to {o.closes}), given or not? No record tells."
    return Hit(text, f"a record of {_which(o)}", "no record that tells", _timing(o))


def _early(o: Occasion) -> Hit | None:
    # Before a window that the minimum interval opens, a dose is too soon and not early as well.
    if not (dose := o.given) or dose.start >= o.opens or o.opens == o.earliest:
        return None
    days = (o.opens - dose.start).days
    text = f"{_which(o)} was given on {dose.start}, {_days(days)} before its window opened on {o.opens} (due {o.due})."
    return Hit(text, _window(o), str(dose.start), _timing(o), days)


def _late(o: Occasion) -> Hit | None:
    if not (dose := o.given) or dose.start <= o.closes:
        return None
    days = (dose.start - o.closes).days
    text = f"{_which(o)} was given on {dose.start}, {_days(days)} after its window closed on {o.closes} (due {o.due})."
    return Hit(text, _window(o), str(dose.start), _timing(o), days)


def _too_soon(o: Occasion) -> Hit | None:
    if not (dose := o.given) or dose.start >= o.earliest:
        return None
    days = (o.earliest - dose.start).days
    after = f"not before {o.earliest} is allowed after the dose before."
    text = f"{_name(o)} on {dose.start} came {_days(days)} too soon: {after}"
    why = f"interval previous: opens {o.series.apart} d; earliest {o.earliest}; {_recorded(dose)}"
    return Hit(text, f"{o.earliest} or later", str(dose.start), why, days)


def _doubtful(o: Occasion) -> bool:
    return o.over > 3e4 or o.under > 3e4


def _over(o: Occasion) -> Hit | None:
    # Above a ceiling a dose is that, and no overdose as well.
    if not (dose := o.given) or o.amount is None or _doubtful(o) or _is_above(o):
        return None
    above = o.most is not None and o.amount > o.most
    return _amount_hit(o, dose, "over") if above or o.too_heavy else None


def _is_above(o: Occasion) -> bool:
    return o.ceiling is not None and o.amount is not None and o.amount > o.ceiling


def _under(o: Occasion) -> Hit | None:
    if not (dose := o.given) or not o.amount or _doubtful(o):
        return None
    below = o.least is not None and o.amount < o.least
    return _amount_hit(o, dose, "under") if below or o.too_light else None


def _amount_hit(o: Occasion, dose: Dose, side: str) -> Hit:
    given, measure = _text(o.amount, o.series.unit), None
    beside = f"implies a body weight of {_kilograms(o.implied)}, implausible for the age (no usable weight on record)"
    if o.low is not None and o.high is not None and o.amount is not None:
        target = o.high if side == "over" else o.low
        measure = abs(o.amount * 1000 - target) * 100 / target
        beside = f"is {_percent(measure)} {side} the intended {_intended(o)}"
    text = f"{_which(o)} on {dose.start}: {given} {beside}{_slip(o)}."
    return Hit(text, _limits(o), given, _arithmetic(o, dose), measure)


def _above_ceiling(o: Occasion) -> Hit | None:
    if not (dose := o.given) or not _is_above(o) or _doubtful(o):
        return None
    given, ceiling = (_text(amount, o.series.unit) for amount in (o.amount, o.ceiling))
    text = f"{_which(o)} on {dose.start}: {given} is above the ceiling of {ceiling}."
    return Hit(text, f"at most {ceiling}", given, _arithmetic(o, dose))


def _unit(o: Occasion) -> Hit | None:
    if not (dose := o.given) or not _doubtful(o):
        return None
    given, doubt = _text(o.amount, o.series.unit), f"a unit wrong by 10⁶ is suspected{_slip(o)}"
    text = f"{_which(o)} on {dose.start}: {given} cannot have been given, {_intended(o)} is intended; {doubt}."
    return Hit(text, _limits(o), given, _arithmetic(o, dose))


def _zero(o: Occasion) -> Hit | None:
    if not (dose := o.dose) or dose.status != "given" or o.amount != 0 or o.duplicate:
        return None
    text = f"{_which(o)} on {dose.start} is recorded with the amount 0: was it given, and how much?"
    return Hit(text, "an amount, or the status not given", "0", _recorded(dose)[10:])


def _stale(o: Occasion) -> Hit | None:
    if not (dose := o.given) or not o.weight or (age := (dose.start - o.weight.at).days) <= WEIGHT_COUNTS:
        return None
    allowed = _days(WEIGHT_COUNTS)
    text = f"{_which(o)} on {dose.start} rests on a weight of {o.weight.at}, {_days(age)} old; {allowed} are allowed."
    why = f"weight of {o.weight.at}, on {dose.start} {_days(age)} old; {_recorded(dose)}"
    return Hit(text, f"a weight at most {allowed} old", _days(age), why, age - WEIGHT_COUNTS)


def _no_weight(o: Occasion) -> Hit | None:
    if not (dose := o.given) or o.weight or not o.series.per_kg or not o.amount:
        return None
    implied = f"The amount given implies {_kilograms(o.implied)}."
    text = f"Weight of the participant for {_which(o)} on {dose.start}: none on record that can be used. {implied}"
    return Hit(text, None, None, None)


PLAN = ("due", "window")
DOSE = ("dose", "tolerance")
RULES = [
    Rule("wrong_treatment", "wrong treatment", ("arm",), None, _wrong, grave=True),
    Rule("unplanned_dose", "unplanned dose", ("due",), None, _unplanned),
    Rule("duplicate_record", "dose recorded twice", (), None, _duplicate),
    Rule("dose_not_given", "dose not given", PLAN, None, _not_given, grave=True, important=("from", 0)),
    Rule("dose_no_record", "no record of a dose", PLAN, None, _no_record, asks=True),
    Rule("dose_early", "dose before its window", PLAN, "d", _early),
    Rule("dose_late", "dose after its window", PLAN, "d", _late, important=("above", 3)),
    Rule("interval_too_short", "interval too short", ("limits",), "d", _too_soon),
    Rule("overdose", "overdose", DOSE, "%", _over, grave=True, important=("from", 20)),
    Rule("above_ceiling", "above the ceiling", ("max",), None, _above_ceiling, grave=True),
    Rule("underdose", "underdose", DOSE, "%", _under, important=("from", 20)),
    Rule("unit_doubtful", "unit of an amount in doubt", ("dose",), None, _unit, asks=True),
    Rule("amount_zero", "amount of 0", (), None, _zero, asks=True),
    Rule("weight_stale", "weight too old", ("within",), "d", _stale),
    Rule("weight", "", (), None, _no_weight, asks=True),
]
SOURCES = {rule.code: rule.source for rule in RULES}
CATEGORY = "wrong study treatment, administration or dose"


def judge(o: Occasion, file: str) -> Iterator[Finding]:
    """What every rule finds of one occasion; the first is the primary one."""
    primary = True
    for rule in RULES:
        if hit := rule.judge(o):
            yield _finding(rule, o, hit, file, primary=primary)
            primary = False


def _finding(rule: Rule, o: Occasion, hit: Hit, file: str, *, primary: bool) -> Finding:
    day = o.dose.start if o.dose and o.dose.status == "given" else o.due
    event = f"bench/{o.subject.subject}/{o.series.name}/{o.number or day}"
    is_fact = rule.code == "weight"
    return Finding(
        id=f"{event}/{'query-' if is_fact else ''}{rule.code}", event=event, code=rule.code,
        rule=_blocked(o) if is_fact else rule.code, verdict="cannot tell" if rule.asks else "deviates",
        importance=_importance(rule, hit), category=None if is_fact else CATEGORY, term=rule.term or None,
        subject=o.subject.subject, site=o.subject.site, arm=o.subject.arm, activity=o.series.name,
        occurrence=o.number, date=day, measure=hit.measure, measure_unit=rule.unit, expected=hit.expected,
        observed=hit.observed, because=hit.because, message=hit.message,
        record=f"{file}:{o.dose.row}" if o.dose else None, source=None if is_fact else SOURCES[rule.code],
        basis=None if is_fact else "stated", primary="yes" if primary else "no",
        proposed_importance=None if rule.asks else "important" if rule.grave else "not important",
    )  # fmt: skip


def _blocked(o: Occasion) -> str:
    """The rules that cannot judge a dose without a weight."""
    told = o.too_light or (o.too_heavy and not _is_above(o))
    blocked = ["overdose"] if not told and not _is_above(o) else []
    return ", ".join([*blocked, *([] if told else ["underdose"]), "weight_stale"])


def _importance(rule: Rule, hit: Hit) -> Literal["important", "not important", "unclassified"]:
    if rule.important is None:
        return "unclassified"
    side, bound = rule.important
    if rule.code == "dose_not_given":
        return "important"
    if hit.measure is None:
        return "unclassified"
    measure = round(hit.measure, 9)
    return "important" if measure > bound or (side == "from" and measure == bound) else "not important"


def judge_weight(subject: Subject, weight: Weight, folder: str) -> Iterator[Finding]:
    """A question where a weight is less than half or more than twice the median for the age."""
    age = (weight.at - subject.birth_date).days
    low, high = plausible_weight(age)
    if low <= weight.grams <= high:
        return
    event = f"bench/{subject.subject}/weight/{weight.at}"
    bounds, written = f"{_kilograms(low)} to {_kilograms(high)}", _kilograms(weight.grams)
    years = f"{age / 365.25:.1f} years"
    yield Finding(
        id=f"{event}/weight_implausible", event=event, code="weight_implausible", rule="weight_implausible",
        verdict="cannot tell", importance="unclassified", category=CATEGORY, term="implausible weight",
        subject=subject.subject, site=subject.site, arm=subject.arm, activity="weight", occurrence=None,
        date=weight.at, measure=None, measure_unit=None, expected=bounds, observed=written,
        message=f"Weight {written} of {weight.at} is implausible for the age of {years}: {bounds} is plausible.",
        because=f"measure {weight.measure}, value {weight.value}, unit {weight.unit}, at {weight.at}",
        record=f"{folder}/observations.parquet:{weight.row}", source="plausible weight", primary="yes",
        proposed_importance=None,
    )  # fmt: skip
