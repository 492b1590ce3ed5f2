"""Amendment in use before its approval.

What
----
A version of the protocol came into use at a site before the ethics committee had approved it. What was done under it is
judged by it all the same: this is the fault of the site, not of each dose.

Why it matters
--------------
No change may be put into practice before it is approved, unless it removes an immediate hazard.

Reference
---------
ICH E6(R3) 2.5.4 and 3.9; ICH E6(R3), Annex 1, 1.3, submission and approval of amendments.

Deviates
--------
before_approval = yes

Complies
--------
before_approval = no
"""

import polars as pl

from rules.rule import Rule

amendment_before_approval = Rule(
    code="amendment_before_approval",
    title="Amendment in use before its approval",
    page=__doc__,
    table="amendments",
    category="site level error",
    term="amendment implemented before approval",
    applies=pl.lit(True),
    deviates=pl.col("before_approval"),
    message="Version {amendment} of the protocol came into use on {active}, and was approved on {approved}.",
    expected="approval first",
    observed="in use on {active}, approved on {approved}",
    because="{recorded}",
)
