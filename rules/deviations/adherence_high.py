"""More doses taken than the protocol allows.

What
----
Over its whole course the share of doses taken lies above the range that the protocol states. Days of a hold are not
counted, nor a gap that is a finding itself; a course that goes on is not judged yet.

Why it matters
--------------
More doses than planned are an overdose spread over days.

Reference
---------
The protocol's range of doses taken (`adherence`); ICH E3 Q&As (R1) 2012.

Deviates
--------
taken = 3265921

Complies
--------
taken = 3265920
"""

import polars as pl

from rules.rule import Rule

adherence_high = Rule(
    code="adherence_high",
    title="More doses taken than the protocol allows",
    page=__doc__,
    table="courses",
    category="wrong study treatment, administration or dose",
    term="adherence above its range",
    applies=pl.col("counted"),
    deviates=pl.col("taken") * 10_000 > pl.col("wanted") * pl.col("high_share"),
    rests_on=("adherence",),
    measure=pl.col("taken") * 100 / pl.col("wanted"),
    measure_unit="%",
    message="{activity}: {measure} of its doses were taken; the protocol asks for {share_text}.",
    expected="{share_text}",
    observed="{measure}",
    because="{course_steps}",
)
