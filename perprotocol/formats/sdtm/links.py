"""Which word of the protocol is this one of SDTM? Arms, visits, treatments and tests, each distinct word asked once.

A mapping file goes before everything. Else a link holds where a number, a name or a label says it and none of the
others says something else; what nothing links, or what is linked twice, is a question and never a guess.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from perprotocol.formats.sdtm.mapping import IGNORE, MAPS, UNSCHEDULED, Said, simple
from perprotocol.formats.sdtm.notes import Notes
from perprotocol.formats.sdtm.terms import cdisc_test
from protocol.elements import Text
from protocol.model import Protocol
from protocol.quantity import Range
from rules.happened.records import treatments_named, visit_occurrence
from rules.plan import compile_plan

_NO_ARM = {"", "scrnfail", "screen failure", "notassgn", "not assigned", "nottrt", "not treated", "unplan"}
_UNSCHEDULED = re.compile(r"un-?\s?sch|unplanned|计划外")
NUMBERED = re.compile(r"(?:visit|v|访视)[-_ ]?0*(\d+)")
"""A visit whose id is its number."""


@dataclass
class Links:
    """The links of one import; what they leave open is added to `notes`."""

    trial: Protocol
    said: Said
    notes: Notes
    planned: Mapping[str, str] = field(default_factory=dict)
    """Visit numbers of TV with their names."""
    used: set[tuple[str, str]] = field(default_factory=set)
    """Maps of the mapping file with the words of them that were met."""

    def told(self, of: str, *words: str) -> str | None:
        """What the mapping file says of the first of these words that it has."""
        said: Mapping[str, str] = getattr(self.said, of)
        for word in words:
            if word and word in said:
                self.used.add((of, word))
                return said[word]
        return None

    def note_unused(self) -> None:
        """The words of the mapping file that stand nowhere in the datasets."""
        for of in MAPS:
            for word in sorted({*getattr(self.said, of)} - {w for o, w in self.used if o == of}):
                self.notes.add("left out", "mapping-unused", "mapping", of, word)

    def arm(self, code: str | None, label: str | None, rows: int = 1) -> str | None:
        """The arm of a planned or actual arm by its code or description; None where there is none."""
        if simple(code) in _NO_ARM and simple(label) in _NO_ARM:
            return None
        if (found := self.told("arms", simple(code), simple(label))) is not None:
            return None if found == IGNORE else found
        alike = {
            name
            for name, arm in self.trial.arms.items()
            if simple(name) in (simple(code), simple(label)) or (titles(arm.title) & {simple(code), simple(label)})
        }
        if len(alike) == 1:
            return alike.pop()
        arms = ", ".join(self.trial.arms)
        self.notes.add("question", "arm", "DM", "ARMCD", str(code or label), rows, arms=arms)
        return None

    def treatment(self, word: str | None) -> str | None:
        """The treatment or product that --TRT names, as it may stand in a study; None where none is linked."""
        meant = word if word is None else self.told("treatments", simple(word)) or word
        if meant is None or meant == IGNORE:
            return None
        return meant if treatments_named(self.trial, meant, tuple(self.trial.treatments)) else None

    def by_days(self, word: str) -> bool:
        """Whether every treatment that a word may mean is a course, taken by days."""
        names = treatments_named(self.trial, word, tuple(self.trial.treatments))
        return bool(names) and all(any(p.often() for p in self.trial.treatments[n].parts()) for n in names)

    def dimensions(self, word: str) -> set[str]:
        """What the stated doses of the treatments that a word may mean are measured in, such as mass."""
        meant = self.said.treatments.get(simple(word), word)
        names = treatments_named(self.trial, meant, tuple(self.trial.treatments))
        parts = [part for name in names for part in self.trial.treatments[name].parts()]
        doses = [d for p in parts for d in (*p.dose, *(d for level in p.levels.values() for d in level.dose))]
        amounts = [amount for dose in doses if (amount := dose.amount or dose.start) is not None]
        whole = [amount.low if isinstance(amount, Range) else amount for amount in amounts]
        return {quantity.dimension.split("/")[0] for quantity in whole}

    # --- visits ---------------------------------------------------------------------------------------------------

    def visit(self, number: str | None, name: str | None, *, unplanned: bool = False) -> tuple[str, str]:
        """The visit as a study names it, and how it was linked: by name, number or mapping; unscheduled, ignored, open.

        What is open keeps the name it has, so that nothing follows from it and nothing is lost.
        """
        whole = plain_number(number)
        if (meant := self.told("visits", simple(name), simple(whole), simple(number))) is not None:
            if meant in (UNSCHEDULED, IGNORE):
                return str(name or whole), "unscheduled" if meant == UNSCHEDULED else "ignored"
            return self.named(meant) or meant, "mapping"
        shown = name or (f"unscheduled {whole}" if whole and "." in whole else f"visit {whole}")
        if _UNSCHEDULED.search((name or "").lower()) or unplanned:
            return str(shown), "unscheduled"
        named, numbered = self.named(name), self._numbered(whole)
        if named and numbered and self._visit(named) != self._visit(numbered):
            return str(shown), "twice"
        if found := named or numbered:
            return found, "name" if named else "number"
        fraction = whole is not None and "." in whole and whole not in self.planned
        return str(shown), "unscheduled" if fraction else "open"

    def named(self, word: str | None) -> str | None:
        """The visit, with its number where it has one, that a name or a label means; one that is planned."""
        if not word:
            return None
        visit, number = visit_occurrence(self.trial, word)
        if visit is None:
            visit, number = visit_occurrence(self.trial, simple(word).replace(" ", "-"))
        most = self.occurrences.get(visit or "", 0)
        if visit is None or (number is not None and number > most):
            return None
        return visit if number is None or most == 1 else f"{visit} {number}"

    def _numbered(self, number: str | None) -> str | None:
        """The visit whose id is this number, as `visit-4`."""
        found = [v for v in self.trial.visits if (m := NUMBERED.fullmatch(v)) and m[1] == number]
        return found[0] if len(found) == 1 else None

    def _visit(self, word: str) -> str | None:
        return visit_occurrence(self.trial, word)[0]

    @cached_property
    def occurrences(self) -> dict[str, int]:
        """How often each visit is planned at most, in any arm."""
        most: dict[str, int] = defaultdict(int)
        for arm in compile_plan(self.trial).arms.values():
            for slot in arm.slots:
                if slot.part.kind == "visit":
                    most[slot.part.activity] = max(most[slot.part.activity], slot.occurrence)
        return most

    # --- measures -------------------------------------------------------------------------------------------------

    @cached_property
    def _measures(self) -> dict[str, set[str]]:
        """Simple words and CDISC test codes -> the measures of the protocol that they mean."""
        found: dict[str, set[str]] = defaultdict(set)
        trial = self.trial
        judged = (*trial.criteria.items(), *trial.eligibility.include.items(), *trial.eligibility.exclude.items())
        texts = [(name, None) for name, criterion in judged if criterion.text is not None]
        named = [("weight", None), ("height", None), *((n, m.title) for n, m in trial.measures.items()), *texts]
        for name, title in named:
            words = {simple(name), *titles(title)}
            codes = {test[1].lower() for word in words if (test := cdisc_test(word)) is not None}
            for word in words | codes:
                found[word].add(name)
        return found

    def measure(self, domain: str, code: str | None, name: str | None) -> tuple[str | None, bool]:
        """The protocol's measure of a test, and whether several could be meant."""
        if (meant := self.told("measures", simple(f"{domain}.{code}"), simple(code), simple(name))) is not None:
            return (None if meant == IGNORE else meant), False
        alike = self._measures.get(simple(code), set()) | self._measures.get(simple(name), set())
        return (next(iter(alike)), False) if len(alike) == 1 else (None, len(alike) > 1)


def titles(title: Text | None) -> set[str]:
    """The simple words of a title, in both languages."""
    return {simple(word) for word in ((title.en, title.zh) if title is not None else ()) if word}


def plain_number(text: str | None) -> str | None:
    """A visit number as it was meant: 9.299999999999999 is 9.3, 4.0 is 4."""
    try:
        return format(round(float(text), 4), "g") if text else None
    except ValueError:
        return None
