"""Assessment done or not? No record tells.

What
----
A visit was held, or the window of an assessment has closed, and of what was to be measured there is no result on
record. One question an occasion names all that is missing, never one per test. Once the data are declared final, no
record at all means *missed*.

Why it matters
--------------
No record is not the same as *missed*: only the site can tell.

Reference
---------
ICH E6(R3) 4.2, on complete and accurate records.

Deviates
--------
untold = yes

Complies
--------
untold = no
"""

import polars as pl

from rules.rule import Rule

assessment_no_record = Rule(
    code="assessment_no_record",
    title="Assessment done or not? No record tells",
    page=__doc__,
    table="assessments",
    category="assessment or time point completion",
    term="no record of an assessment",
    applies=pl.col("over"),
    deviates=pl.col("expected") & pl.col("untold"),
    rests_on=("due", "window"),
    asks=True,
    message="Was it done {occasion}, and what was the result? No record tells: {untold}.",
    expected="a result of {untold}",
    observed="no record that tells",
    because="{timing}",
)
