"""Course ended before its end.

What
----
The drug was last taken before the last day of its course, and nothing on record ended it: no stop or hold that the
protocol orders, no discontinuation, withdrawal or death. At the data cut a course that goes on is not ended. Days
missing at the end count like a gap: as many as the protocol allows in one are no fault.

Why it matters
--------------
A shorter course than planned is another treatment.

Reference
---------
The end of the course (`to`, `before`, `for`); ICH E3 Q&As (R1) 2012.

Deviates
--------
short = 1

Complies
--------
short = 0
"""

import polars as pl

from rules.rule import Rule

course_ended_early = Rule(
    code="course_ended_early",
    title="Course ended before its end",
    page=__doc__,
    table="courses",
    category="wrong study treatment, administration or dose",
    term="course ended early",
    applies=pl.col("closed"),
    deviates=pl.col("short") > 0,
    rests_on=(
        "from",
        "to",
        "before",
        "for",
    ),
    measure=pl.col("short"),
    measure_unit="d",
    message="{activity} was last taken on {last}, although it was to go on until {until} ({measure} missing so far).",
    expected="until {until}",
    observed="until {last}",
    because="{course_steps}",
)
