"""Unit or power of ten in doubt.

What
----
A recorded amount that differs from the intended dose by a factor of a million: no one can have given it, so the
unit or the column's power of ten is wrong.

Why it matters
--------------
Read literally it would be a monstrous overdose; it is a question about the record.

Reference
---------
Situation: a column headed ×10⁶ cells with one row written out in cells.

Deviates
--------
unit_doubt = yes

Complies
--------
unit_doubt = no
"""

import polars as pl

from rules.rule import Rule

unit_doubtful = Rule(
    code="unit_doubtful",
    title="Unit or power of ten in doubt",
    page=__doc__,
    table="doses",
    category="wrong study treatment, administration or dose",
    term="unit in doubt",
    applies=pl.col("dosed") & ~pl.col("duplicate"),
    deviates=pl.col("unit_doubt"),
    rests_on=("dose",),
    asks=True,
    fact="amount",
    message="{activity} {occurrence} on {day}: {given} cannot have been given; a unit slip by a factor of 10⁶ is suspected{slip}.",
    expected="{least} to {most}",
    observed="{given}",
    because="{dose}",
)
