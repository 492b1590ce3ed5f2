"""How much: amounts with their limits, rounding and tolerance, the weight they count with, and how often a day."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Literal, Self, TypeAlias

from pydantic import Field

from protocol.elements import Amount, Conditions, Element, Many
from protocol.errors import ScalarError
from protocol.quantity import Quantity, Range
from protocol.scalar import Scalar, plain
from protocol.timing import Duration

_PERCENT = r"(?P<{0}>[+\-]?[0-9]+(?:\.[0-9]+)?) ?(?:%|percent)"
_EVEN = re.compile(rf"± ?{_PERCENT.format('even')}")
_UNEVEN = re.compile(rf"{_PERCENT.format('low')} to {_PERCENT.format('high')}")


@dataclass(frozen=True)
class Tolerance(Scalar):
    """`±10 %`, `-5 % to +10 %`: how far from the intended dose is still right, in basis points, both ends inside."""

    low_bp: int
    high_bp: int

    examples: ClassVar[tuple[str, ...]] = ("±10 %", "-5 % to +10 %")

    @classmethod
    def parse(cls, text: str) -> Self:
        """The tolerance that the text means."""
        simple = plain(text)
        even, uneven = _EVEN.fullmatch(simple), _UNEVEN.fullmatch(simple)
        if even and not even["even"].startswith(("+", "-")):
            points = _basis_points(text, even["even"])
            return cls(text, -points, points)
        if not uneven:
            raise ScalarError(text, "is not a tolerance in percent of the dose", "write it such as '±10 %'")
        low, high = _basis_points(text, uneven["low"]), _basis_points(text, uneven["high"])
        if low > 0 or high < 0:
            raise ScalarError(text, "does not hold the intended dose itself", "write it such as '-5 % to +10 %'")
        return cls(text, low, high)


def _basis_points(text: str, percent: str) -> int:
    points = Decimal(percent) * 100
    if points != int(points):
        raise ScalarError(text, "is finer than 0.01 %", "write at most two decimals")
    return int(points)


@dataclass(frozen=True)
class Rounding(Scalar):
    """`10 mg` (to the nearest, halves up), `down 5 mg`, `up 200 mg`."""

    direction: Literal["nearest", "down", "up"]
    step: Quantity

    examples: ClassVar[tuple[str, ...]] = ("10 mg", "down 5 mg", "up 200 mg")

    @classmethod
    def parse(cls, text: str) -> Self:
        """The rounding that the text means."""
        simple = plain(text)
        word, _, rest = simple.partition(" ")
        step = Quantity.parse(rest if word in ("down", "up", "nearest") else simple)
        if step.value <= 0:
            raise ScalarError(text, "is not a step to round to", "write a step above zero such as '10 mg'")
        return cls(text, "down" if word == "down" else "up" if word == "up" else "nearest", step)


_WORDS = {
    "once daily": (1, 1),
    "every morning": (1, 1),
    "every evening": (1, 1),
    "daily": (1, 1),
    "twice daily": (2, 1),
    "three times daily": (3, 1),
    "four times daily": (4, 1),
    "every other day": (1, 2),
    "once weekly": (1, 7),
    "twice weekly": (2, 7),
    "three times weekly": (3, 7),
}
_EVERY = re.compile(r"every (?P<number>[1-9][0-9]*) (?P<unit>h|d|wk)")


@dataclass(frozen=True)
class Frequency(Scalar):
    """`twice daily`, `every other day`, `every 8 h`: so many `times` in so many `days`."""

    times: int
    days: int

    examples: ClassVar[tuple[str, ...]] = tuple(_WORDS)

    @classmethod
    def parse(cls, text: str) -> Self:
        """The frequency that the text means."""
        simple = plain(text)
        if simple in _WORDS:
            return cls(text, *_WORDS[simple])
        match = _EVERY.fullmatch(simple)
        if match and match["unit"] != "h":
            return cls(text, 1, int(match["number"]) * (7 if match["unit"] == "wk" else 1))
        if match and 24 % int(match["number"]) == 0:
            return cls(text, 24 // int(match["number"]), 1)
        raise ScalarError(text, "is not a frequency", "write one of: " + ", ".join(_WORDS) + ", every 8 h, every 3 d")


@dataclass(frozen=True)
class Span(Scalar):
    """`30 min`, `1 h to 6 h`: how long an infusion takes; both ends inside."""

    low: Duration
    high: Duration

    examples: ClassVar[tuple[str, ...]] = ("30 min", "1 h to 6 h")

    @classmethod
    def parse(cls, text: str) -> Self:
        """The span that the text means."""
        parts = [Duration.parse(part) for part in plain(text).split(" to ")]
        low, high = parts[0], parts[-1]
        if len(parts) > 2 or not all(part.clock for part in parts) or not 0 < low.minutes <= high.minutes:
            raise ScalarError(text, "is not an infusion time", "write it such as '30 min' or '1 h to 6 h'")
        return cls(text, low, high)


@dataclass(frozen=True)
class Interruption(Scalar):
    """`allowed`, `not allowed` or `up to 30 min`: how long an infusion may stand still before the same bag goes on."""

    longest: Duration | None
    """None where it may last as long as it takes."""

    examples: ClassVar[tuple[str, ...]] = ("allowed", "not allowed", "up to 30 min")

    @classmethod
    def parse(cls, text: str) -> Self:
        """The policy that the text means."""
        words = plain(text)
        if words in ("allowed", "not allowed"):
            return cls(text.strip(), None if words == "allowed" else Duration.parse("0 min"))
        longest = Duration.parse(words.removeprefix("up to ")) if words.startswith("up to ") else None
        if longest is None or not longest.clock or longest.minutes <= 0:
            remedy = "write 'allowed', 'not allowed' or the longest one such as 'up to 30 min'"
            raise ScalarError(text, "does not say whether an infusion may be interrupted", remedy)
        return cls(text.strip(), longest)


class WeightPolicy(Element):
    """Which body weight a dose counts with: the baseline weight or the latest not older than `within`.

    `recalculate`: with `baseline`, a new weight counts once it differs by this percentage. `older: with reason` allows
    an older one where the record of the dose says why. `of` names the measure that is weighed, such as `ideal-weight`
    or `dry-weight`, in place of the weight itself.
    """

    use: Literal["baseline", "latest"]
    within: Duration | None = None
    recalculate: Quantity | None = None
    older: Literal["with reason"] | None = None
    of: str | None = None


class SurfacePolicy(Element):
    """How body surface is computed from weight and height."""

    short: ClassVar[str | None] = "formula"
    formula: Literal["mosteller", "dubois", "haycock"]


class Cap(Element):
    """The largest input a dose is computed with; a larger one counts as this."""

    bsa: Quantity | None = None
    gfr: Quantity | None = None
    weight: Quantity | None = None


class Dose(Element):
    """How much of a treatment: an amount (each time) or a start (the first time only), and its limits.

    Arithmetic (decision 12): amount × capped input, then `max` and `min`, then rounding (half up, never past `max`),
    then `tolerance` around the result. One `round` is a step; several
    are the bands a dose may take, the nearest wins. A bare amount keeps the rest of the dose it stands in for.
    """

    short: ClassVar[str | None] = "amount"
    amount: Amount | None = None
    start: Amount | None = None
    count: Literal["viable", "total"] | None = None
    counted: Literal["before freezing", "after thaw"] | None = None
    max: Quantity | None = None
    min: Quantity | None = None
    max_total: Quantity | None = None
    cap: Cap | None = None
    round: Many[Rounding] = ()
    tolerance: Tolerance | None = None
    weight: WeightPolicy | None = None
    formula: Literal["calvert"] | None = None
    if_: Conditions = Field(default=(), alias="if")

    @property
    def daily(self) -> bool:
        """Whether the amount is one of a day, to be divided by the frequency, and not one of each time."""
        amount = self.amount or self.start
        dimension = "" if amount is None else (amount.low if isinstance(amount, Range) else amount).dimension
        return dimension.endswith(("/time", "/day"))

    def over(self, base: Dose | None) -> Dose:
        """This dose with what it leaves out filled from `base`, where it is a bare amount; else itself."""
        if base is None or self.model_fields_set != {"amount"}:
            return self
        kept = {name: getattr(base, name) for name in base.model_fields_set - {"amount", "start"}}
        return Dose.model_construct(_fields_set={*kept, "amount"}, **kept, amount=self.amount)


Doses: TypeAlias = Many[Dose]
"""One dose, or several each with `if`: the first that holds."""
