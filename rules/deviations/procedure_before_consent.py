"""Trial procedure before consent.

What
----
A dose or visit of the trial before consent was signed. On the same day clock times decide; without them it is a
question.

Why it matters
--------------
Nothing is done for a trial without consent.

Reference
---------
ICH E6(R3) informed consent; Declaration of Helsinki.

Deviates
--------
treated_before_consent = yes

Complies
--------
treated_before_consent = no
"""

import polars as pl

from rules.rule import Rule

procedure_before_consent = Rule(
    code="procedure_before_consent",
    title="Trial procedure before consent",
    page=__doc__,
    table="people",
    category="informed consent",
    term="procedure before consent",
    applies=pl.col("consent_judged"),
    deviates=pl.col("treated_before_consent"),
    message="{procedure} came before consent was signed{consent}.",
    expected="consent first",
    observed="{procedure}",
    because="{recorded}",
)
