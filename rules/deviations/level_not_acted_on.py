"""Value out of range and not acted on.

What
----
A value on record orders another dose of a course and leaves open which, and within the stated time the dose was not
changed that way, the value was not measured again, and no reason is on record: no hold, no end of treatment, no
decision. Where the dose after the order can be worked out (a level, a share of a stated dose, an amount), the days are
judged against it.

Why it matters
--------------
A drug with a narrow range is guided by its level; a level that nobody reads guides nothing.

Reference
---------
The protocol's modifications (`then` with `within`); ICH E3 Q&As (R1) 2012.

Deviates
--------
acted = no

Complies
--------
acted = yes
"""

import polars as pl

from rules.rule import Rule

level_not_acted_on = Rule(
    code="level_not_acted_on",
    title="Value out of range and not acted on",
    page=__doc__,
    table="levels",
    category="wrong study treatment, administration or dose",
    term="level not acted on",
    applies=pl.col("over") & pl.col("taken"),
    deviates=~pl.col("acted"),
    rests_on=("modifications",),
    message="{activity}: the value of {day} ({recorded}) was not acted on by {until}.",
    expected="{ordered}",
    observed="nothing by {until}",
    because="{ordered}; recorded: {recorded}",
)
