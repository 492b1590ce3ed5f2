"""Records that contradict each other: one row per two of them that cannot both be right."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from rules.arrays import NONE, Ints, days
from rules.happened.evidence import Evidence
from rules.match.frame import Array, occasions_frame
from rules.occasions import schema
from rules.timing.grid import Laid

if TYPE_CHECKING:
    from rules.telling.wording import Wording


class Pair(NamedTuple):
    """Contradictions of one kind: participants, records of a table, the day of one side and that of the other."""

    kind: str
    table: str
    s: Ints
    row: Ints
    day: Ints
    other: Ints
    earlier: pl.Series | None = None


def contradiction_occasions(laid: Laid) -> pl.DataFrame:
    """One row per contradiction; records dated after death and doses recorded twice have rules of their own."""
    e = laid.evidence
    pairs = [
        pair for pair in (*_born_later(e), *_twice(e), *_ended_before(e), *_not_given(e), *_earlier(e)) if len(pair.s)
    ]
    if not pairs:
        return pl.DataFrame(schema=schema("contradictions") | _BESIDE)
    return pl.concat([_table(pair) for pair in pairs])


_BESIDE: dict[str, pl.DataType] = {"day": pl.Int32(), "other": pl.Int32(), "table": pl.String(), "earlier": pl.String()}
"""What the sentences need: the day of each side, the table of the record, and the earlier number of a participant."""


def _table(pair: Pair) -> pl.DataFrame:
    n = len(pair.s)
    nothing = np.full(n, NONE, np.int32)
    columns: dict[str, Array | pl.Series] = {
        "s": pair.s,
        "part": nothing,
        "row": pair.row,
        "occurrence": nothing,
        "contradict": np.ones(n, np.bool_),
        "kind": pl.Series([pair.kind]).new_from_index(0, n),
    }
    table = pl.Series([pair.table]).new_from_index(0, n)
    earlier = pair.earlier if pair.earlier is not None else pl.Series([None], dtype=pl.String).new_from_index(0, n)
    beside = {"day": pair.day, "other": pair.other, "table": table, "earlier": earlier}
    return occasions_frame("contradictions", columns, **beside).cast(_BESIDE)  # type: ignore[arg-type]


_DATED = (
    ("administrations", "start"), ("visits", "date"), ("observations", "at"), ("consents", "signed"),
    ("subjects", "enrolled"),
)  # fmt: skip


def _born_later(e: Evidence) -> Iterator[Pair]:
    """The first record of each participant that is dated before every day on which it may have been born."""
    born = e.birth.first
    if (born == NONE).all():
        return
    told: set[int] = set()
    for table, column in _DATED:
        frame = e.frames[table]
        s, last = frame["s"].to_numpy(), days(frame, f"{column}_last")
        early = np.flatnonzero((last < born[s]) & (last != NONE))
        heads = early[np.unique(s[early], return_index=True)[1]]
        heads = np.array([h for h in heads if int(s[h]) not in told], dtype=np.int64)
        told |= {int(s[h]) for h in heads}
        yield Pair("born-later", table, s[heads], frame["row"].to_numpy()[heads], last[heads], born[s[heads]])


_ONCE = ("death", "randomised", "withdrawal", "withdrawal-from-the-trial", "completion")
"""What happens to a participant once."""


def _twice(e: Evidence) -> Iterator[Pair]:
    """Milestones that happen once and are on record on two days; a day known in part may be the other."""
    frame = e.frames["milestones"]
    if not len(frame):
        return
    words = frame["milestone"].str.to_lowercase().str.replace_all(r"[\s_]+", "-")
    for name in _ONCE:
        rows = frame.filter(words == name).drop_nulls("date").sort("s", "date", "row")
        s, first, last = rows["s"].to_numpy(), days(rows, "date"), days(rows, "date_last")
        again = np.flatnonzero((s[1:] == s[:-1]) & (first[1:] > last[:-1])) + 1
        yield Pair(
            f"twice-{name}", "milestones", s[again], rows["row"].to_numpy()[again], first[again], last[again - 1]
        )


def _ended_before(e: Evidence) -> Iterator[Pair]:
    """Participants who left the trial before they were enrolled; records after death have a rule of their own."""
    enrolled = e.milestone("enrolled").first
    frame = e.frames["subjects"]
    told = np.zeros(e.n, np.bool_)
    for name in ("withdrawal", "completion"):
        end = e.milestone(name).last
        s = np.flatnonzero((end != NONE) & (enrolled != NONE) & (end < enrolled) & ~told).astype(np.int32)
        told[s] = True
        yield Pair("ended-before", "subjects", s, frame["row"].to_numpy()[s], end[s], enrolled[s])


def _not_given(e: Evidence) -> Iterator[Pair]:
    """Doses recorded as not given with an amount that was given."""
    frame = e.frames["administrations"].select("s", "row", "start", "status", "base")
    frame = frame.filter((frame["status"] == "not given") & (frame["base"] > 0))
    day = days(frame, "start")
    yield Pair("not-given", "administrations", frame["s"].to_numpy(), frame["row"].to_numpy(), day, day)


def _earlier(e: Evidence) -> Iterator[Pair]:
    """Participants whose earlier number cannot be theirs, or was enrolled as well."""
    frame = e.frames["subjects"]
    if "rescreened" not in frame.columns:
        return
    for kind in frame["rescreened"].drop_nulls().unique().sort():
        rows = frame.filter(pl.col("rescreened") == kind)
        s, nothing = rows["s"].to_numpy(), np.full(len(rows), NONE, np.int32)
        yield Pair(kind, "subjects", s, rows["row"].to_numpy(), nothing, nothing, rows["screened_as"])


# --- its words ----------------------------------------------------------------------------------------------------


def contradiction(w: Wording, hits: pl.DataFrame) -> pl.Series:
    """What contradicts what, in a sentence."""
    texts = {kind: w.fill(w.phrases[f"contradict_{kind}"], hits) for kind in hits["kind"].unique()}
    return pl.Series([texts[kind][i] for i, kind in enumerate(hits["kind"])], dtype=pl.String)
