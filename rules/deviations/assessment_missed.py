"""Assessment missed.

What
----
An assessment that was due at a visit, or on a day of its own, has no result: the record says that there is none, or
the data are declared final. One finding an occasion names all that were missed there. A visit that was not held at
all is found by its own rule.

Why it matters
--------------
What was not measured cannot be analysed, and a danger that it would have shown goes unseen.

Reference
---------
ICH E3 Q&As (R1) 2012; the protocol's schedule of activities.

Deviates
--------
missed = yes

Complies
--------
missed = no
"""

import polars as pl

from rules.rule import Rule

assessment_missed = Rule(
    code="assessment_missed",
    title="Assessment missed",
    page=__doc__,
    table="assessments",
    category="assessment or time point completion",
    term="assessment missed",
    applies=pl.col("over"),
    deviates=pl.col("expected") & pl.col("missed"),
    rests_on=("due", "window"),
    message="Not done {occasion}: {missed}.",
    expected="a result of {missed}",
    observed="no result",
    because="{timing}",
)
