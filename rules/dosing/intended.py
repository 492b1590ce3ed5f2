"""How much is intended: the protocol's dose and its limits by the weight or surface of a participant, exactly.

Amounts are whole base units (ng, cells, ...), doses thousandths of them, weights grams; one definition serves the
calendar before a dose and the verdict after it (language, decision 12).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from protocol.dosing import Dose, Rounding
from protocol.errors import ScalarError
from protocol.quantity import UNITS, Quantity, Range
from rules.arrays import MISSING, SCALE, Flags, Ints, Longs
from rules.happened.evidence import Evidence

Reals: TypeAlias = npt.NDArray[np.float64]
UNKNOWN = np.int64(np.iinfo(np.int64).min)
"""No value; of 64 bits, because `np.where` would wrap a plain number silently beside 32-bit days."""
NO_CEILING = np.iinfo(np.int64).max
"""Above every amount: without a ceiling nothing is missing."""
HUNDRED = 10_000
"""100 % in basis points."""
HEAVIEST = 650_000
"""Grams; with it `rate * weight` is proven to stay inside 64 bits."""
FIXED = 1000
"""The measure that an amount neither per kg nor per m² is multiplied with: itself, in thousandths."""
SURFACE: dict[str, Callable[[Reals, Reals], Reals]] = {
    "mosteller": lambda cm, kg: np.sqrt(cm * kg / 3600),
    "dubois": lambda cm, kg: 0.007184 * cm**0.725 * kg**0.425,
    "haycock": lambda cm, kg: 0.024265 * cm**0.3964 * kg**0.5378,
}
"""Body surface in m² of height in cm and weight in kg: Mosteller 1987, Du Bois 1916, Haycock 1978."""


@dataclass(frozen=True)
class Intended:
    """The intended dose from `low` to `high` in thousandths of base units; the ceiling in base units.

    `least` and `most` are the whole base units inside the tolerance (without one: inside the range). `UNKNOWN` where
    the weight or surface is.
    """

    low: Longs
    high: Longs
    ceiling: Longs
    least: Longs
    most: Longs


def needs(dose: Dose) -> str:
    """What the dose is multiplied with: `weight`, `surface`, or nothing (an empty text)."""
    dimension = _ends(dose)[0].dimension
    return "weight" if "/weight" in dimension else "surface" if "/surface" in dimension else ""


def rate(dose: Dose) -> int:
    """The amount per kg or m², or the fixed one, in base units; the middle of a range."""
    low, high = map(_whole, _ends(dose))
    return (low + high) // 2


def intend(dose: Dose, measure: Longs, least_share: Longs | None = None, most_share: Longs | None = None) -> Intended:
    """The dose for a measure: grams, thousandths of m², or `FIXED`; `UNKNOWN` where that is not known.

    The shares, in basis points, are what modifications leave of it, before its limits and rounding.
    """
    if needs(dose) == "weight" and dose.cap is not None and dose.cap.weight is not None:
        measure = np.minimum(measure, _grams(dose.cap.weight))
    known = measure != UNKNOWN
    low, high = (np.where(known, _whole(q) * np.where(known, measure, 0), UNKNOWN) for q in _ends(dose))
    if least_share is not None and most_share is not None:
        low, high = (np.where(known, _part(d, share), UNKNOWN) for d, share in ((low, least_share), (high, most_share)))
    ceiling, floor = _limit(dose.max, measure, known), _limit(dose.min, measure, known)
    return _limited(dose, low, high, floor, ceiling)


def total_limit(dose: Dose, measure: Longs) -> Longs:
    """The most that all doses together may be, in base units: absolute, or for a measure; `UNKNOWN` without it."""
    limit = _limit(dose.max_total, measure, measure != UNKNOWN)
    return np.full(1, NO_CEILING, np.int64) if limit is None else inwards(limit, up=False)


def intend_share(dose: Dose, in_force: Longs) -> Intended:
    """A dose of `90 %`: that share of the dose in force (thousandths of base units), rounded, with its tolerance."""
    known = in_force != UNKNOWN
    low, high = (np.where(known, in_force // HUNDRED * _whole(q), UNKNOWN) for q in _ends(dose))
    return _limited(dose, low, high, None, None)


def _limited(dose: Dose, low: Longs, high: Longs, floor: Longs | None, ceiling: Longs | None) -> Intended:
    """What is intended between its bounds, rounded, with the tolerance around it (language, decision 12)."""
    known = low != UNKNOWN
    low, high = (_bounded(d, floor, ceiling, dose.round) for d in (low, high))
    least, most = inwards(low, up=True), inwards(high, up=False)
    if dose.tolerance is not None:
        least = np.where(known, _share(low, HUNDRED + dose.tolerance.low_bp, up=True), UNKNOWN)
        most = np.where(known, _share(high, HUNDRED + dose.tolerance.high_bp, up=False), UNKNOWN)
    top = inwards(ceiling, up=False) if ceiling is not None else np.full(len(low), NO_CEILING, np.int64)
    return Intended(low, high, top, least, np.where(top == UNKNOWN, UNKNOWN, np.minimum(most, top)))


def _part(dose: Longs, points: Longs) -> Longs:
    """A share of a dose in thousandths of base units, rounded down; split so that no product leaves 64 bits."""
    part: Longs = dose // HUNDRED * points + dose % HUNDRED * points // HUNDRED
    return part


def clearance(e: Evidence, dose: Dose, s: Ints, day: Ints) -> tuple[Longs, Flags]:
    """What Calvert's formula multiplies an AUC with: (GFR in mL/min + 25) mg; whether a GFR is known."""
    values = e.measure("gfr")
    if not len(values.s):
        return np.full(len(s), UNKNOWN, np.int64), np.zeros(len(s), np.bool_)
    at, there = values.before(s, day)
    there &= (values.value[at] != MISSING) & (values.value[at] == values.most[at])
    gfr = values.value[at]
    if dose.cap is not None and dose.cap.gfr is not None:
        gfr = np.minimum(gfr, round(dose.cap.gfr.value * SCALE))
    return np.where(there, gfr + 25 * SCALE, UNKNOWN), there


def _grams(weight: Quantity) -> int:
    """A body weight in grams; kilograms alone are read as a mass, which is counted in ng."""
    return int(weight.base / UNITS["g"][1] if weight.dimension == "mass" else weight.base)


def surface(e: Evidence, dose: Dose, s: Ints, day: Ints, grams: Longs) -> tuple[Longs, Flags]:
    """Body surface in thousandths of m², rounded to hundredths, by the formula; whether a height is known."""
    at, there = e.heights.before(s, day)
    height = e.heights.value[at] if len(e.heights.s) else np.zeros(len(s), np.int64)
    known = there & (grams != UNKNOWN)
    policy = e.protocol.bsa
    formula = SURFACE[policy.formula if policy is not None else "mosteller"]
    metres = formula(np.where(known, height, 0) / 10, np.where(known, grams, 0) / 1000)
    hundredths = np.floor(metres * 100 + 0.5).astype(np.int64)
    if dose.cap is not None and dose.cap.bsa is not None:
        hundredths = np.minimum(hundredths, round(float(dose.cap.bsa.value) * 100))
    return np.where(known, hundredths * 10, UNKNOWN), there


def _ends(dose: Dose) -> tuple[Quantity, Quantity]:
    amount = dose.amount or dose.start
    assert amount is not None
    return (amount.low, amount.high) if isinstance(amount, Range) else (amount, amount)


def _whole(quantity: Quantity) -> int:
    """The quantity in base units per kg, per m² or absolute; ScalarError where it is finer than one base unit."""
    base = quantity.base
    if base != int(base) or abs(int(base)) * HEAVIEST >= 2**63:
        raise ScalarError(
            str(quantity), "is finer or larger than whole base units can say", "write it in its usual unit"
        )
    return int(base)


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


def inwards(dose: Longs, *, up: bool) -> Longs:
    """Thousandths of base units as whole base units, rounded inwards."""
    return np.where(dose == UNKNOWN, UNKNOWN, -(-dose // 1000) if up else dose // 1000)


def _share(dose: Longs, points: int, *, up: bool) -> Longs:
    """A share of a dose in basis points as whole base units, split so that no product leaves 64 bits."""
    whole = 1000 * HUNDRED
    quotient, rest = dose // whole, dose % whole
    return quotient * points + (rest * points + (whole - 1 if up else 0)) // whole
