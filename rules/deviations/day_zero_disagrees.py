"""Day zero and the event that defines it disagree.

What
----
The recorded day zero is not the day of the event that the protocol counts from. The event's day is used until the
site has answered.

Why it matters
--------------
Every due day is counted from day zero: one wrong date makes a whole calendar look late or early.

Reference
---------
The protocol's definition of day zero.

Deviates
--------
zero_differs = yes

Complies
--------
zero_differs = no
"""

import polars as pl

from rules.rule import Rule

day_zero_disagrees = Rule(
    code="day_zero_disagrees",
    title="Day zero and the event that defines it disagree",
    page=__doc__,
    table="people",
    category="study procedure",
    term="day zero disagrees",
    applies=pl.col("zero_judged"),
    deviates=pl.col("zero_differs"),
    rests_on=("milestones",),
    asks=True,
    message="Day zero is recorded as {zero_recorded}, but {zero_event}: which is right? The event's day is used.",
    expected="{zero_event}",
    observed="{zero_recorded}",
    because="{recorded}",
)
