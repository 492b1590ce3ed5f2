"""Dose after the treatment was stopped.

What
----
A dose given after a stopping criterion, the discontinuation of that treatment, or withdrawal from the trial.

Why it matters
--------------
A stop protects the participant; a dose after withdrawal has no consent behind it.

Reference
---------
The protocol's modifications and milestones; ICH E6(R3).

Deviates
--------
stopped = yes

Complies
--------
stopped = no
"""

import polars as pl

from rules.rule import Rule

dose_after_stop = Rule(
    code="dose_after_stop",
    title="Dose after the treatment was stopped",
    page=__doc__,
    table="doses",
    category="not withdrawn after developing withdrawal criteria",
    term="dose after a stop",
    applies=~pl.col("duplicate"),
    deviates=pl.col("in_arm") & pl.col("stopped") & ~pl.col("after_death"),
    rests_on=("modifications",),
    message="{activity} was given on {day} although it had been stopped{stop}.",
    expected="no dose after the stop",
    observed="{given} on {day}",
    because="{recorded}",
)
