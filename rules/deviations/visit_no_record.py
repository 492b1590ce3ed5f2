"""Visit held or not? Nothing is recorded.

What
----
The window of an expected visit has closed, the data cut is past, and nothing is recorded.

Why it matters
--------------
No record is not the same as missed: only the site can tell.

Reference
---------
E6(R3) 4.2. A query, never a finding, unless the data are declared final.

Deviates
--------
treatment = no, visit = yes, done = no

Complies
--------
treatment = no, visit = yes
"""

import polars as pl

from rules.rule import Rule

visit_no_record = Rule(
    code="visit_no_record",
    title="Visit held or not? Nothing is recorded",
    page=__doc__,
    table="planned",
    category="visit completion",
    term="no record of a visit",
    applies=pl.col("visit") & ~pl.col("done") & ~pl.col("denied") & pl.col("over") & ~pl.col("final"),
    deviates=pl.col("expected") & ~pl.col("excused"),
    rests_on=("due", "window"),
    asks=True,
    fact="record",
    message="Did visit {activity} {occurrence}, due {due}, take place? Its window closed on {closes} and nothing is recorded.",
    expected="a record of the visit",
    observed="no record",
    because="{timing}",
)
