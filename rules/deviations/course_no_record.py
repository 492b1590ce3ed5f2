"""Course begun or not? No record tells.

What
----
A treatment taken by days was to begin, and nothing is on record of it: not that it was taken, nor that it was not.

Why it matters
--------------
Silence is no proof either way; where the study declares its data final, it is a finding.

Reference
---------
The first day of the course and its window; ICH E6(R3) 4.2.

Deviates
--------
begun = no, over = yes

Complies
--------
begun = no, over = yes, expected = no
"""

import polars as pl

from rules.rule import Rule

course_no_record = Rule(
    code="course_no_record",
    title="Course begun or not? No record tells",
    page=__doc__,
    table="courses",
    category="wrong study treatment, administration or dose",
    term="no record of a course",
    applies=~pl.col("begun") & ~pl.col("denied") & pl.col("over") & ~pl.col("final"),
    deviates=pl.col("expected"),
    rests_on=(
        "from",
        "window",
    ),
    message="{activity} was to begin on {due}: was it taken? No record tells.",
    expected="a record of {activity} from {due} on",
    observed="no record that tells",
    because="{course_steps}",
    asks=True,
)
