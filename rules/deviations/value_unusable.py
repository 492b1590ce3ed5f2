"""Value that a condition reads cannot be used.

What
----
A value on record that a condition of the protocol compares, and cannot: its unit does not convert into the protocol's,
it has none, it is a word or a bound that leaves the comparison open, or its date is incomplete. A question to the site,
never a finding.

Why it matters
--------------
Until it is answered, nobody can tell whether the treatment was to be held, stopped or given.

Reference
---------
ICH E6(R3) 4.2.

Deviates
--------
usable = no

Complies
--------
usable = yes
"""

import polars as pl

from rules.rule import Rule

value_unusable = Rule(
    code="value_unusable",
    title="Value that a condition reads cannot be used",
    page=__doc__,
    table="values",
    category="study procedure",
    term="value unusable",
    applies=pl.lit(True),
    deviates=~pl.col("usable"),
    asks=True,
    message="{reading}",
    expected="{comparisons}",
    observed="{recorded}",
    because="{recorded}",
)
