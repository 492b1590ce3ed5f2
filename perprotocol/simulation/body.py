"""Bodies: what participants of an age weigh, how tall they are, and how both change with time."""

from __future__ import annotations

from bisect import bisect_right

_MONTHS = (0, 6, 18, 36, 48, 72, 96, 120, 144, 168, 192, 240)
_GRAMS = (3400, 7700, 11000, 14300, 16300, 20500, 25500, 32000, 41000, 50000, 58000, 68000)
_MM = (500, 670, 810, 950, 1020, 1160, 1280, 1390, 1500, 1610, 1680, 1700)


def typical(months: int, of: tuple[int, ...]) -> int:
    """The typical size at an age, between the ages of the table by proportion."""
    place = min(bisect_right(_MONTHS, months), len(_MONTHS) - 1)
    low, high = _MONTHS[place - 1], _MONTHS[place]
    share = (min(months, high) - low) / (high - low)
    return round(of[place - 1] + (of[place] - of[place - 1]) * share)


def grams(months: int, build: float) -> int:
    """Body weight in grams, to 100 g; `build` from 0 to 1 is how heavy a person of that age is."""
    return max(2000, round(typical(months, _GRAMS) * (0.85 + 0.3 * build) / 100) * 100)


def millimetres(months: int, build: float) -> int:
    """Body height in millimetres, to 1 cm."""
    return round(typical(months, _MM) * (0.95 + 0.1 * build) / 10) * 10
