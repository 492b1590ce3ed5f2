"""What a person of an age plausibly weighs: bounds wide enough to stop only a slip, never a diagnosis.

Median body weights, mean of boys and girls: WHO Child Growth Standards (2006) to 5 years, WHO Growth Reference (2007)
to 10 years, CDC growth charts (2000) to 20 years, rounded to 0.1 kg. The bounds, half and twice the median, and 25 to
300 kg for adults, are a tool default and are printed as assumed. So is what is called a jump between two weighings.
"""

from functools import cache

import numpy as np
import numpy.typing as npt

from rules.arrays import NONE, Flags, Ints

Longs = npt.NDArray[np.int64]

_MONTHS = np.array(
    [0, 1, 2, 3, 6, 9, 12, 18, 24, 36, 48, 60, 72, 84, 96, 108, 120, 132, 144, 156, 168, 180, 192, 204, 216, 240]
)
_GRAMS = np.array(
    [3300, 4300, 5300, 6100, 7600, 8600, 9300, 10600, 11900, 14100, 16200, 18300, 20400, 22700, 25300, 28200, 31600,
     36300, 41000, 45800, 50200, 54000, 57000, 59600, 61800, 64500]
)  # fmt: skip
ADULT = (25_000, 300_000)
DAYS_A_MONTH = 30.4375
_LAST_DAY = 240 * 31
JUMP_DAYS = 31
"""Days between two weighings within which a change by half is no growth and no illness."""


def plausible_weight(age_least: Ints, age_most: Ints) -> tuple[Longs, Longs]:
    """Lowest and highest plausible body weight in grams at an age in days; `NONE` where the age is unknown."""
    told = age_least != NONE
    low = median_weight(age_least) // 2
    high = median_weight(age_most) * 2
    adult = age_least >= 20 * 365.25
    low = np.where(adult, ADULT[0], np.minimum(low, ADULT[0]))
    high = np.where(age_most >= 20 * 365.25, ADULT[1], high)
    return np.where(told, low, NONE).astype(np.int64), np.where(told, high, NONE).astype(np.int64)


def median_weight(age: Ints) -> Longs:
    """The median body weight in grams at an age in days; from 20 years on that of 20 years."""
    median: Longs = _by_day()[np.clip(age, 0, _LAST_DAY)]
    return median


@cache
def _by_day() -> Longs:
    """The median at every age in days: to look one up takes a fifth of the time that it takes to work it out."""
    median: Longs = np.interp(np.arange(_LAST_DAY + 1) / DAYS_A_MONTH, _MONTHS, _GRAMS).round().astype(np.int64)
    return median


def jumps(s: Ints, day: Ints, grams: Longs) -> Ints:
    """Of each weighing that does not fit the ones beside it the index of one that it is held against, else -1.

    Two weighings of a participant within 31 days jump where one is more than half as much again as the other. Of a
    single odd value among others that one does not fit; of two alone, and where the new weight stays, the later.
    """
    n = len(s)
    beside = _beside(s, day)
    less, more = np.minimum(grams[1:], grams[:-1]), np.maximum(grams[1:], grams[:-1])
    linked, jump = np.zeros(n + 1, np.bool_), np.zeros(n + 1, np.bool_)
    linked[1:n], jump[1:n] = beside, beside & (2 * more > 3 * less)
    into, out = jump[:n], jump[1:]
    odd = into & out
    # The first of a series, where those after it agree.
    odd |= out & ~linked[:n] & _next(linked[1:] & ~out)
    blamed = np.concatenate(([False], odd[:-1]))
    odd |= into & ~blamed
    at = np.arange(n)
    return np.where(odd, np.where(into, at - 1, at + 1), -1).astype(np.int32)


def comparable(s: Ints, day: Ints) -> Flags:
    """Of each weighing whether the participant has another, of another day, within 31 days."""
    beside = _beside(s, day)
    found: Flags = np.concatenate((beside, [False])) | np.concatenate(([False], beside))
    return found[: len(s)]


def _beside(s: Ints, day: Ints) -> Flags:
    """Of each weighing but the first whether the one before it may be compared with it."""
    gap = day[1:] - day[:-1]
    beside: Flags = (s[1:] == s[:-1]) & (gap > 0) & (gap <= JUMP_DAYS)
    return beside


def _next(flags: Flags) -> Flags:
    """Of each row the flag of the one after it."""
    return np.concatenate((flags[1:], [False])) if len(flags) else flags
