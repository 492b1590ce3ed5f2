"""Dose before its window.

What
----
A dose given before the first day of its window. On the first day it is on time. Before a window that a minimum
interval has moved it is `interval_too_short` alone.

Why it matters
--------------
A dose too early shortens the interval on which safety and effect rest.

Reference
---------
The protocol's window for the dose; ICH E3 Q&As (R1) 2012.

Deviates
--------
day = 2024-03-13, opens = 2024-03-14

Complies
--------
day = 2024-03-14, opens = 2024-03-14
"""

import polars as pl

from rules.rule import Rule

dose_early = Rule(
    code="dose_early",
    title="Dose before its window",
    page=__doc__,
    table="doses",
    category="wrong study treatment, administration or dose",
    term="dose before its window",
    applies=pl.col("matched") & pl.col("timed") & (pl.col("identity_margin") > 0),
    deviates=((pl.col("day") < pl.col("opens")) & ~pl.col("by_clock") & ~pl.col("pushed") & pl.col("countable"))
    | (pl.col("by_clock") & (pl.col("minutes_off") < 0)),
    rests_on=("due", "window"),
    measure=pl.when("by_clock")
    .then((-pl.col("minutes_off") / 1440).round(9))
    .otherwise((pl.col("opens") - pl.col("day")).dt.total_days()),
    measure_unit="d",
    message="{which} was given on {day}, {measure} before its window opened on {opens} (due {due}).",
    expected="{opens} to {closes}",
    observed="{day}",
    because="{timing}",
)
