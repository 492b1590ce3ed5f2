"""What becomes of what follows a stopped treatment.

What
----
A modification stops a treatment, another treatment begins after it, and nothing says whether that one is given when the
first was stopped before its end.

Why it matters
--------------
After the reaction somebody has to decide within days, and every site decides by itself: whether the dose was right
cannot be told.

Way out
-------
Say it in the modification: `then: [stop atg, continue cells]` or `[stop atg, stop cells]`; or give the later treatment
a condition, such as `if: no event anaphylaxis`.

Bad
---
events: {anaphylaxis: an anaphylactic reaction}
treatments:
  atg: {due: days 0 to 4, window: ±0 d, dose: 50 to 60 mg}
  cells: {due: day 14, window: ±1 d, dose: {amount: 10 mg, tolerance: ±10 %}}
modifications: {anaphylaxis: {if: event anaphylaxis, then: stop atg}}

Good
----
events: {anaphylaxis: an anaphylactic reaction}
treatments:
  atg: {due: days 0 to 4, window: ±0 d, dose: 50 to 60 mg}
  cells: {due: day 14, window: ±1 d, dose: {amount: 10 mg, tolerance: ±10 %}}
modifications: {anaphylaxis: {if: event anaphylaxis, then: [stop atg, continue cells]}}
"""

from collections.abc import Iterator

from rules.lint.check import Check, Hit
from rules.lint.draft import Draft
from rules.planning.sequels import unsaid_sequels


def _find(draft: Draft) -> Iterator[Hit]:
    for sequel in unsaid_sequels(draft.plan):
        path = ("modifications", sequel.modification)
        yield Hit(path, {"activity": sequel.stopped, "after": sequel.after})


sequel_unsaid = Check(
    code="sequel_unsaid",
    title="What follows a stopped treatment is not said",
    page=__doc__,
    find=_find,
    message="{activity} is stopped, and nothing says whether {after} follows all the same",
    remedy="add 'continue {after}' or 'stop {after}', or give {after} a condition",
)
