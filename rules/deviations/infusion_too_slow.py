"""Infusion too slow.

What
----
An infusion that ran for longer than the longest time allowed. Time without flow does not count. Of a single stated
time more than twice is too slow; what differs less cannot be told.

Why it matters
--------------
A slow infusion lowers the peak, and what is infused may lose its strength in the line.

Reference
---------
The protocol's infusion time (over).

Deviates
--------
running = 361, most_minutes = 360

Complies
--------
running = 360, most_minutes = 360
"""

import polars as pl

from rules.rule import Rule

infusion_too_slow = Rule(
    code="infusion_too_slow",
    title="Infusion too slow",
    page=__doc__,
    table="conduct",
    category="wrong study treatment, administration or dose",
    term="infusion too slow",
    applies=pl.col("paced") & pl.col("limited"),
    deviates=pl.col("running") > pl.col("most_minutes"),
    rests_on=("over",),
    message="{which} of {day} ran for {ran}, longer than the {most_minutes} allowed.",
    expected="{most_minutes} or shorter",
    observed="{ran}",
    because="{pace_text}: at most {most_minutes}; ran {ran}; recorded: {recorded}",
)
