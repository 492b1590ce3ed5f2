"""Visit outside its window.

What
----
A visit that took place before the first or after the last day of its window. Both of these days are on time.
Where the window is in hours, the clock times count.

Why it matters
--------------
Measurements taken at other times than planned cannot be compared between participants.

Reference
---------
The protocol's visit windows; ICH E3 Q&As (R1) 2012.

Deviates
--------
treatment = no, visit = yes, day = 2024-03-17

Complies
--------
treatment = no, visit = yes, day = 2024-03-16
"""

import polars as pl

from rules.rule import Rule

visit_out_of_window = Rule(
    code="visit_out_of_window",
    title="Visit outside its window",
    page=__doc__,
    table="planned",
    category="visit completion",
    term="visit out of window",
    applies=pl.col("visit") & pl.col("done") & pl.col("timed"),
    deviates=(~pl.col("by_clock") & ~pl.col("day").is_between(pl.col("opens"), pl.col("closes")))
    | (pl.col("by_clock") & (pl.col("minutes_off") != 0)),
    rests_on=("due", "window"),
    measure=pl.when("by_clock")
    .then((pl.col("minutes_off").abs() / 1440).round(9))
    .otherwise(pl.max_horizontal(pl.col("opens") - pl.col("day"), pl.col("day") - pl.col("closes")).dt.total_days()),
    measure_unit="d",
    message="Visit {which} took place on {day}, {measure} outside its window ({opens} to {closes}).",
    expected="{opens} to {closes}",
    observed="{day}",
    because="{timing}",
)
