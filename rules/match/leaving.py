"""Participants who withdrew consent or were declared lost: what took place all the same, and what no longer did."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from rules.arrays import NONE, Ints, days
from rules.happened.evidence import NO_RESULT
from rules.happened.states import LOST
from rules.match.frame import Array, occasions_frame
from rules.occasions import schema
from rules.timing.grid import Grid, Laid

if TYPE_CHECKING:
    from rules.telling.wording import Wording

_NEVER = 1 << 24
"""Later than any day."""

_RECORDS = (("administrations", "start"), ("visits", "date"), ("observations", "at"))


def declared_lost(laid: Laid) -> Ints:
    """The day on which each participant was declared lost, `NONE` for all others."""
    one, other = (laid.evidence.milestone(name).last for name in LOST)
    return np.maximum(one, other)


def last_contact(laid: Laid) -> Ints:
    """The last day on which a participant who was declared lost was heard of; `NONE` for all others.

    Where no last contact is recorded it is the last day with a dose, a visit or a measurement.
    """
    e, lost = laid.evidence, declared_lost(laid)
    if (lost == NONE).all():
        return lost
    said = e.milestone("last-contact").last
    seen = np.full(e.n, NONE, np.int32)
    for table, column in _RECORDS:
        frame = e.frames[table]
        if "status" in frame.columns:
            frame = frame.filter(~frame["status"].is_in(["not given", "not done", "unknown"]).fill_null(value=False))
        np.maximum.at(seen, frame["s"].to_numpy(), days(frame, column))
    contact = np.where(said != NONE, said, np.where(seen != NONE, seen, lost))
    return np.where(lost == NONE, NONE, np.minimum(contact, lost)).astype(np.int32)


def leaving_occasions(laid: Laid) -> pl.DataFrame:
    """One row per participant who withdrew consent in full, and one per participant who was declared lost."""
    withdrawn, contact = laid.evidence.milestone("withdrawal-of-consent").last, last_contact(laid)
    left, lost = (np.flatnonzero(days_of != NONE).astype(np.int32) for days_of in (withdrawn, contact))
    if not len(left) and not len(lost):
        return pl.DataFrame(schema=schema("leaving") | _BESIDE)
    late, kind = _procedure_after(laid, withdrawn)
    absent = _absent(laid, contact)
    s = np.concatenate([left, lost])
    withdrew = np.arange(len(s)) < len(left)
    nothing = np.full(len(s), NONE, np.int32)
    return occasions_frame(
        "leaving",
        {
            "s": s,
            "part": nothing,
            "row": laid.evidence.frames["subjects"]["row"].gather(pl.Series(s)),
            "occurrence": nothing,
            "withdrew": withdrew,
            "procedure_after": withdrew & (late[s] != NONE),
            "lost": ~withdrew,
            "absent": ~withdrew & (absent[s] != ""),
        },
        withdrawn=withdrawn[s],
        late_day=np.where(withdrew, late[s], NONE).astype(np.int32),
        late_kind=kind[s],
        contact=np.where(withdrew, NONE, contact[s]).astype(np.int32),
        lost_on=declared_lost(laid)[s],
        absent_since=absent[s],
    ).cast(_BESIDE)  # type: ignore[arg-type]


_BESIDE: dict[str, pl.DataType] = {
    **dict.fromkeys(("withdrawn", "late_day", "contact", "lost_on"), pl.Int32()),
    **dict.fromkeys(("late_kind", "absent_since"), pl.String()),
}
"""What the sentences need: what was absent as parts and occurrences, `4:1;7:2`."""


def since_contact(laid: Laid, grid: Grid) -> Array:
    """Of each occurrence of a grid whether it was due after the last contact with a participant declared lost."""
    contact = last_contact(laid)[grid.s][:, None]
    since: Array = (contact != NONE) & (grid.due > contact)
    return since


def _absent(laid: Laid, contact: Ints) -> Array:
    """What was due since the last contact with each participant, up to the day of being declared lost, and not done."""
    texts = np.full(len(contact), "", dtype=object)
    if (contact == NONE).all():
        return texts
    for grid in laid.grids:
        slots = grid.arm.slots
        judged = [s.part.judged and (s.part.kind == "treatment" or not grid.arm.concurrent) for s in slots]
        kinds = np.array(
            [j and s.part.kind != "assessment" for j, s in zip(judged, slots, strict=True)], dtype=np.bool_
        )
        away = since_contact(laid, grid) & (grid.expected != 0) & (grid.actual == NONE) & kinds[None, :]
        for who, column in zip(*np.nonzero(away), strict=True):
            mark = f"{slots[column].part.code}:{slots[column].occurrence}"
            texts[grid.s[who]] = ";".join(filter(None, (texts[grid.s[who]], mark)))
    return texts


def _procedure_after(laid: Laid, withdrawn: Ints) -> tuple[Ints, Array]:
    """Day and kind of each participant's first visit or measurement after a day; `NONE` where there is none."""
    kind = np.full(len(withdrawn), "", dtype=object)
    if (withdrawn == NONE).all():
        return withdrawn, kind
    found = np.full(len(withdrawn), _NEVER, np.int32)
    for table, column, word in (("visits", "date", "visit"), ("observations", "at", "measurement")):
        frame = laid.evidence.frames[table]
        if table == "visits":
            frame = frame.filter(frame["status"].ne_missing("not done"))
        else:
            frame = frame.filter(~frame["word"].str.to_lowercase().is_in(NO_RESULT).fill_null(value=False))
        s, day = frame["s"].to_numpy(), days(frame, column)
        after = np.flatnonzero((withdrawn[s] != NONE) & (day != NONE) & (day > withdrawn[s]))
        own = np.full(len(withdrawn), _NEVER, np.int32)
        np.minimum.at(own, s[after], day[after])
        kind[own < found] = word
        found = np.minimum(found, own)
    return np.where(found == _NEVER, NONE, found).astype(np.int32), kind


# --- its words ----------------------------------------------------------------------------------------------------


def _late_procedure(w: Wording, hits: pl.DataFrame) -> pl.Series:
    words = {"": "", **{kind: w.phrases[f"late_{kind}"] for kind in ("visit", "measurement")}}
    return hits["late_kind"].replace_strict(words, return_dtype=pl.String)


def _absent_names(w: Wording, hits: pl.DataFrame) -> pl.Series:
    several = {s.part.activity for arm in w.laid.plan.arms.values() for s in arm.slots if s.occurrence > 1}

    def name(mark: str) -> str:
        code, _, number = mark.partition(":")
        part = w.laid.plan.parts[int(code)]
        return f"{w.name_of(part)} {number}" if part.activity in several else w.name_of(part)

    texts = [w.phrases["listed"].join(map(name, filter(None, marks.split(";")))) for marks in hits["absent_since"]]
    return pl.Series(texts, dtype=pl.String)


LEAVING_WORDS = {"late_procedure": _late_procedure, "absent_since": _absent_names}
"""The words of a template about leaving: functions from the hits of a rule to a column of text."""
