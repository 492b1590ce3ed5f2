"""Weight older than allowed.

What
----
On the day of the dose, the weight that it rests on is older than the protocol allows. On the last day allowed it
complies. Where the protocol allows an older weight with a reason, a recorded reason excuses it, and without one it is
asked for.

Why it matters
--------------
Children grow and fluids shift: with an old weight a wrong dose looks right.

Reference
---------
The protocol's weight policy: how old a weight may be.

Deviates
--------
weight_age = 8, weight_limit = 7

Complies
--------
weight_age = 7, weight_limit = 7
"""

import polars as pl

from rules.rule import Rule

weight_stale = Rule(
    code="weight_stale",
    title="Weight older than allowed",
    page=__doc__,
    table="doses",
    category="wrong study treatment, administration or dose",
    term="weight too old",
    applies=pl.col("dosed") & pl.col("weighed") & pl.col("aged") & ~pl.col("duplicate"),
    deviates=(pl.col("weight_age") > pl.col("weight_limit")) & ~pl.col("age_excused"),
    rests_on=("weight",),
    measure=pl.col("weight_age") - pl.col("weight_limit"),
    measure_unit="d",
    message="{which} on {day} rests on a weight of {weight_day}, {weight_age} old; {weight_limit} are allowed.",
    expected="a weight at most {weight_limit} old",
    observed="{weight_age}",
    because="{weight_step}",
)
