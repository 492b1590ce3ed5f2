"""Dose of a course off its level.

What
----
On some days of a course the dose taken differs from the one in force, the step or level, by more than the tolerance.
On the day on which a step begins the dose before it is still right. From the day after a modification changes the dose
by levels, to or by a share or an amount (or after the time it gives for that), what it leaves of the dose is due; what
it permits beside that is right too. Where the protocol fixes only the first dose, later ones follow the modifications,
and only the maximum is judged, and an amount that a modification sets.

Why it matters
--------------
Titration steps and tapers are there for safety and effect.

Reference
---------
The protocol's dose, steps and levels; ICH E3 Q&As (R1) 2012.

Deviates
--------
given = 89100001, most = 89100000

Complies
--------
given = 89100000, most = 89100000
"""

import polars as pl

from rules.rule import Rule

dose_off_level = Rule(
    code="dose_off_level",
    title="Dose of a course off its level",
    page=__doc__,
    table="exposures",
    category="wrong study treatment, administration or dose",
    term="dose off its level",
    applies=pl.col("dosed"),
    deviates=(pl.col("given") < pl.col("least")) | (pl.col("given") > pl.col("most")),
    rests_on=(
        "dose",
        "tolerance",
    ),
    measure=pl.col("off_percent"),
    measure_unit="%",
    message="{activity} from {day} to {last}: {given_each}{each} was taken, {limits_each}{each} was due.",
    expected="{limits_each}{each}",
    observed="{given_each}{each}",
    because="{course_dose}",
)
