"""Course begun outside its window.

What
----
The first dose of a treatment taken by days lies before or after the window of its first day. Both ends of the window
are inside.

Why it matters
--------------
What comes before the drug, and how long it acts, are no longer what the protocol planned.

Reference
---------
The first day of the course and its window; ICH E3 Q&As (R1) 2012.

Deviates
--------
day = 2024-03-03, closes = 2024-03-02

Complies
--------
day = 2024-03-02, closes = 2024-03-02
"""

import polars as pl

from rules.rule import Rule

course_start_out_of_window = Rule(
    code="course_start_out_of_window",
    title="Course begun outside its window",
    page=__doc__,
    table="exposures",
    category="wrong study treatment, administration or dose",
    term="course begun outside its window",
    applies=pl.col("timed"),
    deviates=(pl.col("day") < pl.col("opens")) | (pl.col("day") > pl.col("closes")),
    rests_on=(
        "from",
        "window",
    ),
    measure=pl.col("days_outside"),
    measure_unit="d",
    message="{activity} was begun on {day}, {measure} outside its window ({opens} to {closes}).",
    expected="{opens} to {closes}",
    observed="{day}",
    because="{course_steps}",
)
