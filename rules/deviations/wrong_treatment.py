"""Treatment of another arm.

What
----
A dose of a treatment that the participant's planned arm does not get.

Why it matters
--------------
The participant was exposed to a product that the protocol did not mean for them, and the comparison of the arms is
blurred.

Reference
---------
ICH E3 Q&As (R1) 2012. The planned arm is compared with the product given.

Deviates
--------
in_arm = no

Complies
--------
in_arm = yes
"""

import polars as pl

from rules.rule import Rule

wrong_treatment = Rule(
    code="wrong_treatment",
    title="Treatment of another arm",
    page=__doc__,
    table="doses",
    category="wrong study treatment, administration or dose",
    term="wrong treatment for the arm",
    applies=~pl.col("duplicate"),
    deviates=~pl.col("in_arm"),
    rests_on=("arm",),
    message="{activity} was given on {day}, but arm {arm} does not get it.",
    expected="{arm}",
    observed="{activity}",
    because="recorded as {recorded}; planned arm {arm}",
)
