"""Premedication at another hour.

What
----
A drug that accompanies another (within 2 h before each infusion) and is on record as one line over several days, as
concomitant medication: it was there, and the hour of each is asked for once.

Why it matters
--------------
What comes before an infusion protects only if it comes in time.

Reference
---------
The protocol's moment of the drug (due), counted from the dose that it accompanies.

Deviates
--------
by_interval = yes, in_hour = no

Complies
--------
by_interval = yes, in_hour = yes
"""

import polars as pl

from rules.rule import Rule

premedication_mistimed = Rule(
    code="premedication_mistimed",
    title="Premedication at another hour",
    page=__doc__,
    table="planned",
    category="wrong study treatment, administration or dose",
    term="premedication at another hour",
    applies=pl.col("by_interval"),
    deviates=~pl.col("in_hour"),
    rests_on=("due",),
    message="{which}, due {due}, was not given at the hour that the protocol has ({due_text}).",
    expected="{due_text}",
    observed="another hour",
    because="{due_text}; recorded over several days",
)
