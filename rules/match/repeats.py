"""Repeated assessments as occasions: stretches in which a modification orders them, and the first gap too long."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from protocol.actions import Action
from rules.arrays import NONE, Ints
from rules.happened.spells import HOLD, spells_of
from rules.match.frame import occasions_frame
from rules.occasions import schema
from rules.timing.grid import Laid

if TYPE_CHECKING:
    from rules.telling.wording import Wording


class _Stretch(NamedTuple):
    """When it was ordered, when last done before the first gap, when due next; 1 in time, 0 not, -1 untold."""

    s: int
    began: int
    last: int
    due: int
    in_time: int


def repeat_occasions(laid: Laid) -> pl.DataFrame:
    """One row per stretch and order `repeat A every D`, once an interval of it is over."""
    pieces = []
    for name, m in laid.plan.protocol.modifications.items():
        for action in m.then if "observations" in laid.evidence.tables else ():
            if action.verb == "repeat" and (found := list(_stretches(laid, name, action))):
                pieces.append(_table(found, name, action))
    return pl.concat(pieces) if pieces else pl.DataFrame(schema=schema("repeats") | _BESIDE)


_BESIDE: dict[str, pl.DataType] = {
    **dict.fromkeys(("last_done", "next_due"), pl.Int32()),
    **dict.fromkeys(("again", "criterion"), pl.String()),
}
"""What the sentences need: when it was last done, when due again, which assessment, by which modification."""


def _table(found: list[_Stretch], name: str, action: Action) -> pl.DataFrame:
    s, began, last, due, in_time = (np.array(column, np.int32) for column in zip(*found, strict=True))
    nothing = np.full(len(s), NONE, np.int32)
    columns = {"s": s, "part": nothing, "row": nothing, "occurrence": nothing, "began": began}
    texts = {
        c: pl.Series([text]).new_from_index(0, len(s)) for c, text in (("again", action.target), ("criterion", name))
    }
    table = occasions_frame(
        "repeats", {**columns, "in_time": in_time.astype(np.int8)}, last_done=last, next_due=due, **texts
    )
    return table.cast(_BESIDE)  # type: ignore[arg-type]


def _stretches(laid: Laid, name: str, action: Action) -> Iterator[_Stretch]:
    e, m = laid.evidence, laid.plan.protocol.modifications[name]
    assessment = laid.plan.protocol.assessments.get(action.target)
    if assessment is None or action.every is None or action.target in laid.plan.not_collected:
        return
    samples = [e.measure(measure) for measure in assessment.measures]
    who, days = (np.concatenate([np.zeros(0, np.int32), *(getattr(p, c) for p in samples)]) for c in ("s", "day"))
    order = np.lexsort((days, who))
    who, days = who[order], days[order]
    spells, every = spells_of(e, name, m, HOLD), max(action.every.days, 1)
    left = laid.states.end("assessment", action.target, spells.s)[0]
    for s, began, end, gone in zip(spells.s, spells.start, spells.end, left, strict=True):
        upto = min(int(end), e.horizon, int(gone) if gone != NONE else e.horizon)
        mine = np.unique(days[np.searchsorted(who, s) : np.searchsorted(who, s, side="right")])
        done = mine[(mine > began) & (mine <= upto)]
        stretch = _first_gap(int(s), int(began), done, upto, every)
        if stretch is not None:
            yield stretch if stretch.in_time >= 0 or not e.final else stretch._replace(in_time=0)


def _first_gap(s: int, began: int, done: Ints, upto: int, every: int) -> _Stretch | None:
    """The first gap that is too long, whether or not a later record ends it; None before an interval is over."""
    if upto - began <= every:
        return None
    points = np.append(began, done)
    late = np.flatnonzero(np.diff(points) > every)
    if len(late):
        return _Stretch(s, began, int(points[late[0]]), int(points[late[0]]) + every, 0)
    last = int(points[-1])
    return _Stretch(s, began, last, last + every, -1 if upto - last > every else 1)


# --- their words --------------------------------------------------------------------------------------------------


def _again(w: Wording, hits: pl.DataFrame) -> pl.Series:
    titles = {name: a.title.in_(w.lang) if a.title else name for name, a in w.protocol.assessments.items()}
    return hits["again"].replace(titles)


def _order(w: Wording, hits: pl.DataFrame) -> pl.Series:
    """What the modification orders, as written: `platelets < 30 10^9/L: repeat labs every 7 d`."""
    said = {}
    for name in hits["criterion"].unique():
        m = w.protocol.modifications[name]
        texts = (getattr(condition, "text", "") or type(condition).__name__ for condition in m.if_)
        said[name] = f"{', '.join(texts)}: {', '.join(str(a) for a in m.then if a.verb == 'repeat')}"
    return hits["criterion"].replace_strict(said, return_dtype=pl.String)


REPEAT_WORDS: dict[str, Callable[[Wording, pl.DataFrame], pl.Series]] = {"again": _again, "repeat_order": _order}
"""The words of a template about a repeated assessment: functions from the hits of a rule to a column of text."""
