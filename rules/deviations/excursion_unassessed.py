"""Used before a temperature excursion was assessed.

What
----
A lot or bag that had been too warm or too cold, used before anybody had said whether that was acceptable. An
assessment that came later does not undo it.

Why it matters
--------------
Until the sponsor has assessed an excursion the product is in quarantine.

Reference
---------
Industry scheme of TransCelerate (2021): assessed before use no deviation, after use a deviation, usually not
important.

Deviates
--------
assessed = no

Complies
--------
assessed = yes
"""

import polars as pl

from rules.rule import Rule

excursion_unassessed = Rule(
    code="excursion_unassessed",
    title="Used before a temperature excursion was assessed",
    page=__doc__,
    table="bags",
    category="wrong study treatment, administration or dose",
    term="excursion not assessed before use",
    applies=pl.col("excursed"),
    deviates=~pl.col("assessed"),
    message=(
        "{which} of {day}: {container} was used before its temperature excursion had been assessed (assessed on: "
        "{assessed_on})."
    ),
    expected="assessed before use",
    observed="assessed on {assessed_on}",
    because="recorded: {recorded}; assessed on: {assessed_on}",
)
