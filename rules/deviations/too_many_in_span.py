"""Too many doses in a span of time.

What
----
A dose given while the protocol's number of doses, or of days with a dose, was already used up in the days or hours
before it. Every span counts, wherever it begins. As soon as the oldest of them lies outside the span a dose is right.

Why it matters
--------------
Doses that crowd together add up in the body as none of them does alone.

Reference
---------
The protocol's `at_most` of the treatment, such as 2 doses in any 7 d.

Deviates
--------
rationed = yes, day = 2024-03-14, free_from = 2024-03-15

Complies
--------
rationed = yes, day = 2024-03-15, free_from = 2024-03-15
"""

import polars as pl

from rules.rule import Rule

too_many_in_span = Rule(
    code="too_many_in_span",
    title="Too many doses in a span of time",
    page=__doc__,
    table="doses",
    category="wrong study treatment, administration or dose",
    term="too many doses in a span of time",
    applies=pl.col("rationed") | pl.col("rationed_by_clock"),
    deviates=(pl.col("rationed") & (pl.col("day") < pl.col("free_from")))
    | (pl.col("rationed_by_clock") & (pl.col("minutes_short") > 0)),
    rests_on=("at_most",),
    measure=pl.when(pl.col("rationed") & (pl.col("day") < pl.col("free_from")))
    .then((pl.col("free_from") - pl.col("day")).dt.total_days())
    .otherwise((pl.col("minutes_short") / 1440).round(9)),
    measure_unit="d",
    message="{activity} on {day} came {measure} too soon: at most {quota_text} are allowed.",
    expected="at most {quota_text}",
    observed="{day}",
    because="{rationing}",
)
