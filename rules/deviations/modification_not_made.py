"""Modification required and not made.

What
----
The protocol orders a change when a condition holds: to leave a dose out, to let a cycle wait, to give another amount.
The dose was given all the same, or in the amount that was right before. A dose during a hold or after a stop is the
finding of those rules; an amount that is right neither before nor after the change is an overdose or an underdose.

Why it matters
--------------
Doses are changed because of toxicity, or because a drug level or a blood count asks for it.

Reference
---------
ICH M11, 6.4 dose modification and 7.1 discontinuation of trial intervention; the protocol's own modifications.

Deviates
--------
unmodified = yes

Complies
--------
unmodified = no
"""

import polars as pl

from rules.rule import Rule

modification_not_made = Rule(
    code="modification_not_made",
    title="Modification required and not made",
    page=__doc__,
    table="doses",
    category="wrong study treatment, administration or dose",
    term="required dose modification not made",
    applies=pl.col("matched") & ~pl.col("duplicate"),
    deviates=pl.col("in_arm")
    & (pl.col("unmodified") | pl.col("forbidden"))
    & ~(pl.col("stopped") | pl.col("on_hold") | pl.col("after_death")),
    rests_on=("modifications",),
    message="{which} on {day}: {given} was given, although the protocol orders {orders}.",
    expected="{orders}",
    observed="{given} on {day}",
    because="{order_steps}",
)
