"""Weight implausible for the age.

What
----
A body weight below half or above twice the median for the age. The usual cause: pounds in a column for kilograms. A
question to the site, never a finding.

Why it matters
--------------
Every dose per kilogram follows the weight, so the weight is asked about before a dose is blamed.

Reference
---------
Medians: WHO Child Growth Standards 2006 and WHO Reference 2007 (to 10 years), CDC 2000 (to 20 years); the
factors 0.5 and 2 are a tool default (assumed).

Deviates
--------
grams = 32601, low = 8150, high = 32600

Complies
--------
grams = 32600, low = 8150, high = 32600
"""

import polars as pl

from rules.rule import Rule

weight_implausible = Rule(
    code="weight_implausible",
    title="Weight implausible for the age",
    page=__doc__,
    table="weights",
    category="study procedure",
    term="weight implausible",
    applies=pl.col("aged"),
    deviates=~pl.col("grams").is_between(pl.col("low"), pl.col("high")),
    rests_on=("plausible weight",),
    asks=True,
    message="Weight {weighed} of {at} is implausible for the age of {age}: {low} to {high} is plausible{pounds}.",
    expected="{low} to {high}",
    observed="{weighed}",
    because="{recorded}",
)
