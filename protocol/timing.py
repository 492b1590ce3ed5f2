"""When things are due: anchors, moments, cycles, and the numbering of days; spans of time are from durations.py."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar, Literal, Self

from protocol.durations import Duration, DurationRange, MonthsPolicy, Window, add, check_order, parse_offset, written
from protocol.errors import ScalarError
from protocol.scalar import Scalar, plain

__all__ = [
    "GRAMMAR_WORDS", "NAME", "Anchor", "Cycles", "Duration", "DurationRange", "FirstDay", "Instant", "Moment",
    "MonthsPolicy", "Window", "add", "day_number_of", "offset_of",
]  # fmt: skip

GRAMMAR_WORDS = frozenset({
    "planned", "start", "end", "of", "first", "last", "each", "day", "days", "previous", "within", "before", "after",
    "to", "or", "on", "every", "from", "in", "at", "for", "not", "no", "given", "reached", "event", "all", "any",
    "none", "arm", "baseline", "treatment",
})  # fmt: skip
"""Words no id may be."""

NAME = r"(?=[0-9-]*[a-z])[a-z0-9]+(?:-[a-z0-9]+)*"
"""An id: kebab-case with a letter in it, so that no id is a number."""
_COUNT = r"[0-9]{1,6}"


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
        return cls(
            text.strip(),
            planned=bool(found["planned"]),
            edge=_EDGES.get(found["edge"]),
            which=_WHICH.get(found["which"]),
            name=found["name"],
            number=int(found["number"]) if found["number"] else None,
        )


_ANCHOR = re.compile(
    rf"(?P<planned>planned )?(?:(?P<edge>start|end) of )?(?:(?P<which>first|last|each) )?(?P<name>{NAME})"
    rf"(?: (?P<number>{_COUNT}))?"
)
_EDGES: dict[str, Literal["start", "end"]] = {"start": "start", "end": "end"}
_WHICH: dict[str, Literal["first", "last", "each"]] = {"first": "first", "last": "last", "each": "each"}
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
        return cls(text.strip(), "at", anchor=_bare_anchor(text, words), offset=written(0, 0, 0, False))

    @classmethod
    def _within(cls, text: str, found: re.Match[str]) -> Self:
        anchor, before = Anchor.parse(found["anchor"]), found["side"] == "before"
        near = _unsigned(text, found["low"], found["side"])
        if found["high"]:
            far = _unsigned(text, found["high"], found["side"])
            check_order(text, near, far)
        else:
            near, far = written(0, 0, 0, near.clock), near
        low, high = (-far, -near) if before else (near, far)
        return cls(text.strip(), "within", anchor=anchor, low=low, high=high)


@dataclass(frozen=True)
class Moment(Scalar):
    """When something is due: whichever of the alternatives comes first, or last where `latest`."""

    alternatives: tuple[Instant, ...]
    latest: bool = False

    examples: ClassVar = (
        *Instant.examples,
        "30 d after last treatment or new-therapy",
        "28 d after dose-1 or 14 d after recovery whichever is later",
    )

    @classmethod
    def parse(cls, text: str) -> Self:
        """The moment of a text; `or` parts the alternatives, `whichever is later` takes the last of them."""
        words, _, which = plain(text).partition(" whichever is ")
        parts = words.split(" or ")
        if which and (which not in _WHICHEVER or len(parts) < 2):
            remedy = "write 'A or B whichever is later'; without it the one that comes first counts"
            raise ScalarError(text, "does not say which of several moments counts", remedy)
        return cls(text.strip(), tuple(Instant.parse(part) for part in parts), _WHICHEVER.get(which, False))


_WHICHEVER = {"first": False, "earlier": False, "later": True, "last": True}


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
        after = cycle - self.first
        return after >= 0 and after % self.step == 0 and (self.last is None or cycle <= self.last)


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
        rule = _FIRST_DAYS.get(plain(text))
        if rule:
            return cls(text.strip(), rule)
        raise ScalarError(text, "is no first day", "write 0, 1 (the day before is -1) or '1 after 0' (COVACTA)")


_FIRST_DAYS: dict[str, Literal["0", "1", "1 after 0"]] = {"0": "0", "1": "1", "1 after 0": "1 after 0"}


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


def _unsigned(text: str, span: str, side: str) -> Duration:
    duration = parse_offset(span)
    if duration.sign < 0:
        other = {"after": "before", "before": "after"}[side]
        raise ScalarError(text, f"is negative beside '{side}'", f"write '{str(-duration).lstrip('+')} {other} …'")
    if span.startswith("+"):
        raise ScalarError(text, f"has a sign beside '{side}'", f"write '{span.lstrip('+ ')} {side} …'")
    return duration


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
    if re.fullmatch(r"[0-9].* (?:min|h|d|wk|mo|y)", words):
        return f"say what it is counted from, as in '{words} after day-zero'"
    parts = re.split(r"[ _]+", words.lower())
    kebab = "-".join(parts)
    if kebab != words and re.fullmatch(NAME, kebab) and GRAMMAR_WORDS.isdisjoint(parts):
        return f"write the id as it stands in its block, as in '{kebab}'"
    return "write 'day 14', 'days 0 to 4', '14 d after visit-8', 'within 2 h before each atg' or the id of an anchor"
