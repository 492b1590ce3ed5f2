"""`protocol.quantity.format_amount` by column: the same text for a million amounts at once."""

from __future__ import annotations

import re
from functools import cache

import numpy as np
import polars as pl

from protocol.dosing import Dose
from protocol.model import Treatment
from protocol.quantity import Range, format_amount, known_unit
from rules.planning.slots import Part

_POWERS = pl.Series([str(n).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")) for n in range(20)])
_COUNTED = ("cells", "vg", "number")
FEW = 16
"""Up to so many amounts are written one by one: a call of an expression costs more."""
_SCIENTIFIC = 5
"""Counts are written with a power of ten from 10⁵ on."""


def amount_texts(value: pl.Series, dimension: str, unit: str) -> pl.Series:
    """Amounts in base units (whole, not negative; null stays null) as people write them in `unit`."""
    places = _places(unit, dimension)
    if places is None or len(value) <= FEW:
        texts = {v: format_amount(v, dimension, unit) for v in set(value) - {None}}
        return pl.Series([texts.get(v) for v in value], dtype=pl.String)
    if (few := _distinct(value)) is not None:
        once, at = few
        return amount_texts(once, dimension, unit).gather(at)
    return value.to_frame("value").select_seq(_written(dimension, unit, places)).to_series()


@cache
def _written(dimension: str, unit: str, places: int) -> pl.Expr:
    """The column `value` as text in the unit, which is `places` powers of ten of what the column counts."""
    digits = pl.col("value").cast(pl.String)
    plain = _plain(pl.col("value"), places)
    if dimension in _COUNTED and not re.match(r"[×x]?\s*1", unit):
        power = digits.str.len_chars().cast(pl.Int32) - 1 - places
        plain = pl.when(power >= _SCIENTIFIC).then(_scientific(digits, power)).otherwise(plain)
    return plain + f" {unit}"


def _distinct(value: pl.Series) -> tuple[pl.Series, pl.Series] | None:
    """The distinct values and the place of each row's among them, where they are few and lie close together."""
    if value.null_count() or not value.dtype.is_integer():
        return None
    numbers = value.to_numpy()
    least, most = int(numbers.min()), int(numbers.max())
    if most - least > len(numbers):
        return None
    counts = np.bincount(numbers - least, minlength=1)
    found = np.flatnonzero(counts)
    if 2 * len(found) > len(numbers):
        return None
    place = np.cumsum(counts > 0) - 1
    return pl.Series(found + least), pl.Series(place[numbers - least])


@cache
def _places(unit: str, dimension: str) -> int | None:
    """How many digits of a base amount stand after the point in `unit`; None where that is no power of ten."""
    known = known_unit(unit, body=dimension == "weight")
    if known is None or known.factor.denominator != 1 or not known.fits(dimension):
        return None
    digits = str(known.factor.numerator)
    return len(digits) - 1 if re.fullmatch(r"10*", digits) else None


def _plain(value: pl.Expr, places: int) -> pl.Expr:
    if places == 0:
        return value.cast(pl.String)
    whole, rest = value // 10**places, value % 10**places
    after = rest.cast(pl.String).str.zfill(places).str.strip_chars_end("0")
    return pl.concat_str(whole.cast(pl.String), pl.when(rest == 0).then(pl.lit("")).otherwise("." + after))


def _scientific(written: pl.Expr, power: pl.Expr) -> pl.Expr:
    rest = written.str.slice(1).str.strip_chars_end("0")
    after = pl.when(rest == "").then(pl.lit("")).otherwise("." + rest)
    return written.str.slice(0, 1) + after + "×10" + pl.lit(_POWERS).gather(power)


def display_unit(part: Part) -> tuple[str, str] | None:
    """Dimension and unit in which a treatment's amounts are printed: that of its dose without kg, m² and d."""
    dose = dose_of(part)
    amount = dose.amount or dose.start if dose is not None else None
    if dose is None or amount is None:
        return None
    if dose.formula == "calvert":
        return "mass", "mg"
    low = amount.low if isinstance(amount, Range) else amount
    dimension, text = low.dimension.split("/")[0], low.unit.text.split("/")[0].strip()
    return ("cells", "cells") if dimension in ("number", "cells") else (dimension, text)


def dose_of(part: Part) -> Dose | None:
    """The first dose of a treatment's part, or of its level, if it has one."""
    element = part.element
    doses = element.doses() if isinstance(element, Treatment) else ()
    return doses[0] if doses else None
