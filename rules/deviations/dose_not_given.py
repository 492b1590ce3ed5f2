"""Dose not given.

What
----
An expected dose was not given, and neither a hold, a stop nor a condition of the protocol accounts for it. A record
says so; or the data are declared final and none says that it was given.

Why it matters
--------------
A dose left out lowers the exposure on which efficacy is judged.

Reference
---------
ICH E3 Q&As (R1) 2012; CDISC SDTM, EC domain: a dose not given is ECOCCUR = N, never a dose of 0.

Deviates
--------
done = no, denied = yes

Complies
--------
done = no, denied = yes, excused = yes
"""

import polars as pl

from rules.rule import Rule

dose_not_given = Rule(
    code="dose_not_given",
    title="Dose not given",
    page=__doc__,
    table="planned",
    category="wrong study treatment, administration or dose",
    term="dose not given",
    applies=pl.col("treatment")
    & ~pl.col("done")
    & ~pl.col("claimed")
    & (pl.col("denied") | (pl.col("final") & pl.col("over"))),
    deviates=pl.col("expected") & ~pl.col("excused"),
    rests_on=("due", "window"),
    message="{which}, due {due}, was not given.",
    expected="{which} from {opens} to {closes}",
    observed="{denial}",
    because="{timing}",
)
