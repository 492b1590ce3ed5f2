"""Weight does not fit those beside it.

What
----
Within 31 days a body weight is more than half as much again as another of the participant, or the other way round.
The usual cause: pounds in a column for kilograms, or another child's weight. A question to the site, never a finding.
Of one odd value among others that one is asked about; of two alone the later.

Why it matters
--------------
Every dose per kilogram follows the weight, and a weight may be plausible for the age and wrong all the same.

Reference
---------
The other weights on record; half as much and 31 days are a tool default (assumed).

Deviates
--------
jumped = yes

Complies
--------
jumped = no
"""

import polars as pl

from rules.rule import Rule

weight_jumped = Rule(
    code="weight_jumped",
    title="Weight does not fit those beside it",
    page=__doc__,
    table="weights",
    category="study procedure",
    term="weight implausible",
    applies=pl.col("comparable"),
    deviates=pl.col("jumped"),
    rests_on=("plausible weight",),
    asks=True,
    message="Weight {weighed} of {at} does not fit {beside} of {beside_day}: which is right?{jump_pounds}",
    expected="a weight beside {beside}",
    observed="{weighed}",
    because="{recorded}",
)
