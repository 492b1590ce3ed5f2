"""Dose changed by another amount than ordered.

What
----
A value on record orders another dose of a course and says how far (`reduce ciclosporin by 10 to 25 %`); the dose was
changed that way, and by more or by less. The tolerance and the rounding of the dose count as its own; what a ceiling
or a floor leaves of a change is not too little. Where the value was measured again before the time was over, or a hold
or a decision is on record, nothing is compared.

Why it matters
--------------
A drug with a narrow range changed too far leaves the range on the other side; too little leaves it where it was.

Reference
---------
The protocol's modifications (`then` with `by` and `within`); ICH E3 Q&As (R1) 2012.

Deviates
--------
as_far = no

Complies
--------
as_far = yes
"""

import polars as pl

from rules.rule import Rule

changed_otherwise = Rule(
    code="changed_otherwise",
    title="Dose changed by another amount than ordered",
    page=__doc__,
    table="levels",
    category="wrong study treatment, administration or dose",
    term="dose changed otherwise than ordered",
    applies=pl.col("sized") & pl.col("taken"),
    deviates=~pl.col("as_far"),
    measure=pl.col("share") / 10,
    measure_unit="%",
    rests_on=("modifications",),
    message="{activity}: after the value of {day} ({recorded}) the dose became {share} of what it was; {ordered}.",
    expected="{ordered}",
    observed="{share} of the dose before",
    because="{ordered}; recorded: {recorded}",
)
