"""The same dose recorded twice.

What
----
Two records of one participant, treatment and day with the same amount, and nothing (bag, time, occurrence) that
tells them apart. The first is judged as the dose. Where one of them lacks its amount this cannot be told.

Why it matters
--------------
Counted twice, one dose looks like two; and if there were two, the participant got double.

Reference
---------
ICH E6(R3) 4.2, on complete and accurate records.

Deviates
--------
repeated = yes

Complies
--------
repeated = no
"""

import polars as pl

from rules.rule import Rule

duplicate_record = Rule(
    code="duplicate_record",
    title="The same dose recorded twice",
    page=__doc__,
    table="doses",
    category="study procedure",
    term="duplicate record",
    applies=pl.lit(True),
    deviates=pl.col("repeated"),
    message="{activity} on {day} is recorded more than once with the same amount.",
    expected="one record",
    observed="{given} recorded again",
    because="{recorded}",
)
