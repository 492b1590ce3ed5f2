"""What every participant contributes to every endpoint: an answer or a time, or why neither can be told."""

from __future__ import annotations

from datetime import date
from functools import partial

import numpy as np
import polars as pl

from protocol.model import Endpoint, Protocol
from rules.arrays import NONE, Flags
from rules.endpoints.because import dates, event_text, scale_of, times_text, values_read
from rules.endpoints.days import Days, days_of, seen
from rules.endpoints.received import RECEIVED, comparable, received
from rules.endpoints.response import UNTOLD, respond
from rules.endpoints.survival import first_of, is_recorded, last_seen, times_of
from rules.endpoints.words import Words
from rules.facts import Study
from rules.happened.evidence import Evidence
from rules.partitions import over_partitions
from rules.plan import compile_plan
from rules.timing.grid import Laid

OBSERVED: dict[str, pl.DataType] = {
    "endpoint": pl.String(), "subject": pl.String(), "site": pl.String(), "arm": pl.String(), "state": pl.String(),
    "answer": pl.String(), "value": pl.Float64(), "happened": pl.Boolean(), "days": pl.Int32(), "date": pl.Date(),
    "because": pl.String(),
}  # fmt: skip
"""Endpoint and participant; `state` told, cannot tell or not yet; `answer` of a response or an event, `value` of a
number; of a time whether the event `happened` and after how many `days`; the day that decides; and why."""

TOLD, CANNOT_TELL, NOT_YET = "told", "cannot tell", "not yet"


def read_participants(
    protocol: Protocol, study: Study, as_of: date | None, lang: str
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """One row per endpoint and participant of the trial, and one per participant with the arm really followed;
    `protocol` has the days of its endpoints (`with_days`)."""
    plan = compile_plan(protocol, assessments=False)
    pieces = list(over_partitions([plan], study, as_of, partial(_read, words=Words(lang))))
    rows = pl.concat([pl.DataFrame(schema=OBSERVED), *(observed for observed, _ in pieces)])
    treated = pl.concat([pl.DataFrame(schema=RECEIVED), *(received for _, received in pieces)])
    order = {name: n for n, name in enumerate(protocol.endpoints)}
    rows = rows.sort(pl.col("endpoint").replace_strict(order, return_dtype=pl.Int32), "subject", maintain_order=True)
    return rows, treated.sort("subject")


def _read(laid: Laid, words: Words) -> tuple[pl.DataFrame, pl.DataFrame]:
    """What the participants of a partition contribute, and the arm that each of them followed."""
    treated = received(laid, words).filter(_of_trial(laid)) if comparable(laid.evidence.protocol) else None
    return _observed(laid, words), pl.DataFrame(schema=RECEIVED) if treated is None else treated


def _of_trial(laid: Laid) -> pl.Series:
    """Those with an arm of the protocol who were enrolled."""
    e = laid.evidence
    return pl.Series((e.arm_place < len(e.protocol.arms)) & ~laid.states.not_enrolled)


def _observed(laid: Laid, words: Words) -> pl.DataFrame:
    """The rows of one partition."""
    e = laid.evidence
    pieces = [pl.DataFrame(schema=OBSERVED)]
    of_trial = _of_trial(laid)
    who = e.frames["subjects"].select("subject", "site", "arm")
    for name, endpoint in seen(e.protocol).items():
        read = {"response": _response, "survival": _survival, "event": _event}[endpoint.kind]
        told = who.hstack(read(e, endpoint, days_of(laid, name), words)).filter(of_trial)
        told = told.with_columns(endpoint=pl.lit(name))
        named = [pl.col(c) if c in told.columns else pl.lit(None).alias(c) for c in OBSERVED]
        pieces.append(told.select(column.cast(OBSERVED[c]) for c, column in zip(OBSERVED, named, strict=True)))
    return pl.concat(pieces)


def _states(told: Flags, waiting: Flags) -> pl.Series:
    words = np.where(told, TOLD, np.where(waiting, NOT_YET, CANNOT_TELL))
    return pl.Series("state", words.astype(object), dtype=pl.String)


def _known(flags: Flags, told: Flags) -> pl.Series:
    return pl.select(pl.when(pl.Series(told)).then(pl.Series(flags))).to_series()


def _response(e: Evidence, endpoint: Endpoint, days: Days, words: Words) -> pl.DataFrame:
    found = respond(e, endpoint, days)
    told = found.place != UNTOLD
    waiting = (days.due == NONE) | ~days.begun | (days.closes > e.horizon)
    columns = [
        _states(told, waiting),
        found.number.alias("value") / scale_of(str(endpoint.measure)),
        dates(found.day).alias("date"),
        values_read(e, endpoint, found.day, days, words).alias("because"),
    ]
    if found.words:
        place = np.where(told, found.place, len(found.words)).astype(np.int64)
        columns.append(pl.Series("answer", [*found.words, None], dtype=pl.String)[place])
    return pl.DataFrame(columns)


def _survival(e: Evidence, endpoint: Endpoint, days: Days, words: Words) -> pl.DataFrame:
    found = times_of(e, endpoint, days)
    return pl.DataFrame(
        [
            _states(found.told, ~days.begun),
            _known(found.happened, found.told).alias("happened"),
            pl.Series("days", found.days).replace(NONE, None),
            dates(found.end).alias("date"),
            times_text(e, endpoint, days, found, words).alias("because"),
        ]
    )


def _event(e: Evidence, endpoint: Endpoint, _: Days, words: Words) -> pl.DataFrame:
    found = first_of(e, endpoint.event, np.full(e.n, NONE, np.int32))
    happened = (found.first != NONE) & (found.first <= e.horizon)
    tabled, seen_yet = is_recorded(e, endpoint.event), last_seen(e) != NONE
    told = tabled & seen_yet
    yes = pl.Series("answer", ["no", "yes", None], dtype=pl.String)
    return pl.DataFrame(
        [
            _states(told, tabled & ~seen_yet),
            yes[np.where(told, happened.astype(np.int64), 2)],
            _known(happened, told).alias("happened"),
            dates(np.where(happened, found.first, NONE).astype(np.int32)).alias("date"),
            event_text(e, endpoint, found, happened, told, words).alias("because"),
        ]
    )
