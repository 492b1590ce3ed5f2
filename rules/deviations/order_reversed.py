"""Given before what must come first.

What
----
A dose begun before another treatment of the same day that must come first was over. Without both times the site is
asked.

Why it matters
--------------
The order within a day is chosen for effect and safety: one drug prepares the ground for the other.

Reference
---------
The protocol's order on the same day (after).

Deviates
--------
in_order = no

Complies
--------
in_order = yes
"""

import polars as pl

from rules.rule import Rule

order_reversed = Rule(
    code="order_reversed",
    title="Given before what must come first",
    page=__doc__,
    table="conduct",
    category="wrong study treatment, administration or dose",
    term="order on the day reversed",
    applies=pl.col("ordered"),
    deviates=~pl.col("in_order"),
    rests_on=("after",),
    message="{which} of {day} was begun before {first_of_day}, which comes first, was over.",
    expected="{first_of_day} first",
    observed="{which} first",
    because="order of the protocol: after {first_of_day}; recorded: {recorded}",
)
