"""Measured values in the protocol's unit: between units of one kind, and from amount of substance to mass."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

import polars as pl

from protocol.conditions import Compare, Condition, Inside, leaves
from protocol.kept import kept
from protocol.model import Measure, Protocol
from protocol.quantity import Quantity, known_unit
from protocol.timing import Moment
from protocol.units import Unit
from protocol.walk import values

FAR = 1000
"""A value in another unit that lies this many times beyond every number the protocol compares it with is a slip of its
unit, not a value. A tool default."""
_PICO = Fraction(1, 10**9)
"""A molar mass is kept in ng per mmol; amounts of substance in pmol."""


def factors(units: pl.Series, measure: Measure | None) -> pl.Series:
    """What each value is multiplied with to stand in the protocol's unit; null where the units cannot be compared."""
    target = known_unit(measure.unit) if measure is not None and measure.unit else None
    found = {word: _factor(word, target, measure) for word in units.unique()}
    return pl.Series([found[word] for word in units], dtype=pl.Float64)


def _factor(word: str | None, target: Unit | None, measure: Measure | None) -> float | None:
    unit = known_unit(word) if word else None
    if word is None and target is None:
        return 1.0
    if unit is None or target is None:
        return None
    if unit.dimension == target.dimension:
        return float(unit.factor / target.factor)
    kind, _, rest = unit.dimension.partition("/")
    if (
        measure is not None
        and measure.molar_mass is not None
        and (kind, f"mass/{rest}") == ("amount", target.dimension)
    ):
        return float(unit.factor * measure.molar_mass.base * _PICO / target.factor)
    return None


def slipped(frame: pl.DataFrame, factor: pl.Series, name: str, protocol: Protocol) -> pl.Series:
    """Values recorded in another unit that are no values in it: `150 mg/dL` where 100 to 200 ng/mL are compared."""
    largest = _largest(protocol, name)
    if largest is None:
        return pl.Series([False]).new_from_index(0, len(frame))
    return ((factor != 1.0) & (frame["value"] * factor > largest * FAR)).fill_null(value=False)


@kept
def _largest(protocol: Protocol, name: str) -> float | None:
    """The largest number that conditions compare a measure with, in its unit; None where none does."""
    return max(_compared(name, protocol.measures.get(name), protocol), default=None)


def _compared(name: str, measure: Measure | None, protocol: Protocol) -> Iterable[float]:
    """The numbers that conditions compare a measure with, in its unit."""
    unit = known_unit(measure.unit) if measure is not None and measure.unit else None
    for _, condition in values(protocol, Condition):
        for leaf in leaves([condition]):
            if isinstance(leaf, Compare | Inside) and leaf.name == name:
                quantity = leaf.range.high if isinstance(leaf, Inside) else leaf.value
                if isinstance(quantity, Quantity) and unit is not None and quantity.dimension == unit.dimension:
                    yield float(quantity.base / unit.factor)


def in_time(frame: pl.DataFrame, drawn: Moment) -> pl.Series:
    """Whether each sample was drawn as long after the dose as the protocol wants; null where nobody says how long."""
    instant = drawn.alternatives[0]
    low, high = (d.minutes if d is not None else 0 for d in (instant.low, instant.high))
    return (frame["since_dose"] * 60).is_between(low, high)
