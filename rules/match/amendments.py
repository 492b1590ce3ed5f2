"""Amendments as occasions: approval beside activation, and consent forms that everyone must sign again."""

from __future__ import annotations

import numpy as np
import polars as pl

from rules.arrays import NONE, Ints, days
from rules.happened.records import NOT_GIVEN, Records
from rules.happened.versions import NEVER, form_of, signed
from rules.match.frame import Array, occasions_frame
from rules.occasions import schema
from rules.timing.carried import Carried
from rules.timing.grid import Laid


def amendment_occasions(laid: Laid) -> pl.DataFrame:
    """One row per version and site."""
    frame = laid.evidence.frames["amendments"]
    first, last, active = (days(frame, name) for name in ("approved", "approved_last", "active"))
    early = np.where(active < first, 1, np.where(active >= last, 0, -1)).astype(np.int8)
    early = np.where((first == NONE) | (active == NONE), -1, early).astype(np.int8)
    nothing = np.full(len(frame), NONE, np.int32)
    return occasions_frame(
        "amendments",
        {"s": nothing, "part": nothing, "row": frame["row"], "occurrence": nothing, "before_approval": early},
        active=active,
        approved=first,
        site=frame["site"],
        amendment=frame["version"],
    )


def reconsent_occasions(laid: Laid) -> pl.DataFrame:
    """One row per participant, where the plan's version asks everyone to sign its form again."""
    consent = laid.plan.protocol.consent
    if laid.carried is None or consent is None or consent.again is None or "consents" not in laid.evidence.tables:
        return pl.DataFrame(schema=schema("reconsents") | _BESIDE)
    return _reconsent(laid, laid.carried)


_BESIDE: dict[str, pl.DataType] = {
    **dict.fromkeys(("first", "signed", "since"), pl.Int32()),
    **dict.fromkeys(("kind", "form"), pl.String()),
}


def _reconsent(laid: Laid, carried: Carried) -> pl.DataFrame:
    """What was done for the trial while the form of this version was due and not signed."""
    e, n = laid.evidence, carried.version
    form, versions = form_of(carried.found.versions[n]), carried.found.versions[n:]
    on, last = signed(e, versions), signed(e, versions, "signed_last")
    first, since = np.full(e.n, NEVER, np.int32), np.full(e.n, NEVER, np.int32)
    answer, judged = np.zeros(e.n, np.int8), np.zeros(e.n, np.bool_)
    kind = np.full(e.n, "", dtype=object)
    for word, records in (("dose", laid.doses), ("visit", laid.visits)):
        s, day = _done(records)
        active = carried.found.active_at(s, n, day)
        due = active <= day
        judged[s[due]] = True
        surely, maybe = (active < day) & (day < on[s]), due & (day <= last[s])
        for level, which in ((1, surely), (-1, maybe & ~surely)):
            rows = np.flatnonzero(which & (answer[s] != 1))
            own = np.full(e.n, NEVER, np.int32)
            np.minimum.at(own, s[rows], day[rows])
            sooner = (own < NEVER) & ((answer != level) | (own < first))
            answer[sooner], first[sooner], kind[sooner] = level, own[sooner], word
        np.minimum.at(since, s[due], active[due])
    nothing = np.full(e.n, NONE, np.int32)
    columns: dict[str, Array | pl.Series] = {
        "s": e.everyone,
        "part": nothing,
        "row": e.frames["subjects"]["row"],
        "occurrence": nothing,
        "form_due": judged & ~e.concurrent,
        "outdated": answer,
    }
    more = {"first": _known(first), "signed": _known(on), "since": _known(since)}
    words = {"kind": pl.Series(kind, dtype=pl.String), "form": pl.Series([form]).new_from_index(0, e.n)}
    frame = occasions_frame("reconsents", columns, **more, **words)
    return frame.filter(pl.Series(judged))


def _known(day: Ints) -> Ints:
    return np.where(day == NEVER, NONE, day).astype(np.int32)


def _done(records: Records) -> tuple[Ints, Ints]:
    """Participant and day of what was done."""
    rows = np.flatnonzero((records.status != NOT_GIVEN) & (records.day != NONE) & (records.day == records.last))
    return records.s[rows], records.day[rows]
