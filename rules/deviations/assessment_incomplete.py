"""Assessment incomplete.

What
----
Of an assessment only some of its measures have a result; of the others the record says that there is none, or the
data are declared final. The finding names the measures that are absent.

Why it matters
--------------
An outcome or a decision that needs several measures cannot be worked out from some of them.

Reference
---------
ICH E3 Q&As (R1) 2012; the protocol's schedule of activities.

Deviates
--------
incomplete = yes

Complies
--------
incomplete = no
"""

import polars as pl

from rules.rule import Rule

assessment_incomplete = Rule(
    code="assessment_incomplete",
    title="Assessment incomplete",
    page=__doc__,
    table="assessments",
    category="assessment or time point completion",
    term="assessment incomplete",
    applies=pl.col("over"),
    deviates=pl.col("expected") & pl.col("incomplete"),
    rests_on=("due", "window"),
    message="Done only in part {occasion}: without {incomplete}.",
    expected="results of all measures",
    observed="no result of {incomplete}",
    because="{timing}",
)
