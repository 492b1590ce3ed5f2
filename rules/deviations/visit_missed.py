"""Visit missed.

What
----
A record, or data declared final, says that an expected visit did not take place. What the visit was to do is
named in the same finding.

Why it matters
--------------
A missed visit leaves safety unwatched and outcomes unknown.

Reference
---------
SDTM: a missed visit is SVPRESP = Y with SVOCCUR = N; one finding for the visit and all its assessments.

Deviates
--------
treatment = no, visit = yes, done = no, denied = yes

Complies
--------
treatment = no, visit = yes
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
    message="Visit {activity} {occurrence}, due {due}, was missed{does}.",
    expected="a visit from {opens} to {closes}",
    observed="{denial}",
    because="{timing}",
)
