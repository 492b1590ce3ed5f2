"""Eligibility criterion not met.

What
----
An enrolled participant for whom an inclusion criterion was false or an exclusion criterion true on the day of
enrolment. A screen failure who was not enrolled is the protocol working.

Why it matters
--------------
A participant who should not be in the trial bears its risk without its reason.

Reference
---------
ICH E3 16.2.2; SDTM IE.

Deviates
--------
holds = no

Complies
--------
holds = yes
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
    message="Enrolled although {criterion} was not met.",
    expected="{criterion}",
    observed="{evidence}",
    because="{evidence}",
)
