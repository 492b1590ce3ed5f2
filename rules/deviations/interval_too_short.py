"""Too soon after the dose before.

What
----
A dose given sooner after the recorded dose before than the protocol's minimum interval allows. Where the interval is
in days, days are counted and not hours.

Why it matters
--------------
Minimum intervals exist for safety: two doses too close add their toxicity.

Reference
---------
The protocol's minimum interval; it counts from recorded dates only, never from planned ones.

Deviates
--------
day = 2024-03-12, earliest = 2024-03-13

Complies
--------
day = 2024-03-13, earliest = 2024-03-13
"""

import polars as pl

from rules.rule import Rule

interval_too_short = Rule(
    code="interval_too_short",
    title="Too soon after the dose before",
    page=__doc__,
    table="doses",
    category="wrong study treatment, administration or dose",
    term="interval too short",
    applies=(pl.col("spaced") | pl.col("spaced_by_clock")) & ~pl.col("duplicate"),
    deviates=((pl.col("day") < pl.col("earliest")) & ~pl.col("spaced_by_clock") & pl.col("countable"))
    | (pl.col("spaced_by_clock") & (pl.col("minutes_apart") < 0)),
    rests_on=("limits",),
    measure=pl.when("spaced_by_clock")
    .then((-pl.col("minutes_apart") / 1440).round(9))
    .otherwise((pl.col("earliest") - pl.col("day")).dt.total_days()),
    measure_unit="d",
    message="{activity} on {day} came {measure} too soon: not before {earliest} is allowed after the dose before.",
    expected="{earliest} or later",
    observed="{day}",
    because="{spacing}",
)
