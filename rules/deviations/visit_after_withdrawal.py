"""Visit after consent was withdrawn.

What
----
A visit, scheduled or not, dated after consent was withdrawn in full. A dose after it is found by its own rule.

Why it matters
--------------
After withdrawal there is no consent for any procedure of the trial.

Reference
---------
ICH E6(R3) informed consent; Declaration of Helsinki.

Deviates
--------
visit_after_withdrawal = yes

Complies
--------
visit_after_withdrawal = no
"""

import polars as pl

from rules.rule import Rule

visit_after_withdrawal = Rule(
    code="visit_after_withdrawal",
    title="Visit after consent was withdrawn",
    page=__doc__,
    table="people",
    category="informed consent",
    term="visit after withdrawal of consent",
    applies=pl.lit(True),
    deviates=pl.col("visit_after_withdrawal"),
    message="A visit took place on {visit_late}, after consent was withdrawn on {withdrawn}.",
    expected="no visit after {withdrawn}",
    observed="a visit on {visit_late}",
    because="{recorded}",
)
