"""Words about what the protocol orders of a dose: holds, stops and modifications."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from protocol.model import Modification
from rules.arrays import FEW, distinct
from rules.happened.spells import FOREVER
from rules.telling.phrases import (
    Word,
)

if TYPE_CHECKING:
    from rules.telling.wording import Wording


def _states(w: Wording, hits: pl.DataFrame, kind: tuple[int, ...]) -> pl.Series:
    """Which hold or stop was in force: its name and the day it began."""
    out: list[str | None] = []
    names = w.laid.doses.names
    for s, activity, day in zip(hits["s"], hits["activity"], hits["day"].cast(pl.Int32), strict=True):
        found = ""
        for state in w.laid.states.by_treatment.get(names[activity], []) if activity >= 0 and day is not None else []:
            at, there = state.spell(np.array([s], np.int32), np.array([day], np.int32))
            if state.kind in kind and there[0] and day < max(int(state.end[at[0]]), 1) <= FOREVER:
                since = str(np.datetime64(int(state.start[at[0]]), "D"))
                found = w.phrases["state"].replace("{name}", state.name).replace("{since}", since)
        out.append(found)
    return pl.Series(out, dtype=pl.String)


def _orders(w: Wording, hits: pl.DataFrame) -> pl.Series:
    """What the modifications behind a row order, as the protocol writes it."""
    return _by_order(hits, lambda names: "; ".join(_actions(w.protocol.modifications[name]) for name in names))


def _actions(modification: Modification) -> str:
    """The actions of a modification, and the dose with which it resumes."""
    resume = [f"resume {modification.resume}"] if modification.resume is not None else []
    return ", ".join([*map(str, (*modification.then, *modification.may)), *resume])


def _order_steps(w: Wording, hits: pl.DataFrame) -> pl.Series:
    """The modifications behind a row: name, condition and action, as the protocol writes them."""
    return _by_order(hits, lambda names: _steps_of(w, names))


def _steps_of(w: Wording, names: list[str]) -> str:
    found = [(name, w.protocol.modifications[name]) for name in names]
    conditions = (", ".join(getattr(c, "text", "") or "…" for c in m.if_) for _, m in found)
    return "; ".join(f"{name}: {c} → {_actions(m)}" for (name, m), c in zip(found, conditions, strict=True))


def _modified(w: Wording, hits: pl.DataFrame) -> pl.Series:
    """Which modifications the dose follows; null for none."""
    return _by_order(hits, lambda names: w.phrases["modified"].replace("#", _steps_of(w, names)))


def _by_order(hits: pl.DataFrame, text: Callable[[list[str]], str]) -> pl.Series:
    if hits["ordered_by"].null_count() == len(hits):
        return hits["ordered_by"]
    texts = {by: text(by.split(", ")) for by in distinct(hits["ordered_by"]) if by}
    if len(hits) < FEW:
        return pl.Series([texts.get(by) for by in hits["ordered_by"]], dtype=pl.String)
    return hits["ordered_by"].replace_strict(texts, default=None, return_dtype=pl.String)


ORDER_WORDS: dict[str, Word] = {
    "orders": _orders,
    "modified": _modified,
    "order_steps": _order_steps,
    "hold": lambda w, hits: _states(w, hits, (1,)),
    "stop": lambda w, hits: _states(w, hits, (2,)),
}
