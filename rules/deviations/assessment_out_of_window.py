"""Assessment outside its window.

What
----
A sample was taken, or a measurement made, before the first or after the last day of its window, and not at its visit
either. The day of sampling counts, never that of the report. A visit that was itself held outside its window is found
by its own rule, with all that was done there.

Why it matters
--------------
Values taken at other times than planned cannot be compared between participants.

Reference
---------
The protocol's schedule of activities; ICH E3 Q&As (R1) 2012.

Deviates
--------
outside = yes

Complies
--------
outside = no
"""

import polars as pl

from rules.rule import Rule

assessment_out_of_window = Rule(
    code="assessment_out_of_window",
    title="Assessment outside its window",
    page=__doc__,
    table="assessments",
    category="assessment or time point completion",
    term="assessment out of window",
    applies=pl.col("over") & pl.col("timed"),
    deviates=pl.col("expected") & pl.col("outside"),
    rests_on=("due", "window"),
    measure=pl.col("days_outside"),
    measure_unit="d",
    message="What was due {occasion} was taken on {sampled}, {measure} outside its window ({opens} to {closes}).",
    expected="{opens} to {closes}",
    observed="{sampled}",
    because="{timing}",
)
