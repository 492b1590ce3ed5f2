"""Weight changed and dose not recalculated.

What
----
The protocol says from which change of weight on a dose is computed anew. The weight had changed by that much since the
one last used for dosing, and the amount is right only by the weight before.

Why it matters
--------------
A child that grows gets less than intended, one that loses weight more.

Reference
---------
The protocol's weight policy (`recalculate`). The change is measured from the weight last used for dosing.

Deviates
--------
not_recalculated = yes

Complies
--------
not_recalculated = no
"""

import polars as pl

from rules.rule import Rule

dose_not_recalculated = Rule(
    code="dose_not_recalculated",
    title="Weight changed and dose not recalculated",
    page=__doc__,
    table="doses",
    category="wrong study treatment, administration or dose",
    term="dose not recalculated",
    applies=pl.col("dosed") & ~pl.col("duplicate"),
    deviates=pl.col("not_recalculated"),
    rests_on=("dose",),
    message="{which} on {day}: {given} was not recalculated, although the weight had changed; {intended} is intended.",
    expected="{least} to {most}",
    observed="{given}",
    because="{dose}",
)
