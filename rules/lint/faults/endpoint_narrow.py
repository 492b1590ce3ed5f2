"""An endpoint with a narrower window than the visit that measures it.

What
----
A response is due on a day, and the visit that measures it may be on time on a day outside the window of the endpoint,
which is the day alone where none is written. No other visit measures it within that window in every case.

Why it matters
--------------
A participant who comes within the window of the visit complies, and has no response: it cannot be told.

Way out
-------
Give the endpoint a window that holds the whole window of the visit.

Bad
---
measures: {response: {values: [no, partial, complete]}}
visits: {day-90: {due: day 90, window: ±7 d, does: [response]}}
endpoints: {response-90: {measure: response, due: day 90}}

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
from rules.lint.timeline import Line


def _find(draft: Draft) -> Iterator[Hit]:
    for name, endpoint in draft.protocol.endpoints.items():
        for line in draft.lines if endpoint.measure is not None else ():
            days = line.endpoint(endpoint)
            if days is None or endpoint.measure is None:
                continue
            own = [line.study_day(end) for end in days[1:]]
            wider = ((part, _wider(draft, line, part, *days[1:])) for part in draft.measured.parts(endpoint.measure))
            found = next(((part, span) for part, span in wider if span is not None), None)
            if found is not None:
                part, (opens, closes) = found
                words = {"endpoint": name, "measure": part, "low": own[0], "high": own[1]}
                yield Hit(("endpoints", name), words | {"opens": opens, "closes": closes})
                break


def _wider(draft: Draft, line: Line, measure: str, low: Ints, high: Ints) -> tuple[int, int] | None:
    """The window of what measures it near those days, where none lies wholly within them."""
    near = [
        window
        for window in draft.measured.windows(measure, line) or ()
        if ((window[0] <= high) & (window[1] >= low)).all()
    ]
    if not near or any(((opens >= low) & (closes <= high)).all() for opens, closes in near):
        return None
    opens, closes = near[0]
    return line.study_day(opens), line.study_day(closes)


endpoint_narrow = Check(
    code="endpoint_narrow",
    title="Endpoint narrower than the visit that measures it",
    page=__doc__,
    find=_find,
    message="{endpoint} counts {measure} from day {low} to {high}, and who comes for it from day {opens} to {closes} "
    "(counted from day zero) is on time: outside that the endpoint cannot be told",
    remedy="give the endpoint a window that holds the whole window of the visit",
)
