"""Infusion too fast.

What
----
An infusion that ran for less than the shortest time allowed: the protocol's time, or the time that the amount takes
at the fastest rates allowed. Time without flow does not count. Of a single stated time less than half is too fast;
what differs less cannot be told.

Why it matters
--------------
A fast infusion is the commonest cause of infusion reactions; sponsors count half the intended time as an overdose.

Reference
---------
The protocol's infusion time or rate (over, rate); domain practice: faster than half the intended time.

Deviates
--------
running = 59, least_minutes = 60

Complies
--------
running = 60, least_minutes = 60
"""

import polars as pl

from rules.rule import Rule

infusion_too_fast = Rule(
    code="infusion_too_fast",
    title="Infusion too fast",
    page=__doc__,
    table="conduct",
    category="wrong study treatment, administration or dose",
    term="infusion too fast",
    applies=pl.col("paced"),
    deviates=pl.col("running") < pl.col("least_minutes"),
    rests_on=(
        "over",
        "rate",
    ),
    measure=pl.col("percent"),
    measure_unit="%",
    message="{which} of {day} ran for {ran}, {measure} of the shortest time allowed ({least_minutes}).",
    expected="{least_minutes} or longer",
    observed="{ran}",
    because="{pace_text}: at least {least_minutes}; ran {ran}; recorded: {recorded}",
)
