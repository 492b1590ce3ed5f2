"""Amount below the tolerance.

What
----
An administered amount below the smallest that the intended dose and its tolerance allow. An amount exactly on the
limit complies. An amount far below any dose that the participant could be meant to get is an underdose even if the
weight is unknown. An amount of 0 is the rule `amount_zero`.

Why it matters
--------------
Too little may not work, and is then taken for a failure of the product.

Reference
---------
The protocol's dose and tolerance. Amounts are compared exactly, as whole base units.

Deviates
--------
amount = 14579999, least = 14580000

Complies
--------
amount = 14580000, least = 14580000
"""

import polars as pl

from rules.rule import Rule

underdose = Rule(
    code="underdose",
    title="Amount below the tolerance",
    page=__doc__,
    table="doses",
    category="wrong study treatment, administration or dose",
    term="underdose",
    applies=pl.col("dosed")
    & ~pl.col("unmodified")
    & ~pl.col("not_recalculated")
    & ~pl.col("unit_doubt")
    & ~pl.col("duplicate")
    & ~pl.col("zero"),
    deviates=(~pl.col("far_over") & (pl.col("amount") < pl.col("least"))) | pl.col("far_under"),
    rests_on=("dose", "tolerance"),
    measure=(pl.col("low") - pl.col("said") * 1000) * 100 / pl.col("low"),
    measure_unit="%",
    message="{which} on {day}: {given} {shortfall}{slip}.",
    expected="{least} to {most}",
    observed="{given}",
    because="{dose}",
)
