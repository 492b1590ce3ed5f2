"""Stretches in which dosing was paused in a whole study or at a site, as study.yaml names them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from protocol.errors import ScalarError
from rules.door.cells import parse_date

KEY = "paused"
_PAUSE = re.compile(r"(?:since\s+(?P<since>\S+)|(?P<first>\S+)\s+to\s+(?P<last>\S+))(?:\s+of\s+(?P<of>.+))?", re.I)
_REMEDY = "write '2024-03-20 to 2024-04-10', 'since 2024-03-20', or '2024-03-20 to 2024-04-10 of uc-msc'"


@dataclass(frozen=True)
class Pause:
    """First and last day since 1970 of a pause, `last` null while it lasts; `of` the treatments it names, else all."""

    text: str
    first: int
    last: int | None
    of: str | None


def parse_pauses(text: str) -> tuple[Pause, ...]:
    """The pauses of a text such as `2024-03-20 to 2024-04-10 of uc-msc, since 2024-06-01`, else ScalarError."""
    return tuple(_pause(text, part.strip()) for part in text.split(",") if part.strip())


def _pause(text: str, part: str) -> Pause:
    found = _PAUSE.fullmatch(part)
    if found is None:
        raise ScalarError(text, f"names '{part}', which is no stretch of days", _REMEDY)
    first = _day(text, found["since"] or found["first"])
    last = _day(text, found["last"]) if found["last"] else None
    if last is not None and last < first:
        raise ScalarError(text, f"names '{part}', which ends before it begins", "write the earlier day first")
    return Pause(part, first, last, found["of"])


def _day(text: str, word: str) -> int:
    try:
        day = parse_date(word)
    except ScalarError as error:
        raise ScalarError(text, f"names '{word}', which is no day", _REMEDY) from error
    if day.first != day.last:
        raise ScalarError(text, f"names '{word}', which is more than one day", _REMEDY)
    return (day.first - date(1970, 1, 1)).days


def pauses_of(settings: Mapping[str, str]) -> dict[str, tuple[Pause, ...]]:
    """Pauses by site of a study's settings; those under no name hold for every site."""
    return {
        key.removeprefix(KEY).strip(): parse_pauses(text)
        for key, text in settings.items()
        if key == KEY or key.startswith(f"{KEY} ")
    }
