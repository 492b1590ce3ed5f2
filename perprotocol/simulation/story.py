"""What may happen to the participants of one protocol: who is eligible, what is unremarkable, what changes a dose."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import islice

from perprotocol.simulation.shown import AGES, Reader, Shown, all_leaves, assignments, names
from protocol import Protocol
from protocol.conditions import BaselinePlus, Compare, Condition, OfBaseline
from protocol.model import Modification

GROWN = 18
"""Age in years of participants where no criterion speaks of age."""
QUIET = 12
"""Different unremarkable assignments kept."""


@dataclass(frozen=True)
class Trigger:
    """What shows that a modification applies, and what shows that it no longer does (None: it never ends)."""

    name: str
    modification: Modification
    shown: Shown
    over: Shown | None

    @cached_property
    def measured(self) -> frozenset[str]:
        """The measures it is shown by."""
        return frozenset(n for n, v in self.shown.items() if not isinstance(v, bool))

    @cached_property
    def events(self) -> tuple[str, ...]:
        """The events it is shown by."""
        return tuple(n for n, v in self.shown.items() if v is True)


@dataclass(frozen=True)
class Story:
    """Ages that are eligible, what is shown at enrolment and later, and what may change the treatment."""

    protocol: Protocol
    ages: tuple[int, ...]
    eligible: Shown
    ineligible: tuple[tuple[str, Shown], ...]
    quiet: tuple[Shown, ...]
    triggers: tuple[Trigger, ...]
    optional: Shown | None

    @cached_property
    def reader(self) -> Reader:
        """Reads conditions against what is unremarkable."""
        return Reader(self.protocol, self.quiet[0])


@lru_cache(maxsize=64)
def _story(key: int) -> Story:
    protocol = _KNOWN[key]
    every = _every(protocol)
    include = [c.condition for c in protocol.eligibility.include.values()]
    exclude = [[c.condition] for c in protocol.eligibility.exclude.values()]
    changes = [m.if_ for m in protocol.modifications.values()]
    needed = [c for t in protocol.treatments.values() for p in t.parts() for c in p.requires]
    quiet = list(islice(assignments(protocol, needed, changes, {}, None, every), QUIET)) or [{}]
    base = quiet[0]
    kept = {n: v for n, v in base.items() if n in _against_baseline(protocol)}
    quiet = [q for q in quiet if kept.items() <= q.items()]
    read = names(protocol, (*include, *(c for group in exclude for c in group)))
    calm = [m for m in changes if not names(protocol, m) & read]
    eligible = next(assignments(protocol, include, [*exclude, *calm], {}, base, every), {})
    ages = [a for a in AGES if "age" in read or a >= GROWN]
    ages = [a for a in ages if next(assignments(protocol, include, exclude, {**eligible, "age": a}, base, every), ())]
    optional = [c for t in protocol.treatments.values() for p in t.parts() for c in p.may_if]
    return Story(
        protocol,
        tuple(int(a * 12) for a in ages),
        {n: v for n, v in eligible.items() if n != "age"},
        tuple(_ineligible(protocol, eligible, base, every)),
        tuple(quiet),
        tuple(_triggers(protocol, base, every)),
        next(assignments(protocol, optional, [], {}, base, every), None) if optional else None,
    )


_KNOWN: dict[int, Protocol] = {}


def story_of(protocol: Protocol) -> Story:
    """The story of a protocol, worked out once."""
    _KNOWN[id(protocol)] = protocol
    return _story(id(protocol))


def _every(protocol: Protocol) -> list[Condition]:
    found: list[Condition] = []
    for criteria in (protocol.criteria, protocol.eligibility.include, protocol.eligibility.exclude):
        found += [c.condition for c in criteria.values()]
    for m in protocol.modifications.values():
        found += [*m.if_, *m.until]
    for treatment in protocol.treatments.values():
        for part in treatment.parts():
            found += [*part.requires, *part.if_, *part.may_if]
    return found


def _against_baseline(protocol: Protocol) -> frozenset[str]:
    """Measures that some condition compares with their baseline."""
    compared = (leaf for leaf in all_leaves(protocol, _every(protocol)) if isinstance(leaf, Compare))
    return frozenset(c.name for c in compared if c.baseline or isinstance(c.value, OfBaseline | BaselinePlus))


def _ineligible(
    protocol: Protocol, eligible: Shown, base: Shown, every: Sequence[Condition]
) -> list[tuple[str, Shown]]:
    """Of each criterion something that fails it alone, by measured values."""
    found: list[tuple[str, Shown]] = []
    include, exclude = protocol.eligibility.include, protocol.eligibility.exclude
    for name in (*include, *exclude):
        true = [c.condition for n, c in include.items() if n != name]
        false = [[c.condition] for n, c in exclude.items() if n != name]
        mine = (include.get(name) or exclude[name]).condition
        read = names(protocol, (mine,)) - {"age"}
        fixed = {n: v for n, v in eligible.items() if n not in read}
        if name in include:
            false = [*false, [mine]]
        else:
            true = [*true, mine]
        shown = next(assignments(protocol, true, false, fixed, base, every), None) if read else None
        if shown is not None:
            found.append((name, shown))
    return found


def _triggers(protocol: Protocol, base: Shown, every: Sequence[Condition]) -> Iterator[Trigger]:
    """What shows each modification and no other that is read then: by events alone where that can be."""
    for name, m in protocol.modifications.items():
        others = [list(o.if_) for o in protocol.modifications.values() if o is not m and o.at in (None, m.at)]
        read = names(protocol, m.if_)
        if not read or read <= set(protocol.milestones):
            continue
        calm = {n: v for n, v in base.items() if not (n in read and n in protocol.events)}
        rest = {n: v for n, v in base.items() if n not in read}
        tried = (
            *islice(assignments(protocol, m.if_, others, calm, base, every), 1),
            *islice(assignments(protocol, m.if_, others, rest, base, every), 1),
            *islice(assignments(protocol, m.if_, [], calm, base, every), 1),
        )
        if not tried:
            continue
        shown = {n: v for n, v in tried[0].items() if n in read and v != base.get(n)}
        over = next(assignments(protocol, m.until, [list(m.if_)], {}, base, every), None) if m.until else None
        yield Trigger(name, m, shown, over)
