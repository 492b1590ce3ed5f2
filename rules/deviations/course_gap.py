"""Gap in a course longer than allowed.

What
----
Between two days on which the drug was taken lie more days without it than the protocol allows. Days of a hold do not
count.

Why it matters
--------------
The effect of a drug taken by days is lost when it is left out for long.

Reference
---------
The protocol's longest gap (`gap`); ICH E3 Q&As (R1) 2012.

Deviates
--------
gap = 3, gap_limit = 2

Complies
--------
gap = 2, gap_limit = 2
"""

import polars as pl

from rules.rule import Rule

course_gap = Rule(
    code="course_gap",
    title="Gap in a course longer than allowed",
    page=__doc__,
    table="courses",
    category="wrong study treatment, administration or dose",
    term="gap in a course",
    applies=pl.col("spaced"),
    deviates=pl.col("gap") > pl.col("gap_limit"),
    rests_on=("gap",),
    measure=pl.col("gap"),
    measure_unit="d",
    message="{activity} was not taken for {measure}, from {gap_from} to {gap_to}; the protocol allows {gap_limit}.",
    expected="gaps of at most {gap_limit}",
    observed="{gap_from} to {gap_to}",
    because="{course_steps}",
)
