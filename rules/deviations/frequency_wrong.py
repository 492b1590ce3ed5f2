"""Course taken more or less often than planned.

What
----
A record says that the drug was taken another number of times a day than the protocol does.

Why it matters
--------------
The same amount a day in other portions gives other drug levels.

Reference
---------
The protocol's frequency; ICH E3 Q&As (R1) 2012.

Deviates
--------
often = 5040, often_due = 10080

Complies
--------
often = 10080, often_due = 10080
"""

import polars as pl

from rules.rule import Rule

frequency_wrong = Rule(
    code="frequency_wrong",
    title="Course taken more or less often than planned",
    page=__doc__,
    table="exposures",
    category="wrong study treatment, administration or dose",
    term="wrong frequency",
    applies=pl.col("repeated"),
    deviates=pl.col("often") != pl.col("often_due"),
    rests_on=("frequency",),
    message="{activity} from {day} to {last} was taken {often}, not {often_due}.",
    expected="{often_due}",
    observed="{often}",
    because="{course_dose}",
)
