"""The treatment planned and the treatment received: who was treated as another arm, for the statistician to decide.

The planned arm stays as it is. What the study records as the arm really followed (`actual_arm`) is told; where doses or
medication of another arm are on record and nobody said what that makes of the participant, it is left open.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from protocol.model import Protocol
from rules.arrays import NONE
from rules.endpoints.because import dates
from rules.endpoints.words import Words
from rules.happened.records import NOT_GIVEN, NOT_IN_ARM
from rules.match.medications import medication_occasions
from rules.timing.grid import Laid

RECEIVED: dict[str, pl.DataType] = {
    "subject": pl.String(), "site": pl.String(), "arm": pl.String(), "actual_arm": pl.String(), "received": pl.String(),
    "because": pl.String(),
}  # fmt: skip
"""Participant; planned and actual arm, the latter null where it is open; `received` as planned, differs or to be
decided; and what of another arm is on record."""

AS_PLANNED, DIFFERS, OPEN = "as planned", "differs", "to be decided"


def comparable(protocol: Protocol) -> bool:
    """Whether there is another arm that somebody may be treated as."""
    return len(protocol.arms) > 1


def received(laid: Laid, words: Words) -> pl.DataFrame:
    """One row per participant of the partition."""
    who = laid.evidence.frames["subjects"].select("subject", "site", "arm", "actual_arm")
    because: list[list[str]] = [[] for _ in range(len(who))]
    for s, day, what in sorted((*_doses(laid, words), *_medications(laid))):
        because[s].append(words("event on").format(what, dates(np.array([day], np.int32))[0]) if day != NONE else what)
    said = pl.Series([words("semicolon").join(dict.fromkeys(found)) or None for found in because], dtype=pl.String)
    told, other = pl.col("actual_arm").is_not_null(), pl.col("because").is_not_null()
    state = pl.when(told).then(
        pl.when(pl.col("actual_arm") == pl.col("arm")).then(pl.lit(AS_PLANNED)).otherwise(pl.lit(DIFFERS))
    )
    return (
        who.with_columns(because=said)
        .with_columns(
            received=state.otherwise(pl.when(other).then(pl.lit(OPEN)).otherwise(pl.lit(AS_PLANNED))),
            actual_arm=pl.when(told).then("actual_arm").when(~other).then("arm"),
        )
        .select(pl.col(name).cast(dtype) for name, dtype in RECEIVED.items())
    )


def _doses(laid: Laid, words: Words) -> Iterator[tuple[int, int, str]]:
    """Doses on record of treatments that the arm does not get: participant, day and treatment."""
    r = laid.doses
    titles = [words.title(laid.plan.protocol, "treatments", name) for name in r.names]
    for row in np.flatnonzero((r.activity == NOT_IN_ARM) & (r.status != NOT_GIVEN) & ~r.misfiled & ~r.duplicate):
        if r.named[row] >= 0:
            yield int(r.s[row]), int(r.day[row]), titles[r.named[row]]


def _medications(laid: Laid) -> Iterator[tuple[int, int, str]]:
    """Treatments of another arm that were taken as medication, whether or not the protocol allows that by then."""
    found = medication_occasions(laid).filter("experimental")
    yield from found.select("s", "day", "medication").rows()
