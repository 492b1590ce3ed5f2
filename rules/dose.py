"""The intended dose of every administration, its limits, and what is missing where it cannot be computed.

Amounts are whole base units (ng, cells, ...), doses thousandths of them, weights grams: all exact. Limits are computed
once and compared as integers, so a dose exactly on its limit is inside (docs/engine.md, "Exact amounts").
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from protocol.dosing import Dose
from protocol.model import Treatment
from protocol.quantity import Range
from rules.arrays import NONE, Flags, Index, Ints, Longs, numbers, taken
from rules.dosing.given import FACTS, Codes, amounts_given, countable
from rules.dosing.intended import (
    FIXED,
    HEAVIEST,
    UNKNOWN,
    Intended,
    Reals,
    clearance,
    intend,
    needs,
    rate,
    surface,
    total_limit,
)
from rules.dosing.weighing import Recalculated, recalculations, weigh
from rules.happened.growth import plausible_weight
from rules.happened.truth import Truth, all_of
from rules.planning.slots import Part
from rules.timing.grid import Laid

SLIPS = (10, 100, 1000, 2.2046, 2, 3, 5)
"""Factors of known slips: a power of ten, pounds for kilograms, a daily dose taken for a single one."""
LIMITS = ("low", "high", "least", "most", "ceiling")
LIGHTEST = 200
"""Grams; the door takes no lighter body weight."""
COARSE = 20
"""A last recorded digit worth more than a twentieth of the dose says nothing of its precision: `0.1 g`, `1e2 mg`."""
LEAST_SLIP = 1.9
"""Below this ratio no known factor fits."""
FAR = 9
"""A dose this many times over the intended one is over, whatever the tolerance: a tenfold slip less ten per cent."""


T = TypeVar("T", bound=np.generic)


class _Columns(dict[str, npt.NDArray[T]]):
    """Columns of n rows; one that nothing was written to yet holds the same value in all of them."""

    def __init__(self, n: int, empty: T) -> None:
        super().__init__()
        self.n, self.empty = n, empty

    def __missing__(self, name: str) -> npt.NDArray[T]:
        self[name] = np.full(self.n, self.empty)
        return self[name]


@dataclass
class Doses:
    """Columns over the dose records of a partition. Weights in grams, amounts and limits in base units."""

    n: int
    dosed: Flags = field(init=False)
    columns: _Columns[np.int64] = field(init=False)
    flags: _Columns[np.bool_] = field(init=False)
    recalculated: Recalculated | None = None
    dose_fact: Codes = field(init=False)
    amount_fact: Codes = field(init=False)
    right_brand: Truth = field(init=False)

    def __post_init__(self) -> None:
        self.dosed = np.zeros(self.n, np.bool_)
        self.columns, self.flags = _Columns(self.n, UNKNOWN), _Columns(self.n, np.False_)
        self.dose_fact = np.full(self.n, FACTS.index("dose"), np.uint8)
        self.amount_fact = np.full(self.n, FACTS.index("amount"), np.uint8)


def compute_doses(laid: Laid, part: Ints, occurrence: Ints) -> Doses:
    """The intended dose and its limits for each dose record; `part` is the plan's part of each, -1 for none."""
    records = laid.doses
    doses = Doses(len(records.s))
    frame = laid.evidence.frames["administrations"]
    recorded = {name: taken(numbers(frame[name], none), records.place) for name, none in _RECORDED.items()}
    given = amounts_given(laid, part)
    doses.recalculated = _recalculated(laid)
    doses.columns |= {"amount": given.amount, "recorded_amount": given.recorded, "said": given.amount.copy()}
    doses.amount_fact, doses.flags["count_open"] = given.fact, given.count_open
    doses.flags["branded"], doses.right_brand = given.branded, given.right_brand
    for code in np.flatnonzero(np.bincount(part + 1)[1:]):
        chosen = laid.plan.parts[int(code)]
        element = chosen.element
        if isinstance(element, Treatment) and element.dose and chosen.judged:
            rows = np.flatnonzero(part == code)
            _part(doses, laid, recorded, element.dose, rows)
            _modify(doses, laid, recorded, chosen, rows)
    return doses


_RECORDED: dict[str, int | np.int64] = {"step": 1, "weight_used": UNKNOWN}
"""What else is recorded of a dose that its limits rest on: what one step of its last digit is, the weight it names."""

_Recorded: TypeAlias = dict[str, Longs]


def _recalculated(laid: Laid) -> Recalculated | None:
    """The weighings that doses follow, where the protocol says from which change on."""
    r = laid.doses
    return recalculations(laid.evidence, laid.plan.protocol.weight, r.s, r.day, r.minute)


def _follow(doses: Doses, laid: Laid, dose: Dose, rows: Index, shares: tuple[Longs, Longs] | None) -> None:
    """Mark the doses that are right only by the weight before the last change that counts."""
    if doses.recalculated is None or dose.weight is not None:
        return
    now, before = doses.recalculated.now[rows], doses.recalculated.before[rows]
    chosen = np.flatnonzero(now != before)
    if not len(chosen):
        return
    mine = rows[chosen]
    measure = laid.evidence.weights.value[before[chosen]]
    if needs(dose) == "surface":
        measure = surface(laid.evidence, dose, laid.doses.s[mine], laid.doses.day[mine], measure)[0]
    old = intend(dose, measure, *((share[chosen] for share in shares) if shares else ()))
    amount, least, most = (doses.columns[name][mine] for name in ("amount", "least", "most"))
    known = (amount != UNKNOWN) & (least != UNKNOWN) & (most != UNKNOWN) & (old.most != UNKNOWN)
    right = (amount >= old.least) & (amount <= old.most)
    doses.flags["not_recalculated"][mine] = known & right & ((amount < least) | (amount > most))


def _modify(doses: Doses, laid: Laid, recorded: _Recorded, part: Part, rows: Index) -> None:
    """Limits by what modifications make of the dose; a dose as if nothing had been modified is marked as such."""
    element, r = part.element, laid.doses
    assert isinstance(element, Treatment)
    if not laid.levels.touches(part.activity) or not len(rows):
        return
    number, at = laid.cycle_places()
    level = element.level or 0
    force = laid.levels.in_force(part.activity, level, r.s[rows], r.day[rows], r.minute[rows], number[rows], at[rows])
    chosen = np.flatnonzero(force.changed & doses.dosed[rows])
    rows, force = rows[chosen], force.take(chosen)
    old = {name: doses.columns[name][rows] for name in LIMITS}
    best = {name: np.full(len(rows), UNKNOWN, np.int64) for name in LIMITS}
    far, named = np.full(len(rows), np.iinfo(np.int64).max), np.zeros(len(rows), np.bool_)
    for option in force.options(lambda by: _stated(element, level + by)):
        mine, stated = option.rows, option.doses
        _part(doses, laid, recorded, stated, rows[mine], (option.least, option.most))
        away = _away(doses, rows[mine])
        nearer = mine[away < far[mine]] if stated else mine[:0]
        far[nearer], named[nearer] = _away(doses, rows[nearer]), True
        for name in LIMITS:
            best[name][nearer] = doses.columns[name][rows[nearer]]
    for name in LIMITS:
        doses.columns[name][rows] = best[name]
    missing = np.where(force.open, FACTS.index("condition"), FACTS.index("level"))
    doses.dose_fact[rows] = np.where(named, doses.dose_fact[rows], missing)
    amount, known = doses.columns["amount"][rows], (best["most"] != UNKNOWN) & (old["most"] != UNKNOWN)
    doses.flags["modified"][rows] = True
    inside = (amount >= best["least"]) & (amount <= best["most"])
    before = (amount >= old["least"]) & (amount <= old["most"])
    doses.flags["adjusted"][rows] = known & inside & ((amount > old["most"]) | (amount < old["least"]))
    doses.flags["unmodified"][rows] = known & before & ~inside


def _stated(element: Treatment, level: int) -> tuple[Dose, ...]:
    return element.doses_at(level) if element.levels else element.dose


def _away(doses: Doses, rows: Index) -> Longs:
    """How far the amounts lie outside their limits; 0 inside, or where either is unknown."""
    amount, least, most = (doses.columns[name][rows] for name in ("amount", "least", "most"))
    told = (amount != UNKNOWN) & (least != UNKNOWN) & (most != UNKNOWN)
    away: Longs = np.where(told, np.maximum(np.maximum(least - amount, amount - most), 0), 0)
    return away


def _part(
    doses: Doses,
    laid: Laid,
    recorded: _Recorded,
    stated: tuple[Dose, ...],
    rows: Index,
    shares: tuple[Longs, Longs] | None = None,
) -> None:
    """Limits of the records of one part by the first of its doses whose condition holds."""
    s, day = laid.doses.s[rows], laid.doses.day[rows]
    left = np.ones(len(rows), np.bool_)
    for dose in stated:
        answer = all_of(dose.if_, laid.evidence, s, day)
        here, open_ = left & (answer == 1), left & (answer < 0)
        chosen = rows if here.all() else rows[here]
        if open_.any():
            doses.dose_fact[rows[open_]] = FACTS.index("condition")
            doses.dosed[rows[open_]] = True
        left &= answer == 0
        if dose.amount is None or not len(chosen):
            continue
        doses.dosed[chosen] = True
        own = None
        if shares is not None:
            mine = np.isin(rows, chosen)
            own = shares[0][mine], shares[1][mine]
        _one(doses, laid, recorded, dose, chosen, own)


def _one(
    doses: Doses, laid: Laid, recorded: _Recorded, dose: Dose, rows: Index, shares: tuple[Longs, Longs] | None
) -> None:
    """Limits of the records that one dose of the protocol governs."""
    s, day, by = laid.doses.s[rows], laid.doses.day[rows], needs(dose)
    # A fixed dose has the same limits for every record.
    measure = np.full(len(rows) if shares is not None else 1, FIXED, np.int64)
    if by:
        _weigh(doses, laid, recorded, dose, rows)
        measure = doses.columns["weight"][rows]
    if by == "surface":
        measure, there = surface(laid.evidence, dose, s, day, measure)
        doses.dose_fact[rows[~there]] = FACTS.index("height")
    if dose.formula == "calvert":
        measure, there = clearance(laid.evidence, dose, s, day)
        doses.dose_fact[rows[~there]] = FACTS.index("clearance")
    found = intend(dose, measure, *(shares or ()))
    if dose.tolerance is None:
        found = _at_precision(doses, recorded, dose, rows, found)
    if not countable(dose):
        # What the protocol counts is open: limits are unknown, and only a dose far off is judged.
        found = replace(found, least=np.full(1, UNKNOWN), most=np.full(1, UNKNOWN))
        doses.dose_fact[rows] = FACTS.index("dose")
    if dose.max is not None:
        doses.flags["capped"][rows] = True
    if dose.max_total is not None:
        doses.flags["totalled"][rows] = True
        doses.columns["total_limit"][rows] = total_limit(dose, measure)
    for name, values in vars(found).items():
        doses.columns[name][rows] = values
    if by:
        _follow(doses, laid, dose, rows, shares)
    _slips(doses, laid, rows, found, rate(dose), by == "weight")


def _at_precision(doses: Doses, recorded: _Recorded, dose: Dose, rows: Index, found: Intended) -> Intended:
    """Without a tolerance amounts are compared at the recorded precision: limits reach to the last recorded digit.

    Of a single target what then differs cannot be told: never ±0 % (language, decision 12).
    """
    known = np.broadcast_to(found.low != UNKNOWN, len(rows))
    step = recorded["step"][rows]
    step = np.where(step * 1000 * COARSE > found.low, 1, step)
    near_low, near_high = ((d + step * 500) // (step * 1000) * step for d in (found.low, found.high))
    least, most = np.minimum(near_low, found.least), np.maximum(near_high, found.most)
    most = np.minimum(most, found.ceiling)
    if not isinstance(dose.amount, Range):
        amount, open_ = doses.columns["amount"][rows], known & (found.ceiling != UNKNOWN)
        known = known & (amount >= least) & (amount <= most)
        fact = np.where(amount != UNKNOWN, FACTS.index("tolerance"), doses.amount_fact[rows])
        doses.dose_fact[rows[open_]] = fact[open_]
    return replace(found, least=np.where(known, least, UNKNOWN), most=np.where(known, most, UNKNOWN))


def _weigh(doses: Doses, laid: Laid, recorded: _Recorded, dose: Dose, rows: Index) -> None:
    """The weight in force for each record, and how old the protocol lets it be."""
    records, policy = laid.doses, dose.weight or laid.plan.protocol.weight
    used, minute = taken(recorded["weight_used"], rows), taken(records.minute, rows)
    followed = doses.recalculated.now[rows] if doses.recalculated is not None and dose.weight is None else None
    found = weigh(laid.evidence, policy, records.s[rows], records.day[rows], minute, used, followed)
    doses.flags["weighed"][rows] = True
    if found.implausible.any():
        doses.flags["implausible"][rows] = found.implausible
    doses.flags["used_is_measured"][rows] = found.measured
    doses.dose_fact[rows] = np.where(found.implausible, FACTS.index("weight-implausible"), FACTS.index("weight"))
    columns = {"used": used, "weight": found.grams, "weight_day": found.day, "weight_row": found.row}
    for name, values in columns.items():
        doses.columns[name][rows] = values
    if policy is not None and policy.use == "latest" and policy.within is not None:
        doses.flags["aged"][rows] = True
        doses.columns["weight_limit"][rows] = policy.within.days
        doses.flags["reasoned"][rows] = policy.older is not None


def _slips(doses: Doses, laid: Laid, rows: Index, found: Intended, per_unit: int, per_weight: bool) -> None:
    """Name the factor where it fits a known slip; without a weight, judge the weight that the dose implies.

    Of a record whose limits are known and hold the amount nothing is to be explained.
    """
    amount = doses.columns["amount"][rows]
    inside = (amount >= found.least) & (amount <= found.most) & (found.least != UNKNOWN) & (found.most != UNKNOWN)
    if doses.flags["count_open"].any():
        opened = doses.flags["count_open"][rows]
        amount, inside = np.where(opened, doses.columns["recorded_amount"][rows], amount), inside & ~opened
        doses.columns["said"][rows] = amount
    outside = np.flatnonzero(~inside)
    rows, amount = rows[outside], amount[outside]
    low, high = doses.columns["low"][rows], doses.columns["high"][rows]
    told = (amount != UNKNOWN) & (amount > 0) & (low != UNKNOWN) & (low > 0)
    over = np.where(told, amount * 1000.0 / np.where(told, high, 1), 0.0)
    under = np.where(told, np.where(told, low, 1) / np.where(told, amount * 1000.0, 1), 0.0)
    heavy, light = np.zeros(len(rows), np.bool_), np.zeros(len(rows), np.bool_)
    if per_weight:
        over, under, heavy, light = _implied(doses, laid, rows, amount, per_unit, told, over, under)
    doses.flags["unit_doubt"][rows] = (over > 3e4) | (under > 3e4)
    slack = (doses.columns["most"][rows] == UNKNOWN) | doses.flags["count_open"][rows]
    ceiling = doses.columns["ceiling"][rows]
    above = (ceiling != UNKNOWN) & (doses.columns["amount"][rows] > ceiling)
    doses.flags["far_over"][rows] = slack & ~above & ((over >= FAR) | heavy) & (over <= 3e4)
    doses.flags["far_under"][rows] = slack & ((under >= FAR) | light) & (under <= 3e4)
    slip = np.zeros(len(rows), np.int64)
    off = np.flatnonzero((over > LEAST_SLIP) | (under > LEAST_SLIP))
    for factor in SLIPS:
        for sign, ratio in ((1, over[off]), (-1, under[off])):
            fits = (slip[off] == 0) & (np.abs(ratio / factor - 1) <= _fit(factor))
            slip[off[fits]] = sign * round(factor * 10_000)
    per_kg = told & per_weight & (amount == per_unit)
    doses.columns["slip"][rows] = np.where(per_kg & (under > 1.5), 1, slip)


def _fit(factor: float) -> float:
    """How near a ratio must be to a factor: powers of ten stand far apart, small factors must fit well."""
    return 0.1 if factor >= 10 else 0.02


def _implied(
    doses: Doses, laid: Laid, rows: Index, amount: Longs, per_unit: int, told: Flags, over: Reals, under: Reals
) -> tuple[Reals, Reals, Flags, Flags]:
    """Without a weight: the weight that the dose implies, against the median for the age; and whether it is beyond.

    Beyond what is plausible for the age (or what any person weighs) the dose is over or under for any weight.
    """
    some = (amount != UNKNOWN) & (amount > 0) & (per_unit > 0)
    implied = np.where(some, amount * 1000 // max(per_unit, 1), UNKNOWN)
    doses.columns["implied"][rows] = implied
    heavy, light = np.zeros(len(rows), np.bool_), np.zeros(len(rows), np.bool_)
    few = np.flatnonzero(some & ~told)
    if len(few):
        low, high = plausible_weight(*laid.evidence.age_days(laid.doses.s[rows[few]], laid.doses.day[rows[few]]))
        aged = low != NONE
        low, high = np.where(aged, low, LIGHTEST), np.where(aged, high, HEAVIEST)
        heavy[few], light[few] = implied[few] > high, implied[few] < low
        ratio = implied[few] / (high / 2)
        over[few] = np.where(aged & heavy[few], ratio, 0.0)
        under[few] = np.where(aged & light[few], 1 / np.maximum(ratio, 1e-12), 0.0)
    return over, under, heavy, light
