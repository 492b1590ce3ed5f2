"""Dose after the treatment was stopped.

What
----
A dose given after the protocol's stopping criterion was met, after the treatment was discontinued, or after the
participant left the trial. The day of the stop itself does not count, unless clock times tell that the dose came
after what the criterion was met by.

Why it matters
--------------
A stop protects the participant; a dose after withdrawal has no consent behind it.

Reference
---------
The protocol's stopping rules; CDISC DVCAT "not withdrawn after developing withdrawal criteria".

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
    because="{recorded}{begun_by}",
)
