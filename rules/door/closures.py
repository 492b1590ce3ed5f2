"""Days on which a clinic is closed, as study.yaml names them: weekdays, dates, and stretches of dates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from protocol.errors import ScalarError
from rules.door.cells import parse_date

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
KEY = "closed"


@dataclass(frozen=True)
class Closures:
    """Weekdays (0 is Monday) and days since 1970 on which a clinic is closed."""

    weekdays: frozenset[int]
    days: frozenset[int]


def parse_closures(text: str) -> Closures:
    """The closures of a text such as `saturday, sunday, 2024-12-25, 2024-12-30 to 2025-01-01`."""
    weekdays, days = set(), set()
    for word in (part.strip().lower() for part in text.split(",") if part.strip()):
        if word.removesuffix("s") in WEEKDAYS:
            weekdays.add(WEEKDAYS.index(word.removesuffix("s")))
            continue
        first, _, last = word.partition(" to ")
        try:
            begin, end = parse_date(first).first, parse_date(last or first).last
        except ScalarError as error:
            remedy = "write weekdays and dates, as in 'saturday, sunday, 2024-12-25 to 2024-12-27'"
            raise ScalarError(text, f"names '{word}', which is neither a weekday nor a date", remedy) from error
        if end < begin:
            remedy = f"write the earlier day first: '{last} to {first}'"
            raise ScalarError(text, f"names '{word}', which ends before it begins", remedy)
        days |= {(begin + timedelta(days=n) - date(1970, 1, 1)).days for n in range((end - begin).days + 1)}
    return Closures(frozenset(weekdays), frozenset(days))


def closures_of(settings: Mapping[str, str]) -> dict[str, Closures]:
    """Closures by site of a study's settings; those under no name hold for every site without its own."""
    return {
        key.removeprefix(KEY).strip(): parse_closures(text)
        for key, text in settings.items()
        if key == KEY or key.startswith(f"{KEY} ")
    }
