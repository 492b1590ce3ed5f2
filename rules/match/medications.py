"""Concomitant medication as occasions: what the protocol prohibits, and what only other arms of the trial get."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import polars as pl

from protocol.elements import Text
from protocol.model import Prohibited, Protocol
from protocol.timing import Moment, offset_of
from rules.arrays import NONE, Ints, days, key
from rules.happened.evidence import Evidence, event_words
from rules.happened.records import first_given
from rules.happened.truth import Truth
from rules.match.frame import occasions_frame
from rules.occasions import schema
from rules.timing.calendar import add_span
from rules.timing.grid import Laid

CONCOMITANT = ("concomitant medication", "concomitant", "con med", "合并用药")
"""Events that are other medication; `detail` says which one, `indication` what for."""
_EVER = 1 << 18


@dataclass(frozen=True)
class Class:
    """Medication of one kind: the words for it, and the arms in which it is a treatment of the trial."""

    name: str
    words: re.Pattern[str]
    stated: Prohibited | None
    arms: frozenset[str] = frozenset()


class Span(NamedTuple):
    """First and last day of a prohibition for each participant; `told` is false where its beginning is not known."""

    first: Ints
    last: Ints
    told: np.typing.NDArray[np.bool_]


def medication_occasions(laid: Laid) -> pl.DataFrame:
    """One row per medication on record and kind of medication that it names."""
    e = laid.evidence
    frame = e.frames["events"]
    frame = frame.filter(frame["event"].str.to_lowercase().is_in(CONCOMITANT) & frame["detail"].is_not_null())
    pieces = []
    for kind in _classes(e.protocol) if len(frame) else ():
        chosen = frame.filter(frame["detail"].str.to_lowercase().str.contains(kind.words.pattern))
        if kind.arms:
            arm = pl.Series([a or "" for a in e.arm], dtype=pl.String).gather(chosen["s"])
            chosen = chosen.filter((arm != "") & ~arm.is_in(kind.arms))
        if len(chosen):
            pieces.append(_table(laid, kind, chosen))
    if not pieces:
        return pl.DataFrame(schema=schema("medications") | _BESIDE)
    found = pl.concat(pieces)
    elsewhere = found.filter("experimental")["row"]
    # Another arm's treatment that is prohibited as well is one fault.
    return found.filter(pl.col("experimental") | ~pl.col("row").is_in(elsewhere.implode()))


_BESIDE: dict[str, pl.DataType] = {"day": pl.Int32(), "criterion": pl.String(), "medication": pl.String()}
"""What the sentences need: the day it was begun, the id of the prohibition, and the drug as recorded."""


def _classes(protocol: Protocol) -> Iterable[Class]:
    """Treatments of single arms, then prohibited medication; a prohibition that names a treatment governs it."""
    governed = {}
    for name, stated in protocol.prohibited.items():
        titles = stated.title
        governed[name] = Class(name, _pattern([name, *_titles(titles), *stated.terms]), stated)
    for name, treatment in protocol.treatments.items():
        arms = frozenset(arm for part in treatment.parts() for arm in part.arm)
        if arms and not isinstance(treatment.product, dict):
            product = protocol.products.get(treatment.product or name)
            more = [*_titles(product.title), *product.terms] if product is not None else []
            words = [name, *_titles(treatment.title), treatment.product or name, *more]
            ruling = next((c for c in governed.values() if any(c.words.search(w.lower()) for w in words)), None)
            yield Class(name, _pattern(words), ruling.stated if ruling is not None else None, arms)
    mine = [name for name, c in governed.items()]
    yield from (governed[name] for name in mine)


def _titles(title: Text | None) -> list[str]:
    return [t for t in (title.en, title.zh) if t] if title is not None else []


def _pattern(words: Iterable[str]) -> re.Pattern[str]:
    """Any of the words, not inside another word; ids with hyphens or blanks alike."""
    spellings = {s.lower() for word in words for s in (word, word.replace("-", " "))}
    return re.compile("(?:^|[^a-z0-9])(?:" + "|".join(sorted(map(re.escape, spellings))) + ")(?:[^a-z0-9]|$)")


def _table(laid: Laid, kind: Class, frame: pl.DataFrame) -> pl.DataFrame:
    s, start, n = frame["s"].to_numpy(), days(frame, "start"), len(frame)
    nothing = np.full(n, NONE, np.int32)
    forbidden, fact = _forbidden(laid, kind, frame)
    return occasions_frame(
        "medications",
        {
            "s": s,
            "part": nothing,
            "row": frame["row"],
            "occurrence": nothing,
            "experimental": np.full(n, bool(kind.arms)),
            "forbidden": forbidden,
            "forbidden_fact": fact,
            "excepted": _excepted(kind, frame),
        },
        day=start,
        criterion=pl.Series([kind.name]).new_from_index(0, n),
        medication=frame["detail"],
    ).cast(_BESIDE)  # type: ignore[arg-type]


def _forbidden(laid: Laid, kind: Class, frame: pl.DataFrame) -> tuple[Truth, pl.Series]:
    """Whether it was begun after consent and taken on a prohibited day, and what is missing where that is open."""
    e = laid.evidence
    s = frame["s"].to_numpy()
    begun, surely = days(frame, "start"), days(frame, "start_last")
    end = days(frame, "end_last")
    ended = np.where(end == NONE, _EVER, end)
    joined = np.where(
        e.milestone("consented").last != NONE, e.milestone("consented").last, e.milestone("enrolled").last
    )
    joined = np.where(joined != NONE, joined, laid.zero)[s]
    span = _span(laid, kind.stated)
    first, last, told = span.first[s], span.last[s], span.told[s]
    old = (joined != NONE) & (surely < joined)
    within = (ended >= first) & (surely <= last)
    maybe = (ended >= first) & (begun <= last)
    answer = np.where(old, 0, np.where(~told | (joined == NONE), -1, np.where(within, 1, np.where(maybe, -1, 0))))
    partly = (begun != surely) & told & (joined != NONE)
    fact = pl.select(
        pl.when(pl.Series(partly)).then(pl.lit("medication-date")).otherwise(pl.lit("consent-date"))
    ).to_series()
    return answer.astype(np.int8), fact


def _span(laid: Laid, stated: Prohibited | None) -> Span:
    """The days of a prohibition; before an event that it begins with has happened it has none."""
    n = laid.evidence.n
    first, last = np.full(n, -_EVER, np.int32), np.full(n, _EVER, np.int32)
    told = np.ones(n, np.bool_)
    if stated is not None and stated.from_ is not None:
        day = _moment(laid, stated.from_)
        first = np.where(day == NONE, _EVER, day).astype(np.int32)
        told = (day != NONE) | (not _counts_from_zero(stated.from_))
    if stated is not None and stated.to is not None:
        day = _moment(laid, stated.to)
        # What ends with something that happens is allowed from its day on; a day of the study is the last one.
        day = np.where(day != NONE, day - (0 if _counts_from_zero(stated.to) else 1), _EVER)
        last = day.astype(np.int32)
    return Span(first, last, told)


def _counts_from_zero(moment: Moment) -> bool:
    return any(i.kind != "at" or (i.anchor is not None and i.anchor.day is not None) for i in moment.alternatives)


def _moment(laid: Laid, moment: Moment) -> Ints:
    """The day of a moment for each participant: the first of its alternatives, `NONE` where none has come."""
    e = laid.evidence
    found = np.full(e.n, NONE, np.int32)
    for instant in moment.alternatives:
        anchor, shift = instant.anchor, (0, 0)
        number = instant.day if instant.kind == "day" else instant.first if instant.kind != "at" else None
        if anchor is not None and anchor.day is not None:
            number = anchor.day
        if instant.offset is not None:
            shift = (instant.offset.months, instant.offset.days)
        if number is not None and e.protocol.first_day is not None:
            day, shift = laid.zero, (shift[0], shift[1] + offset_of(number, e.protocol.first_day))
        else:
            day = _anchor(laid, anchor.name or "" if anchor is not None else "")
        day = add_span(day, shift[0], shift[1], e.protocol.months)
        found = np.where((found == NONE) | ((day != NONE) & (day < found)), day, found).astype(np.int32)
    return found


def _anchor(laid: Laid, name: str) -> Ints:
    """The day on which each participant first came to what a moment counts from."""
    e = laid.evidence
    if name in e.protocol.events:
        return _first_event(e, name)
    if name in e.protocol.treatments:
        return first_given(laid.doses, e.n, name)
    if name in e.protocol.visits:
        return first_given(laid.visits, e.n, name)
    return e.milestone("first-dose" if name == "treatment" else name).day


def _first_event(e: Evidence, name: str) -> Ints:
    spells = e.events(event_words(e.protocol, name))
    first = np.full(e.n, NONE, np.int32)
    order = np.argsort(key(spells.s, spells.start), kind="stable")[::-1]
    first[spells.s[order]] = spells.start[order]
    return first


def _excepted(kind: Class, frame: pl.DataFrame) -> Truth:
    """Whether the indication is one the protocol allows; open where there is an exception and no indication."""
    if kind.stated is None or not kind.stated.unless:
        return np.zeros(len(frame), np.int8)
    allowed = _pattern(kind.stated.unless).pattern
    stated = frame["indication"].str.to_lowercase()
    said = (stated.str.contains(allowed) | frame["detail"].str.to_lowercase().str.contains(allowed)).fill_null(
        value=False
    )
    said |= frame["detail"].str.to_lowercase().str.contains(allowed)
    return np.where(said, 1, np.where(stated.is_null(), -1, 0)).astype(np.int8)
