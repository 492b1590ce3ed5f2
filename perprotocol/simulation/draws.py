"""Numbers drawn for a participant: the same for the same occurrence, whatever else happens."""

from __future__ import annotations

_M = (1 << 64) - 1


def draw(seed: int, *salt: int) -> float:
    """A number from 0 to 1 that belongs to a seed and some whole numbers, always the same."""
    x = seed * 0x9E3779B97F4A7C15 & _M
    for s in salt:
        x = (x ^ (s + 0x632BE59BD9B4E019)) * 0xBF58476D1CE4E5B9 & _M
        x ^= x >> 29
    x = (x * 0x94D049BB133111EB) & _M
    return ((x ^ (x >> 32)) >> 11) / (1 << 53)
