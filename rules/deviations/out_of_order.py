"""Number that contradicts the order.

What
----
A record whose own number contradicts the order of the other doses: it names an occurrence that it cannot be. Its days
are not judged as early or late: which dose it is has to be settled first.

Why it matters
--------------
Which dose of a series was given decides what was due; a number that cannot be right hides a missed or a double dose.

Reference
---------
The numbers on the records; ICH E6(R3) 4.2.

Deviates
--------
out_of_order = yes

Complies
--------
out_of_order = no
"""

import polars as pl

from rules.rule import Rule

out_of_order = Rule(
    code="out_of_order",
    title="Number that contradicts the order",
    page=__doc__,
    table="doses",
    category="wrong study treatment, administration or dose",
    term="dose number out of order",
    applies=~pl.col("duplicate"),
    deviates=pl.col("out_of_order")
    & pl.col("anchored")
    & ~(pl.col("stopped") | pl.col("on_hold") | pl.col("after_death")),
    message="The dose of {activity} on {day} is recorded as number {number}, against the order of the others.",
    expected="numbers that rise with the days",
    observed="number {number} on {day}",
    because="{recorded}",
)
