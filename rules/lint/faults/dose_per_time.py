"""A dose in the wrong dimension: per day, where it is not given every day.

What
----
An amount per day of a treatment whose doses are not one day apart, or an amount per hour, which is a rate.

Why it matters
--------------
5 mg/kg/d once a week may mean 5 or 35 mg/kg each time: the limits of every dose hang on the reading.

Way out
-------
Write the amount of each dose: `35 mg/kg`. A rate stands under `rate`.

Bad
---
weight: {use: baseline}
treatments:
  drug: {due: day 0, every: 7 d, times: 4, window: ±1 d, dose: 2.5 to 3.5 mg/kg/d}

Good
----
weight: {use: baseline}
treatments:
  drug: {due: day 0, every: 7 d, times: 4, window: ±1 d, dose: 2.5 to 3.5 mg/kg}
"""

from collections.abc import Iterator
from itertools import pairwise

from protocol.model import Treatment
from protocol.quantity import Range
from rules.lint.check import Check, Hit
from rules.lint.draft import Draft
from rules.lint.timeline import Line
from rules.planning.slots import Part


def _find(draft: Draft) -> Iterator[Hit]:
    for part in draft.plan.parts:
        if not isinstance(part.element, Treatment):
            continue
        for index, dose in enumerate(part.element.dose):
            amount = dose.amount or dose.start
            if amount is None:
                continue
            dimension = (amount.low if isinstance(amount, Range) else amount).dimension
            words = {"activity": part.activity, "amount": amount}
            place = draft.path(part, "dose", index)
            if dimension.endswith("/time") and "/weight" not in dimension and "/surface" not in dimension:
                yield Hit(place, words, "rate")
            elif dose.daily and not part.course:
                apart = {days for line in draft.lines for days in _apart(line, part)} - {1}
                if apart:
                    yield Hit(place, words | {"apart": max(apart)}, "apart")


def _apart(line: Line, part: Part) -> Iterator[int]:
    """How many days lie between the doses of a part; what accompanies another is as far apart as that is."""
    columns = [c for c, slot in enumerate(line.slots) if slot.part.code == part.code and line.known(c)]
    columns.sort(key=lambda c: line.slots[c].occurrence)
    for before, after in pairwise(columns):
        yield int(line.due[0, after] - line.due[0, before])


dose_per_time = Check(
    code="dose_per_time",
    title="Dose in the wrong dimension",
    page=__doc__,
    find=_find,
    message={
        "apart": "{activity} is {amount}, an amount per day, and its doses are {apart} days apart",
        "rate": "{activity} is {amount}: that is a rate, no dose",
    },
    remedy="write the amount of each dose; a rate stands under rate",
)
