"""Spans of time: durations, the windows around what is due, and what a date becomes when one is added.

Days, weeks and months are whole local days; hours and minutes are clock time: 24 h is not 1 d. Working days (`wd`) are
counted on the calendar of the site.
"""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from typing import ClassVar, Literal, NamedTuple, Self, TypeAlias

from protocol.errors import ScalarError
from protocol.scalar import Scalar, plain

MonthsPolicy: TypeAlias = Literal["clamp", "roll"]

_TERM = re.compile(r"\s*([+-]?)\s*([0-9]{1,6}(?:\.[0-9]{1,3})?)\s*([A-Za-z]+)")
_SIZES = {"min": (0, 0, 1), "h": (0, 0, 60), "d": (0, 1, 0), "wk": (0, 7, 0), "mo": (1, 0, 0), "y": (12, 0, 0)}
_WORKING = re.compile(r"(?P<sign>[+-]? ?)(?P<number>[0-9]{1,4}) ?wd")
_MEANT = {
    "minute": "min", "minutes": "min", "mins": "min", "hour": "h", "hours": "h", "hr": "h", "hrs": "h", "day": "d",
    "days": "d", "week": "wk", "weeks": "wk", "w": "wk", "wks": "wk", "month": "mo", "months": "mo", "mos": "mo",
    "year": "y", "years": "y", "yr": "y", "yrs": "y", "a": "y",
}  # fmt: skip
_WHOLE_REMEDY = {
    "min": "write whole minutes", "h": "write it in min", "d": "write whole days, or clock time as in '12 h'",
    "wk": "write it in d", "mo": "write a whole number of months, or days", "y": "write it in mo",
}  # fmt: skip
_SHARE = re.compile(
    r"±\s?(?P<share>[0-9]{1,3})\s?(?:%|percent)(?: or (?P<size>.+?) whichever is (?P<which>less|shorter|more|longer))?"
)
_EPOCH = date(1970, 1, 1).toordinal()
_DAYS_A_MONTH = 30.436875


@dataclass(frozen=True)
class Duration(Scalar):
    """A span as months, days and minutes, each signed; `clock` is True where it is written in h and min.

    Or `working` days alone, signed, where a moment, a window or a limit is written in `wd`.
    """

    months: int
    days: int
    minutes: int
    clock: bool
    working: int = 0

    examples: ClassVar = ("7 d", "4 wk - 4 d", "3 mo + 4 wk", "90 min")

    @classmethod
    def parse(cls, text: str) -> Self:
        """The duration that a sum of terms in min, h, d, wk, mo and y writes."""
        terms = _terms(text)
        clocks = {unit in ("min", "h") for _, unit in terms}
        if len(clocks) > 1:
            remedy = "write all of it in h and min, or all of it in d, wk, mo and y"
            raise ScalarError(text, "mixes clock time with whole days", remedy)
        months, days, minutes = (sum(_whole(text, term, part) for term in terms) for part in range(3))
        return cls(text.strip(), months, days, minutes, clock=True in clocks)

    @property
    def sign(self) -> int:
        """-1, 0 or 1: before, at, or after; a month counts as 30.44 days where months and days pull apart."""
        length = self.length
        return (length > 0) - (length < 0)

    @property
    def length(self) -> float:
        """About how many days it is: only to tell the longer of two."""
        return self.months * _DAYS_A_MONTH + self.days + self.minutes / 1440 + self.working * 1.4

    def __neg__(self) -> Duration:
        if self.working:
            return working_days(-self.working)
        return written(-self.months, -self.days, -self.minutes, self.clock)


def working_days(number: int) -> Duration:
    """That many working days, after or before."""
    return Duration(f"{number:+d} wd", 0, 0, 0, clock=False, working=number)


def parse_offset(text: str) -> Duration:
    """A duration that may be in working days, such as `3 wd`: where something is counted from a day."""
    found = _WORKING.fullmatch(plain(text))
    if not found:
        return Duration.parse(text)
    number = int(found["number"]) * (-1 if found["sign"].startswith("-") else 1)
    return Duration(text.strip(), 0, 0, 0, clock=False, working=number)


@dataclass(frozen=True)
class DurationRange(Scalar):
    """Two durations and everything between them, as an infusion time of `1 h to 6 h`."""

    low: Duration
    high: Duration

    examples: ClassVar = ("1 h to 6 h",)

    @classmethod
    def parse(cls, text: str) -> Self:
        """The range of durations that the text writes with `to`."""
        ends = plain(text).split(" to ")
        if len(ends) != 2:
            raise ScalarError(text, "is not a range of durations", "write both ends, as in '1 h to 6 h'")
        low, high = (Duration.parse(end) for end in ends)
        check_order(text, low, high)
        return cls(text.strip(), low, high)


@dataclass(frozen=True)
class Window(Scalar):
    """What is allowed around the moment something is due, both ends inside.

    `share` is a part of the time since the anchor, in percent: beside a fixed size the shorter counts, or the `longer`.
    """

    low: Duration
    high: Duration
    share: int = 0
    longer: bool = False

    examples: ClassVar = ("±3 d", "-1 d to +3 d", "+3 d", "±0 d", "±10 % or 30 min whichever is less")

    @classmethod
    def parse(cls, text: str) -> Self:
        """The window of a text with its signs: `±3 d`, `+3 d` (nothing before), `-1 d to +3 d`."""
        words = plain(text)
        if found := _SHARE.fullmatch(words):
            return cls._proportional(text, found)
        if words.startswith("±"):
            return cls._around(text, words[1:].strip())
        ends = words.split(" to ")
        if len(ends) > 2 or not re.match(r"[+-]? ?[0-9]", words):
            raise ScalarError(text, "is no window", "write it as in '±3 d' or '-1 d to +3 d'")
        low, *rest = (_signed(text, end) for end in ends)
        high = rest[0] if rest else low
        if not rest:
            zero = written(0, 0, 0, low.clock)
            low, high = (low, zero) if low.sign < 0 else (zero, high)
        check_order(text, low, high)
        return cls(text.strip(), low, high)

    @property
    def clock(self) -> bool:
        """Whether it is clock time: in hours and minutes."""
        return self.low.clock or self.high.clock

    def around(self, minutes: int) -> tuple[int, int]:
        """The two ends, in minutes around a target that lies that many minutes after its anchor."""
        low, high = self.low.minutes, self.high.minutes
        if not self.share:
            return low, high
        part = abs(minutes) * self.share // 100
        if not high:
            return -part, part
        size = max(part, high) if self.longer else min(part, high)
        return -size, size

    @classmethod
    def _proportional(cls, text: str, found: re.Match[str]) -> Self:
        size = Duration.parse(found["size"]) if found["size"] else written(0, 0, 0, True)
        if not size.clock:
            raise ScalarError(text, "is part of a clock time beside whole days", "write the size in h or min")
        return cls(text.strip(), -size, size, int(found["share"]), found["which"] in ("more", "longer"))

    @classmethod
    def _around(cls, text: str, size: str) -> Self:
        if size.startswith(("+", "-")):
            raise ScalarError(text, "is a window of negative size", f"write '±{size.lstrip('+- ')}'")
        reach = parse_offset(size)
        if not reach.working and len(_terms(size)) > 1:
            raise ScalarError(text, "has a sum after ±", "write both ends, as in '-10 d to +10 d'")
        return cls(text.strip(), -reach, reach)


def add(date_as_days: int, duration: Duration, months_policy: MonthsPolicy) -> int:
    """The date (days since 1970-01-01) that far on: months at once from the date, then days.

    A day the month does not have becomes its last one (`clamp`) or the 1st of the next month (`roll`).
    Clock time and working days move no date: a ValueError, as is a date outside the years 1 to 9999.
    """
    if duration.minutes or duration.working:
        what = "clock time" if duration.minutes else "counted in working days"
        raise ValueError(f"'{duration}' is {what} and cannot be added to a date")
    if not duration.months:
        return date_as_days + duration.days
    start = date.fromordinal(date_as_days + _EPOCH)
    year, month = divmod(start.year * 12 + start.month - 1 + duration.months, 12)
    length = monthrange(year, month + 1)[1]
    day = min(start.day, length) if months_policy == "clamp" else start.day
    overflow = 1 if day > length else 0
    reached = date(year, month + 1, length if overflow else day).toordinal() + overflow
    return reached - _EPOCH + duration.days


def check_order(text: str, low: Duration, high: Duration) -> None:
    """Refuse ends of two kinds of time, and a later end before the earlier."""
    if low.clock != high.clock:
        raise ScalarError(text, "mixes clock time with whole days", "write both ends in h and min, or both in days")
    if bool(low.working) != bool(high.working) and low.sign and high.sign:
        raise ScalarError(text, "mixes working days with whole days", "write both ends in wd, or both in d")
    if low.length > high.length:
        raise ScalarError(text, "has its later end first", f"write '{high} to {low}'")


def written(months: int, days: int, minutes: int, clock: bool) -> Duration:
    """The duration of these parts, with the text that writes it."""
    parts = [(months, "mo"), (days, "d"), (minutes, "min")]
    text = "".join(f"{size:+d} {unit} " for size, unit in parts if size).strip()
    return Duration(text or ("0 min" if clock else "0 d"), months, days, minutes, clock)


class _Term(NamedTuple):
    number: str  # signed
    unit: str


def _terms(text: str) -> list[_Term]:
    terms: list[_Term] = []
    words, position = plain(text), 0
    while position < len(words):
        found = _TERM.match(words, position)
        if not found or (terms and not found[1]):
            raise ScalarError(text, "is no duration", _duration_remedy(words))
        sign, number, unit = found.groups()
        if unit == "wd":
            raise ScalarError(text, "has working days where only whole days are counted", "write it in d")
        if unit not in _SIZES:
            raise ScalarError(text, f"has an unknown unit '{unit}'", _unit_remedy(number, unit))
        terms.append(_Term(sign + number, unit))
        position = found.end()
    return terms


def _whole(text: str, term: _Term, part: int) -> int:
    """The term in months, days or minutes (`part` 0, 1, 2), which must be whole."""
    whole, _, rest = term.number.partition(".")
    size, left = divmod(int(whole + rest) * _SIZES[term.unit][part], int("1" + "0" * len(rest)))
    if left:
        raise ScalarError(text, f"has '{term.number} {term.unit}', which is not whole", _WHOLE_REMEDY[term.unit])
    return size


def _unit_remedy(number: str, unit: str) -> str:
    if unit == "m":
        return f"a bare m is a minute or a month: write '{number} min' or '{number} mo'"
    meant = _MEANT.get(unit.lower(), unit.lower() if unit.lower() in _SIZES else None)
    return f"write '{number} {meant}'" if meant else "write it in min, h, d, wk, mo or y"


def _duration_remedy(words: str) -> str:
    if re.fullmatch(r"[+-]?[0-9.]+", words):
        return f"write its unit, as in '{words} d'"
    return "write a number and one of min, h, d, wk, mo, y, as in '4 wk - 4 d'"


def _signed(text: str, end: str) -> Duration:
    duration = parse_offset(end)
    if not end.startswith(("+", "-")) and duration.sign:
        remedy = f"write '±{end}', '+{end}' or '-{end}'" if end == plain(text) else f"write '+{end}' or '-{end}'"
        raise ScalarError(text, "is a window without its sign", remedy)
    return duration
