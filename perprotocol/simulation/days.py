"""Days as numbers: days since 1970-01-01, minutes since its midnight, and a day moved by months."""

from __future__ import annotations

from calendar import monthrange
from datetime import date
from functools import lru_cache
from typing import TypeAlias

from protocol.timing import Duration

EPOCH = date(1970, 1, 1).toordinal()
DAY = 1440
"""Minutes of a day."""

Span: TypeAlias = tuple[int, int, int]
"""Months, days and minutes."""


def number(day: date) -> int:
    """The number of a day."""
    return day.toordinal() - EPOCH


def written(day: int) -> date:
    """The day of a number."""
    return date.fromordinal(day + EPOCH)


def span(duration: Duration) -> Span:
    """Months, days and minutes of a duration."""
    return duration.months, duration.days, duration.minutes


def total(a: Span, b: Span, times: int = 1) -> Span:
    """The first span and so many of the second."""
    return a[0] + b[0] * times, a[1] + b[1] * times, a[2] + b[2] * times


def move(day: int, months: int, days: int, policy: str) -> int:
    """A day moved by months at once, then by days; a day the month lacks is its last, or the first of the next."""
    return (_by_months(day, months, policy) if months else day) + days


@lru_cache(maxsize=1 << 16)
def _by_months(day: int, months: int, policy: str) -> int:
    start = written(day)
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    length = monthrange(year, month + 1)[1]
    if start.day <= length:
        return number(date(year, month + 1, start.day))
    return number(date(year, month + 1, length)) + (1 if policy == "roll" else 0)
