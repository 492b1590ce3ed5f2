"""Own consent of the participant missing.

What
----
A dose or a visit at an age from which on the protocol asks for the participant's own signature, such as
`consent: {own_from: [8 y, 18 y]}`, before one of that age is on record. A form signed on the day itself counts.

Why it matters
--------------
A child who understands must agree beside the guardian, and an adult can no longer be signed for.

Reference
---------
ICH E6(R3), Annex 1, 2.8 (assent, and consent on coming of age); in China a child's own written consent from 8 years on.

Deviates
--------
unsigned = yes

Complies
--------
unsigned = no
"""

import polars as pl

from rules.rule import Rule

own_consent_missing = Rule(
    code="own_consent_missing",
    title="Own consent of the participant missing",
    page=__doc__,
    table="signatures",
    category="informed consent",
    term="own consent missing",
    applies=pl.col("of_age"),
    deviates=pl.col("unsigned"),
    message="{procedure} took place at the age of {own_age}, before the participant had signed at that age.",
    expected="signed by the participant from {own_age} on",
    observed="{procedure}",
    because="own consent due from {own_age} on",
)
