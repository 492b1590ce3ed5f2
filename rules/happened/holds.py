"""Holds on record: those of a participant that the site recorded, and pauses of the study or of a site."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import polars as pl

from protocol.model import Protocol
from rules.arrays import NONE, Ints, Longs, days, key, whole
from rules.happened.belonging import site_on
from rules.happened.evidence import Evidence
from rules.happened.records import treatments_named
from rules.happened.spells import DAY, DELAY, FOREVER, HOLD, State, becomes, moment_of, place_of_moment


def named_in(protocol: Protocol, detail: str | None) -> frozenset[str]:
    """The treatments that the detail of a hold means: those named by id, title or product; without a detail all."""
    names = tuple(protocol.treatments)
    if detail is None or not detail.strip():
        return frozenset(names)
    words = {name.replace("-", " ") for name in names} | set(names)
    titles = [protocol.treatments[name].title for name in names]
    for name in names:
        product = protocol.treatments[name].product
        words |= set(product.values()) if isinstance(product, dict) else {product or name}
    for product_name, stated in protocol.products.items():
        words |= {product_name, product_name.replace("-", " "), *stated.terms}
        titles.append(stated.title)
    words |= {title.in_(lang) for title in titles if title is not None for lang in ("en", "zh")}
    meant = {word.lower().replace("_", "-"): treatments_named(protocol, word, names) for word in words}
    # Longest first: a title is found before a shorter one that it begins with.
    known = "|".join(re.escape(word) for word in sorted(meant, key=len, reverse=True) if word)
    found = re.findall(rf"(?<![a-z0-9-])(?:{known})(?![a-z0-9-])", detail.lower().replace("_", "-"))
    return frozenset(treatment for word in found for treatment in meant[word])


def recorded_holds(e: Evidence, treatment: str) -> list[State]:
    """Holds that the site recorded: of this treatment, or of no treatment in particular."""
    if not len(e.frames["events"]):
        return []
    frame = e.frames["events"].with_columns(word=pl.col("event").str.to_lowercase())
    frame = frame.filter(pl.col("word").is_in(["hold", "resume"]))
    meant = {detail: named_in(e.protocol, detail) for detail in frame["detail"].unique()}
    chosen = frame.filter(pl.Series([treatment in meant[detail] for detail in frame["detail"]], dtype=pl.Boolean))
    if not len(chosen):
        return []
    chosen = chosen.drop_nulls("start").sort("s", "start", "row")
    resumes = chosen.filter(pl.col("word") == "resume")
    held = chosen.filter(pl.col("word") == "hold")
    s, start = held["s"].to_numpy(), days(held, "start")
    last, resumed = days(held, "end_last"), _resumed(resumes, held)
    opened = (last == NONE) & (resumed == FOREVER * DAY)
    end = np.where(last == NONE, resumed // DAY, last + 1).astype(np.int32)
    ends = np.where(last == NONE, resumed, moment_of(last, whole(held, "end_minute").astype(np.int32), DAY))
    begins = moment_of(start, whole(held, "start_minute").astype(np.int32), DAY)
    holds = State(HOLD, "hold", s, start, end, begins, ends, opened, held["row"].to_numpy())
    # A hold with an end proves its own days, whatever one without an end leaves open beside it.
    holds = _shown_over(e, treatment, holds) if opened.any() else holds
    return [_merged(holds, np.flatnonzero(among).astype(np.int32)) for among in (opened, ~opened) if among.any()]


PAUSED = "paused "
"""How the name of a hold begins that is a pause of the study; the pause follows as study.yaml names it."""


def paused_states(e: Evidence, treatment: str) -> list[State]:
    """Pauses of dosing, for every participant who belonged to the site on the day on which each began."""
    states = []
    for site, pauses in e.paused.items():
        for pause in pauses:
            if treatment not in named_in(e.protocol, pause.of):
                continue
            start = np.full(e.n, pause.first, np.int32)
            where = site_on(e, pl.Series(e.everyone), pl.Series(start).cast(pl.Date))
            s = e.everyone[(where == site).fill_null(value=False).to_numpy()] if site else e.everyone
            start = start[: len(s)]
            end = np.full(len(s), FOREVER if pause.last is None else pause.last + 1, np.int32)
            begins, ends = (moment_of(day, np.zeros(len(s), np.int32), 0) for day in (start, end))
            nothing = np.full(len(s), NONE, np.int32)
            states.append(
                State(HOLD, PAUSED + pause.text, s, start, end, begins, ends, np.zeros(len(s), np.bool_), nothing)
            )
    return states


def _shown_over(e: Evidence, treatment: str, holds: State) -> State:
    """Holds that nobody closed, ended on the day on which the protocol's own conditions to resume are shown to be met.

    A condition that was met when the hold began says nothing of it.
    """
    end = np.full(len(holds.s), NONE, np.int32)
    for m in e.protocol.modifications.values():
        held = any(a.verb == "hold" and treatment in targets(e.protocol, a.target) for a in (*m.then, *m.may))
        if held and m.until:
            speaks, met = becomes(e, m.until, holds.s, holds.start)
            end = np.where(speaks, np.maximum(end, met), end)
    shown = holds.open & (end != NONE) & (end < FOREVER)
    ends = np.where(shown, end.astype(np.int64) * DAY, holds.ends)
    return replace(holds, end=np.where(shown, end, holds.end).astype(np.int32), ends=ends)


def targets(protocol: Protocol, target: str) -> list[str]:
    """The treatments that an action names: by id or product, or all of them."""
    treatments = protocol.treatments
    return [t for t in treatments if target in ("all", t) or treatments[t].product == target]


def _merged(state: State, chosen: Ints) -> State:
    """These spells of a state, those of a participant that overlap as one: the one that reaches furthest ends it."""
    chosen = chosen[np.lexsort((state.start[chosen], state.begins[chosen], state.s[chosen]))]
    s = state.s[chosen]
    # Participants first: no spell reaches into those of the next participant.
    until = np.maximum.accumulate(place_of_moment(s, state.ends[chosen]))
    end = np.maximum.accumulate(key(s, state.end[chosen]))
    heads = np.flatnonzero(np.concatenate(([True], place_of_moment(s, state.begins[chosen])[1:] >= until[:-1])))
    last, first, s = np.append(heads[1:], len(s)) - 1, chosen[heads], s[heads]
    return replace(
        state,
        s=s,
        start=state.start[first],
        end=(end[last] - key(s, np.zeros(len(s), np.int32))).astype(np.int32),
        begins=state.begins[first],
        ends=until[last] - place_of_moment(s, np.zeros(len(s), np.int64)),
        open=state.open[first],
        row=state.row[first],
    )


def _resumed(resumes: pl.DataFrame, held: pl.DataFrame) -> Longs:
    """The moment of the first resumption after each hold began, the beginning of its day where it has no time.

    Without one of the two times a resumption on the day of the hold comes after it. `FOREVER` where there is none.
    """
    if not len(resumes):
        return np.full(len(held), FOREVER * DAY, np.int64)
    rs, day, minute = resumes["s"].to_numpy(), days(resumes, "start"), whole(resumes, "start_minute").astype(np.int32)
    order = np.lexsort((moment_of(day, minute, DAY - 1), rs))
    rs, day, minute = rs[order], day[order], minute[order]
    s, since = held["s"].to_numpy(), moment_of(days(held, "start"), whole(held, "start_minute").astype(np.int32), 0)
    at = np.searchsorted(place_of_moment(rs, moment_of(day, minute, DAY - 1)), place_of_moment(s, since))
    there = at < len(rs)
    at = np.minimum(at, len(rs) - 1)
    return np.where(there & (rs[at] == s), moment_of(day[at], minute[at], 0), FOREVER * DAY)


def as_delay(hold: State, up_to: int | None) -> State:
    """A hold on record proves the delay that the protocol orders, once it has ended (situation S23)."""
    ended = np.flatnonzero(~hold.open)
    columns = {c: getattr(hold, c)[ended] for c in ("s", "start", "end", "begins", "ends", "open", "row")}
    return State(DELAY, hold.name, **columns, up_to=up_to)
