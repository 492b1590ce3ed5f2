"""Sample drawn at another time after the dose.

What
----
A drug level was drawn sooner or later after the dose than the protocol says: it is no trough, and no modification
reads it.

Why it matters
--------------
A level two hours after the dose is several times a trough; acted on, it would halve a right dose.

Reference
---------
The measure's `drawn`; ICH E3 Q&As (R1) 2012.

Deviates
--------
in_time = no

Complies
--------
in_time = yes
"""

import polars as pl

from rules.rule import Rule

sample_mistimed = Rule(
    code="sample_mistimed",
    title="Sample drawn at another time after the dose",
    page=__doc__,
    table="samples",
    category="assessment or time point completion",
    term="sample drawn at another time",
    applies=pl.lit(value=True),
    deviates=~pl.col("in_time"),
    message="The sample of {day} was drawn {since} after the dose, not {drawn}: it is not the value asked for.",
    expected="{drawn}",
    observed="{since}",
    because="recorded: {recorded}",
)
