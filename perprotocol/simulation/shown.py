"""What participants show: values under which a condition of the protocol holds, or fails, found by trying.

An assignment gives every name a condition reads a value. Each measure has a few values worth trying, on both sides of
every limit that the protocol draws; an assignment is kept where the wanted conditions are certainly true or false.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import product
from typing import TypeAlias

from protocol import Protocol
from protocol.conditions import (
    All,
    AtLeast,
    BaselinePlus,
    Compare,
    Condition,
    Count,
    Event,
    Inside,
    Judged,
    Leaf,
    Limit,
    Named,
    NoneOf,
    OfBaseline,
    Reached,
    Words,
    leaves,
)
from protocol.conditions import Any as AnyOf
from protocol.quantity import Quantity
from protocol.timing import Duration

Value: TypeAlias = Decimal | str | bool
Shown: TypeAlias = Mapping[str, Value]
"""A value by name: of a measure a number in its unit or a word, of an event whether it happens."""

LOW, HIGH = Decimal(10), Decimal(40)
"""Limits of normal that come with every value that a condition compares with them."""
AGES = tuple(Decimal(a) for a in ("0.5", "1.5", 3, 4, 6, 8, 10, 12, 14, 16, 24, 33, 42, 51, 58, 66, 74))
"""Ages in years."""
MOST = 4096
"""Assignments tried at most."""
_OPS: dict[str, Callable[[Decimal, Decimal], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "=": operator.eq, "!=": operator.ne,
}  # fmt: skip


@dataclass(frozen=True)
class Reader:
    """Conditions of one protocol, answered for an assignment: True, False, or None where it cannot be told.

    `base` are the values at baseline; None where they are those of the assignment itself.
    """

    protocol: Protocol
    base: Shown | None

    def all_hold(self, conditions: Iterable[Condition], shown: Shown) -> bool | None:
        """Whether all of them hold."""
        return _all(self.holds(c, shown) for c in conditions)

    def holds(self, condition: Condition, shown: Shown) -> bool | None:
        """Whether one holds."""
        match condition:
            case All(of):
                return _all(self.holds(c, shown) for c in of)
            case AnyOf(of):
                return _any(self.holds(c, shown) for c in of)
            case NoneOf(of):
                return _not(_any(self.holds(c, shown) for c in of))
            case AtLeast(least, of):
                answers = [self.holds(c, shown) for c in of]
                sure, possible = answers.count(True), len(answers) - answers.count(False)
                return True if sure >= least else False if possible < least else None
            case Event(name=name, negated=negated) | Reached(milestone=name, negated=negated):
                return bool(shown.get(name, False)) is not negated
            case _:
                return self._leaf(condition, shown)

    def _leaf(self, condition: Condition, shown: Shown) -> bool | None:
        match condition:
            case Named(criterion=name, negated=negated):
                answer = self._criterion(name, shown)
                return _not(answer) if negated else answer
            case Compare():
                return self._compare(condition, shown)
            case Inside(name=name, range=within):
                value = shown.get(name)
                number = value if isinstance(value, Decimal) else None
                return None if number is None else within.low.value <= number <= within.high.value
            case Count(kind="delay" | "omissions" | "resumptions"):
                return False
            case Count(kind="level", name=name, op=op, value=level) if isinstance(level, int):
                now = shown.get(level_of(name), Decimal(0))
                return isinstance(now, Decimal) and _OPS[op](now, Decimal(level))
        return None

    def _criterion(self, name: str, shown: Shown) -> bool | None:
        stated = self.protocol.criteria.get(name)
        if stated is None:
            return None
        if isinstance(stated.condition, Judged):
            return None if name not in shown else shown[name] == "yes"
        return self.holds(stated.condition, shown)

    def _compare(self, c: Compare, shown: Shown) -> bool | None:
        base = shown if self.base is None else self.base
        value = base.get(c.name) if c.baseline else shown.get(c.name)
        if value is None or isinstance(value, bool):
            return None
        if isinstance(c.value, Words):
            return (value in c.value.words) is (c.op == "=")
        rank = self._rank(c.name, value)
        bound = self._bound(c, self._rank(c.name, base.get(c.name)))
        answer = None if rank is None or bound is None else _OPS[c.op](rank, bound)
        return answer if c.lasting is None or not answer else None

    def _rank(self, name: str, value: Value | None) -> Decimal | None:
        """A number, or the place of a word among the words of its measure, in rising order."""
        if isinstance(value, Decimal):
            return value
        words = self.protocol.measures[name].values if name in self.protocol.measures else ()
        return Decimal(words.index(value)) if isinstance(value, str) and value in words else None

    def _bound(self, c: Compare, base: Decimal | None) -> Decimal | None:
        match c.value:
            case Quantity(value=value):
                return value
            case Duration() as age:
                return Decimal(age.months) / 12 + Decimal(age.days) / 365
            case Limit(times, of):
                return times * (HIGH if of == "uln" else LOW)
            case OfBaseline(percent):
                return None if base is None else percent * base / 100
            case BaselinePlus(sign, quantity):
                return None if base is None else base + sign * (quantity.value if quantity is not None else Decimal(0))
        return None


def level_of(treatment: str) -> str:
    """Under which name the level of a treatment is among the values of a participant."""
    return f"level of {treatment}"


def names(protocol: Protocol, conditions: Iterable[Condition]) -> frozenset[str]:
    """Everything that conditions read, criteria resolved; of criteria that a person judges the criterion itself."""
    found: set[str] = set()
    for leaf in leaves(tuple(conditions)):
        if isinstance(leaf, Named):
            stated = protocol.criteria.get(leaf.criterion)
            if stated is not None and isinstance(stated.condition, Judged):
                found.add(leaf.criterion)
            elif stated is not None:
                found |= names(protocol, (stated.condition,))
        else:
            found |= leaf.names()
    return frozenset(found)


def all_leaves(protocol: Protocol, conditions: Iterable[Condition]) -> Iterator[Leaf]:
    """The leaves of conditions, criteria resolved."""
    for leaf in leaves(tuple(conditions)):
        if isinstance(leaf, Named) and leaf.criterion in protocol.criteria:
            yield from all_leaves(protocol, (protocol.criteria[leaf.criterion].condition,))
        else:
            yield leaf


def candidates(protocol: Protocol, name: str, conditions: Sequence[Condition]) -> list[Value]:
    """The values of a name that are worth trying; [] for what a participant cannot show."""
    if name == "age":
        return list(AGES)
    if name in protocol.events or name in protocol.milestones:
        return [False, True]
    if name in protocol.criteria:
        return ["yes", "no"]
    measure = protocol.measures.get(name)
    if measure is None or measure.cases:
        return []
    if measure.values:
        return list(measure.values)
    marks = {Decimal(20)}
    for leaf in all_leaves(protocol, conditions):
        if name in leaf.names():
            marks |= set(_marks(leaf))
    low, high = min(marks), max(marks)
    between = [(a + b) / 2 for a, b in zip(sorted(marks), sorted(marks)[1:], strict=False)]
    return [*between, high * Decimal("1.5"), low * Decimal("0.8"), low * Decimal("0.5"), *sorted(marks)]


def _marks(leaf: Leaf) -> Iterator[Decimal]:
    """The limits that a leaf draws, those relative to baseline about a baseline of 20."""
    if isinstance(leaf, Inside):
        yield from (leaf.range.low.value, leaf.range.high.value)
    elif isinstance(leaf, Compare):
        match leaf.value:
            case Quantity(value=value):
                yield value
            case Limit(times, of):
                yield times * (HIGH if of == "uln" else LOW)
            case OfBaseline(percent):
                yield percent / 5
            case BaselinePlus(sign, quantity):
                yield 20 + sign * (quantity.value if quantity is not None else Decimal(0))


def assignments(
    protocol: Protocol,
    true: Sequence[Condition],
    false: Sequence[Sequence[Condition]],
    fixed: Shown,
    base: Shown | None,
    every: Sequence[Condition],
) -> Iterator[dict[str, Value]]:
    """Assignments under which `true` all hold and of each of `false` not all; `every`: what draws limits at all."""
    read = names(protocol, (*true, *(c for group in false for c in group)))
    free = {n: candidates(protocol, n, every) for n in sorted(read - set(fixed))}
    free = {n: values for n, values in free.items() if values}
    reader = Reader(protocol, base)
    for tried, values in enumerate(product(*free.values())):
        if tried >= MOST * 16:
            return
        shown = {**fixed, **dict(zip(free, values, strict=True))}
        if reader.all_hold(true, shown) is True and all(reader.all_hold(group, shown) is False for group in false):
            yield shown


def _not(answer: bool | None) -> bool | None:
    return None if answer is None else not answer


def _all(answers: Iterable[bool | None]) -> bool | None:
    found = list(answers)
    return False if False in found else None if None in found else True


def _any(answers: Iterable[bool | None]) -> bool | None:
    found = list(answers)
    return True if True in found else None if None in found else False
