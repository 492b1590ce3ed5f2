"""A default of this tool that decides.

What
----
Nothing is written where a default of the language decides: what follows a late or a missed dose of a series (`late:
keep`, `missed: skip`), and what a month after the 31st is (`months: clamp`).

Why it matters
--------------
The dates of everything after a late dose hang on it. A default is printed as assumed, never as the sponsor's
criterion.

Way out
-------
Write the field, even where the default is meant.

Bad
---
treatments: {drug: {due: day 0, every: 7 d, times: 3, window: ±1 d}}

Good
----
treatments: {drug: {due: day 0, every: 7 d, times: 3, window: ±1 d, late: keep, missed: skip}}
"""

from collections.abc import Iterator

from protocol.model import Treatment
from protocol.timing import Duration, Moment
from protocol.walk import values
from protocol.yaml_text import Path
from rules.lint.check import Check, Hit
from rules.lint.draft import Draft


def _find(draft: Draft) -> Iterator[Hit]:
    told: set[str] = set()
    for part in draft.plan.parts:
        element = part.element
        if part.activity in told or not isinstance(element, Treatment) or part.course or element.every is None:
            continue
        silent = [word for word in ("late", "missed") if element.written(word) is None]
        if silent:
            told.add(part.activity)
            said = ", ".join(f"{word}: {getattr(element, word)}" for word in silent)
            yield Hit(draft.path(part), {"where": part.activity, "said": said}, source="default")
    months = next(_months(draft), None) if draft.protocol.written("months") is None else None
    if months is not None:
        yield Hit(
            months, {"where": ".".join(map(str, months)), "said": f"months: {draft.protocol.months}"}, source="default"
        )


def _months(draft: Draft) -> Iterator[Path]:
    """Where something is counted in months or years from a day that differs among participants."""
    for block in ("cycles", "treatments", "visits", "assessments"):
        for path, span in values(getattr(draft.protocol, block), Duration | Moment, (block,)):
            instants = span.alternatives if isinstance(span, Moment) else ()
            spans = [span] if isinstance(span, Duration) else [s for i in instants for s in (i.offset, i.low, i.high)]
            if any(each is not None and each.months for each in spans):
                yield path


default_used = Check(
    code="default_used",
    title="A default of this tool decides",
    page=__doc__,
    find=_find,
    message="{where}: nothing is written, so that {said} holds, a default of this tool",
    remedy="write it, even where the default is meant",
    kind="to confirm",
)
