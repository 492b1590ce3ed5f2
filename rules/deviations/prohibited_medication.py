"""Prohibited medication.

What
----
A concomitant medication that the protocol prohibits, taken on a day on which it is prohibited. What was begun before
consent and goes on is no new drug; what the protocol allows for the recorded indication complies. Without an
indication, where there is an exception, it cannot be told.

Why it matters
--------------
Other drugs change what is measured, and some are dangerous beside the treatment of the trial.

Reference
---------
The protocol's prohibited medication; ICH E3 Q&As (R1) 2012.

Deviates
--------
forbidden = yes

Complies
--------
forbidden = yes, excepted = yes
"""

import polars as pl

from rules.rule import Rule

prohibited_medication = Rule(
    code="prohibited_medication",
    title="Prohibited medication",
    page=__doc__,
    table="medications",
    category="excluded medication, vaccine or device",
    term="prohibited medication",
    applies=~pl.col("experimental"),
    deviates=pl.col("forbidden") & ~pl.col("excepted"),
    rests_on=("terms",),
    message="{medication} was taken from {day} on, which the protocol then prohibits ({prohibition}).",
    expected="no {prohibition}",
    observed="{medication}",
    because="{recorded}",
)
