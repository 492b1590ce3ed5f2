"""An endpoint on a day on which nobody measures it.

What
----
A response is due on a day, and what it is worked out from is measured at other times only, outside the window of the
endpoint (its day, where it has none).

Why it matters
--------------
The endpoint cannot be told, for any participant, and nothing can be measured afterwards.

Way out
-------
Schedule a visit on that day that measures it, or give the endpoint a window that holds one.

Bad
---
measures: {response: {values: [no, partial, complete]}}
visits: {day-28: {due: day 28, window: ±2 d, does: [response]}}
endpoints: {response-90: {measure: response, due: day 90, window: ±7 d}}

Good
----
measures: {response: {values: [no, partial, complete]}}
visits: {day-90: {due: day 90, window: ±7 d, does: [response]}}
endpoints: {response-90: {measure: response, due: day 90, window: ±7 d}}
"""

from collections.abc import Iterator

from rules.arrays import Ints
from rules.lint.check import Check, Hit
from rules.lint.draft import Draft
from rules.lint.timeline import ZERO, Line


def _find(draft: Draft) -> Iterator[Hit]:
    for name, endpoint in draft.protocol.endpoints.items():
        for line in draft.lines if endpoint.measure is not None else ():
            days = line.endpoint(endpoint)
            if days is None or endpoint.measure is None:
                continue
            parts = draft.measured.parts(endpoint.measure)
            missing = [part for part in parts if not _measured(draft, line, part, *days[1:])]
            if missing:
                words = {"endpoint": name, "measure": endpoint.measure, "missing": ", ".join(missing)}
                yield Hit(("endpoints", name, "due"), words | {"day": int(days[0][0] - ZERO[0])})
                break


def _measured(draft: Draft, line: Line, measure: str, low: Ints, high: Ints) -> bool:
    """Whether it may be measured within those days; true where its own days are not known."""
    windows = draft.measured.windows(measure, line)
    return windows is None or any(((opens <= high) & (closes >= low)).all() for opens, closes in windows)


endpoint_unmeasured = Check(
    code="endpoint_unmeasured",
    title="Endpoint on a day on which nobody measures it",
    page=__doc__,
    find=_find,
    message="{endpoint} takes {measure} on day {day}, and {missing} is not measured within its window",
    remedy="schedule a visit on that day that measures it, or give the endpoint a window that holds one",
)
