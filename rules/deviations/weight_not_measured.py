"""Ordered by a weight that nobody measured.

What
----
The order says which weight it was calculated with, and no weight on record equals it.

Why it matters
--------------
A weight written from memory is where wrong doses begin.

Reference
---------
The protocol's weight policy: a dose per kilogram is calculated with a measured weight.

Deviates
--------
ordered_by_weight = yes, used_is_measured = no

Complies
--------
ordered_by_weight = yes, used_is_measured = yes
"""

import polars as pl

from rules.rule import Rule

weight_not_measured = Rule(
    code="weight_not_measured",
    title="Ordered by a weight that nobody measured",
    page=__doc__,
    table="doses",
    category="wrong study treatment, administration or dose",
    term="weight used was not measured",
    applies=pl.col("dosed") & pl.col("weighed") & pl.col("ordered_by_weight") & ~pl.col("duplicate"),
    deviates=~pl.col("used_is_measured"),
    rests_on=("weight",),
    message="{which} on {day} was ordered for {weight_used}, which no weight on record equals.",
    expected="a weight on record",
    observed="{weight_used}",
    because="{weight_step}",
)
