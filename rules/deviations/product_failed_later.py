"""Product found out of specification after its use.

What
----
A result of a lot or bag, or its recall, that was known only after a dose of it: no administration error by the site,
and a product event that everyone who got the lot has to be followed up for.

Why it matters
--------------
Those who got the lot must be found and followed; how the dose was given was right.

Reference
---------
EU GMP for ATMPs 11.5; the protocol's product (requires).

Deviates
--------
failed_later = yes

Complies
--------
failed_later = no
"""

import polars as pl

from rules.rule import Rule

product_failed_later = Rule(
    code="product_failed_later",
    title="Product found out of specification after its use",
    page=__doc__,
    table="specifications",
    category="wrong study treatment, administration or dose",
    term="product found out of specification later",
    applies=pl.lit(value=True),
    deviates=pl.col("failed_later"),
    rests_on=("product",),
    measure=pl.col("days_known"),
    measure_unit="d",
    asks=True,
    message=(
        "{which} of {day}: {requirement} was found not fulfilled ({found}), known {known_on}, {measure} after it was "
        "given. Has the follow-up of everyone who got it been arranged: {recipients}?"
    ),
    expected="{requirement}",
    observed="{found}, known {known_on}",
    because="required: {requirement}; found: {found}; known {known_on}; recorded: {recorded}",
)
