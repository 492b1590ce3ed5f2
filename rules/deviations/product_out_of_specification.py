"""Product out of specification.

What
----
A record of something given that did not fulfil a requirement of its product: a share of living cells, a result of its
lot, a time since thaw, release or dispensing to the end of the infusion (interruptions count), a limit of a content
per kg; or a lot that had been recalled. What became known only after the use is no error of the site, and is asked
about by product_failed_later.

Why it matters
--------------
A product outside its specification may do harm, or nothing.

Reference
---------
The protocol's product (requires); EU GMP for ATMPs 11.5.

Deviates
--------
holds = no

Complies
--------
holds = yes
"""

import polars as pl

from rules.rule import Rule

product_out_of_specification = Rule(
    code="product_out_of_specification",
    title="Product out of specification",
    page=__doc__,
    table="specifications",
    category="wrong study treatment, administration or dose",
    term="product out of specification",
    applies=~pl.col("failed_later"),
    deviates=~pl.col("holds"),
    rests_on=("product",),
    message="{which} of {day} was out of specification: {requirement}, and it was {found}.",
    expected="{requirement}",
    observed="{found}",
    because="required: {requirement}; found: {found}; recorded: {recorded}",
)
