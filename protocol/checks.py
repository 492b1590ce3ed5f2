"""What no single field can show: ids, names that must be known, sources, days that exist."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from protocol.actions import Action
from protocol.activities import Activity, Treatment
from protocol.check_circles import check_circles, most_occurrences
from protocol.check_units import check_units
from protocol.conditions import Compare, Condition, Count, Event, Given, Inside, Named, Reached, Recent, Words, leaves
from protocol.defaults import blocks
from protocol.elements import Element, Short
from protocol.endpoints import Endpoint, Exclusion
from protocol.errors import ScalarError
from protocol.model import MILESTONES, Modification, Protocol
from protocol.timing import GRAMMAR_WORDS, NAME, Anchor, Cycles, Instant, Moment, offset_of
from protocol.walk import children, elements
from protocol.yaml_text import Path, Tree

BUILT_IN_MEASURES = ("weight", "height", "age", "sex", "bsa", "gfr", "arm")
_SHARED = ("milestones", "treatments", "products", "visits", "assessments", "events")
"""The blocks whose names a moment may use: an id stands in one of them only."""


def check(protocol: Protocol, tree: Tree) -> None:
    """Note in the tree everything that contradicts itself or names what is not there."""
    checker = _Checker(protocol, tree)
    checker.check_ids()
    for path, element in elements(protocol):
        checker.check_element(path, element)
    check_units(protocol, tree)
    check_circles(protocol, tree)


def nearest(word: str, known: Iterable[str]) -> str:
    """What to write instead of an unknown name."""
    names = sorted(set(known))
    near = difflib.get_close_matches(word, names, n=1, cutoff=0.5)
    if near:
        return f"write '{near[0]}'"
    return "known are " + ", ".join(names) if names else "none is defined"


@dataclass
class _Checker:
    """The names of one document, and the checks that need them."""

    protocol: Protocol
    tree: Tree
    ids: dict[str, set[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for path in blocks():
            block: object = self.tree.data
            for key in path:
                block = block.get(str(key)) if isinstance(block, dict) else None
            found = set(block) - {"defaults"} if isinstance(block, dict) else set[str]()
            self.ids.setdefault(str(path[-1] if len(path) == 1 else "criteria"), set()).update(map(str, found))

    def names(self, *words: str) -> set[str]:
        """The ids of these blocks."""
        return set[str]().union(*(self.ids.get(block, set()) for block in words))

    @property
    def products(self) -> set[str]:
        """Every product, named in `products` or by a treatment."""
        found = self.names("products", "treatments")
        for treatment in self.protocol.treatments.values():
            for part in (treatment, *treatment.steps):
                written = part.product
                found |= set(written.values()) if isinstance(written, dict) else {written} if written else set()
        return found

    @property
    def anchors(self) -> set[str]:
        """Every name a moment may count from."""
        return self.names(*_SHARED) | self.products | {*MILESTONES, "treatment"}

    def check_ids(self) -> None:
        """Ids are kebab-case, no word of the grammar, and stand in one block only."""
        seen: dict[str, str] = {}
        for path in blocks():
            block: object = self.protocol
            for key in path:
                block = getattr(block, str(key))
            assert isinstance(block, Mapping)
            for name in block:
                self._check_id((*path, name), name)
                if len(path) == 1 and str(path[0]) in _SHARED:
                    self._check_once(str(path[0]), name, seen)

    def _check_id(self, path: Path, name: str) -> None:
        if not re.fullmatch(NAME, name):
            kebab = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
            remedy = f"write '{kebab}'" if re.fullmatch(NAME, kebab) else "write small letters, digits and hyphens"
            self.tree.fault(path, name, "is no id", remedy, key=True)
        elif name in GRAMMAR_WORDS:
            self.tree.fault(path, name, "is a word of the grammar", "choose another id", key=True)

    def _check_once(self, block: str, name: str, seen: dict[str, str]) -> None:
        if name in MILESTONES and block != "milestones":
            why, remedy = "is a milestone that every study has", "choose another id"
            self.tree.fault((block, name), name, why, remedy, key=True)
        other = seen.setdefault(name, block)
        if other == block or ({other, block} == {"products", "treatments"} and self._is_its_own_product(name)):
            return
        line = self.tree.place((other, name), key=True)[0]
        why = f"is the id of one of the {other} too, in line {line}: a moment could mean either"
        self.tree.fault((block, name), name, why, "choose another id", key=True)

    def _is_its_own_product(self, name: str) -> bool:
        return self.protocol.treatments[name].product in (None, name)

    def check_element(self, path: Path, element: Short) -> None:
        """Everything one element names is known."""
        if isinstance(element, Element):
            self._check_origin(path, element)
        cycles = getattr(element, "in_", None) is not None or path[:1] == ("cycles",)
        for key, value in children(element):
            self._check_value((*path, key), value, in_cycle=cycles)
        if isinstance(element, Activity):
            self._check_activity(path, element)
        if isinstance(element, Endpoint):
            self._check_endpoint(path, element)
        if isinstance(element, Exclusion):
            for index, name in enumerate(element.of):
                known = self.names("treatments", "visits", "assessments")
                self._check_name((*path, "of", index), name, name, "treatment, visit or assessment", known)
        if isinstance(element, Modification):
            for word in ("then", "may"):
                for index, action in enumerate(getattr(element, word)):
                    self._check_action((*path, word, index), action)

    def _check_origin(self, path: Path, element: Element) -> None:
        known = self.protocol.sources
        origins = [((*path, "source"), element.source)] if element.source else []
        for word, entries in (("assumed", element.assumed), ("stated", element.stated)):
            origins += [((*path, word, name), source) for name, source in entries.items()]
            for name in entries:
                if element.written(name) is None:
                    why = f"is said to be {word}, but is not written here"
                    self.tree.fault((*path, word, name), name, why, "name a field of the same map", key=True)
        for place, source in origins:
            if source.split(" ")[0] not in known:
                self.tree.fault(place, source, "is no key of sources", nearest(source.split(" ")[0], known))

    def _check_value(self, path: Path, value: object, in_cycle: bool) -> None:
        if isinstance(value, tuple):
            for index, part in enumerate(value):
                self._check_value((*path, index), part, in_cycle)
        elif isinstance(value, Mapping):
            for key, part in value.items():
                self._check_value((*path, str(key)), part, in_cycle)
        elif isinstance(value, Moment):
            for instant in value.alternatives:
                self._check_instant(path, value.text, instant, in_cycle)
        elif isinstance(value, Anchor):
            self._check_anchor(path, value.text, value, in_cycle)
        elif isinstance(value, Condition):
            for leaf in leaves([value]):
                self._check_leaf(path, leaf, in_cycle)
        elif isinstance(value, Cycles) and value.name not in self.names("cycles"):
            self.tree.fault(path, value.text, "names no cycle", nearest(value.name, self.names("cycles")))

    def _check_instant(self, path: Path, text: str, instant: Instant, in_cycle: bool) -> None:
        for day in (instant.day, instant.first, instant.last):
            if day is not None:
                self._check_day(path, text, day, in_cycle)
        if instant.anchor is not None:
            self._check_anchor(path, text, instant.anchor, in_cycle)

    def _check_day(self, path: Path, text: str, day: int, in_cycle: bool) -> None:
        if in_cycle and path[:1] != ("cycles",):
            if day == 0:
                self.tree.fault(path, text, "is day 0, but the first day of a cycle is day 1", "write day 1 or day -1")
            return
        if self.protocol.first_day is None:
            why, remedy = "counts days, but the document does not say which day is the first", "add 'first_day: 0' or 1"
            self.tree.fault(path, text, why, remedy)
            return
        try:
            offset_of(day, self.protocol.first_day)
        except ScalarError as fault:
            inner = "" if fault.text == text else f"'{fault.text}' "
            self.tree.fault(path, text, inner + fault.why, fault.remedy)

    def _check_anchor(self, path: Path, text: str, anchor: Anchor, in_cycle: bool) -> None:
        if anchor.day is not None:
            self._check_day(path, text, anchor.day, in_cycle)
        if anchor.name is not None and anchor.name not in self.anchors:
            inner = "" if anchor.name == text else f"'{anchor.name}' "
            self.tree.fault(
                path, text, inner + "is nothing to count from", nearest(anchor.name, {*self.anchors, "day"})
            )
        elif anchor.name is not None and anchor.number is not None:
            self._check_number(path, text, anchor.name, anchor.number)

    def _check_number(self, path: Path, text: str, name: str, number: int) -> None:
        blocks_of_it = (self.protocol.treatments, self.protocol.visits, self.protocol.assessments)
        activity = next((block[name] for block in blocks_of_it if name in block), None)
        most = most_occurrences(activity) if activity is not None else None
        if most is not None and number > most:
            self.tree.fault(path, text, f"counts from number {number} of {name}, which has {most}", "write one it has")

    def _check_leaf(self, path: Path, leaf: object, in_cycle: bool) -> None:
        """The names in one leaf; what `requires` of a product reads is a column of the record, and free."""
        if isinstance(leaf, Compare) and leaf.at is not None:
            for instant in leaf.at.alternatives:
                self._check_instant(path, leaf.text, instant, in_cycle)
        if isinstance(leaf, Compare) and leaf.name == "arm":
            words = leaf.value.words if isinstance(leaf.value, Words) else ()
            for arm in words:
                self._check_name(path, leaf.text, arm, "arm", self.names("arms"))
        elif isinstance(leaf, Compare | Inside | Recent):
            if path[0] != "products":
                self._check_name(path, leaf.text, leaf.name, "measure", {*self.names("measures"), *BUILT_IN_MEASURES})
        elif isinstance(leaf, Event):
            self._check_name(path, leaf.text, leaf.name, "event", self.names("events") | {"death"})
        elif isinstance(leaf, Given):
            known = self.products | self.names("prohibited") | {"treatment"}
            self._check_name(path, leaf.text, leaf.name, "treatment or product", known)
        elif isinstance(leaf, Reached):
            known = {*self.names("milestones"), *MILESTONES}
            self._check_name(path, leaf.text, leaf.milestone, "milestone", known)
        elif isinstance(leaf, Named):
            self._check_name(path, leaf.text, leaf.criterion, "criterion", self.names("criteria"))
        elif isinstance(leaf, Count):
            self._check_count(path, leaf, in_cycle)

    def _check_count(self, path: Path, leaf: Count, in_cycle: bool) -> None:
        if leaf.kind == "time":
            for anchor in (leaf.start, leaf.end):
                if anchor is not None:
                    self._check_anchor(path, leaf.text, anchor, in_cycle)
        elif leaf.kind == "delay":
            self._check_name(path, leaf.text, leaf.name, "cycle or treatment", self.names("cycles") | self.products)
        else:
            self._check_name(path, leaf.text, leaf.name, "treatment or product", self.products | {"treatment"})

    def _check_name(self, path: Path, text: str, name: str, kind: str, known: set[str]) -> None:
        if name not in known:
            inner = "" if name == text else f"'{name}' "
            self.tree.fault(path, text, f"{inner}is no {kind} of this protocol", nearest(name, known))

    def _check_activity(self, path: Path, activity: Activity) -> None:
        for index, arm in enumerate(activity.arm):
            self._check_name((*path, "arm", index), arm, arm, "arm", self.names("arms"))
        product = getattr(activity, "product", None)
        for arm in product if isinstance(product, dict) else ():
            self._check_name((*path, "product", arm), arm, arm, "arm", self.names("arms"))
        done = self.names("assessments", "measures") | set(BUILT_IN_MEASURES)
        measured = self.names("measures") | set(BUILT_IN_MEASURES)
        for word, kind, known in (
            ("does", "assessment", done),
            ("measures", "measure", measured),
            ("after", "treatment", self.products),
        ):
            for index, name in enumerate(getattr(activity, word, ())):
                self._check_name((*path, word, index), name, name, kind, known)
        self._check_times(path, activity)
        if isinstance(activity, Treatment):
            for index, step in enumerate(activity.steps):
                if step.level is not None and step.level not in activity.levels:
                    levels = map(str, activity.levels)
                    remedy = "levels are " + ", ".join(levels) if activity.levels else "define levels"
                    self.tree.fault((*path, "steps", index, "level"), str(step.level), "is no level", remedy)

    def _check_times(self, path: Path, activity: Activity) -> None:
        """A number of times needs the interval between them, unless each has its own due moment."""
        stepped = isinstance(activity, Treatment) and activity.steps
        if activity.times is None or stepped or (*path, "every") in self.tree.keys:
            return
        most = most_occurrences(activity.model_copy(update={"times": None}))
        if activity.every is None and most is not None and activity.times > most:
            why = "is more than its due moments, and nothing says how far apart they are"
            self.tree.fault((*path, "times"), str(activity.times), why, "add 'every: 7 d'")

    def _check_endpoint(self, path: Path, endpoint: Endpoint) -> None:
        happens = self.names("events", "milestones") | {*MILESTONES}
        for word in ("event", "censor"):
            for index, name in enumerate(getattr(endpoint, word)):
                self._check_name((*path, word, index), name, name, "event or milestone", happens)
        if endpoint.measure is None:
            return
        self._check_name((*path, "measure"), endpoint.measure, endpoint.measure, "measure", self.names("measures"))
        measure = self.protocol.measures.get(endpoint.measure)
        words = {*measure.values, *measure.cases} if measure is not None else set[str]()
        for index, word in enumerate(endpoint.success):
            self._check_name((*path, "success", index), word, word, f"value of {endpoint.measure}", words)

    def _check_action(self, path: Path, action: Action) -> None:
        known = self.products | {"all"}
        if action.verb == "delay":
            known |= self.names("cycles")
        if action.verb == "repeat":
            known = self.names("assessments", "visits")
        self._check_name(path, action.text, action.target, f"thing to {action.verb}", known)
