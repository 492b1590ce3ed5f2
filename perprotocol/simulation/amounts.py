"""What is intended and what is allowed, in fractions: amount × capped input, then bounds, rounding, tolerance."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction

from protocol.dosing import Dose
from protocol.quantity import Quantity, Range

MILLIGRAM, ONE_AUC = Fraction(Quantity.parse("1 mg").base), Fraction(Quantity.parse("1 AUC").base)
WHOLE = Fraction(1)


def intended(
    dose: Dose, grams: int, mm: int = 0, clearance: int = 0, share: Fraction = WHOLE
) -> tuple[Fraction, Fraction]:
    """The lowest and the highest intended dose in base units; `clearance` in mL/min, `share` of the full dose."""
    amount = dose.amount or dose.start
    assert amount is not None
    low, high = (amount.low, amount.high) if isinstance(amount, Range) else (amount, amount)
    size = Fraction(1)
    if "/weight" in low.dimension:
        cap = dose.cap.weight if dose.cap else None
        size = (
            min(Fraction(grams, 1000), Fraction(cap.value)) if cap else Fraction(grams, 1000)
        )  # caps are written in kg
    elif "/surface" in low.dimension:
        root = (Decimal(mm) / 10 * Decimal(grams) / 1000 / 3600).sqrt()
        size = Fraction(math.floor(root * 100 + Decimal("0.5")), 100)
        size = min(size, Fraction(dose.cap.bsa.value)) if dose.cap and dose.cap.bsa else size
    if dose.formula == "calvert":
        rate = min(Fraction(clearance), Fraction(dose.cap.gfr.value)) if dose.cap and dose.cap.gfr else clearance
        size = (rate + 25) * MILLIGRAM / ONE_AUC
    return _bounded(Fraction(low.base) * size * share, dose), _bounded(Fraction(high.base) * size * share, dose)


def _bounded(amount: Fraction, dose: Dose) -> Fraction:
    top = Fraction(dose.max.base) if dose.max else None
    amount = max(amount, Fraction(dose.min.base)) if dose.min else amount
    amount = min(amount, top) if top is not None else amount
    options = []
    for rounding in dose.round:
        step = Fraction(rounding.step.base)
        add = {"down": Fraction(0), "up": 1 - Fraction(1, 10**12), "nearest": Fraction(1, 2)}[rounding.direction]
        rounded = math.floor(amount / step + add) * step
        options.append(rounded - step if top is not None and rounded > top else rounded)
    return min(options, key=lambda o: abs(o - amount)) if options else amount


def limits(dose: Dose, grams: int, mm: int = 0, clearance: int = 0, share: Fraction = WHOLE) -> tuple[int, int]:
    """The smallest and the largest whole amount inside the tolerance and under the ceiling."""
    low, high = intended(dose, grams, mm, clearance, share)
    if dose.tolerance is None and not isinstance(dose.amount, Range):
        return math.floor(low + Fraction(1, 2)), math.floor(high + Fraction(1, 2))
    points = (dose.tolerance.low_bp, dose.tolerance.high_bp) if dose.tolerance else (0, 0)
    least, most = (amount * (10_000 + p) / 10_000 for amount, p in zip((low, high), points, strict=True))
    most = min(most, Fraction(dose.max.base)) if dose.max else most
    return math.ceil(least), math.floor(most)
