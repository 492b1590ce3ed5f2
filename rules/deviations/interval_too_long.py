"""Too long after the dose before.

What
----
A dose given later after the recorded dose before than the protocol's longest interval allows. Where the interval is in
days, days are counted and not hours.

Why it matters
--------------
A gap that is too long lets the effect fade, and a course may have to begin anew.

Reference
---------
The protocol's longest interval (`closes` of a limit); it counts from recorded dates only, never from planned ones.

Deviates
--------
spaced_to = yes, day = 2024-04-01, latest = 2024-03-31

Complies
--------
spaced_to = yes, day = 2024-03-31, latest = 2024-03-31
"""

import polars as pl

from rules.rule import Rule

interval_too_long = Rule(
    code="interval_too_long",
    title="Too long after the dose before",
    page=__doc__,
    table="doses",
    category="wrong study treatment, administration or dose",
    term="interval too long",
    applies=(pl.col("spaced_to") | pl.col("spaced_by_clock")) & ~pl.col("duplicate"),
    deviates=((pl.col("day") > pl.col("latest")) & ~pl.col("spaced_by_clock") & pl.col("countable"))
    | (pl.col("spaced_by_clock") & (pl.col("minutes_apart") > 0)),
    rests_on=("limits",),
    measure=pl.when("spaced_by_clock")
    .then((pl.col("minutes_apart") / 1440).round(9))
    .otherwise((pl.col("day") - pl.col("latest")).dt.total_days()),
    measure_unit="d",
    message="{activity} on {day} came {measure} too late: not after {latest} is allowed after the dose before.",
    expected="{latest} or earlier",
    observed="{day}",
    because="{spacing_to}",
)
