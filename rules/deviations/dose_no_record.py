"""Given or not? Nothing is recorded.

What
----
The window of an expected dose has closed, the data cut is past, and no record says that it was given or not
given.

Why it matters
--------------
No record is not the same as not given: only the site can tell.

Reference
---------
Good clinical data practice; E6(R3) 4.2. A query, never a finding, unless the data are declared final.

Deviates
--------
done = no

Complies
--------
done = yes
"""

import polars as pl

from rules.rule import Rule

dose_no_record = Rule(
    code="dose_no_record",
    title="Given or not? Nothing is recorded",
    page=__doc__,
    table="planned",
    category="wrong study treatment, administration or dose",
    term="no record of a dose",
    applies=pl.col("treatment") & ~pl.col("done") & ~pl.col("denied") & pl.col("over") & ~pl.col("final"),
    deviates=pl.col("expected") & ~pl.col("excused"),
    rests_on=("due", "window"),
    asks=True,
    fact="record",
    message="Was {activity} {occurrence}, due {due}, given or not? Its window closed on {closes} and nothing is recorded.",
    expected="a record of {activity} {occurrence}",
    observed="no record",
    because="{timing}",
)
