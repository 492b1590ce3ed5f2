"""A criterion of importance that nothing can meet.

What
----
`importance` names a rule that does not exist, or a bound in another unit than that in which the rule measures.

Why it matters
--------------
What the sponsor meant to be important stays unclassified, without a word.

Way out
-------
Write the code of a rule (`perprotocol explain --list`), and the bound in its unit.

Bad
---
importance: {dose_too_late: important above 3 d}

Good
----
importance: {dose_late: important above 3 d}
"""

import difflib
from collections.abc import Iterator

from rules.deviations import BY_CODE
from rules.lint.check import Check, Hit
from rules.lint.draft import Draft
from rules.telling.importance import unusable_criteria


def _find(draft: Draft) -> Iterator[Hit]:
    for path, reason in unusable_criteria(draft.protocol):
        code = path.removeprefix("importance.")
        near = difflib.get_close_matches(code, BY_CODE, n=1)
        unit = BY_CODE[code].measure_unit if code in BY_CODE else ""
        words = {"rule": code, "near": near[0] if near else "dose_late", "unit": unit or "-"}
        yield Hit(("importance", code), words, "code" if reason == "importance-code" else "unit")


importance_unknown = Check(
    code="importance_unknown",
    title="Criterion of importance that nothing can meet",
    page=__doc__,
    find=_find,
    message={
        "code": "no rule is called {rule}",
        "unit": "{rule} measures in {unit}: the bound cannot be compared with that",
    },
    remedy="write the code of a rule, such as {near}, and a bound in the unit of its measure",
)
