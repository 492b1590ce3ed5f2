"""Lost to follow-up.

What
----
A participant was declared lost to follow-up, and visits or doses were due between the last contact and that day. One
finding names them all; none of them is found by itself, and after that day none is expected. Where no last contact is
recorded it is the last day with a dose, a visit or a measurement.

Why it matters
--------------
One cause is behind all that is missing, and whoever leaves without a word may have left for a reason that matters.

Reference
---------
ICH E9, on missing values; CDISC SDTM, DS domain: LOST TO FOLLOW-UP.

Deviates
--------
withdrew = no, lost = yes, absent = yes

Complies
--------
withdrew = no, lost = yes, absent = no
"""

import polars as pl

from rules.rule import Rule

lost_to_follow_up = Rule(
    code="lost_to_follow_up",
    title="Lost to follow-up",
    page=__doc__,
    table="leaving",
    category="visit completion",
    term="lost to follow-up",
    applies=pl.col("lost"),
    deviates=pl.col("absent"),
    message="No contact since {contact}; declared lost on {lost_on}. Not held or given in between: {absent_since}.",
    expected="{absent_since}",
    observed="no contact after {contact}",
    because="{recorded}",
)
