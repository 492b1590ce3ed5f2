"""Course never begun.

What
----
A treatment taken by days was expected and never taken: a record says so, or nothing is on record in data declared
final.

Why it matters
--------------
A participant without the drug is not treated as the protocol says.

Reference
---------
The first day of the course and its window; ICH E3 Q&As (R1) 2012.

Deviates
--------
begun = no, denied = yes

Complies
--------
begun = no, denied = yes, expected = no
"""

import polars as pl

from rules.rule import Rule

course_not_started = Rule(
    code="course_not_started",
    title="Course never begun",
    page=__doc__,
    table="courses",
    category="wrong study treatment, administration or dose",
    term="course not started",
    applies=~pl.col("begun") & pl.col("over") & (pl.col("denied") | pl.col("final")),
    deviates=pl.col("expected"),
    rests_on=(
        "from",
        "window",
    ),
    message="{activity}, due from {due} on, was never taken.",
    expected="{activity} from {due} on",
    observed="{course_denial}",
    because="{course_steps}",
)
