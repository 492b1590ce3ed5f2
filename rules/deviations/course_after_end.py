"""Course continued after its end.

What
----
The drug was taken on days after the last day of its course.

Why it matters
--------------
A longer course than planned exposes the participant to more of the drug.

Reference
---------
The end of the course (`to`, `before`, `for`); ICH E3 Q&As (R1) 2012.

Deviates
--------
after_end = yes

Complies
--------
after_end = no
"""

import polars as pl

from rules.rule import Rule

course_after_end = Rule(
    code="course_after_end",
    title="Course continued after its end",
    page=__doc__,
    table="exposures",
    category="wrong study treatment, administration or dose",
    term="course continued after its end",
    applies=pl.lit(value=True),
    deviates=pl.col("after_end"),
    rests_on=(
        "from",
        "to",
        "before",
        "for",
    ),
    measure=pl.col("days"),
    measure_unit="d",
    message="{activity} was still taken from {day} to {last}, {measure} after its course had ended.",
    expected="nothing from {day} on",
    observed="from {day} to {last}",
    because="recorded: {recorded}",
)
