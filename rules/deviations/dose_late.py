"""Dose after its window.

What
----
A dose given after the last day of its window. On the last day it is on time. A delay that the protocol orders moves
the window. Where the window is in hours, the clock times of both records count.

Why it matters
--------------
A late dose lowers the exposure over time, and may shift all that follows.

Reference
---------
The protocol's window for the dose; ICH E3 Q&As (R1) 2012.

Deviates
--------
day = 2024-03-17, closes = 2024-03-16

Complies
--------
day = 2024-03-16, closes = 2024-03-16
"""

import polars as pl

from rules.rule import Rule

dose_late = Rule(
    code="dose_late",
    title="Dose after its window",
    page=__doc__,
    table="doses",
    category="wrong study treatment, administration or dose",
    term="dose after its window",
    applies=pl.col("matched") & pl.col("timed") & (pl.col("identity_margin") > 0),
    deviates=((pl.col("day") > pl.col("closes")) & ~pl.col("by_clock") & ~pl.col("pulled") & pl.col("countable"))
    | (pl.col("by_clock") & (pl.col("minutes_off") > 0)),
    rests_on=("due", "window"),
    measure=pl.when("by_clock")
    .then((pl.col("minutes_off") / 1440).round(9))
    .otherwise((pl.col("day") - pl.col("closes")).dt.total_days()),
    measure_unit="d",
    message="{which} was given on {day}, {measure} after its window closed on {closes} (due {due}).",
    expected="{opens} to {closes}",
    observed="{day}",
    because="{timing}",
)
