"""Procedure after consent was withdrawn.

What
----
A visit, scheduled or not, or a measurement dated after consent was withdrawn in full. One finding a participant, on the
first such day. A dose after it is found by its own rule.

Why it matters
--------------
After withdrawal there is no consent for any procedure of the trial.

Reference
---------
ICH E6(R3) informed consent; Declaration of Helsinki.

Deviates
--------
procedure_after = yes

Complies
--------
procedure_after = no
"""

import polars as pl

from rules.rule import Rule

procedure_after_withdrawal = Rule(
    code="procedure_after_withdrawal",
    title="Procedure after consent was withdrawn",
    page=__doc__,
    table="leaving",
    category="informed consent",
    term="procedure after withdrawal of consent",
    applies=pl.col("withdrew"),
    deviates=pl.col("procedure_after"),
    message="{late_procedure} on {late_day}, after consent was withdrawn on {withdrawn}.",
    expected="no procedure after {withdrawn}",
    observed="{late_procedure} on {late_day}",
    because="{recorded}",
)
