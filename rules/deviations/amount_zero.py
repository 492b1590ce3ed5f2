"""An amount of 0 is recorded.

What
----
A record of an administration with the amount 0 that does not say *not given*: was nothing given, or was the number
left out? A question to the site, never a finding.

Why it matters
--------------
A 0 may hide a dose that was given, or a dose that was not: neither may be assumed.

Reference
---------
CDISC SDTM, EC domain: a dose not given is ECOCCUR = N, never an amount of 0.

Deviates
--------
zero = yes

Complies
--------
zero = no
"""

import polars as pl

from rules.rule import Rule

amount_zero = Rule(
    code="amount_zero",
    title="An amount of 0 is recorded",
    page=__doc__,
    table="doses",
    category="wrong study treatment, administration or dose",
    term="amount of 0",
    applies=~pl.col("duplicate"),
    deviates=pl.col("zero"),
    asks=True,
    message="{which} on {day} is recorded with the amount 0: was it given, and how much?",
    expected="an amount, or the status not given",
    observed="0",
    because="{recorded}",
)
