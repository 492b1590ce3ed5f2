"""A hold that nobody closed.

What
----
A hold is on record without an end and without a resumption, and treatment went on after it began, or a dose was due in
it of which nothing is recorded. One question, whatever number of doses depends on the answer. Where the protocol's own
condition to resume is shown to be met, doses from that day on are not in the hold.

Why it matters
--------------
Until when treatment was held decides whether a dose was forbidden, and whether one that is missing was excused.

Reference
---------
ICH E6(R3) 4.2, on complete and accurate records.

Deviates
--------
went_on = yes

Complies
--------
went_on = no
"""

import polars as pl

from rules.rule import Rule

hold_not_closed = Rule(
    code="hold_not_closed",
    title="A hold that nobody closed",
    page=__doc__,
    table="holds",
    category="study procedure",
    term="hold not closed",
    applies=pl.lit(True),
    deviates=pl.col("went_on"),
    asks=True,
    message="When did the hold that began on {held_since} end? No end is on record, and treatment went on or was due.",
    expected="an end of the hold",
    observed="a hold since {held_since}, without an end",
    because="{recorded}",
)
