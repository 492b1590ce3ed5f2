"""Doses together above their ceiling.

What
----
With this dose all doses of a treatment together pass the maximum that the protocol sets for them: a cumulative or
lifetime ceiling, absolute or per kilogram by the weight in force. What was really given counts. The maximum has no
tolerance. A dose that passes it only because it is itself too large is an overdose instead.

Why it matters
--------------
Some harm follows from all doses together, as heart failure from anthracyclines, whatever each one was.

Reference
---------
The protocol's maximum of all doses together (`max_total`).

Deviates
--------
total = 64800001, total_limit = 64800000

Complies
--------
total = 64800000, total_limit = 64800000
"""

import polars as pl

from rules.rule import Rule

above_total = Rule(
    code="above_total",
    title="Doses together above their ceiling",
    page=__doc__,
    table="doses",
    category="wrong study treatment, administration or dose",
    term="above the cumulative ceiling",
    applies=pl.col("dosed") & pl.col("totalled") & ~pl.col("unit_doubt") & ~pl.col("duplicate"),
    deviates=pl.col("total") > pl.col("total_limit"),
    rests_on=("max_total",),
    message="{which} on {day}: with {given} all doses together are {total}, above their ceiling of {total_limit}.",
    expected="at most {total_limit} in all",
    observed="{total} in all",
    because="{dose}",
)
