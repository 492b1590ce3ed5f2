"""Fewer doses taken than the protocol asks for.

What
----
Over its whole course the share of doses taken lies below the range that the protocol states. Days of a hold are not
counted, nor a gap that is a finding itself; a course that goes on is not judged yet.

Why it matters
--------------
The share of doses taken is what the effect of a drug taken by days is read against.

Reference
---------
The protocol's range of doses taken (`adherence`); ICH E3 Q&As (R1) 2012.

Deviates
--------
taken = 2177279

Complies
--------
taken = 2177280
"""

import polars as pl

from rules.rule import Rule

adherence_low = Rule(
    code="adherence_low",
    title="Fewer doses taken than the protocol asks for",
    page=__doc__,
    table="courses",
    category="wrong study treatment, administration or dose",
    term="adherence below its range",
    applies=pl.col("counted"),
    deviates=pl.col("taken") * 10_000 < pl.col("wanted") * pl.col("low_share"),
    rests_on=("adherence",),
    measure=pl.col("taken") * 100 / pl.col("wanted"),
    measure_unit="%",
    message="{activity}: {measure} of its doses were taken; the protocol asks for {share_text}.",
    expected="{share_text}",
    observed="{measure}",
    because="{course_steps}",
)
