"""The intended dose of every administration, its limits, and what is missing where it cannot be computed.

Amounts are whole base units (ng, cells, ...), doses thousandths of them, weights grams: all exact. Limits are computed
once and compared as integers, so a dose exactly on its limit is inside (docs/engine.md, "Exact amounts").
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

from protocol.dosing import Dose, Rounding
from protocol.model import Treatment
from protocol.quantity import Quantity, Range
from rules.assignment import NONE
from rules.evidence import Flags, Ints, Longs
from rules.given import FACTS, UNKNOWN, Codes, amounts_given, countable
from rules.grid import Laid
from rules.growth import plausible_weight
from rules.slots import Part
from rules.truth import all_of
from rules.weighing import weigh

__all__ = ["UNKNOWN", "Doses", "compute_doses"]

NO_CEILING = np.iinfo(np.int64).max
"""Above every amount: without a ceiling nothing is missing."""
Reals: TypeAlias = npt.NDArray[np.float64]
HUNDRED = 10_000
"""100 % in basis points."""
HEAVIEST = 650_000
"""Grams; with it `rate * weight` is proven to stay inside 64 bits."""
SLIPS = (10, 100, 1000, 2.2046, 2, 3, 5)
"""Factors of known slips: a power of ten, pounds for kilograms, a daily dose taken for a single one."""
LEAST_SLIP = 1.9
"""Below this ratio no known factor fits."""
FAR = 9
"""A dose this many times over the intended one is over, whatever the tolerance: a tenfold slip less ten per cent."""


SURFACE: dict[str, Callable[[Reals, Reals], Reals]] = {
    "mosteller": lambda cm, kg: np.sqrt(cm * kg / 3600),
    "dubois": lambda cm, kg: 0.007184 * cm**0.725 * kg**0.425,
    "haycock": lambda cm, kg: 0.024265 * cm**0.3964 * kg**0.5378,
}
"""Body surface in m² of height in cm and weight in kg: Mosteller 1987, Du Bois 1916, Haycock 1978."""


@dataclass
class Doses:
    """Columns over the dose records of a partition. Weights in grams, amounts and limits in base units."""

    n: int
    dosed: Flags = field(init=False)
    columns: dict[str, Longs] = field(default_factory=dict)
    flags: dict[str, Flags] = field(default_factory=dict)
    dose_fact: Codes = field(init=False)
    amount_fact: Codes = field(init=False)

    def __post_init__(self) -> None:
        self.dosed = np.zeros(self.n, np.bool_)
        for name in (
            "amount",
            "least",
            "most",
            "ceiling",
            "low",
            "high",
            "weight",
            "weight_day",
            "weight_row",
            "used",
            "slip",
            "rate",
        ):
            self.columns[name] = np.full(self.n, UNKNOWN, np.int64)
        for name in (
            "capped",
            "far_over",
            "far_under",
            "unit_doubt",
            "weighed",
            "aged",
            "used_is_measured",
            "implausible",
        ):
            self.flags[name] = np.zeros(self.n, np.bool_)
        self.columns["weight_limit"] = np.full(self.n, UNKNOWN, np.int64)
        self.dose_fact = np.full(self.n, FACTS.index("dose"), np.uint8)
        self.amount_fact = np.full(self.n, FACTS.index("amount"), np.uint8)


def compute_doses(laid: Laid, part: Ints, occurrence: Ints) -> Doses:
    """The intended dose and its limits for each dose record; `part` is the plan's part of each, -1 for none."""
    records = laid.doses
    doses = Doses(len(records.s))
    frame = laid.evidence.frames["administrations"].select("step", "weight_used")[records.place]
    given = amounts_given(laid, part)
    doses.columns |= {"amount": given.amount, "recorded_amount": given.recorded}
    doses.amount_fact, doses.flags["count_open"] = given.fact, given.count_open
    for code in np.unique(part[part >= 0]):
        chosen = laid.plan.parts[int(code)]
        element = chosen.element
        if isinstance(element, Treatment) and element.dose and chosen.judged:
            _part(doses, laid, frame, chosen, np.flatnonzero(part == code).astype(np.int32))
    return doses


def _part(doses: Doses, laid: Laid, frame: pl.DataFrame, part: Part, rows: Ints) -> None:
    element = part.element
    assert isinstance(element, Treatment)
    s, day = laid.doses.s[rows], laid.doses.day[rows]
    left = np.ones(len(rows), np.bool_)
    for dose in element.dose:
        answer = all_of(dose.if_, laid.evidence, s, day)
        chosen = rows[left & (answer == 1)]
        doses.dose_fact[rows[left & (answer < 0)]] = FACTS.index("condition")
        doses.dosed[rows[left & (answer < 0)]] = True
        left &= answer == 0
        if dose.amount is None or dose.formula is not None or not len(chosen):
            continue
        doses.dosed[chosen] = True
        if countable(dose):
            _one(doses, laid, frame, dose, chosen)


def _one(doses: Doses, laid: Laid, frame: pl.DataFrame, dose: Dose, rows: Ints) -> None:
    """Limits of the records that one dose of the protocol governs."""
    amount = dose.amount
    assert amount is not None
    low, high = (amount.low, amount.high) if isinstance(amount, Range) else (amount, amount)
    per_weight, per_surface = "/weight" in low.dimension, "/surface" in low.dimension
    if per_weight or per_surface:
        _weigh(doses, laid, frame, dose, rows)
    measure = np.full(len(rows), 1000, np.int64)
    if per_weight:
        measure = _capped(doses.columns["weight"][rows], dose.cap.weight if dose.cap else None)
    elif per_surface:
        measure = _surface(laid, doses, rows, dose)
    known = measure != UNKNOWN
    doses.columns["rate"][rows] = _whole(low) if isinstance(amount, Quantity) else (_whole(low) + _whole(high)) // 2
    bottom, top = (np.where(known, _whole(q) * np.where(known, measure, 0), UNKNOWN) for q in (low, high))
    ceiling = _limit(dose.max, measure, known)
    floor = _limit(dose.min, measure, known)
    bottom, top = (_bounded(d, floor, ceiling, dose.round) for d in (bottom, top))
    doses.flags["capped"][rows] = dose.max is not None
    doses.columns["ceiling"][rows] = _per(ceiling, up=False) if ceiling is not None else NO_CEILING
    doses.columns["low"][rows], doses.columns["high"][rows] = bottom, top
    _tolerate(doses, frame, dose, rows, bottom, top)
    _slips(doses, laid, rows, per_weight)


def _whole(quantity: Quantity) -> int:
    """The quantity in base units per kg, per m² or absolute; finer than one base unit is refused when read."""
    base = quantity.base
    if base != int(base) or abs(int(base)) * HEAVIEST >= 2**63:
        raise ValueError(f"{quantity} is finer or larger than whole base units can say")
    return int(base)


def _capped(values: Longs, cap: Quantity | None) -> Longs:
    return values if cap is None else np.minimum(values, int(cap.base))


def _limit(bound: Quantity | None, measure: Longs, known: Flags) -> Longs | None:
    """An absolute bound, or one in the unit of the amount, in thousandths of base units."""
    if bound is None:
        return None
    if "/" in bound.dimension:
        return np.where(known, _whole(bound) * np.where(known, measure, 0), UNKNOWN)
    return np.full(len(measure), _whole(bound) * 1000, np.int64)


def _bounded(dose: Longs, floor: Longs | None, ceiling: Longs | None, rounding: tuple[Rounding, ...]) -> Longs:
    """Ceiling and floor, then rounding, never past the ceiling (language, decision 12). Unknown stays unknown."""
    known = dose != UNKNOWN
    result = dose
    if floor is not None:
        result = np.maximum(result, floor)
    if ceiling is not None:
        result = np.where(ceiling != UNKNOWN, np.minimum(result, ceiling), UNKNOWN)
    if rounding:
        options = np.array([_rounded(result, r) for r in rounding])
        if ceiling is not None:
            options = np.where(options > ceiling, _down(options, rounding), options)
        nearest = np.abs(options - result).argmin(axis=0)
        result = np.take_along_axis(options, nearest[None, :], axis=0)[0]
    return np.where(known, result, UNKNOWN)


def _rounded(dose: Longs, rounding: Rounding) -> Longs:
    step = _whole(rounding.step) * 1000
    add = {"down": 0, "up": step - 1, "nearest": step // 2}[rounding.direction]
    rounded: Longs = (dose + add) // step * step
    return rounded


def _down(options: Longs, rounding: tuple[Rounding, ...]) -> Longs:
    steps = np.array([_whole(r.step) * 1000 for r in rounding])[:, None]
    lower: Longs = options - steps
    return lower


def _per(dose: Longs, *, up: bool) -> Longs:
    """Thousandths of base units as whole base units, rounded inwards."""
    return np.where(dose == UNKNOWN, UNKNOWN, -(-dose // 1000) if up else dose // 1000)


def _tolerate(doses: Doses, frame: pl.DataFrame, dose: Dose, rows: Ints, bottom: Longs, top: Longs) -> None:
    """Smallest and largest amount inside. Without a tolerance amounts are compared at the recorded precision."""
    known = (bottom != UNKNOWN) & (top != UNKNOWN)
    if dose.tolerance is not None:
        least = _share(bottom, HUNDRED + dose.tolerance.low_bp, up=True)
        most = _share(top, HUNDRED + dose.tolerance.high_bp, up=False)
    else:
        least, most = _at_precision(doses, frame, dose, rows, bottom, top)
    ceiling = doses.columns["ceiling"][rows]
    if dose.max is not None:
        most = np.where(ceiling != UNKNOWN, np.minimum(most, ceiling), UNKNOWN)
    doses.columns["least"][rows] = np.where(known, least, UNKNOWN)
    doses.columns["most"][rows] = np.where(known, most, UNKNOWN)
    if dose.tolerance is None and isinstance(dose.amount, Quantity):
        given = doses.columns["amount"][rows] != UNKNOWN
        doses.dose_fact[rows[known]] = np.where(given[known], FACTS.index("tolerance"), doses.amount_fact[rows[known]])


def _share(dose: Longs, points: int, *, up: bool) -> Longs:
    """A share of a dose in basis points as whole base units, split so that no product leaves 64 bits."""
    whole = 1000 * HUNDRED
    quotient, rest = dose // whole, dose % whole
    return quotient * points + (rest * points + (whole - 1 if up else 0)) // whole


def _at_precision(
    doses: Doses, frame: pl.DataFrame, dose: Dose, rows: Ints, bottom: Longs, top: Longs
) -> tuple[Longs, Longs]:
    """Limits widened to the last recorded digit; for a single target unknown unless the amount equals it there."""
    step = frame["step"].fill_null(1).to_numpy()[rows] if "step" in frame.columns else np.ones(len(rows), np.int64)
    near_low = (bottom + step * 500) // (step * 1000) * step
    near_high = (top + step * 500) // (step * 1000) * step
    least, most = np.minimum(near_low, _per(bottom, up=True)), np.maximum(near_high, _per(top, up=False))
    if isinstance(dose.amount, Range):
        return least, most
    same = (doses.columns["amount"][rows] >= least) & (doses.columns["amount"][rows] <= most)
    return np.where(same, least, UNKNOWN), np.where(same, most, UNKNOWN)


def _weigh(doses: Doses, laid: Laid, frame: pl.DataFrame, dose: Dose, rows: Ints) -> None:
    """The weight in force for each record, and how old the protocol lets it be."""
    records, policy = laid.doses, dose.weight or laid.plan.protocol.weight
    used = frame["weight_used"].fill_null(UNKNOWN).to_numpy()[rows]
    found = weigh(laid.evidence, policy, records.s[rows], records.day[rows], records.minute[rows], used)
    doses.flags["weighed"][rows] = True
    doses.flags["implausible"][rows] = found.implausible
    doses.flags["used_is_measured"][rows] = found.measured
    doses.dose_fact[rows] = np.where(found.implausible, FACTS.index("weight-implausible"), FACTS.index("weight"))
    columns = {"used": used, "weight": found.grams, "weight_day": found.day, "weight_row": found.row}
    for name, values in columns.items():
        doses.columns[name][rows] = values
    if policy is not None and policy.use == "latest" and policy.within is not None:
        doses.flags["aged"][rows] = True
        doses.columns["weight_limit"][rows] = policy.within.days


def _surface(laid: Laid, doses: Doses, rows: Ints, dose: Dose) -> Longs:
    """Body surface in thousandths of m², rounded to hundredths, by the protocol's formula."""
    e, weight = laid.evidence, doses.columns["weight"][rows]
    s, day = laid.doses.s[rows], laid.doses.day[rows]
    at, there = e.heights.before(s, day)
    height = e.heights.value[at] if len(e.heights.s) else np.zeros(len(rows), np.int64)
    known = there & (weight != UNKNOWN)
    doses.dose_fact[rows[~there]] = FACTS.index("height")
    policy = laid.plan.protocol.bsa
    formula = SURFACE[policy.formula if policy is not None else "mosteller"]
    metres = formula(np.where(known, height, 0) / 10, np.where(known, weight, 0) / 1000)
    hundredths = np.floor(metres * 100 + 0.5).astype(np.int64)
    cap = dose.cap.bsa if dose.cap else None
    if cap is not None:
        hundredths = np.minimum(hundredths, round(float(cap.value) * 100))
    return np.where(known, hundredths * 10, UNKNOWN)


def _slips(doses: Doses, laid: Laid, rows: Ints, per_weight: bool) -> None:
    """Name the factor where it fits a known slip; without a weight, judge the weight that the dose implies."""
    amount = doses.columns["amount"][rows]
    amount = np.where(amount != UNKNOWN, amount, doses.columns["recorded_amount"][rows])
    low, high = doses.columns["low"][rows], doses.columns["high"][rows]
    told = (amount != UNKNOWN) & (amount > 0) & (low != UNKNOWN) & (low > 0)
    over = np.where(told, amount * 1000.0 / np.where(told, high, 1), 0.0)
    under = np.where(told, np.where(told, low, 1) / np.where(told, amount * 1000.0, 1), 0.0)
    if per_weight:
        over, under = _implied(doses, laid, rows, amount, told, over, under)
    doses.flags["unit_doubt"][rows] = (over > 3e4) | (under > 3e4)
    slack = (doses.columns["most"][rows] == UNKNOWN) | doses.flags["count_open"][rows]
    ceiling = doses.columns["ceiling"][rows]
    above = (ceiling != UNKNOWN) & (doses.columns["amount"][rows] > ceiling)
    doses.flags["far_over"][rows] = slack & ~above & (over >= FAR) & (over <= 3e4)
    doses.flags["far_under"][rows] = slack & (under >= FAR) & (under <= 3e4)
    slip = np.zeros(len(rows), np.int64)
    off = np.flatnonzero((over > LEAST_SLIP) | (under > LEAST_SLIP))
    for factor in SLIPS:
        for sign, ratio in ((1, over[off]), (-1, under[off])):
            fits = (slip[off] == 0) & (np.abs(ratio / factor - 1) <= _fit(factor))
            slip[off[fits]] = sign * round(factor * 10_000)
    per_kg = told & per_weight & (amount == doses.columns["rate"][rows])
    doses.columns["slip"][rows] = np.where(per_kg & (under > 1.5), 1, slip)


def _fit(factor: float) -> float:
    """How near a ratio must be to a factor: powers of ten stand far apart, small factors must fit well."""
    return 0.1 if factor >= 10 else 0.02


def _implied(
    doses: Doses,
    laid: Laid,
    rows: Ints,
    amount: Longs,
    told: Flags,
    over: np.ndarray,
    under: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Without a weight: how far the weight that the dose implies lies outside what is plausible for the age."""
    rate = doses.columns["rate"][rows]
    some = (amount != UNKNOWN) & (amount > 0) & (rate > 0)
    implied = np.where(some, amount * 1000 // np.where(rate > 0, rate, 1), UNKNOWN)
    doses.columns.setdefault("implied", np.full(doses.n, UNKNOWN, np.int64))[rows] = implied
    few = np.flatnonzero(some & ~told)
    if not len(few):
        return over, under
    low, high = np.full(len(rows), NONE, np.int64), np.full(len(rows), NONE, np.int64)
    low[few], high[few] = plausible_weight(*laid.evidence.age_days(laid.doses.s[rows[few]], laid.doses.day[rows[few]]))
    open_weight = some & ~told & (low != NONE)
    median = np.where(open_weight, high / 2, 1)
    ratio = np.where(open_weight, implied / median, 0.0)
    # Outside the plausible range the dose is over or under for any weight this participant can have.
    over = np.where(open_weight & (implied > high), np.maximum(ratio, FAR), over)
    under = np.where(open_weight & (implied < low), np.maximum(1 / np.maximum(ratio, 1e-12), FAR), under)
    return over, under
