"""Used although a temperature excursion was not acceptable.

What
----
A lot or bag that had been too warm or too cold, used although it had been assessed as not acceptable.

Why it matters
--------------
The product was known to be unfit when it was given.

Reference
---------
Industry scheme of TransCelerate (2021): not acceptable and used is important.

Deviates
--------
acceptable = no

Complies
--------
acceptable = yes
"""

import polars as pl

from rules.rule import Rule

excursion_unacceptable = Rule(
    code="excursion_unacceptable",
    title="Used although a temperature excursion was not acceptable",
    page=__doc__,
    table="bags",
    category="wrong study treatment, administration or dose",
    term="product used after an unacceptable excursion",
    applies=pl.col("excursed"),
    deviates=pl.col("assessed") & ~pl.col("acceptable"),
    message=(
        "{which} of {day}: {container} was used although its temperature excursion had been assessed as not "
        "acceptable on {assessed_on}."
    ),
    expected="not used",
    observed="used on {day}",
    because="recorded: {recorded}; assessed on {assessed_on}",
)
