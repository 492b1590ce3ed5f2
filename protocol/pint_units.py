"""pint, for the unit words the table does not have, and for the proof of the table: what a trial counts is a dimension.

Importing this module imports pint (0.3 s): only an unknown word does it.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cache

import pint

_OURS = (
    "cell = [cells] = cell = cells",
    "IU = [international_units]",
    "U = [enzyme_units]",
    "vg = [vector_genomes]",
    "dose = [doses]",
    "AUC = [exposure]",
    "calendar_month = [calendar]",
    "calendar_year = 12 * calendar_month",
    "Cel = [celsius]",
    "body_kg = [body_weight]",
    "body_m2 = [body_surface]",
)
_BASES = {  # dimension -> its base unit, in pint's words
    "mass": "ng",
    "volume": "nL",
    "length": "µm",
    "amount": "pmol",
    "time": "min",
}
_SMALLEST, _LARGEST = Fraction(1, 10**9), Fraction(10**18)


@cache
def registry() -> pint.UnitRegistry[Fraction]:
    """pint's registry with the dimensions of a trial added, and exact numbers."""
    units: pint.UnitRegistry[Fraction] = pint.UnitRegistry(non_int_type=Fraction)
    for line in _OURS:
        units.define(line)
    return units


def measure(word: str) -> tuple[str, Fraction] | None:
    """The dimension of a word only pint knows and its base units in one; None where a trial measures nothing so.

    Units of atoms and of stars are left out: `u` beside a dose is not an atomic mass.
    """
    try:
        unit = registry().parse_units(word)
    except (pint.PintError, AttributeError, ValueError):
        return None
    for dimension, base in _BASES.items():
        if unit.is_compatible_with(base):
            size = Fraction(registry().convert(Fraction(1), unit, base))
            return (dimension, size) if _SMALLEST <= size <= _LARGEST else None
    return None
