"""Dose that no planned occurrence accounts for.

What
----
A record of an allowed treatment for which the schedule holds no occurrence: one dose too many, or one so far
from every planned day that it cannot be any of them.

Why it matters
--------------
An extra dose adds exposure that the protocol did not foresee.

Reference
---------
Identity of doses: the order-preserving assignment of least displacement (docs/engine.md).

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
    applies=~pl.col("duplicate") & ~pl.col("course") & ~pl.col("matched") & ~pl.col("permitted"),
    deviates=pl.col("in_arm") & pl.col("anchored") & ~pl.col("stopped") & ~pl.col("on_hold") & ~pl.col("after_death"),
    rests_on=("due",),
    message="{activity} was given on {day}; no planned occurrence accounts for it.",
    expected="no further dose",
    observed="{given} on {day}",
    because="{places}",
)
