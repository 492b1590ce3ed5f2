"""What comes after a treatment that the protocol may stop before its end, and whether it says what becomes of that."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from protocol.conditions import Condition, names_of
from protocol.model import Modification, Protocol, Treatment
from rules.planning.slots import ArmPlan, Plan


class Sequel(NamedTuple):
    """A treatment that begins after another one ends, which a modification stops: what becomes of it is not said."""

    modification: str
    stopped: str
    after: str
    arms: tuple[str, ...]


def unsaid_sequels(plan: Plan) -> Iterator[Sequel]:
    """What follows a treatment that a modification stops, and is named neither there nor in a condition of its own."""
    protocol = plan.protocol
    for name, modification in protocol.modifications.items():
        for action in (*modification.then, *modification.may):
            stopped = protocol.treatments.get(action.target)
            if action.verb != "stop" or stopped is None:
                continue
            for after in protocol.treatments:
                arms = tuple(arm.arm for arm in plan.arms.values() if _follows(arm, action.target, after))
                if arms and not _said(protocol, modification, action.target, after):
                    yield Sequel(name, action.target, after, arms)


def _follows(arm: ArmPlan, first: str, after: str) -> bool:
    """Whether a treatment of an arm begins once another is over: it counts from it, or from the same day and later."""
    before, then = arm.columns(first), arm.columns(after)
    if not before or not then or first == after:
        return False
    last, begins = arm.slots[before[-1]], arm.slots[then[0]]
    if begins.follows or last.part.course:
        return False
    if begins.ref.kind == "slot":
        return begins.ref.slot in before
    same = begins.ref == last.ref and begins.ref.kind == "milestone"
    return same and begins.offset.about > last.offset.about


def _said(protocol: Protocol, modification: Modification, stopped: str, after: str) -> bool:
    """Whether the modification, or a condition of the treatment, says what becomes of it."""
    named = {action.target for action in (*modification.then, *modification.may)}
    treatment = protocol.treatments[after]
    if named & {after, str(treatment.product), "all"}:
        return True
    reads = set(names_of(modification.if_)) | {stopped}
    return any(reads & set(names_of(_conditions(part))) for part in treatment.parts())


def _conditions(part: Treatment) -> tuple[Condition, ...]:
    return (*part.if_, *part.may_if, *part.requires)
