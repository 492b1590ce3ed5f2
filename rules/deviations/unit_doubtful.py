"""Unit or power of ten in doubt.

What
----
A recorded amount that differs from the intended dose by a factor of a million. Nobody can have given it: the unit, or
the power of ten in a column's heading, must be wrong. A question to the site, never a finding.

Why it matters
--------------
Read literally it would be a monstrous overdose; in truth nothing is known yet about the dose.

Reference
---------
ICH E6(R3) 4.2. The usual cause: a column headed 10⁶ cells, in which one row is written out in cells.

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
    message="{which} on {day}: {given} cannot have been given, {intended} is intended; "
    "a unit wrong by 10⁶ is suspected{slip}.",
    expected="{least} to {most}",
    observed="{given}",
    because="{dose}",
)
