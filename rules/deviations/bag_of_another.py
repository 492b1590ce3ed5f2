"""Bag released for another participant.

What
----
A record of a bag that was released for another participant: the record is misfiled, or the product was given to the
wrong participant. The record is not judged as a dose of either, and the missing dose of the other is not asked about
again. Of two bags that were exchanged it is one question. A study rule: it looks across participants.

Why it matters
--------------
A product given to the wrong participant is a serious breach until shown otherwise.

Reference
---------
For whom the bag was released (lots, for_subject); EU 536/2014 Art. 52.

Deviates
--------
released_for_another = yes

Complies
--------
released_for_another = no
"""

import polars as pl

from rules.rule import Rule

bag_of_another = Rule(
    code="bag_of_another",
    title="Bag released for another participant",
    page=__doc__,
    table="bags",
    category="wrong study treatment, administration or dose",
    term="bag of another participant",
    applies=pl.col("first_of_bag"),
    deviates=pl.col("released_for_another"),
    asks=True,
    message=(
        "Bag {container} of {activity}, recorded here for {day}, was released for {meant_for}: is the record "
        "misfiled, or was the product given to the wrong participant?"
    ),
    expected="released for this participant",
    observed="released for {meant_for}",
    because="{recorded}",
)
