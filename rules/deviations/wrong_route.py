"""Given by another route.

What
----
A dose recorded with another route than the protocol's. Words for one route are one: iv, intravenous, 静脉 are the CDISC
term INTRAVENOUS. A word that nobody knows is asked about.

Why it matters
--------------
Another route changes how much of a drug arrives and what it does; some routes kill.

Reference
---------
The protocol's route; CDISC controlled terminology ROUTE (C66729).

Deviates
--------
right_route = no

Complies
--------
right_route = yes
"""

import polars as pl

from rules.rule import Rule

wrong_route = Rule(
    code="wrong_route",
    title="Given by another route",
    page=__doc__,
    table="conduct",
    category="wrong study treatment, administration or dose",
    term="wrong route",
    applies=pl.col("routed"),
    deviates=~pl.col("right_route"),
    rests_on=("route",),
    message="{which} of {day} was given by the route {route_recorded}; the protocol has {route_text}.",
    expected="{route_text}",
    observed="{route_recorded}",
    because="protocol: {route_text}; recorded: {recorded}",
)
