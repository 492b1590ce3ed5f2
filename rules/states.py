"""When a treatment is held, stopped, delayed or to be omitted, and when nothing more is expected of a participant.

States come from the protocol's modifications (a condition, and `until`) and from holds and ends on record. A state
begins on the day its condition becomes true, and lasts up to the day on which `until` becomes true. Whether a dose on
such a day falls into it is told by clock times, where both are on record; else that day does not count.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl

from protocol.conditions import names_of
from protocol.model import Modification, Protocol
from rules.assignment import NONE
from rules.evidence import Evidence, Flags, Ints, Longs, days, key, whole
from rules.records import treatments_named
from rules.slots import Kind, Plan
from rules.truth import Truth, all_of
from rules.unmatched import event_words

HOLD, STOP, OMIT, DELAY = 1, 2, 3, 4
EXCUSES = {HOLD: "hold", STOP: "stop", OMIT: "omission", DELAY: "delay"}
FOREVER = 1 << 18
DAY = 24 * 60


@dataclass(frozen=True)
class State:
    """One reason why a treatment is not given: spells of participants, sorted; `end` is the first day without it.

    `begins` and `ends` are the same in minutes from 1970: from when on a dose is in it for certain, and when that ends.
    `open` marks spells whose end nobody recorded: whether they still last cannot be told.
    """

    kind: int
    name: str
    s: Ints
    start: Ints
    end: Ints
    begins: Longs
    ends: Longs
    open: Flags
    row: Ints
    up_to: int | None = None

    def spell(self, s: Ints, day: Ints) -> tuple[Ints, Flags]:
        """Index of the last spell begun on or before a day, and whether there is one."""
        if not len(self.s):
            return np.zeros(len(s), np.int32), np.zeros(len(s), np.bool_)
        at = np.searchsorted(key(self.s, self.start), key(s, day), side="right") - 1
        index = np.maximum(at, 0).astype(np.int32)
        return index, (at >= 0) & (self.s[index] == s) & (day != NONE)


@dataclass(frozen=True)
class States:
    """All states by treatment, and the ends of participation."""

    evidence: Evidence
    by_treatment: dict[str, list[State]]
    omissions: dict[str, list[tuple[str, Modification]]]
    not_enrolled: Flags
    ends: dict[str, tuple[Ints, Ints]] = field(default_factory=dict)

    def end(self, kind: Kind, activity: str, s: Ints) -> tuple[Ints, Ints]:
        """Earliest and latest possible last day on which an activity is expected, `NONE` where nothing ends it."""
        if kind != "treatment":
            first, last = self.ends["participation"]
        elif f"treatment {activity}" in self.ends:
            first, last = self.ends[f"treatment {activity}"]
        else:
            first, last = self.ends["treatment"]
        return first[s], last[s]

    def excuse(self, treatment: str, s: Ints, due: Ints) -> tuple[Ints, Ints]:
        """Which state takes the occurrence due on a day away (negative: cannot be told), and the day a delay ends."""
        excuse = np.zeros(len(s), np.int32)
        until = np.full(len(s), NONE, np.int32)
        for state in self.by_treatment.get(treatment, []):
            at, there = state.spell(s, due)
            inside = there & (due < state.end[at]) if len(state.s) else there
            if state.kind == DELAY:
                limit = due + state.up_to if state.up_to is not None else np.full(len(s), FOREVER, np.int32)
                moved = np.minimum(state.end[at], limit) if len(state.s) else until
                until = np.where(inside, moved, until).astype(np.int32)
            excuse = np.where(inside & ((excuse == 0) | (state.kind == STOP)), state.kind, excuse).astype(np.int32)
        for _, modification in self.omissions.get(treatment, []):
            answer = all_of(modification.if_, self.evidence, s, due)
            excuse = np.where((excuse == 0) & (answer == 1), OMIT, excuse)
            excuse = np.where((excuse == 0) & (answer < 0), -OMIT, excuse).astype(np.int32)
        return excuse, until

    def at(self, treatment: str, kind: int, s: Ints, day: Ints, minute: Ints) -> Truth:
        """Whether a dose falls into a hold or after a stop; `minute` is its time, `NONE` where there is none.

        Without both times the day on which the state began does not count.
        """
        answer, timed = np.zeros(len(s), np.int8), minute != NONE
        moment = _moment(day, minute, 0)
        for state in self.by_treatment.get(treatment, []):
            if state.kind != kind or not len(state.s):
                continue
            at = np.searchsorted(_place(state.s, state.begins), _place(s, moment), side="right") - 1
            there = (at >= 0) & (day != NONE) & (state.s[at] == s) & (timed | (state.start[at] < day))
            inside = there & np.where(timed, moment < state.ends[at], day < state.end[at])
            answer = np.where(inside & ~state.open[at], 1, answer)
            answer = np.where(inside & state.open[at] & (answer == 0), -1, answer).astype(np.int8)
        return answer

    def words(self, treatment: str) -> frozenset[str]:
        """Words by which a recorded reason may name a modification that omits the treatment."""
        found: set[str] = set()
        for name, modification in self.omissions.get(treatment, []):
            read = names_of(modification.if_) | {name}
            titles = [self.evidence.protocol.measures[m].title for m in read & set(self.evidence.protocol.measures)]
            found |= read | {t.in_(lang).lower() for t in titles if t is not None for lang in ("en", "zh")}
        return frozenset(w.replace("-", " ").lower() for w in found) | frozenset(w.lower() for w in found)


def read_states(plan: Plan, e: Evidence) -> States:
    """The states of every treatment of the protocol in one partition."""
    treatments = tuple(e.protocol.treatments)
    states: dict[str, list[State]] = {t: _recorded_holds(e, t) for t in treatments}
    omissions: dict[str, list[tuple[str, Modification]]] = {t: [] for t in treatments}
    for name, modification in e.protocol.modifications.items():
        for action in (*modification.then, *modification.may):
            for treatment in _targets(e, action.target, treatments):
                if action.verb == "omit":
                    omissions[treatment].append((name, modification))
                elif action.verb in ("hold", "stop", "delay"):
                    kind = {"hold": HOLD, "stop": STOP, "delay": DELAY}[action.verb]
                    up_to = action.up_to.days if action.up_to is not None else None
                    states[treatment].append(_spells(e, name, modification, kind, up_to))
                if action.verb == "delay":
                    states[treatment] += [_as_delay(hold, up_to) for hold in _recorded_holds(e, treatment)]
    return States(e, states, omissions, _not_enrolled(e), _ends(e, treatments))


def _as_delay(hold: State, up_to: int | None) -> State:
    """A hold on record proves the delay that the protocol orders, once it has ended (situation S23)."""
    ended = np.flatnonzero(~hold.open)
    columns = {c: getattr(hold, c)[ended] for c in ("s", "start", "end", "begins", "ends", "open", "row")}
    return State(DELAY, hold.name, **columns, up_to=up_to)


def _targets(e: Evidence, target: str, treatments: Sequence[str]) -> list[str]:
    if target == "all":
        return list(treatments)
    return [t for t in treatments if t == target or e.protocol.treatments[t].product == target]


def _spells(e: Evidence, name: str, m: Modification, kind: int, up_to: int | None) -> State:
    """The spells of one modification: from the day its condition becomes true to the day `until` does."""
    s, day, minute = _change_points(e, names_of((*m.if_, *m.until)))
    begins = all_of(m.if_, e, s, day) == 1
    if kind == STOP:
        ends = np.zeros(len(s), np.bool_)
    else:
        ends = (all_of(m.until, e, s, day) == 1) if m.until else (all_of(m.if_, e, s, day) == 0)
    on = _held(s, begins, ends & ~begins)
    before = np.concatenate(([False], on[:-1] & (s[1:] == s[:-1]))) if len(s) else on
    starts = np.flatnonzero(on & ~before)
    stop_day = np.full(len(starts), FOREVER, np.int32)
    off = np.flatnonzero(~on & before)
    following = np.searchsorted(off, starts)
    has = following < len(off)
    where = off[np.minimum(following, max(len(off) - 1, 0))] if len(off) else starts
    mine = has & (s[where] == s[starts]) if len(off) else np.zeros(len(starts), np.bool_)
    stop_day[mine] = day[where[mine]]
    rows = np.full(len(starts), NONE, np.int32)
    begins_at, ends_at = _moment(day[starts], minute[starts], DAY), stop_day.astype(np.int64) * DAY
    never = np.zeros(len(starts), np.bool_)
    return State(kind, name, s[starts], day[starts], stop_day, begins_at, ends_at, never, rows, up_to)


def _moment(day: Ints, minute: Ints, missing: int) -> Longs:
    """Days and minutes of the day as minutes from 1970; `missing` stands for a minute that is not recorded."""
    return day.astype(np.int64) * DAY + np.where(minute == NONE, missing, minute)


def _place(s: Ints, moment: Longs) -> Longs:
    """One sortable number for (participant, moment)."""
    return (s.astype(np.int64) << 32) + moment


def _held(s: Ints, begins: Flags, ends: Flags) -> Flags:
    """At each change point whether the state is on: the last thing that happened to the participant decides."""
    n = len(s)
    if not n:
        return begins
    first = np.concatenate(([True], s[1:] != s[:-1]))
    marked = begins | ends | first
    last = np.maximum.accumulate(np.where(marked, np.arange(n), 0))
    return begins[last]


def _change_points(e: Evidence, names: frozenset[str]) -> tuple[Ints, Ints, Ints]:
    """The days on which anything that these names read may change, once per participant and day, and the minute.

    The minute is the last of the day, for the day's last values decide; `NONE` where one of them has no time.
    """
    nothing = np.zeros(0, np.int32)
    found: list[tuple[Ints, Ints, Ints]] = [(nothing, nothing, nothing)]
    for name in _resolved(e, names):
        if name in e.protocol.events:
            spells = e.events(event_words(e.protocol, name))
            found.append((spells.s, spells.start, _minutes(e.frames["events"], "start", spells.row)))
        elif name in e.milestones:
            last = e.milestone(name).last
            there = np.flatnonzero(last != NONE).astype(np.int32)
            found.append((there, last[there], np.full(len(there), NONE, np.int32)))
        else:
            points = e.measure(name)
            found.append((points.s, points.day, _known_at(e.frames["observations"], points.row, points.day)))
    s, day, minute = (np.concatenate(column).astype(np.int32) for column in zip(*found, strict=True))
    order = np.lexsort((minute, key(s, day)))
    order = order[day[order] != NONE]
    s, day, minute = s[order], day[order], minute[order]
    _, first, count = np.unique(key(s, day), return_index=True, return_counts=True)
    latest = np.where(minute[first] == NONE, NONE, minute[first + count - 1]).astype(np.int32)
    return s[first], day[first], latest


def _minutes(frame: pl.DataFrame, column: str, rows: Ints) -> Ints:
    """The minute of the day of these records, `NONE` where they have no time."""
    return whole(frame, f"{column}_minute").astype(np.int32)[_lines(frame, rows)]


def _known_at(frame: pl.DataFrame, rows: Ints, day: Ints) -> Ints:
    """The minute at which values of a day were known: reported, else taken; `NONE` where it cannot be told."""
    reported = days(frame, "reported")[_lines(frame, rows)]
    minute = np.where(reported == NONE, _minutes(frame, "at", rows), _minutes(frame, "reported", rows))
    return np.where((reported == NONE) | (reported == day), minute, NONE).astype(np.int32)


def _lines(frame: pl.DataFrame, rows: Ints) -> Ints:
    """Where these rows of the study's table stand in the partition's slice of it."""
    row = frame["row"].to_numpy()
    order = np.argsort(row)
    return order[np.searchsorted(row, rows, sorter=order)].astype(np.int32)


def _resolved(e: Evidence, names: frozenset[str]) -> frozenset[str]:
    """Names with criteria replaced by what they read."""
    resolved: set[str] = set()
    for name in names:
        criterion = e.protocol.criteria.get(name)
        resolved |= {name} | (set(_resolved(e, criterion.condition.names())) if criterion is not None else set())
    return frozenset(resolved)


def _named_in(protocol: Protocol, detail: str | None) -> frozenset[str]:
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


def _recorded_holds(e: Evidence, treatment: str) -> list[State]:
    """Holds that the site recorded: of this treatment, or of no treatment in particular."""
    frame = e.frames["events"].with_columns(word=pl.col("event").str.to_lowercase())
    frame = frame.filter(pl.col("word").is_in(["hold", "resume"]))
    meant = {detail: _named_in(e.protocol, detail) for detail in frame["detail"].unique()}
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
    ends = np.where(last == NONE, resumed, _moment(last, whole(held, "end_minute").astype(np.int32), DAY))
    begins = _moment(start, whole(held, "start_minute").astype(np.int32), DAY)
    holds = State(HOLD, "hold", s, start, end, begins, ends, opened, held["row"].to_numpy())
    # A hold with an end proves its own days, whatever one without an end leaves open beside it.
    return [_merged(holds, np.flatnonzero(among).astype(np.int32)) for among in (opened, ~opened) if among.any()]


def _merged(state: State, chosen: Ints) -> State:
    """These spells of a state, those of a participant that overlap as one: the one that reaches furthest ends it."""
    chosen = chosen[np.lexsort((state.start[chosen], state.begins[chosen], state.s[chosen]))]
    s = state.s[chosen]
    # Participants first: no spell reaches into those of the next participant.
    until = np.maximum.accumulate(_place(s, state.ends[chosen]))
    end = np.maximum.accumulate(key(s, state.end[chosen]))
    heads = np.flatnonzero(np.concatenate(([True], _place(s, state.begins[chosen])[1:] >= until[:-1])))
    last, first, s = np.append(heads[1:], len(s)) - 1, chosen[heads], s[heads]
    return replace(
        state,
        s=s,
        start=state.start[first],
        end=(end[last] - key(s, np.zeros(len(s), np.int32))).astype(np.int32),
        begins=state.begins[first],
        ends=until[last] - _place(s, np.zeros(len(s), np.int64)),
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
    order = np.lexsort((_moment(day, minute, DAY - 1), rs))
    rs, day, minute = rs[order], day[order], minute[order]
    s, since = held["s"].to_numpy(), _moment(days(held, "start"), whole(held, "start_minute").astype(np.int32), 0)
    at = np.searchsorted(_place(rs, _moment(day, minute, DAY - 1)), _place(s, since))
    there = at < len(rs)
    at = np.minimum(at, len(rs) - 1)
    return np.where(there & (rs[at] == s), _moment(day[at], minute[at], 0), FOREVER * DAY)


def _not_enrolled(e: Evidence) -> Flags:
    """Screened and not enrolled: nothing is expected of them (situation S35)."""
    frame = e.frames["subjects"]
    outcome = frame["screening_outcome"].str.to_lowercase().fill_null("")
    failed = outcome.str.contains_any(["fail", "not enrolled", "not eligible", "筛选失败"])
    return failed.to_numpy()


def _ends(e: Evidence, treatments: Sequence[str]) -> dict[str, tuple[Ints, Ints]]:
    """Ends by what they end: death everything, withdrawal the trial, discontinuation a treatment or all of them."""
    everything = [
        e.milestone(m)
        for m in ("death", "withdrawal", "withdrawal-from-the-trial", "withdrawal-of-consent", "completion")
    ]
    participation = _earliest([(m.first, m.last) for m in everything])
    stopped = e.milestone("discontinuation")
    treatment = _earliest([participation, (stopped.first, stopped.last)])
    ends = {"participation": participation, "treatment": treatment}
    for name in treatments:
        own = [e.milestone(f"discontinuation-{name}"), e.milestone(f"discontinuation-of-{name}")]
        ends[f"treatment {name}"] = _earliest([treatment, *((m.first, m.last) for m in own)])
    return ends


def _earliest(ends: Sequence[tuple[Ints, Ints]]) -> tuple[Ints, Ints]:
    first, last = (np.where(days == NONE, FOREVER, days) for days in ends[0])
    for other_first, other_last in ends[1:]:
        first = np.minimum(first, np.where(other_first == NONE, FOREVER, other_first))
        last = np.minimum(last, np.where(other_last == NONE, FOREVER, other_last))
    return (
        np.where(first == FOREVER, NONE, first).astype(np.int32),
        np.where(last == FOREVER, NONE, last).astype(np.int32),
    )
