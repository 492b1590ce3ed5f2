"""Given without what must come before.

What
----
A dose given although what the protocol requires before it was not so, or had been shown too long before. With nothing
on record the site is asked.

Why it matters
--------------
What is required before a dose, such as a test dose, is there to keep a participant from harm.

Reference
---------
The protocol's requirements before a dose (requires); ICH E6(R3) 2.5.

Deviates
--------
prepared_for = no

Complies
--------
prepared_for = yes
"""

import polars as pl

from rules.rule import Rule

prerequisite_missing = Rule(
    code="prerequisite_missing",
    title="Given without what must come before",
    page=__doc__,
    table="conduct",
    category="wrong study treatment, administration or dose",
    term="prerequisite missing",
    applies=pl.col("required"),
    deviates=~pl.col("prepared_for"),
    rests_on=("requires",),
    message="{which} was given on {day} without what must come before it: {requires_text}.",
    expected="{requires_text}",
    observed="not so on {day}",
    because="required before each dose: {requires_text}; recorded: {recorded}",
)
