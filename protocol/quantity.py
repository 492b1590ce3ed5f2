"""Amounts as people write them: a quantity, a range, and how an amount in base units is printed.

All arithmetic is exact (Decimal and Fraction): a dose exactly on its limit is inside.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, ClassVar, NamedTuple, Self, TypeAlias

from protocol.errors import ScalarError
from protocol.scalar import Scalar, ScalarField, plain
from protocol.units import POWER, UNITS, Unit, exponent, known_unit, parse_unit

__all__ = [
    "UNITS", "Amount", "AmountField", "Quantity", "Range", "Unit", "WeightField",
    "format_amount", "format_number", "known_unit", "parse_amount", "parse_unit",
]  # fmt: skip

_NUMBER = r"[+-]?[0-9]{1,30}(?:\.[0-9]{1,30})?(?:[eE][+-]?[0-9]{1,2}(?![0-9]))?"
_POWER_ONLY = re.compile(rf"{POWER}\s*(?P<unit>.*)")
_TIMES_POWER = re.compile(rf"(?P<number>{_NUMBER})\s*[×x*]\s*{POWER}\s*(?P<unit>.*)")
_LOST_POWER = re.compile(rf"(?P<number>{_NUMBER})\s*[×x*]\s*10(?P<lost>(?:\s?[1-9][0-9]?)?)(?![0-9])\s*(?P<unit>.*)")
_PLAIN = re.compile(rf"(?P<number>{_NUMBER})\s*(?P<unit>.*)")
_TO = re.compile(r"\s+to\s+|\s*–\s*")
_NO_UNIT = Unit("", "number", Fraction(1))
_RAISED = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_COUNTED = ("cells", "vg", "number")


class _Parts(NamedTuple):
    value: Decimal
    powered: bool  # an exponent is visible
    unit: str


@dataclass(frozen=True)
class Quantity(Scalar):
    """A number and its unit; `base` is exact in the base units of `dimension`, an int where whole (see units.py)."""

    value: Decimal = field(compare=False)
    unit: Unit = field(compare=False)
    base: int | Fraction = field(init=False)
    dimension: str = field(init=False)

    examples: ClassVar = ("1e6 cells/kg", "3.5 mg/kg", "4 AUC", "90 %")
    numeric: ClassVar = True

    def __post_init__(self) -> None:
        base = Fraction(self.value) * self.unit.factor
        object.__setattr__(self, "base", base.numerator if base.denominator == 1 else base)
        object.__setattr__(self, "dimension", self.unit.dimension)

    @classmethod
    def parse(cls, text: str, body: bool = False) -> Self:
        """The quantity of a text such as `1×10⁶ cells/kg`; with `body`, kg alone is body weight."""
        parts = _split(text)
        return cls(text.strip(), parts.value, _unit(text, parts, body))

    @classmethod
    def of(cls, value: Decimal | int, unit: Unit) -> Self:
        """The quantity of a number and a unit that stand apart, as in two columns of a table."""
        number = Decimal(value)
        return cls(f"{number} {unit.text}".strip(), number, unit)

    def fits(self, dimension: str) -> bool:
        """True if it may stand where `dimension` is wanted."""
        return self.unit.fits(dimension)


@dataclass(frozen=True)
class Range(Scalar):
    """Two amounts of one dimension with everything between them; both ends are inside."""

    low: Quantity
    high: Quantity

    examples: ClassVar = ("2.5 to 3.5 mg/kg", "80 to 120 %")

    @classmethod
    def parse(cls, text: str) -> Self:
        """The range of a text such as `2.5 to 3.5 mg/kg`; the low end may leave its unit to the high end."""
        ends = _TO.split(plain(text))
        if len(ends) != 2 or not all(ends):
            raise ScalarError(text, "is not a range", "write both ends with 'to', as in '2.5 to 3.5 mg/kg'")
        low, high = _split(ends[0]), _split(ends[1])
        if high.powered and not low.powered and not low.unit and 0 < low.value < 1000:
            remedy = f"write the power at both ends, as in '1e6 to 2e6 {high.unit}'"
            raise ScalarError(text, "has a power of ten at one end only", remedy)
        first = ends[0] if low.unit or not high.unit else f"{ends[0]} {high.unit}"
        return cls._of(text, Quantity.parse(first), Quantity.parse(ends[1]))

    @classmethod
    def _of(cls, text: str, low: Quantity, high: Quantity) -> Self:
        if low.dimension != high.dimension:
            why = f"goes from {low.dimension} to {high.dimension}"
            raise ScalarError(text, why, "give both ends in units of one kind")
        if low.base > high.base:
            raise ScalarError(text, "has its higher end first", f"write '{high} to {low}'")
        return cls(text.strip(), low, high)

    @property
    def dimension(self) -> str:
        """What both ends measure."""
        return self.high.dimension

    def fits(self, dimension: str) -> bool:
        """True if it may stand where `dimension` is wanted."""
        return self.high.fits(dimension)


Amount: TypeAlias = Quantity | Range


def parse_amount(text: str) -> Amount:
    """The quantity or the range that the text writes."""
    return Range.parse(text) if _TO.search(plain(text)) else Quantity.parse(text)


AmountField = Annotated[Quantity | Range, ScalarField(parse_amount, Quantity, Range)]
"""An Amount as a pydantic field: one error where neither grammar holds."""


WeightField = Annotated[Quantity, ScalarField(lambda text: Quantity.parse(text, body=True), Quantity)]
"""A Quantity as a pydantic field where kg weighs a body."""


def format_amount(base: int, dimension: str, unit_text: str) -> str:
    """The amount in the unit, exact: 56700000 ng in mg is `56.7 mg`; counts from 10⁵ on as `1.62×10⁷ cells`.

    A unit of another dimension is a ScalarError. Where no decimal is exact (grams in pounds) the shortest that is
    nearest to the same whole base unit is printed.
    """
    unit = parse_unit(unit_text, body=dimension == "weight") if unit_text else _NO_UNIT
    if not unit.fits(dimension):
        raise ScalarError(unit_text, f"measures {unit.dimension}, not {dimension}", f"name a unit of {dimension}")
    value = _decimal(Fraction(base) / unit.factor, unit.factor)
    counted = unit.dimension.split("/")[0] in _COUNTED and not re.match(r"[×x]?\s*1", unit_text)
    return f"{format_number(value, scientific=counted)} {unit_text}".strip()


def format_number(value: Decimal, scientific: bool = False) -> str:
    """The number without trailing zeros: `56.7`, `16200000`; scientific from 10⁵ on and up to 10⁻⁵, `1.62×10⁷`."""
    sign, digits, _ = value.as_tuple()
    figures = "".join(map(str, digits)).rstrip("0")
    power = value.adjusted()
    if not figures:
        return "0"
    if not scientific or abs(power) < 5:
        written = f"{value:f}"
        return written.rstrip("0").rstrip(".") if "." in written else written
    mantissa = figures[0] + ("." + figures[1:] if figures[1:] else "")
    return f"{'-' if sign else ''}{mantissa}×10{str(power).translate(_RAISED)}"


def _decimal(value: Fraction, factor: Fraction) -> Decimal:
    """The decimal of a fraction: exact where one exists, else the shortest that rounds to the same base units."""
    twos = fives = 0
    rest = value.denominator
    while rest % 2 == 0:
        rest, twos = rest // 2, twos + 1
    while rest % 5 == 0:
        rest, fives = rest // 5, fives + 1
    places = max(twos, fives)
    if rest == 1:
        return Decimal(f"{value.numerator * 10**places // value.denominator}e-{places}")
    places = 0
    while round(Fraction(round(value * 10**places), 10**places) * factor) != round(value * factor):
        places += 1
    return Decimal(f"{round(value * 10**places)}e-{places}")


def _split(text: str) -> _Parts:
    """The number and the words of its unit."""
    words = plain(text)
    if found := _POWER_ONLY.fullmatch(words):
        return _Parts(Decimal(f"1e{exponent(found)}"), True, found["unit"])
    if found := _TIMES_POWER.fullmatch(words):
        return _Parts(_shifted(found["number"], exponent(found)), True, found["unit"])
    if found := _LOST_POWER.fullmatch(words):
        power = found["lost"].strip()
        meant = f"{found['number']}e{power} {found['unit']}"
        remedy = f"write '{meant}' if that was it" if power else "write it as in '1e6 cells/kg'"
        raise ScalarError(text, "has '× 10' without its exponent: it was lost", remedy)
    found = _PLAIN.fullmatch(words)
    if not found:
        raise ScalarError(text, "does not begin with a number", "write a number and its unit, as in '3.5 mg/kg'")
    _check_number(text, found["unit"])
    return _Parts(Decimal(found["number"]), "e" in found["number"].lower(), found["unit"])


def _shifted(number: str, power: int) -> Decimal:
    """The number times ten to the power; Decimal's own arithmetic would round to 28 digits."""
    sign, digits, places = Decimal(number).as_tuple()
    return Decimal((sign, digits, int(places) + power))


def _check_number(text: str, rest: str) -> None:
    """Refuse what is left of a number with a comma, and a range written with a hyphen."""
    if re.match(r",[0-9]", rest):
        remedy = f"write '{text.replace(',', '.', 1)}' or '{text.replace(',', '', 1)}', whichever is meant"
        raise ScalarError(text, "has a comma inside its number", remedy)
    if re.match(r"-\s*[0-9]", rest):
        raise ScalarError(text, "has a hyphen, which may be a minus", f"write a range with 'to': '{_hyphen_to(text)}'")


def _hyphen_to(text: str) -> str:
    return re.sub(r"(?<=[0-9])\s*[-−]\s*(?=[0-9])", " to ", text, count=1)


def _unit(text: str, parts: _Parts, body: bool) -> Unit:
    if not parts.unit:
        return _NO_UNIT
    try:
        unit = parse_unit(parts.unit, body)
    except ScalarError as fault:
        raise ScalarError(text, fault.why, fault.remedy) from None
    per_body = unit.dimension.startswith(("number/weight", "number/surface"))
    visible = parts.powered or unit.factor > 1000 or abs(parts.value) >= 1000
    if per_body and not visible:
        remedy = f"write '1e6 cells{parts.unit}' if 10⁶ cells are meant"
        raise ScalarError(text, "is a bare number per body: an exponent was lost", remedy)
    return unit
