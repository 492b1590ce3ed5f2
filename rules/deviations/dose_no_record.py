"""Given or not? No record tells.

What
----
The window of an expected dose has closed before the data cut and nothing is recorded; or a record says that it is
unknown whether the dose was given. A question to the site. Once the data are declared final, no record at all means
*not given*, which is the rule `dose_not_given`.

Why it matters
--------------
No record is not the same as *not given*: only the site can tell.

Reference
---------
ICH E6(R3) 4.2, on complete and accurate records.

Deviates
--------
done = no

Complies
--------
done = no, excused = yes
"""

import polars as pl

from rules.rule import Rule

dose_no_record = Rule(
    code="dose_no_record",
    title="Given or not? No record tells",
    page=__doc__,
    table="planned",
    category="wrong study treatment, administration or dose",
    term="no record of a dose",
    applies=pl.col("treatment")
    & ~pl.col("denied")
    & ~pl.col("claimed")
    & (pl.col("unknown") | (~pl.col("done") & pl.col("over") & ~pl.col("final"))),
    deviates=pl.col("expected") & ~pl.col("excused"),
    rests_on=("due", "window"),
    asks=True,
    message="Was {which}, due {due} (window to {closes}), given or not? No record tells.",
    expected="a record of {which}",
    observed="no record that tells",
    because="{timing}",
)
