"""Amount above the ceiling of one dose.

What
----
An administered amount above the maximum that the protocol sets for one dose, whatever the weight. The maximum has
no tolerance. An amount that no participant could be meant to get, such as a tenfold one, is an overdose instead.

Why it matters
--------------
A maximum marks the largest dose with safety data behind it.

Reference
---------
The protocol's maximum dose.

Deviates
--------
amount = 100000001, ceiling = 100000000

Complies
--------
amount = 100000000, ceiling = 100000000
"""

import polars as pl

from rules.rule import Rule

above_ceiling = Rule(
    code="above_ceiling",
    title="Amount above the ceiling of one dose",
    page=__doc__,
    table="doses",
    category="wrong study treatment, administration or dose",
    term="above the ceiling",
    applies=pl.col("dosed") & pl.col("capped") & ~pl.col("unit_doubt") & ~pl.col("duplicate") & ~pl.col("far_over"),
    deviates=pl.col("amount") > pl.col("ceiling"),
    rests_on=("max",),
    message="{which} on {day}: {given} is above the ceiling of {ceiling}.",
    expected="at most {ceiling}",
    observed="{given}",
    because="{dose}",
)
