"""Product not the protocol's.

What
----
A dose of a brand that the protocol does not name for its product. Its amount is not judged: mg/kg of one brand are
never compared with those of another. Without a brand on record the amount cannot be judged either.

Why it matters
--------------
Brands of one substance may be dosed many times apart, as the rabbit antithymocyte globulins are.

Reference
---------
The protocol's brands of the product; ICH E3 Q&As (R1) 2012.

Deviates
--------
right_brand = no

Complies
--------
right_brand = yes
"""

import polars as pl

from rules.rule import Rule

wrong_product = Rule(
    code="wrong_product",
    title="Product not the protocol's",
    page=__doc__,
    table="conduct",
    category="wrong study treatment, administration or dose",
    term="product not the protocol's",
    applies=pl.col("branded"),
    deviates=~pl.col("right_brand"),
    rests_on=("product",),
    message="{which} of {day} was {brand_recorded}, which is not the protocol's product ({brand_text}).",
    expected="{brand_text}",
    observed="{brand_recorded}",
    because="brands of the protocol: {brand_text}; recorded: {recorded}",
)
