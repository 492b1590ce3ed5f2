"""Product used after its expiry.

What
----
A bag or lot whose use ended after its expiry. A day of expiry lasts to its end; a time of day does not. The end of
the infusion counts; without one the answer is given only where it cannot matter. An expiry that is on no record is
not asked for.

Why it matters
--------------
After its expiry nobody vouches for what a product does.

Reference
---------
The expiry on the record or in the table lots; EU GMP for ATMPs 11.5.

Deviates
--------
used = 28507681, expires = 28507680

Complies
--------
used = 28507680, expires = 28507680
"""

import polars as pl

from rules.rule import Rule

product_expired = Rule(
    code="product_expired",
    title="Product used after its expiry",
    page=__doc__,
    table="bags",
    category="wrong study treatment, administration or dose",
    term="product expired",
    applies=pl.col("dated"),
    deviates=pl.col("used") > pl.col("expires"),
    measure=pl.col("days_over"),
    measure_unit="d",
    message="{which} of {day}: {container} was used until {used}, and expired {expires}.",
    expected="used by {expires}",
    observed="used until {used}",
    because="expiry {expires}; use ended {used}; recorded: {recorded}",
)
