"""Eligibility criterion not met.

What
----
An enrolled participant for whom an inclusion criterion was false, or an exclusion criterion true, on the day of
enrolment. A screen failure who was never enrolled is the protocol working, and is not judged.

Why it matters
--------------
A participant who should not be in the trial bears its risk without its reason.

Reference
---------
ICH E3 Q&As (R1) 2012; CDISC SDTM, IE domain.

Deviates
--------
excludes = yes, holds = yes

Complies
--------
excludes = no, holds = yes
"""

import polars as pl

from rules.rule import Rule

criterion_not_met = Rule(
    code="criterion_not_met",
    title="Eligibility criterion not met",
    page=__doc__,
    table="criteria",
    category="eligibility criteria not met",
    term="criterion not met",
    applies=pl.col("judged"),
    deviates=(pl.col("excludes") & pl.col("holds")) | (~pl.col("excludes") & ~pl.col("holds")),
    rests_on=("if",),
    message="Enrolled against {criterion}.",
    expected="{criterion}",
    observed="{evidence}",
    because="{evidence}",
)
