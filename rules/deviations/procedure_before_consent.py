"""Trial procedure before consent.

What
----
A dose or a visit of the trial before consent was signed; a visit that does only what the protocol accepts from before
consent is none. On one and the same day clock times decide; without them it cannot be told.

Why it matters
--------------
Nothing may be done for a trial before the participant, or the parents, have agreed.

Reference
---------
ICH E6(R3), Annex 1, 2.8, informed consent; Declaration of Helsinki.

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
