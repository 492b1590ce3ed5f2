"""One bag recorded for several participants.

What
----
The same bag of the same lot of one treatment in records of several participants: one record is misfiled, or a product
was given to the wrong participant. One question, put at the first record. A study rule: it looks across participants.

Why it matters
--------------
A product given to the wrong participant is a serious breach until shown otherwise.

Reference
---------
The bags on the records; EU 536/2014 Art. 52.

Deviates
--------
shared = yes

Complies
--------
shared = no
"""

import polars as pl

from rules.rule import Rule

bag_of_several = Rule(
    code="bag_of_several",
    title="One bag recorded for several participants",
    page=__doc__,
    table="bags",
    category="wrong study treatment, administration or dose",
    term="bag of several participants",
    applies=pl.col("first_of_bag"),
    deviates=pl.col("shared"),
    asks=True,
    message=(
        "Bag {container} of {activity}, given on {day}, is recorded for {shared_with} too: who got it? Is a record "
        "misfiled, or was the product given to the wrong participant?"
    ),
    expected="one participant",
    observed="also recorded for {shared_with}",
    because="{recorded}",
)
