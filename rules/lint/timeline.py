"""The days that a protocol plans, worked out by the engine for participants of whom nothing but day zero is known.

Fourteen of them an arm, on every weekday twice and over a whole year, so that months of every length are among them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from protocol.model import Endpoint, Protocol
from protocol.timing import Duration, FirstDay, offset_of
from rules.arrays import Ints
from rules.facts import from_frames
from rules.identity.assignment import NONE
from rules.partitions import over_partitions
from rules.planning.slots import ArmPlan, Plan, Ref, Slot, Span
from rules.timing.calendar import add_span

_DAYS = tuple(date(2021, 1, 1) + timedelta(days=26 * n) for n in range(14))
"""26 days are five weekdays on, so that fourteen of them hold every weekday twice; two Februaries of 28 days."""
ZERO: Ints = np.array([(day - date(1970, 1, 1)).days for day in _DAYS], np.int32)
"""Day zero of each participant, in days since 1970-01-01, as all days here."""


@dataclass(frozen=True)
class Line:
    """The planned occurrences of one arm: days[Z, P], one row for each day zero; `NONE` where day zero tells none.

    What an occurrence without a window `opens` and `closes` on is its target.
    """

    protocol: Protocol
    arm: ArmPlan
    due: Ints
    opens: Ints
    closes: Ints

    @property
    def slots(self) -> tuple[Slot, ...]:
        """The occurrences, one a column."""
        return self.arm.slots

    def known(self, column: int) -> bool:
        """Whether its target follows from day zero."""
        return bool((self.due[:, column] != NONE).all())

    def study_day(self, days: Ints) -> int:
        """Days as an offset from day zero, of the first participant."""
        return int(days[0] - ZERO[0])

    def day_of(self, ref: Ref) -> Ints | None:
        """The planned day of what an occurrence counts from; None where day zero does not tell it."""
        if ref.kind == "milestone" and ref.name == "day-zero":
            return ZERO
        if ref.kind in ("slot", "previous") and ref.slot >= 0 and self.known(ref.slot):
            return self.due[:, ref.slot]
        return None

    def after(self, days: Ints, span: Span | Duration) -> Ints | None:
        """Those days that much later; None for working days, which hang on a site's calendar."""
        if span.working:
            return None
        whole = span.days + int(span.minutes / 1440)
        found: Ints = add_span(days, span.months, whole, self.protocol.months)
        return found

    def endpoint(self, endpoint: Endpoint) -> tuple[Ints, Ints, Ints] | None:
        """The target of an endpoint and the ends of its window; None where its days do not follow from day zero."""
        due, window = self._target(endpoint), endpoint.window
        if due is None or (window is not None and (window.clock or window.share)):
            return None
        low, high = (self.after(due, end) for end in (window.low, window.high)) if window is not None else (due, due)
        return None if low is None or high is None else (due, low, high)

    def _target(self, endpoint: Endpoint) -> Ints | None:
        instants = endpoint.due.alternatives if endpoint.due is not None else ()
        if len(instants) != 1:
            return None
        instant = instants[0]
        if instant.day is not None:
            return ZERO + offset_of(instant.day, self.protocol.first_day or FirstDay.parse("0"))
        anchored = instant.anchor is not None and instant.anchor.name == "day-zero"
        return self.after(ZERO, instant.offset) if anchored and instant.offset is not None else None


def lines_of(plan: Plan) -> tuple[Line, ...]:
    """The planned occurrences of every arm that has any."""
    from_birth = (zero := plan.protocol.milestones.get("day-zero")) and zero.anchor and zero.anchor.name == "birth"
    rows = [
        {"subject": f"{arm}/{n:02}", "arm": arm, "day_zero": str(day)}
        | ({"birth_date": str(day)} if from_birth else {})
        for arm in plan.arms
        for n, day in enumerate(_DAYS)
    ]
    study = from_frames("planned", {"subjects": rows})
    found = []
    for laid in over_partitions([plan], study, None, lambda laid: laid):
        for grid in laid.grids:
            assert (laid.zero[grid.s] == ZERO).all()
            opens, closes = (np.where(days != NONE, days, grid.due) for days in (grid.opens, grid.closes))
            found.append(Line(plan.protocol, grid.arm, grid.due, opens, closes))
    return tuple(found)
