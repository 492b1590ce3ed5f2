"""Dose that no planned occurrence accounts for.

What
----
A dose of a treatment of the participant's arm for which the calendar holds no occurrence: one too many, or one so far
from every planned day that it can be none of them. A dose after a stop or during a hold is the finding of those
rules.

Why it matters
--------------
An extra dose adds exposure that the protocol does not foresee.

Reference
---------
The protocol's schedule. Doses are matched to planned days in their order, with the least total displacement.

Deviates
--------
matched = no

Complies
--------
matched = yes
"""

import polars as pl

from rules.rule import Rule

unplanned_dose = Rule(
    code="unplanned_dose",
    title="Dose that no planned occurrence accounts for",
    page=__doc__,
    table="doses",
    category="wrong study treatment, administration or dose",
    term="unplanned dose",
    applies=~pl.col("duplicate") & ~pl.col("course") & ~pl.col("permitted") & (pl.col("identity_margin") > 0),
    deviates=~pl.col("matched")
    & pl.col("in_arm")
    & pl.col("anchored")
    & pl.col("countable")
    & ~(pl.col("stopped") | pl.col("on_hold") | pl.col("after_death")),
    rests_on=("due",),
    message="{activity} was given on {day}; no planned occurrence accounts for it.",
    expected="no further dose",
    observed="{given} on {day}",
    because="{places}",
)
