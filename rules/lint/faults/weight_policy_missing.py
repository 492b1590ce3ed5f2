"""A dose by body weight without saying which weight.

What
----
A dose per kg or per m², and the document does not say with which weight it counts (`use: baseline` or `latest`), or
how old the latest weight may be (`within`).

Why it matters
--------------
A child's weight of three months ago gives another dose. Without a limit no weight is too old, and that is asked
about.

Way out
-------
Write `weight: {use: latest, within: 7 d}` or `weight: {use: baseline}`, for the document or beside the dose.

Bad
---
treatments:
  drug: {due: day 0, window: ±0 d, dose: {amount: 8 mg/kg, tolerance: ±5 %}}
visits: {screening: {due: within 7 d before day-zero, does: [weight]}}

Good
----
weight: {use: latest, within: 7 d}
treatments:
  drug: {due: day 0, window: ±0 d, dose: {amount: 8 mg/kg, tolerance: ±5 %}}
visits: {screening: {due: within 7 d before day-zero, does: [weight]}}
"""

from collections.abc import Iterator

from rules.lint.check import Check, Hit
from rules.lint.draft import Draft
from rules.lint.weighed import by_body, policy_of


def _find(draft: Draft) -> Iterator[Hit]:
    told: set[str] = set()
    for name, path, dose in draft.doses():
        if not by_body(dose) or name in told:
            continue
        policy = policy_of(draft.protocol, dose)
        if policy is None:
            told.add(name)
            yield Hit(path, {"activity": name, "amount": dose.amount or dose.start}, "none")
        elif policy.use == "latest" and policy.within is None:
            told.add(name)
            place = (*path, "weight") if dose.weight is not None else ("weight",)
            yield Hit(place, {"activity": name, "amount": dose.amount or dose.start}, "age")


weight_policy_missing = Check(
    code="weight_policy_missing",
    title="Which weight counts is not said",
    page=__doc__,
    find=_find,
    message={
        "none": "{activity} is {amount}, and nothing says which weight counts",
        "age": "{activity} counts with the latest weight, and nothing says how old that may be",
    },
    remedy="write 'weight: {{use: latest, within: 7 d}}' or 'weight: {{use: baseline}}'",
)
