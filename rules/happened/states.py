"""When a treatment is held, stopped, delayed or to be omitted, and when nothing more is expected of a participant.

States come from the protocol's modifications (a condition, and `until`) and from holds and ends on record. A state
begins on the day its condition becomes true, and lasts up to the day on which `until` becomes true. Whether a dose on
such a day falls into it is told by clock times, where both are on record; else that day does not count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from protocol.conditions import names_of
from rules.arrays import NONE, Flags, Ints
from rules.happened.evidence import Evidence
from rules.happened.holds import as_delay, paused_states, recorded_holds, targets
from rules.happened.spells import DELAY, FOREVER, HOLD, OMIT, STOP, State, moment_of, place_of_moment, spells_of
from rules.happened.truth import Truth, all_of
from rules.planning.slots import Kind, Plan
from rules.timing.cycles import Waiting

LOST = ("lost-to-follow-up", "declared-lost")
"""Milestones by which a participant is declared lost: from then on nothing is expected."""


class Place(NamedTuple):
    """Where in the cycles a dose is planned: the number of its cycle and the day in it, 0 for none."""

    number: int = 0
    day: int = 0


NO_CYCLE = Place()


class Effect(NamedTuple):
    """What the states do to occurrences due on a day: which takes it away (negative: cannot be told), the day on
    which an ordered delay ends, and by how many days it may be later.
    """

    excuse: Ints
    until: Ints
    allowed: Ints


@dataclass(frozen=True)
class States:
    """All states by treatment, delays by cycle, and the ends of participation."""

    evidence: Evidence
    by_treatment: dict[str, list[State]]
    by_cycle: dict[str, list[State]]
    omissions: dict[str, list[State]]
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

    def excuse(self, treatment: str, s: Ints, due: Ints, place: Place = NO_CYCLE) -> Effect:
        """What the states do to occurrences of a treatment due on a day."""
        excuse, allowed = np.zeros(len(s), np.int32), np.zeros(len(s), np.int32)
        until = np.full(len(s), NONE, np.int32)
        for state in self.by_treatment.get(treatment, []):
            if not state.concerns(*place):
                continue
            inside, end = state.on(s, due)
            if state.kind == DELAY:
                until, allowed = _delayed(state, due, inside, end, until, allowed)
            if state.kind != DELAY or state.must:
                excuse = np.where(inside & ((excuse == 0) | (state.kind == STOP)), state.kind, excuse).astype(np.int32)
        for state in self.omissions.get(treatment, []):
            if state.concerns(*place):
                answer = all_of(state.conditions, self.evidence, s, due)
                excuse = np.where((excuse == 0) & (answer == 1), OMIT, excuse)
                excuse = np.where((excuse == 0) & (answer < 0), -OMIT, excuse).astype(np.int32)
        return Effect(excuse, until, allowed)

    def waiting(self, cycle: str, number: int, s: Ints, due: Ints, drugs: Sequence[str]) -> Waiting:
        """What delays do to a cycle due on a day; one whose day-1 drugs are all on hold waits until one is not.

        Where they have all ended by that day it is over.
        """
        until, allowed = np.full(len(s), NONE, np.int32), np.zeros(len(s), np.int32)
        for state in self.by_cycle.get(cycle, []):
            if state.concerns(number, 1):
                inside, end = state.on(s, due)
                until, allowed = _delayed(state, due, inside, end, until, allowed)
        ordered = until != NONE
        held = np.full(len(s), bool(drugs))
        ends = np.full(len(s), FOREVER, np.int32)
        for drug in drugs:
            last = np.full(len(s), NONE, np.int32)
            for state in self.by_treatment.get(drug, []):
                if state.kind == HOLD and state.concerns(number, 1):
                    inside, end = state.on(s, due)
                    last = np.where(inside, np.maximum(last, end), last).astype(np.int32)
            held &= last != NONE
            ends = np.minimum(ends, last)
        until = np.where(held, np.maximum(until, ends), until)
        over = np.logical_and.reduce([np.full(len(s), bool(drugs)), *(self._ended(d, number, s, due) for d in drugs)])
        return Waiting(np.where(until >= FOREVER, NONE, until).astype(np.int32), ordered, ordered | held, allowed, over)

    def _ended(self, drug: str, number: int, s: Ints, due: Ints) -> Flags:
        """Whether a drug due on day 1 of a cycle was stopped by that day, or it lies after the end of treatment."""
        last = self.end("treatment", drug, s)[1]
        ended: Flags = (last != NONE) & (due != NONE) & (due > last)
        for state in self.by_treatment.get(drug, []):
            if state.kind == STOP and state.must and state.concerns(number, 1):
                ended |= state.on(s, due)[0]
        return ended

    def at(self, treatment: str, kind: int, s: Ints, day: Ints, minute: Ints, number: Ints) -> Truth:
        """Whether a dose falls into a hold or after a stop that is ordered; `minute` is its time, `NONE` for none.

        Without both times the day on which the state began does not count. `number` is the cycle, 0 for none.
        """
        answer, timed = np.zeros(len(s), np.int8), minute != NONE
        moment = moment_of(day, minute, 0)
        for state in self.by_treatment.get(treatment, []):
            if state.kind != kind or not state.must or not len(state.s):
                continue
            at = np.searchsorted(place_of_moment(state.s, state.begins), place_of_moment(s, moment), side="right") - 1
            there = (at >= 0) & (day != NONE) & (state.s[at] == s) & (timed | (state.start[at] < day))
            inside = there & np.where(timed, moment < state.ends[at], day < state.end[at])
            inside &= state.includes(number)
            answer = np.where(inside & ~state.open[at], 1, answer)
            answer = np.where(inside & state.open[at] & (answer == 0), -1, answer).astype(np.int8)
        return answer

    def unclosed(self, treatment: str, s: Ints, day: Ints) -> tuple[Ints, Flags]:
        """The record of the hold that nobody closed before a day, `NONE` for none; whether all rests on its end."""
        row, doubt = np.full(len(s), NONE, np.int32), np.zeros(len(s), np.bool_)
        for state in self.by_treatment.get(treatment, []):
            inside, (at, there) = state.on(s, day)[0], state.spell(s, day)
            if state.kind == HOLD and state.open.any():
                row = np.where(there & state.open[at], state.row[at], row).astype(np.int32)
                doubt |= inside
        for state in self.by_treatment.get(treatment, []):
            if state.kind != DELAY and not state.open.any():
                doubt &= ~state.on(s, day)[0]
        return row, doubt

    def words(self, treatment: str) -> frozenset[str]:
        """Words by which a recorded reason may name a modification that omits the treatment."""
        found: set[str] = set()
        for state in self.omissions.get(treatment, []):
            read = names_of(state.conditions) | {state.name}
            titles = [self.evidence.protocol.measures[m].title for m in read & set(self.evidence.protocol.measures)]
            found |= read | {t.in_(lang).lower() for t in titles if t is not None for lang in ("en", "zh")}
        return frozenset(w.replace("-", " ").lower() for w in found) | frozenset(w.lower() for w in found)


def _delayed(state: State, due: Ints, inside: Flags, end: Ints, until: Ints, allowed: Ints) -> tuple[Ints, Ints]:
    """The end of an ordered delay, or the days that a permitted one allows, beside those of other delays."""
    if not state.must:
        more = np.where(inside, state.up_to if state.up_to is not None else FOREVER, 0)
        return until, np.maximum(allowed, more).astype(np.int32)
    limit = due + state.up_to if state.up_to is not None else np.full(len(due), FOREVER, np.int32)
    return np.where(inside, np.maximum(until, np.minimum(end, limit)), until).astype(np.int32), allowed


def read_states(plan: Plan, e: Evidence) -> States:
    """The states of every treatment of the protocol in one partition."""
    treatments = tuple(e.protocol.treatments)
    states: dict[str, list[State]] = {t: [*recorded_holds(e, t), *paused_states(e, t)] for t in treatments}
    cycles: dict[str, list[State]] = {c: [] for c in e.protocol.cycles}
    omissions: dict[str, list[State]] = {t: [] for t in treatments}
    kinds = {"hold": HOLD, "stop": STOP, "delay": DELAY, "omit": OMIT}
    for name, m in e.protocol.modifications.items():
        for action in (*m.then, *m.may):
            if action.verb not in kinds:
                continue
            up_to = action.up_to.days if action.up_to is not None else None
            state = spells_of(e, name, m, kinds[action.verb], up_to, must=action in m.then)
            if action.target in cycles:
                cycles[action.target].append(state)
            for treatment in targets(e.protocol, action.target):
                if action.verb == "omit":
                    omissions[treatment].append(state)
                else:
                    states[treatment].append(state)
                if action.verb == "delay":
                    states[treatment] += [as_delay(hold, up_to) for hold in recorded_holds(e, treatment)]
    return States(e, states, cycles, omissions, _not_enrolled(e), _ends(e, treatments))


def _not_enrolled(e: Evidence) -> Flags:
    """Screened and not enrolled: nothing is expected of them (situation S35)."""
    frame = e.frames["subjects"]
    if frame["screening_outcome"].null_count() == len(frame):
        return np.zeros(len(frame), np.bool_)
    outcome = frame["screening_outcome"].str.to_lowercase().fill_null("")
    failed = outcome.str.contains_any(["fail", "not enrolled", "not eligible", "筛选失败"])
    return failed.to_numpy()


def _ends(e: Evidence, treatments: Sequence[str]) -> dict[str, tuple[Ints, Ints]]:
    """Ends by what they end: death everything, withdrawal the trial, discontinuation a treatment or all of them."""
    everything = [
        e.milestone(m)
        for m in ("death", "withdrawal", "withdrawal-from-the-trial", "withdrawal-of-consent", "completion", *LOST)
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
