"""Dose of which nobody can tell which one it is.

What
----
A dose whose day fits two places of the plan equally well, so that which of them it was cannot be told from the dates:
as far from one planned dose as from the next, or one of two doses as near to the same one.

Why it matters
--------------
Early or late, missed or one too many all hang on it. A guess would be as often wrong as right.

Reference
---------
The protocol's schedule. The number of the dose on the record (`occurrence`) answers it.

Deviates
--------
identity_margin = 0

Complies
--------
identity_margin = 1
"""

import polars as pl

from rules.rule import Rule

identity_untold = Rule(
    code="identity_untold",
    title="Dose of which nobody can tell which one it is",
    page=__doc__,
    table="doses",
    category="wrong study treatment, administration or dose",
    term="dose whose identity cannot be told",
    applies=pl.col("matched") & ~pl.col("duplicate"),
    deviates=pl.col("identity_margin") < 1,
    rests_on=("due",),
    message="Which one is {activity} of {day}? It fits two places of the plan equally well, one of them due {due}.",
    expected="the number of the dose",
    observed="{day}",
    because="{identity}",
    asks=True,
)
