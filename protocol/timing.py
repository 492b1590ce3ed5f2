"""When things are due: durations, windows, anchors, moments, cycles, and the numbering of days.

Days, weeks and months are whole local days; hours and minutes are clock time: 24 h is not 1 d.
"""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from typing import ClassVar, Literal, NamedTuple, Self, TypeAlias

from protocol.errors import ScalarError
from protocol.scalar import Scalar, plain

GRAMMAR_WORDS = frozenset(
    "planned start end of first last each day days previous within before after to or on every from in at for "
    "not no given reached event all any none arm baseline treatment".split()
)
"""Words no id may be."""

MonthsPolicy: TypeAlias = Literal["clamp", "roll"]

NAME = r"(?=[0-9-]*[a-z])[a-z0-9]+(?:-[a-z0-9]+)*"
"""An id: kebab-case with a letter in it, so that no id is a number."""
_COUNT = r"[0-9]{1,6}"
_TERM = re.compile(r"\s*([+-]?)\s*([0-9]{1,6}(?:\.[0-9]{1,3})?)\s*([A-Za-z]+)")
_SIZES = {"min": (0, 0, 1), "h": (0, 0, 60), "d": (0, 1, 0), "wk": (0, 7, 0), "mo": (1, 0, 0), "y": (12, 0, 0)}
_MEANT = {
    "minute": "min", "minutes": "min", "mins": "min", "hour": "h", "hours": "h", "hr": "h", "hrs": "h", "day": "d",
    "days": "d", "week": "wk", "weeks": "wk", "w": "wk", "wks": "wk", "month": "mo", "months": "mo", "mos": "mo",
    "year": "y", "years": "y", "yr": "y", "yrs": "y", "a": "y",
}  # fmt: skip
_EPOCH = date(1970, 1, 1).toordinal()
_DAYS_A_MONTH = 30.436875


@dataclass(frozen=True)
class Duration(Scalar):
    """A span as months, days and minutes, each signed; `clock` is True where it is written in h and min."""

    months: int
    days: int
    minutes: int
    clock: bool

    examples: ClassVar = ("7 d", "4 wk - 4 d", "3 mo + 4 wk", "90 min")

    @classmethod
    def parse(cls, text: str) -> Self:
        """The duration that a sum of terms in min, h, d, wk, mo and y writes."""
        terms = _terms(text)
        clocks = {unit in ("min", "h") for _, unit in terms}
        if len(clocks) > 1:
            remedy = "write all of it in h and min, or all of it in d, wk, mo and y"
            raise ScalarError(text, "mixes clock time with whole days", remedy)
        sums = [sum(_whole(text, number, unit, part) for number, unit in terms) for part in range(3)]
        return cls(text.strip(), *sums, clock=True in clocks)

    @property
    def sign(self) -> int:
        """-1, 0 or 1: before, at, or after; a month counts as 30.44 days where months and days pull apart."""
        length = self.length
        return (length > 0) - (length < 0)

    @property
    def length(self) -> float:
        """About how many days it is: only to tell the longer of two."""
        return self.months * _DAYS_A_MONTH + self.days + self.minutes / 1440

    def __neg__(self) -> Duration:
        return _duration(-self.months, -self.days, -self.minutes, self.clock)


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
        _check_order(text, low, high)
        return cls(text.strip(), low, high)


@dataclass(frozen=True)
class Window(Scalar):
    """What is allowed around the moment something is due, both ends inside."""

    low: Duration
    high: Duration

    examples: ClassVar = ("±3 d", "-1 d to +3 d", "+3 d", "±0 d")

    @classmethod
    def parse(cls, text: str) -> Self:
        """The window of a text with its signs: `±3 d`, `+3 d` (nothing before), `-1 d to +3 d`."""
        words = plain(text)
        if words.startswith("±"):
            return cls._around(text, words[1:].strip())
        ends = words.split(" to ")
        if len(ends) > 2:
            raise ScalarError(text, "is not a window", "write it as in '-1 d to +3 d'")
        low, *rest = (_signed(text, end) for end in ends)
        high = rest[0] if rest else low
        if not rest:
            zero = _duration(0, 0, 0, low.clock)
            low, high = (low, zero) if low.sign < 0 else (zero, high)
        _check_order(text, low, high)
        return cls(text.strip(), low, high)

    @classmethod
    def _around(cls, text: str, size: str) -> Self:
        if size.startswith(("+", "-")):
            raise ScalarError(text, "is a window of negative size", f"write '±{size.lstrip('+- ')}'")
        reach = Duration.parse(size)
        if len(_terms(size)) > 1:
            raise ScalarError(text, "has a sum after ±", "write both ends, as in '-10 d to +10 d'")
        return cls(text.strip(), -reach, reach)


@dataclass(frozen=True)
class Anchor(Scalar):
    """What a moment is counted from: a `day`, the `previous` occurrence, or an edge of occurrences of `name`."""

    planned: bool = False
    edge: Literal["start", "end"] | None = None
    which: Literal["first", "last", "each"] | None = None
    name: str | None = None
    number: int | None = None
    day: int | None = None
    previous: bool = False

    examples: ClassVar = ("start of atg 1", "each study-drug", "day 1", "previous", "planned visit-12")

    @classmethod
    def parse(cls, text: str) -> Self:
        """The anchor of a text: [planned] [start of|end of] [first|last|each] NAME [N], `day N` or `previous`."""
        words = plain(text)
        if words == "previous":
            return cls(text.strip(), previous=True)
        if found := _DAY.fullmatch(words):
            return cls(text.strip(), day=int(found[1]))
        found = _ANCHOR.fullmatch(words)
        if not found or found["name"] in _NO_NAMES:
            raise ScalarError(text, "is no anchor", _anchor_remedy(words))
        if found["which"] and found["number"]:
            remedy = f"write '{found['which']} {found['name']}' or '{found['name']} {found['number']}'"
            raise ScalarError(text, f"is both '{found['which']}' and number {found['number']}", remedy)
        if found["number"] and int(found["number"]) == 0:
            raise ScalarError(text, "counts from 0", f"write '{found['name']} 1' for the first")
        number = int(found["number"]) if found["number"] else None
        return cls(text.strip(), bool(found["planned"]), found["edge"], found["which"], found["name"], number)


_ANCHOR = re.compile(
    rf"(?P<planned>planned )?(?:(?P<edge>start|end) of )?(?:(?P<which>first|last|each) )?(?P<name>{NAME})"
    rf"(?: (?P<number>{_COUNT}))?"
)
_NO_NAMES = GRAMMAR_WORDS - {"treatment"}
_DAY = re.compile(rf"day (-?{_COUNT})")
_DAYS = re.compile(rf"(?P<within>within )?days (?P<first>-?{_COUNT}) to (?P<last>-?{_COUNT})")
_WITHIN = re.compile(r"within (?P<low>.+?)(?: to (?P<high>.+?))? (?P<side>after|before) (?P<anchor>.+)")
_OFFSET = re.compile(r"(?P<offset>.+?) (?P<side>after|before) (?P<anchor>.+)")


@dataclass(frozen=True)
class Instant(Scalar):
    """One way to say when.

    `day`: on study day `day`. `days`: on each of `first` to `last`. `within_days`: once from `first` to `last`.
    `at`: `offset` from `anchor`. `within`: once from `low` to `high` from `anchor`. Offsets before are negative.
    """

    kind: Literal["day", "days", "at", "within", "within_days"]
    day: int | None = None
    first: int | None = None
    last: int | None = None
    anchor: Anchor | None = None
    offset: Duration | None = None
    low: Duration | None = None
    high: Duration | None = None

    examples: ClassVar = ("day 14", "days 0 to 4", "14 d after visit-8", "within 14 d before day-zero")

    @classmethod
    def parse(cls, text: str) -> Self:
        """The one moment that the text means; `A or B` is a Moment."""
        words = plain(text)
        if found := _DAY.fullmatch(words):
            return cls(text.strip(), "day", day=int(found[1]))
        if found := _DAYS.fullmatch(words):
            first, last = int(found["first"]), int(found["last"])
            if first > last:
                raise ScalarError(text, "has its later day first", f"write 'days {last} to {first}'")
            return cls(text.strip(), "within_days" if found["within"] else "days", first=first, last=last)
        if found := _WITHIN.fullmatch(words):
            return cls._within(text, found)
        if found := _OFFSET.fullmatch(words):
            offset = _unsigned(text, found["offset"], found["side"])
            signed = -offset if found["side"] == "before" else offset
            return cls(text.strip(), "at", anchor=Anchor.parse(found["anchor"]), offset=signed)
        return cls(text.strip(), "at", anchor=_bare_anchor(text, words), offset=_duration(0, 0, 0, False))

    @classmethod
    def _within(cls, text: str, found: re.Match[str]) -> Self:
        anchor, before = Anchor.parse(found["anchor"]), found["side"] == "before"
        near = _unsigned(text, found["low"], found["side"])
        if found["high"]:
            far = _unsigned(text, found["high"], found["side"])
            _check_order(text, near, far)
        else:
            near, far = _duration(0, 0, 0, near.clock), near
        low, high = (-far, -near) if before else (near, far)
        return cls(text.strip(), "within", anchor=anchor, low=low, high=high)


@dataclass(frozen=True)
class Moment(Scalar):
    """When something is due: whichever of the alternatives comes first."""

    alternatives: tuple[Instant, ...]

    examples: ClassVar = (*Instant.examples, "30 d after last treatment or new-therapy")

    @classmethod
    def parse(cls, text: str) -> Self:
        """The moment of a text; `or` parts the alternatives."""
        return cls(text.strip(), tuple(Instant.parse(part) for part in plain(text).split(" or ")))


@dataclass(frozen=True)
class Cycles(Scalar):
    """The cycles in which something happens: every `step`-th from `first` to `last`, which None leaves open."""

    name: str
    first: int = 1
    last: int | None = None
    step: int = 1

    examples: ClassVar = ("cycle", "cycle 1", "cycle 2 on", "cycle 1 to 4", "cycle every 2nd from 3")

    @classmethod
    def parse(cls, text: str) -> Self:
        """The cycles of a text such as `cycle 2 on`."""
        found = _CYCLES.fullmatch(plain(text))
        if not found or found["name"] in GRAMMAR_WORDS:
            remedy = "write one of 'cycle', 'cycle 1', 'cycle 2 on', 'cycle 1 to 4', 'cycle every 2nd from 3'"
            raise ScalarError(text, "names no cycles", remedy)
        only, start = found["only"], found["start"]
        first = int(only or found["on"] or found["low"] or start or 1)
        last = int(found["high"]) if found["high"] else int(only) if only else None
        step = int(found["step"] or 1)
        if first < 1 or step < 1 or (last is not None and last < first):
            raise ScalarError(text, "names no cycle: they count from 1 upwards", "write it as in 'cycle 1 to 4'")
        return cls(text.strip(), found["name"], first, last, step)

    def includes(self, cycle: int) -> bool:
        """True if it happens in the cycle of that number."""
        return cycle >= self.first and (self.last is None or cycle <= self.last) and (cycle - self.first) % self.step == 0


_CYCLES = re.compile(
    rf"(?P<name>{NAME})(?: (?P<only>{_COUNT})| (?P<on>{_COUNT}) on| (?P<low>{_COUNT}) to (?P<high>{_COUNT})"
    rf"| every (?P<step>{_COUNT})(?:st|nd|rd|th) from (?P<start>{_COUNT}))?"
)


@dataclass(frozen=True)
class FirstDay(Scalar):
    """The number of the day that is day-zero's own: `0`; `1`, after day -1; or `1 after 0`, after day 0."""

    rule: Literal["0", "1", "1 after 0"]

    examples: ClassVar = ("0", "1", "1 after 0")
    numeric: ClassVar = True

    @classmethod
    def parse(cls, text: str) -> Self:
        """The numbering of days that the text names."""
        for rule in cls.examples:
            if plain(text) == rule:
                return cls(text.strip(), rule)
        raise ScalarError(text, "is no first day", "write 0, 1 (the day before is -1) or '1 after 0' (COVACTA)")


def offset_of(day_number: int, first_day: FirstDay) -> int:
    """Days after day-zero of the protocol's `day N`; a ScalarError if no day has that number."""
    if first_day.rule == "0":
        return day_number
    if first_day.rule == "1" and day_number == 0:
        raise ScalarError("day 0", "does not exist where the first day is 1", "write 'day -1' or 'day 1'")
    return day_number - 1 if day_number > 0 or first_day.rule == "1 after 0" else day_number


def day_number_of(offset: int, first_day: FirstDay) -> int:
    """The protocol's number of the day that lies `offset` days after day-zero."""
    if first_day.rule == "0":
        return offset
    return offset + 1 if offset >= 0 or first_day.rule == "1 after 0" else offset


def add(date_as_days: int, duration: Duration, months_policy: MonthsPolicy) -> int:
    """The date (days since 1970-01-01) that far on: months at once from the date, then days.

    A day the month does not have becomes its last one (`clamp`) or the 1st of the next month (`roll`).
    Clock time moves no date: a ValueError, as is a date outside the years 1 to 9999.
    """
    if duration.minutes:
        raise ValueError(f"'{duration}' is clock time and cannot be added to a date")
    if not duration.months:
        return date_as_days + duration.days
    start = date.fromordinal(date_as_days + _EPOCH)
    year, month = divmod(start.year * 12 + start.month - 1 + duration.months, 12)
    length = monthrange(year, month + 1)[1]
    day = min(start.day, length) if months_policy == "clamp" else start.day
    overflow = 1 if day > length else 0
    reached = date(year, month + 1, length if overflow else day).toordinal() + overflow
    return reached - _EPOCH + duration.days


class _Term(NamedTuple):
    number: str  # signed
    unit: str


def _terms(text: str) -> list[_Term]:
    words, terms, position = plain(text), [], 0
    while position < len(words):
        found = _TERM.match(words, position)
        if not found or (terms and not found[1]):
            raise ScalarError(text, "is no duration", _duration_remedy(words))
        sign, number, unit = found.groups()
        if unit not in _SIZES:
            raise ScalarError(text, f"has an unknown unit '{unit}'", _unit_remedy(number, unit))
        terms.append(_Term(sign + number, unit))
        position = found.end()
    return terms


def _whole(text: str, number: str, unit: str, part: int) -> int:
    """The number in months, days or minutes (`part` 0, 1, 2), which must be whole."""
    whole, _, rest = number.partition(".")
    scale = 10 ** len(rest)
    size, left = divmod(int(whole + rest) * _SIZES[unit][part], scale)
    if left:
        smaller = {"h": "min", "wk": "d", "y": "mo"}.get(unit)
        raise ScalarError(text, f"is not a whole number of {smaller or unit}", f"write it in whole {smaller or unit}")
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
    duration = Duration.parse(end)
    if not end.startswith(("+", "-")) and duration.sign:
        remedy = f"write '±{end}', '+{end}' or '-{end}'" if end == plain(text) else f"write '+{end}' or '-{end}'"
        raise ScalarError(text, "is a window without its sign", remedy)
    return duration


def _unsigned(text: str, span: str, side: str) -> Duration:
    duration = Duration.parse(span)
    if span.startswith(("+", "-")) or duration.sign < 0:
        other = {"after": "before", "before": "after"}[side] if duration.sign < 0 else side
        raise ScalarError(text, f"has a sign beside '{side}'", f"write '{span.lstrip('+- ')} {other} …'")
    return duration


def _check_order(text: str, low: Duration, high: Duration) -> None:
    if low.clock != high.clock:
        raise ScalarError(text, "mixes clock time with whole days", "write both ends in h and min, or both in days")
    if low.length > high.length:
        raise ScalarError(text, "has its later end first", f"write '{high} to {low}'")


def _duration(months: int, days: int, minutes: int, clock: bool) -> Duration:
    parts = [(months, "mo"), (days, "d"), (minutes, "min")]
    text = "".join(f"{size:+d} {unit} " for size, unit in parts if size).strip()
    return Duration(text or ("0 min" if clock else "0 d"), months, days, minutes, clock)


def _bare_anchor(text: str, words: str) -> Anchor:
    if words.startswith(("week ", "weeks ")):
        raise ScalarError(text, "counts weeks, some from 0 and some from 1", "write the day, as in 'day 14'")
    try:
        return Anchor.parse(words)
    except ScalarError as fault:
        raise ScalarError(text, "is no moment", fault.remedy) from None


def _anchor_remedy(words: str) -> str:
    if re.match(r"days? .*,", words):
        return "write a list, as in [day 1, day 8]"
    kebab = re.sub(r"[ _]+", "-", words.lower())
    if kebab != words and re.fullmatch(NAME, kebab):
        return f"write the id as it stands in its block, as in '{kebab}'"
    return "write 'day 14', 'days 0 to 4', '14 d after visit-8', 'within 2 h before each atg' or the id of an anchor"
