"""Visit missed.

What
----
An expected visit did not take place: a record says so, or the data are declared final and none says that it did. The
same finding names what was to be done at the visit.

Why it matters
--------------
A missed visit leaves safety unwatched and outcomes unmeasured.

Reference
---------
ICH E3 Q&As (R1) 2012; CDISC SDTM, SV domain: a missed visit is SVPRESP = Y with SVOCCUR = N.

Deviates
--------
treatment = no, visit = yes, done = no, denied = yes

Complies
--------
treatment = no, visit = yes, done = no, denied = yes, excused = yes
"""

import polars as pl

from rules.rule import Rule

visit_missed = Rule(
    code="visit_missed",
    title="Visit missed",
    page=__doc__,
    table="planned",
    category="visit completion",
    term="visit missed",
    applies=pl.col("visit") & ~pl.col("done") & (pl.col("denied") | (pl.col("final") & pl.col("over"))),
    deviates=pl.col("expected") & ~pl.col("excused"),
    rests_on=("due", "window"),
    message="Visit {which}, due {due}, was missed{does}.",
    expected="a visit from {opens} to {closes}",
    observed="{denial}",
    because="{timing}",
)
