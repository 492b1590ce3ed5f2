"""Dose during a hold.

What
----
A dose given while a hold of that treatment was in force. On the day on which the hold began or treatment was resumed
clock times decide; without both of them that day does not count.

Why it matters
--------------
Treatment is held because another dose could harm.

Reference
---------
The protocol's rules for holding treatment, and the holds on record.

Deviates
--------
on_hold = yes

Complies
--------
on_hold = no
"""

import polars as pl

from rules.rule import Rule

dose_during_hold = Rule(
    code="dose_during_hold",
    title="Dose during a hold",
    page=__doc__,
    table="doses",
    category="wrong study treatment, administration or dose",
    term="dose during a hold",
    applies=~pl.col("duplicate"),
    deviates=pl.col("in_arm") & pl.col("on_hold") & ~pl.col("stopped"),
    rests_on=("modifications",),
    message="{activity} was given on {day} during a hold{hold}.",
    expected="no dose during the hold",
    observed="{given} on {day}",
    because="{recorded}{begun_by}",
)
