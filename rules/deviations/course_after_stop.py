"""Course continued after it was stopped.

What
----
The drug was taken after the day on which the protocol stopped it, or on which it was discontinued or the participant
left.

Why it matters
--------------
A stop protects the participant; a dose after leaving has no consent.

Reference
---------
The protocol's modifications; discontinuation, withdrawal or death on record; ICH E3 Q&As (R1) 2012.

Deviates
--------
stopped_days = 1

Complies
--------
stopped_days = 0
"""

import polars as pl

from rules.rule import Rule

course_after_stop = Rule(
    code="course_after_stop",
    title="Course continued after it was stopped",
    page=__doc__,
    table="exposures",
    category="wrong study treatment, administration or dose",
    term="course continued after a stop",
    applies=~pl.col("after_end"),
    deviates=pl.col("stopped_days") > 0,
    rests_on=("modifications",),
    measure=pl.col("stopped_days"),
    measure_unit="d",
    message="{activity} was taken until {last}, {measure} after it had been stopped.",
    expected="nothing after the stop",
    observed="until {last}",
    because="recorded: {recorded}",
)
