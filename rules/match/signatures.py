"""Own consents as occasions: what was done for the trial at an age from which on the participant signs as well."""

from __future__ import annotations

import numpy as np
import polars as pl

from protocol.durations import Duration
from rules.arrays import NONE, Ints, days
from rules.happened.records import NOT_GIVEN
from rules.happened.truth import Truth
from rules.happened.versions import NEVER
from rules.match.frame import Array, occasions_frame
from rules.occasions import schema
from rules.timing.calendar import add_span
from rules.timing.grid import Laid

OWN = ("participant", "subject", "patient", "child", "self", "本人", "受试者", "患者", "患儿")
"""Words of `by` that name the participant, alone or beside a guardian."""


def signature_occasions(laid: Laid) -> pl.DataFrame:
    """One row per participant and age that was reached before something was done for the trial."""
    e, consent = laid.evidence, laid.plan.protocol.consent
    if consent is None or not consent.own_from or "consents.by" not in e.columns:
        return pl.DataFrame(
            schema=schema("signatures") | {"first": pl.Int32(), "kind": pl.String(), "age": pl.String()}
        )
    return pl.concat([_of_age(laid, age) for age in consent.own_from])


def _of_age(laid: Laid, age: Duration) -> pl.DataFrame:
    e = laid.evidence
    born = e.birth.last
    since = add_span(born, age.months, age.days)
    first, kind = np.full(e.n, NEVER, np.int32), np.full(e.n, "", dtype=object)
    for records, word in ((laid.doses, "dose"), (laid.visits, "visit")):
        took_place = (records.status != NOT_GIVEN) & (records.day != NONE)
        rows = np.flatnonzero(took_place & (since[records.s] != NONE) & (records.day >= since[records.s]))
        own = np.full(e.n, NEVER, np.int32)
        np.minimum.at(own, records.s[rows], records.day[rows])
        kind[own < first] = word
        first = np.minimum(first, own)
    nothing = np.full(e.n, NONE, np.int32)
    columns: dict[str, Array | pl.Series] = {
        "s": e.everyone,
        "part": nothing,
        "row": e.frames["subjects"]["row"],
        "occurrence": nothing,
        "of_age": (first < NEVER) & ~e.concurrent,
        "unsigned": _unsigned(laid, since, first),
    }
    frame = occasions_frame(
        "signatures",
        columns,
        first=np.where(first == NEVER, NONE, first).astype(np.int32),
        kind=pl.Series(kind, dtype=pl.String),
        age=pl.Series([str(age)]).new_from_index(0, e.n),
    )
    return frame.filter("of_age")


def _unsigned(laid: Laid, since: Ints, first: Ints) -> Truth:
    """Whether no form of that age was signed by the participant before; unknown where a form does not say by whom."""
    frame = laid.evidence.frames["consents"]
    s, day = frame["s"].to_numpy(), days(frame, "signed")
    in_time = (day != NONE) & (since[s] <= day) & (day <= first[s])
    by = frame["by"].str.to_lowercase()
    own = by.str.contains_any(list(OWN)).fill_null(value=False).to_numpy()
    answer = np.ones(laid.evidence.n, np.int8)
    answer[s[in_time & by.is_null().to_numpy()]] = -1
    answer[s[in_time & own]] = 0
    return answer
