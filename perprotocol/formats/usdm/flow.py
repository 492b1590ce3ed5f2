"""The way through a timeline: its points in order, what is repeated, and what a decision leaves out for some."""

from __future__ import annotations

from dataclasses import dataclass, field

from perprotocol.formats.usdm.model import Instance, ScheduleTimeline


@dataclass(frozen=True)
class Loop:
    """Points that come again: from `base` to the decision, `until` its condition holds or, else, while it does."""

    decision: Instance
    condition: str
    until: bool
    body: tuple[Instance, ...]

    @property
    def base(self) -> Instance:
        """Where each round begins."""
        return self.body[0]


@dataclass(frozen=True)
class Branch:
    """Points only for those of whom a condition holds (`inside`), and only for the others (`outside`)."""

    decision: Instance
    condition: str
    inside: frozenset[str]
    outside: frozenset[str]


@dataclass
class Flow:
    """A timeline with its points in order."""

    timeline: ScheduleTimeline
    order: list[Instance] = field(default_factory=list)
    loops: list[Loop] = field(default_factory=list)
    branches: list[Branch] = field(default_factory=list)
    unreached: list[Instance] = field(default_factory=list)

    def place(self, identity: str) -> int:
        """Where a point comes in the order."""
        return next(n for n, one in enumerate(self.order) if one.id == identity)

    def loop_of(self, identity: str) -> Loop | None:
        """The innermost loop that a point lies in."""
        found = [loop for loop in self.loops if any(one.id == identity for one in loop.body)]
        return min(found, key=lambda loop: len(loop.body)) if found else None


def follow(timeline: ScheduleTimeline) -> Flow:
    """The way through a timeline whose loops all have an exit."""
    flow = Flow(timeline)
    known = {one.id: one for one in timeline.instances}
    at: str | None = timeline.entry_id
    aside: list[tuple[Instance, str, str]] = []
    while at in known and at not in {one.id for one in flow.order}:
        here = known[at]
        flow.order.append(here)
        passed = [one.id for one in flow.order]
        at = here.default_condition_id
        back = at in passed
        for chosen in here.condition_assignments:
            if chosen.condition_target_id in passed:
                flow.loops.append(_loop(flow, here, chosen.condition, chosen.condition_target_id, until=False))
            elif back and at is not None:
                flow.loops.append(_loop(flow, here, chosen.condition, at, until=True))
                at, back = chosen.condition_target_id, False
            else:
                aside.append((here, chosen.condition, chosen.condition_target_id))
    for decision, condition, target in aside:
        flow.branches.append(_branch(flow, known, decision, condition, target))
    reached = {one.id for one in flow.order}
    flow.unreached = [one for one in timeline.instances if one.id not in reached]
    flow.order += flow.unreached
    return flow


def _loop(flow: Flow, decision: Instance, condition: str, base: str, *, until: bool) -> Loop:
    return Loop(decision, condition, until, tuple(flow.order[flow.place(base) :]))


def _branch(flow: Flow, known: dict[str, Instance], decision: Instance, condition: str, target: str) -> Branch:
    """The points of a side way up to where it joins the main way; those of the main way that it leaves out."""
    main = [one.id for one in flow.order]
    inside: list[str] = []
    at: str | None = target
    while at in known and at not in main and at not in inside:
        inside.append(at)
        at = known[at].default_condition_id
    flow.order[flow.place(decision.id) + 1 : flow.place(decision.id) + 1] = [known[one] for one in inside]
    start = main.index(decision.id) + 1
    end = main.index(at) if at in main else len(main)
    return Branch(decision, condition, frozenset(inside), frozenset(main[start : max(start, end)]))
