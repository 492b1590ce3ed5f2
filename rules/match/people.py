"""Occasions that are not occurrences: eligibility criteria, consent, day zero, records after death, body weights."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from protocol.conditions import names_of
from rules.arrays import NONE, Ints, Longs, days
from rules.dosing.intended import UNKNOWN
from rules.happened.growth import comparable
from rules.happened.records import NOT_GIVEN, Records
from rules.happened.truth import Truth, truth
from rules.match.frame import Array, after_death, occasions_frame
from rules.occasions import schema
from rules.timing.grid import Laid

_NEVER = 1 << 24
"""Later than any day."""


def criteria_occasions(laid: Laid) -> pl.DataFrame:
    """One row per participant and eligibility criterion, on the day of enrolment."""
    e = laid.evidence
    eligibility = e.protocol.eligibility
    enrolled = e.milestone("enrolled").day
    day = np.where(enrolled != NONE, enrolled, laid.zero).astype(np.int32)
    judged = ~laid.states.not_enrolled & ~e.concurrent & (day != NONE) & ("observations" in e.tables)
    pieces: list[dict[str, Array]] = []
    for exclude, criteria in ((False, eligibility.include), (True, eligibility.exclude)):
        for name, criterion in criteria.items():
            answer = truth(criterion.condition, e, e.everyone, day, name)
            pieces.append(
                {
                    "s": e.everyone,
                    "holds": answer,
                    "judged": judged,
                    "excludes": np.full(e.n, exclude),
                    "fact": np.full(e.n, "observation", dtype=object),
                    "criterion": np.full(e.n, name, dtype=object),
                    "reads": np.full(e.n, ", ".join(sorted(names_of((criterion.condition,))) or [name]), dtype=object),
                    "at": day,
                }
            )
    if not pieces:
        return pl.DataFrame(schema=schema("criteria") | {"criterion": pl.String, "reads": pl.String, "at": pl.Int32})
    columns = {c: np.concatenate([p[c] for p in pieces]) for c in pieces[0]}
    empty = np.full(len(columns["s"]), NONE, np.int32)
    return occasions_frame(
        "criteria",
        {**columns, "part": empty, "row": empty, "occurrence": empty},
        criterion=columns["criterion"],
        reads=columns["reads"],
        at=columns["at"],
    )


def people_occasions(laid: Laid) -> pl.DataFrame:
    """One row per participant: consent and day zero."""
    e = laid.evidence
    first, kind = _first_procedure(laid)
    signed, signed_last = e.milestone("consented").first, e.milestone("consented").last
    before = _before_consent(laid, first, signed, signed_last)
    empty = np.full(e.n, NONE, np.int32)
    both = (laid.zero_recorded != NONE) & (laid.zero_event != NONE)
    return occasions_frame(
        "people",
        {
            "s": e.everyone,
            "part": empty,
            "row": e.frames["subjects"]["row"],
            "occurrence": empty,
            "consent_judged": ("consents" in e.tables or bool((signed != NONE).any()))
            & ~e.concurrent
            & (first != NONE),
            "treated_before_consent": before,
            "zero_judged": both,
            "zero_differs": both & (laid.zero_recorded != laid.zero_event),
        },
        first=first,
        kind=kind,
        signed=signed,
        zero_recorded=laid.zero_recorded,
        zero_event=laid.zero_event,
    )


def death_occasions(laid: Laid) -> pl.DataFrame:
    """One row per participant: the first record dated after death."""
    row, table, late = _records_after_death(laid)
    empty = np.full(len(row), NONE, np.int32)
    return occasions_frame(
        "deaths",
        {"s": laid.evidence.everyone, "part": empty, "row": row, "occurrence": empty, "after_death": row != NONE},
        table=table,
        death=laid.evidence.milestone("death").last,
        late=late,
    )


def _procedures(laid: Laid) -> Iterator[tuple[Records, Ints, str]]:
    """Doses, and visits that do more than what the protocol accepts from before consent."""
    protocol = laid.evidence.protocol
    accepted = {name for name, found in protocol.assessments.items() if found.before_consent == "allowed"}
    routine = [bool(visit.does) and set(visit.does) <= accepted for visit in protocol.visits.values()]
    for records, word in ((laid.doses, "dose"), (laid.visits, "visit")):
        took_place = (records.status != NOT_GIVEN) & (records.day != NONE)
        if word == "visit" and any(routine):
            took_place &= ~np.array(routine)[records.activity]
        yield records, np.flatnonzero(took_place).astype(np.int32), word


def _first_procedure(laid: Laid) -> tuple[Ints, Array]:
    """Day and kind of each participant's first dose or visit on record."""
    e = laid.evidence
    first = np.full(e.n, _NEVER, np.int32)
    kind = np.full(e.n, "", dtype=object)
    for records, rows, word in _procedures(laid):
        own, s = np.full(e.n, _NEVER, np.int32), records.s[rows]
        # Records stand by participant: the least of each stretch, and no walk from row to row.
        heads = np.flatnonzero(np.diff(s, prepend=-1))
        own[s[heads]] = np.minimum.reduceat(records.day[rows], heads)
        kind[own < first] = word
        first = np.minimum(first, own)
    return np.where(first == _NEVER, NONE, first).astype(np.int32), kind


def _before_consent(laid: Laid, first: Ints, signed: Ints, signed_last: Ints) -> Truth:
    """Whether the first procedure came before consent; on one day clock times decide, without them it is open."""
    answer = np.where(signed == NONE, -1, np.where(first < signed, 1, np.where(first > signed_last, 0, -1)))
    answer = answer.astype(np.int8)
    same = (first == signed) & (signed == signed_last) & (signed != NONE)
    consents = laid.evidence.frames["consents"]
    if not same.any() or not len(consents):
        return answer
    minute = np.full(laid.evidence.n, _NEVER, np.int32)
    timed = consents.filter(pl.col("signed_minute").is_not_null())
    on_the_day = days(timed, "signed") == signed[timed["s"].to_numpy()]
    np.minimum.at(minute, timed["s"].to_numpy()[on_the_day], timed["signed_minute"].to_numpy()[on_the_day])
    begun, untimed = np.full(laid.evidence.n, _NEVER, np.int32), np.zeros(laid.evidence.n, np.bool_)
    for records, all_rows, _ in _procedures(laid):
        rows = all_rows[records.day[all_rows] == first[records.s[all_rows]]]
        known = rows[records.minute[rows] != NONE]
        np.minimum.at(begun, records.s[known], records.minute[known])
        untimed[records.s[rows[records.minute[rows] == NONE]]] = True
    told = same & (minute != _NEVER)
    answer[told & (begun < minute)] = 1
    answer[told & (begun >= minute) & ~untimed] = 0
    return answer


def _records_after_death(laid: Laid) -> tuple[Ints, Array, Ints]:
    """Line, table and day of the first record of each participant dated after death."""
    e = laid.evidence
    row, table = np.full(e.n, NONE, np.int32), np.full(e.n, "", dtype=object)
    when = row.copy()
    if (e.milestone("death").last == NONE).all():
        return row, table, when
    for name, column in (("administrations", "start"), ("visits", "date"), ("observations", "at")):
        frame = e.frames[name]
        if name != "observations":
            frame = frame.filter(~pl.col("status").is_in(["not given", "not done"]).fill_null(value=False))
        s, day = frame["s"].to_numpy(), days(frame, column)
        late = np.flatnonzero(after_death(laid, s, day))[::-1]
        late = late[row[s[late]] == NONE]
        row[s[late]] = frame["row"].to_numpy()[late]
        table[s[late]] = name
        when[s[late]] = day[late]
    return row, table, when


def weight_occasions(laid: Laid) -> pl.DataFrame:
    """One row per body weight on record."""
    e = laid.evidence
    weighed = e.weighed()
    weights, against = weighed.at, weighed.against
    low, high = weighed.low, weighed.high
    empty = np.full(len(weights.s), NONE, np.int32)
    return occasions_frame(
        "weights",
        {
            "s": weights.s,
            "part": empty,
            "row": weights.row,
            "occurrence": empty,
            "aged": low != NONE,
            "grams": weights.value,
            "low": _null(low),
            "high": _null(high),
            "comparable": comparable(weights.s, weights.day),
            "jumped": against >= 0,
        },
        at=weights.day,
        age=weighed.age,
        beside=weights.value[against] if len(against) else weights.value,
        beside_day=weights.day[against] if len(against) else weights.day,
    )


def _null(values: Longs) -> Longs:
    return np.where(values == NONE, UNKNOWN, values)
