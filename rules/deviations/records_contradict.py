"""Records contradict each other.

What
----
Two records, or two statements of one record, that cannot both be right: something dated before birth, what happens
once on two days, an end before the beginning, a dose not given with an amount, an earlier number (`screened_as`) that
cannot be the same person's or was enrolled as well. A question to the site, never a finding.

Why it matters
--------------
Whatever follows from a record that is wrong is wrong as well, and nobody but the site knows which one it is.

Reference
---------
ICH E6(R3) 4.2: records that contradict each other are asked about, not judged.

Deviates
--------
contradict = yes

Complies
--------
contradict = no
"""

import polars as pl

from rules.rule import Rule

records_contradict = Rule(
    code="records_contradict",
    title="Records contradict each other",
    page=__doc__,
    table="contradictions",
    category="study procedure",
    term="records contradict each other",
    applies=pl.lit(True),
    deviates=pl.col("contradict"),
    asks=True,
    message="{contradiction}: which is right?",
    expected="records that agree",
    observed="{contradiction}",
    because="{recorded}",
)
