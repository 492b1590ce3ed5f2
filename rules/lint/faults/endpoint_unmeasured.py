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

from protocol.model import Endpoint
from protocol.timing import FirstDay, offset_of
from rules.arrays import Ints
from rules.lint.check import Check, Hit
from rules.lint.draft import Draft
from rules.lint.timeline import ZERO, Line


def _find(draft: Draft) -> Iterator[Hit]:
    for name, endpoint in draft.protocol.endpoints.items():
        for line in draft.lines if endpoint.measure is not None else ():
            due = _due(draft, line, endpoint)
            missing = (
                []
                if due is None
                else [m for m in _parts(draft, endpoint) if not _measured(draft, line, endpoint, due, m)]
            )
            if due is not None and missing:
                words = {"endpoint": name, "measure": endpoint.measure, "missing": ", ".join(missing)}
                yield Hit(("endpoints", name, "due"), words | {"day": int(due[0] - ZERO[0])})
                break


def _due(draft: Draft, line: Line, endpoint: Endpoint) -> Ints | None:
    """The day of an endpoint, where it follows from day zero."""
    instants = endpoint.due.alternatives if endpoint.due is not None else ()
    if len(instants) != 1:
        return None
    instant = instants[0]
    if instant.day is not None:
        first = draft.protocol.first_day or FirstDay.parse("0")
        return ZERO + offset_of(instant.day, first)
    anchored = instant.anchor is not None and instant.anchor.name == "day-zero" and instant.offset is not None
    return line.after(ZERO, instant.offset) if anchored and instant.offset is not None else None


def _parts(draft: Draft, endpoint: Endpoint) -> list[str]:
    """What the measure of an endpoint is worked out from, of what is measured at all."""
    measure = endpoint.measure or ""
    needed = (
        draft.measured.computed.get(measure, frozenset({measure})) if measure not in draft.measured.by else {measure}
    )
    return sorted(needed & set(draft.measured.by))


def _measured(draft: Draft, line: Line, endpoint: Endpoint, due: Ints, measure: str) -> bool:
    """Whether it may be measured within the window of the endpoint; true where its days are not known."""
    windows = draft.measured.windows(measure, line)
    window = endpoint.window
    if windows is None or (window is not None and (window.clock or window.share)):
        return True
    ends = [line.after(due, end) for end in (window.low, window.high)] if window is not None else [due, due]
    low, high = ends
    return low is None or high is None or any(((opens <= high) & (closes >= low)).all() for opens, closes in windows)


endpoint_unmeasured = Check(
    code="endpoint_unmeasured",
    title="Endpoint on a day on which nobody measures it",
    page=__doc__,
    find=_find,
    message="{endpoint} takes {measure} on day {day}, and {missing} is not measured within its window",
    remedy="schedule a visit on that day that measures it, or give the endpoint a window that holds one",
)
