"""Course taken during a hold.

What
----
The drug was taken on days on which the protocol, or the site, held it. The day on which the hold began does not
count: the dose may have come before.

Why it matters
--------------
A hold is there to let harm pass.

Reference
---------
The protocol's modifications and the holds on record; ICH E3 Q&As (R1) 2012.

Deviates
--------
held_days = 1

Complies
--------
held_days = 0
"""

import polars as pl

from rules.rule import Rule

course_during_hold = Rule(
    code="course_during_hold",
    title="Course taken during a hold",
    page=__doc__,
    table="exposures",
    category="wrong study treatment, administration or dose",
    term="course taken during a hold",
    applies=~pl.col("after_end"),
    deviates=pl.col("held_days") > 0,
    rests_on=("modifications",),
    measure=pl.col("held_days"),
    measure_unit="d",
    message="{activity} was taken from {day} to {last}, on {measure} of it during a hold.",
    expected="nothing during a hold",
    observed="from {day} to {last}",
    because="recorded: {recorded}",
)
