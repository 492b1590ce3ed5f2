"""Visit held or not? No record tells.

What
----
The window of an expected visit has closed before the data cut and nothing is recorded; or a record says that it is
unknown whether the visit took place. A question to the site. Once the data are declared final, no record at all means
*missed*, which is the rule `visit_missed`.

Why it matters
--------------
No record is not the same as *missed*: only the site can tell.

Reference
---------
ICH E6(R3) 4.2, on complete and accurate records.

Deviates
--------
treatment = no, visit = yes, done = no

Complies
--------
treatment = no, visit = yes, done = no, excused = yes
"""

import polars as pl

from rules.rule import Rule

visit_no_record = Rule(
    code="visit_no_record",
    title="Visit held or not? No record tells",
    page=__doc__,
    table="planned",
    category="visit completion",
    term="no record of a visit",
    applies=pl.col("visit")
    & ~pl.col("denied")
    & (pl.col("unknown") | (~pl.col("done") & pl.col("over") & ~pl.col("final"))),
    deviates=pl.col("expected") & ~pl.col("excused"),
    rests_on=("due", "window"),
    asks=True,
    message="Did visit {which}, due {due} (window to {closes}), take place? No record tells.",
    expected="a record of the visit",
    observed="no record that tells",
    because="{timing}",
)
