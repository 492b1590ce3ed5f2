"""Spans of time as USDM writes them (ISO 8601), and as a protocol does."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from protocol import ScalarError
from protocol.timing import Duration, Window

_ISO = re.compile(
    r"(?P<sign>-)?P(?:(?P<y>{0})Y)?(?:(?P<mo>{0})M)?(?:(?P<wk>{0})W)?(?:(?P<d>{0})D)?"
    r"(?P<clock>T(?:(?P<h>{0})H)?(?:(?P<min>{0})M)?(?:(?P<s>{0})S)?)?".format(r"[0-9]+(?:[.,][0-9]+)?")
)
_REMEDY = "write an ISO 8601 duration such as P14D, P2W, PT4H or P1DT12H"


@dataclass(frozen=True)
class Span:
    """A span without direction: calendar months, days and minutes; `text` as a protocol writes it."""

    months: int
    days: int
    minutes: int
    clock: bool
    text: str

    @property
    def zero(self) -> bool:
        """Whether it is no time at all."""
        return not (self.months or self.days or self.minutes)

    @property
    def about(self) -> Fraction:
        """Its length in days; a month is 30.4375 of them."""
        return self.days + Fraction(self.minutes, 1440) + self.months * Fraction("30.4375")

    @property
    def whole_days(self) -> bool:
        """Whether it is a number of whole days."""
        return not self.months and not self.clock


NOTHING = Span(0, 0, 0, False, "0 d")


def read_span(text: str) -> Span:
    """The span of an ISO 8601 duration, exactly. ScalarError where a protocol cannot say it."""
    found = _ISO.fullmatch(text.strip())
    parts = {key: Fraction(value.replace(",", ".")) for key, value in _given(found).items()}
    if found is None or not parts:
        raise ScalarError(text, "is no ISO 8601 duration", _REMEDY)
    if found["sign"]:
        raise ScalarError(text, "is negative: USDM says before or after, and how much, apart", "leave out the sign")
    months = parts.get("y", Fraction(0)) * 12 + parts.get("mo", Fraction(0))
    days = parts.get("wk", Fraction(0)) * 7 + parts.get("d", Fraction(0))
    minutes = parts.get("h", Fraction(0)) * 60 + parts.get("min", Fraction(0)) + parts.get("s", Fraction(0)) / 60
    clock = bool(minutes) or days.denominator != 1 or not {"y", "mo", "wk", "d"} & set(parts)
    if months.denominator != 1 or (clock and months):
        raise ScalarError(text, "is part of a month, which has no fixed length", "write it in days")
    if not clock:
        return Span(int(months), int(days), 0, False, _calendar_text(parts, int(months), int(days)))
    minutes += days * 1440
    if minutes.denominator != 1:
        raise ScalarError(text, "is finer than a minute", "write whole minutes")
    whole = int(minutes)
    return Span(0, 0, whole, True, f"{whole // 60} h" if whole and whole % 60 == 0 else f"{whole} min")


def _given(found: re.Match[str] | None) -> dict[str, str]:
    units = ("y", "mo", "wk", "d", "h", "min", "s")
    return {unit: found[unit] for unit in units if found[unit]} if found is not None else {}


def _calendar_text(parts: dict[str, Fraction], months: int, days: int) -> str:
    """The units of the file where they are whole, else months and days."""
    if all(value.denominator == 1 for value in parts.values()):
        terms = [f"{int(parts[unit])} {unit}" for unit in ("y", "mo", "wk", "d") if parts.get(unit)]
    else:
        terms = [f"{size} {unit}" for size, unit in ((months, "mo"), (days, "d")) if size]
    return " + ".join(terms) or "0 d"


def joined(first: Span, second: Span) -> Span | None:
    """One span after the other; None where whole days and clock time do not add up to either."""
    if first.zero or second.zero:
        return second if first.zero else first
    if first.clock != second.clock:
        return None
    months, days, minutes = (
        first.months + second.months,
        first.days + second.days,
        first.minutes + second.minutes,
    )
    if first.clock:
        return Span(0, 0, minutes, True, f"{minutes} min")
    text = f"{first.text} + {second.text}" if months else f"{days} d"
    return Span(months, days, 0, False, text)


def window_text(lower: Span, upper: Span) -> str | None:
    """A window of two magnitudes as a protocol writes it; None where they are of two kinds of time."""
    if lower.clock != upper.clock:
        if not (lower.zero or upper.zero):
            return None
        zero = f"0 {(upper if lower.zero else lower).text.rpartition(' ')[2]}"
        low, high = (zero, upper.text) if lower.zero else (lower.text, zero)
        return f"-{low} to +{high}"
    if lower.text == upper.text and "+" not in lower.text:
        return f"±{lower.text}"
    if lower.zero:
        return f"+{upper.text}"
    zero = f"0 {lower.text.rpartition(' ')[2]}"
    return f"-{_summed(lower)} to +{zero if upper.zero else upper.text}"


def _summed(span: Span) -> str:
    """The span as one term, or with every term of a sum negative."""
    return span.text.replace(" + ", " - ")


_UNITS = {"y": "Y", "mo": "M", "wk": "W", "d": "D"}


def write_span(duration: Duration) -> str | None:
    """The duration without its direction in ISO 8601; None where it is in working days or mixes directions."""
    if duration.working:
        return None
    found = re.fullmatch(r"[+\-−]?\s*([0-9]+)\s*(y|mo|wk|d)", duration.text.strip())
    if found:
        return f"P{found[1]}{_UNITS[found[2]]}"
    sizes = (duration.months, duration.days, duration.minutes)
    if min(sizes) < 0 < max(sizes):
        return None
    months, days, minutes = (abs(size) for size in sizes)
    if duration.clock:
        hours, rest = divmod(minutes, 60)
        return "PT" + (f"{hours}H" if hours else "") + (f"{rest}M" if rest or not hours else "")
    return "P" + (f"{months}M" if months else "") + (f"{days}D" if days or not months else "")


def write_window(window: Window) -> tuple[str, str] | None:
    """The magnitudes before and after; None where it is a share of time or does not hold its target."""
    if window.share or window.low.sign > 0 or window.high.sign < 0:
        return None
    lower, upper = write_span(window.low), write_span(window.high)
    return None if lower is None or upper is None else (lower, upper)
