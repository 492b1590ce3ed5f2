"""Assessment not repeated as ordered.

What
----
A modification orders that an assessment is repeated (`repeat labs every 7 d`) while its condition lasts, and the next
result on record came later than that. Where nothing more is on record, the site is asked; once the data are declared
final, it is a finding.

Why it matters
--------------
While a drug is held or reduced for a laboratory value, only the next value tells whether the participant recovers.

Reference
---------
The protocol's modifications (`then` with `repeat`); ICH E3 Q&As (R1) 2012.

Deviates
--------
in_time = no

Complies
--------
in_time = yes
"""

import polars as pl

from rules.rule import Rule

not_repeated = Rule(
    code="not_repeated",
    title="Assessment not repeated as ordered",
    page=__doc__,
    table="repeats",
    category="assessment or time point completion",
    term="assessment not repeated",
    applies=pl.lit(True),
    deviates=~pl.col("in_time"),
    rests_on=("modifications",),
    message="{again} was not repeated by {next_due}, after {last_done}: {repeat_order}.",
    expected="a result by {next_due}",
    observed="none by {next_due}",
    because="{repeat_order}",
)
