"""An exclusion from an analysis set that nothing can fit.

What
----
An analysis set excludes by a rule that does not exist, or by a measure in another unit than that of its rule.

Why it matters
--------------
Nobody is ever excluded by it, or the analysis is refused when the trial is over; the sets are fixed before that.

Way out
-------
Write the code of a rule (`perprotocol explain --list`), and the bound in the unit of its measure.

Bad
---
analysis_sets: {per-protocol: {exclude: {late: dose_too_late}}}

Good
----
analysis_sets: {per-protocol: {exclude: {late: dose_late}}}
"""

from collections.abc import Iterator

from protocol.errors import DocumentError
from rules.endpoints.sets import check_exclusions
from rules.lint.check import Check, Hit
from rules.lint.draft import Draft


def _find(draft: Draft) -> Iterator[Hit]:
    try:
        check_exclusions(draft.protocol)
    except DocumentError as error:
        for fault in error.faults:
            path = fault.path.split(".")
            yield Hit(tuple(path), {"set": ".".join(path[1:-1]), "value": fault.value})


exclusion_unfit = Check(
    code="exclusion_unfit",
    title="Exclusion that nothing can fit",
    page=__doc__,
    find=_find,
    message="{set} excludes by {value}, and no finding can fit that",
    remedy="write the code of a rule (perprotocol explain --list), and the bound in the unit of its measure",
)
