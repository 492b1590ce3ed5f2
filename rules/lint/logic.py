"""Whether conditions can hold together: by what each says of one value, without any participant.

Only what is certain is said. A condition whose answer hangs on time (`within`, `for`, `at`) binds the value it reads
where it holds, and nothing where it does not; values of two measures are never compared with each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import combinations
from typing import TypeAlias

from protocol.conditions import (
    All,
    Any,
    AtLeast,
    BaselinePlus,
    Compare,
    Condition,
    Count,
    Event,
    Given,
    Inside,
    Judged,
    Limit,
    Named,
    NoneOf,
    OfBaseline,
    Reached,
    Recent,
    Words,
)
from protocol.model import Protocol
from protocol.quantity import Quantity
from protocol.timing import Duration

Goal: TypeAlias = tuple[Condition, bool]
"""A condition, and whether it is to hold."""

MOST = 20_000
"""Steps after which conditions count as possible together."""

_PEOPLE: Mapping[str, tuple[Duration | Quantity, Duration | Quantity]] = {
    "age": (Duration.parse("0 d"), Duration.parse("125 y")),
    "weight": (Quantity.parse("200 g"), Quantity.parse("700 kg")),
    "height": (Quantity.parse("20 cm"), Quantity.parse("280 cm")),
}
"""The least and the most that anybody has been or measured: beyond it a criterion lets nobody in."""
_OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "=": "!=", "!=": "="}


@dataclass(frozen=True)
class Bound:
    """One end of a span of values, and whether the end itself is inside; `text` is the value as written."""

    at: Fraction
    inside: bool
    text: str


@dataclass(frozen=True)
class Values:
    """What a value can still be: above `low`, below `high`, one of `words`, none of `other`."""

    low: Bound | None = None
    high: Bound | None = None
    words: frozenset[str] | None = None
    other: frozenset[object] = frozenset()

    def said(self, name: str) -> str:
        """The span of a number as a person would write it."""
        if self.low is not None and self.high is not None and self.low.at == self.high.at:
            return f"{name} = {self.low.text}"
        ends = []
        if self.low is not None:
            ends.append(f"{name} {'>=' if self.low.inside else '>'} {self.low.text}")
        if self.high is not None:
            ends.append(f"{name} {'<=' if self.high.inside else '<'} {self.high.text}")
        if self.words:
            ends.append(f"{name} = {' or '.join(sorted(self.words))}")
        return ", ".join(ends)

    @property
    def possible(self) -> bool:
        """Whether any value is left."""
        if self.words is not None and not self.words - self.other:
            return False
        if self.low is None or self.high is None:
            return True
        if self.low.at == self.high.at:
            return self.low.inside and self.high.inside and self.low.at not in self.other
        return self.low.at < self.high.at


_SO = {so: Values(words=frozenset({word})) for so, word in ((True, "yes"), (False, "no"))}

Key: TypeAlias = tuple[object, ...]
"""Which value: the measure and how it is read (as a number, as a multiple of a limit, as a share of its baseline)."""
Store: TypeAlias = Mapping[Key, Values]


@dataclass
class Reasoning:
    """The names of one protocol: its criteria, and the words that a measure can be."""

    criteria: Mapping[str, Condition]
    words: Mapping[str, frozenset[str]]
    steps: int = field(default=0, init=False)

    @classmethod
    def of(cls, protocol: Protocol) -> Reasoning:
        """The names that conditions of this protocol use."""
        named = {**protocol.criteria, **protocol.eligibility.include, **protocol.eligibility.exclude}
        words = {name: (*m.values, *m.cases) for name, m in protocol.measures.items() if m.values or m.cases}
        known = {name: frozenset(map(_plain, each)) for name, each in words.items()}
        known["arm"] = frozenset(map(_plain, protocol.arms))
        return cls({name: criterion.condition for name, criterion in named.items()}, known)

    def together(self, *goals: Goal) -> Store | None:
        """Values with which all goals are met, as far as is known; None where there are certainly none."""
        self.steps = 0
        return self._meet(list(goals), {})

    def holds_never(self, conditions: Iterable[Condition]) -> bool:
        """Whether conditions that must all hold certainly cannot."""
        return self.together(*((c, True) for c in conditions)) is None

    def _meet(self, goals: list[Goal], store: Store) -> Store | None:
        self.steps += 1
        if not goals or self.steps > MOST:
            return store
        (condition, wanted), rest = goals[0], goals[1:]
        for more, narrowed in self._ways(condition, wanted, store):
            found = self._meet([*more, *rest], narrowed)
            if found is not None:
                return found
        return None

    def _ways(self, condition: Condition, wanted: bool, store: Store) -> Iterable[tuple[list[Goal], Store]]:
        """The ways to meet one goal: what is then left to meet, and what values can still be."""
        match condition:
            case All(of):
                yield from _parts(of, wanted, wanted, store)
            case Any(of):
                yield from _parts(of, not wanted, wanted, store)
            case NoneOf(of):
                yield from _parts(of, wanted, not wanted, store)
            case AtLeast(least, of):
                number = least if wanted else len(of) - least + 1
                for chosen in combinations(of, number):
                    yield [(part, wanted) for part in chosen], store
            case Named(criterion=name, negated=negated):
                known = self.criteria.get(name)
                yield [] if known is None else [(known, wanted != negated)], store
            case _:
                yield from (([], narrowed) for narrowed in self._narrowed(condition, wanted, store))

    def _narrowed(self, leaf: Condition, wanted: bool, store: Store) -> Iterable[Store]:
        for said in _says(leaf, wanted):
            found = dict(store)
            for key, values in said.items():
                found[key] = _both(found.get(key, self._any(key)), values)
            if all(found[key].possible for key in said):
                yield found

    def _any(self, key: Key) -> Values:
        """What a value can be before anything is said of it: a word of its measure, a size that people have."""
        if key[1] == "word":
            return Values(words=self.words.get(str(key[0])))
        if key[1] != "number" or key[0] not in _PEOPLE:
            return Values()
        low, high = (Bound(_number(end), True, end.text) for end in _PEOPLE[str(key[0])])
        return Values(low, high)


def _says(leaf: Condition, wanted: bool) -> Iterable[Store]:
    """What a leaf that holds (or does not) says of values; of several, any one is enough."""
    match leaf:
        case Compare():
            timed = leaf.within is not None or leaf.lasting is not None
            yield {} if timed and not wanted else dict([_compared(leaf, wanted)])
        case Inside(name=name, range=range_):
            key: Key = (name, "number", False, None)
            low, high = _number(range_.low), _number(range_.high)
            if wanted:
                yield {key: Values(Bound(low, True, range_.low.text), Bound(high, True, range_.high.text))}
            else:
                yield {key: Values(high=Bound(low, False, range_.low.text))}
                yield {key: Values(low=Bound(high, False, range_.high.text))}
        case Count(kind=kind, name=name, op=op, value=value, to=to):
            yield {(kind, "count", name, to): _counted(op if wanted else _OPPOSITE[op], value)}
        case Event() | Given() | Reached() | Judged() | Recent():
            yield _happened(leaf, wanted)
        case _:
            yield {}


def _parts(of: tuple[Condition, ...], every: bool, wanted: bool, store: Store) -> Iterable[tuple[list[Goal], Store]]:
    if every:
        yield [(part, wanted) for part in of], store
    else:
        yield from (([(part, wanted)], store) for part in of)


def _happened(leaf: Event | Given | Reached | Judged | Recent, wanted: bool) -> Store:
    """Whether something is so: one question for each way to ask it; what is so in detail is so at all."""
    if isinstance(leaf, Judged | Recent):
        return {(leaf, "so"): _SO[wanted]}
    so = wanted != leaf.negated
    asked = replace(leaf, negated=False)
    found: dict[Key, Values] = {(asked, "so"): _SO[so]}
    if so and isinstance(leaf, Event):
        found[Event(leaf.text, leaf.name), "so"] = _SO[True]
    if so and isinstance(leaf, Given):
        found[Given(leaf.text, leaf.name), "so"] = _SO[True]
    return found


def _counted(op: str, value: int | Duration | Quantity) -> Values:
    """What a count can be: between whole numbers there is none."""
    number = _number(value)
    if isinstance(value, int) and op in ("<", ">"):
        return _span(f"{op}=", number + (1 if op == ">" else -1), str(value + (1 if op == ">" else -1)))
    return _span(op, number, str(value))


def _compared(leaf: Compare, wanted: bool) -> tuple[Key, Values]:
    op = leaf.op if wanted else _OPPOSITE[leaf.op]
    at = leaf.at.text if leaf.at is not None else None
    if isinstance(leaf.value, Words):
        words = frozenset(map(_plain, leaf.value.words))
        return (leaf.name, "word", leaf.baseline, at), Values(words=words) if op == "=" else Values(other=words)
    kind, number, text = _scaled(leaf.value)
    return (leaf.name, kind, leaf.baseline, at), _span(op, number, text)


def _scaled(value: Quantity | Duration | Limit | OfBaseline | BaselinePlus) -> tuple[str, Fraction, str]:
    """On which scale a value is written, and where it lies there."""
    match value:
        case Limit(times, of):
            return of, Fraction(times), f"{times} x {of}"
        case OfBaseline(percent):
            return "of baseline", Fraction(percent), f"{percent} % of baseline"
        case BaselinePlus(sign, quantity):
            if quantity is None:
                return "of baseline", Fraction(100), "baseline"
            word = "+" if sign > 0 else "-"
            return "over baseline", Fraction(quantity.base) * sign, f"baseline {word} {quantity.text}"
        case _:
            return "number", _number(value), value.text


def _number(value: int | Duration | Quantity) -> Fraction:
    """A size on one scale: of spans of time days, whether a duration says them or an end of a range."""
    if isinstance(value, Quantity) and value.dimension in ("time", "calendar"):
        value = Duration.parse(value.text)
    if isinstance(value, Duration):
        return Fraction(value.length).limit_denominator(10**9)
    return Fraction(value.base if isinstance(value, Quantity) else value)


def _span(op: str, number: Fraction, text: str) -> Values:
    if op in ("<", "<="):
        return Values(high=Bound(number, op == "<=", text))
    if op in (">", ">="):
        return Values(low=Bound(number, op == ">=", text))
    if op == "=":
        return Values(Bound(number, True, text), Bound(number, True, text))
    return Values(other=frozenset({number}))


def _both(one: Values, two: Values) -> Values:
    """What is left where both are so."""
    lows = [b for b in (one.low, two.low) if b is not None]
    highs = [b for b in (one.high, two.high) if b is not None]
    words = one.words if two.words is None else two.words if one.words is None else one.words & two.words
    return Values(
        max(lows, key=lambda b: (b.at, not b.inside), default=None),
        min(highs, key=lambda b: (b.at, b.inside), default=None),
        words,
        one.other | two.other,
    )


def _plain(word: str) -> str:
    return " ".join(word.lower().split())
