"""Record dated after death.

What
----
A dose, a visit or a measurement dated after the recorded day of death. A question to the site, never a finding.

Why it matters
--------------
One of the two dates is wrong, and survival is counted from one of them.

Reference
---------
ICH E6(R3) 4.2: records that contradict each other are asked about, not judged.

Deviates
--------
after_death = yes

Complies
--------
after_death = no
"""

import polars as pl

from rules.rule import Rule

record_after_death = Rule(
    code="record_after_death",
    title="Record dated after death",
    page=__doc__,
    table="deaths",
    category="study procedure",
    term="record after death",
    applies=pl.lit(True),
    deviates=pl.col("after_death"),
    asks=True,
    message="{after_death_record} is dated after death{death}: which date is right?",
    expected="no record after death",
    observed="{after_death_record}",
    because="{recorded}",
)
