"""Records of a course overlap.

What
----
Two records of one drug cover the same days by more than the day on which one follows the other. Which of them holds,
or whether their doses add up, nobody says; the dose of these records is not judged.

Why it matters
--------------
Days counted twice make doses that nobody took.

Reference
---------
ALCOA+ (EMA guideline on computerised systems 2023): records are consistent.

Deviates
--------
clashing = yes

Complies
--------
clashing = no
"""

import polars as pl

from rules.rule import Rule

records_overlap = Rule(
    code="records_overlap",
    title="Records of a course overlap",
    page=__doc__,
    table="exposures",
    category="wrong study treatment, administration or dose",
    term="overlapping records",
    applies=pl.lit(value=True),
    deviates=pl.col("clashing"),
    message="The record of {activity} from {day} overlaps with another one: which of them holds?",
    expected="one record for each day",
    observed="from {day} on",
    because="recorded: {recorded}",
    asks=True,
)
