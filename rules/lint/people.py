"""Whom a protocol means: the ages that its criteria let in, and what people of these ages plausibly weigh."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from protocol.conditions import All, Compare, Condition, Inside
from protocol.model import Protocol
from protocol.timing import Duration
from rules.happened.growth import ADULT, DAYS_A_MONTH, median_weight, plausible_weight

_YEAR = 365.25
_GROWN = round(20 * _YEAR)
_OLD = round(100 * _YEAR)


@dataclass(frozen=True)
class People:
    """The youngest and the oldest who may take part, in days of age; None where no criterion says it."""

    youngest: int | None
    oldest: int | None

    @property
    def weights(self) -> tuple[float, float]:
        """What the lightest and the heaviest of them plausibly weigh, in kg; adults where no age is stated."""
        if self.youngest is None and self.oldest is None:
            return ADULT[0] / 1000, ADULT[1] / 1000
        ages = np.array([self.youngest or 0, self.oldest if self.oldest is not None else _OLD], np.int32)
        low, high = plausible_weight(ages[:1], ages[1:])
        return int(low[0]) / 1000, int(high[0]) / 1000

    @property
    def typical(self) -> float:
        """The median weight in kg at the youngest age that a criterion states, else at the oldest, else of adults."""
        stated = [age for age in (self.youngest, self.oldest) if age is not None]
        age = np.array([min(stated[0] if stated else _GROWN, _GROWN)], np.int32)
        return int(median_weight(age)[0]) / 1000

    @property
    def usual(self) -> float:
        """The median weight in kg in the middle of the ages that the criteria let in, of adults without an oldest."""
        age = _GROWN if self.oldest is None else min(((self.youngest or 0) + self.oldest) // 2, _GROWN)
        return int(median_weight(np.array([age], np.int32))[0]) / 1000


def people_of(protocol: Protocol) -> People:
    """The ages that the criteria of eligibility let in."""
    youngest: list[int] = []
    oldest: list[int] = []
    for op, age in _ages(protocol):
        days = round(age.months * DAYS_A_MONTH) + age.days
        (youngest if op in (">", ">=") else oldest).append(days)
    return People(max(youngest, default=None), min(oldest, default=None))


def _ages(protocol: Protocol) -> Iterator[tuple[str, Duration]]:
    """What must be so of the age by itself, as `>=` or `<` and the age."""
    for criterion in protocol.eligibility.include.values():
        for leaf in _all_of(criterion.condition):
            if isinstance(leaf, Inside) and leaf.name == "age":
                yield from ((">=", Duration.parse(leaf.range.low.text)), ("<=", Duration.parse(leaf.range.high.text)))
            elif isinstance(leaf, Compare) and isinstance(leaf.value, Duration) and _is_age(leaf):
                yield leaf.op, leaf.value
    for criterion in protocol.eligibility.exclude.values():
        alone = criterion.condition
        if isinstance(alone, Compare) and isinstance(alone.value, Duration) and _is_age(alone):
            yield ("<" if alone.op in (">", ">=") else ">="), alone.value


def _all_of(condition: Condition) -> Iterator[Condition]:
    if isinstance(condition, All):
        for part in condition.of:
            yield from _all_of(part)
    else:
        yield condition


def _is_age(leaf: Compare) -> bool:
    return leaf.name == "age" and leaf.op in ("<", "<=", ">", ">=")
