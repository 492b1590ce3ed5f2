"""Amount below the tolerance.

What
----
An administered amount below the smallest that the intended dose and its tolerance allow. A dose exactly on the
limit complies.

Why it matters
--------------
Too little may not work, and is read as a failure of the product.

Reference
---------
The protocol's dose and tolerance; amounts are compared as whole base units.

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
    applies=pl.col("dosed") & ~pl.col("unit_doubt") & ~pl.col("duplicate") & ~pl.col("zero"),
    deviates=(pl.col("amount") < pl.col("least")) | pl.col("far_under"),
    rests_on=("dose", "tolerance"),
    measure=pl.col("under_percent"),
    measure_unit="%",
    message="{activity} {occurrence} on {day}: {given} {shortfall}{slip}.",
    expected="{least} to {most}",
    observed="{given}",
    because="{dose}",
)
