"""Dose on a day on which it does not count.

What
----
A dose given before the first or after the last day on which the protocol lets it count. Where missed doses are made up
it fills no planned occurrence, and the next dose is still due; the interval to that one counts from it all the same.

Why it matters
--------------
Such a dose is not only early or late: the series has to go on as if it had not been given.

Reference
---------
The protocol's absolute limits (`valid_from`, `valid_to`); they count from recorded dates only.

Deviates
--------
countable = no

Complies
--------
countable = yes
"""

import polars as pl

from rules.rule import Rule

dose_not_counted = Rule(
    code="dose_not_counted",
    title="Dose on a day on which it does not count",
    page=__doc__,
    table="doses",
    category="wrong study treatment, administration or dose",
    term="dose outside the days on which it counts",
    applies=~pl.col("duplicate") & ~pl.col("course"),
    deviates=~pl.col("countable") & ~(pl.col("stopped") | pl.col("on_hold")),
    rests_on=("limits",),
    message="{activity} on {day} does not count: a dose counts {countable_days}.",
    expected="{countable_days}",
    observed="{day}",
    because="{counting}",
)
