"""Waiver granted.

What
----
A waiver on record: somebody allowed a departure from the protocol for one participant in advance. The departure itself
is judged as if there were no waiver, and the waiver is shown beside it.

Why it matters
--------------
Nobody can permit in advance what the approved protocol forbids; a protocol that does not fit is amended.

Reference
---------
ICH E6(R3) 2.5.4: only to remove an immediate hazard; EMA, questions and answers of the GCP inspectors: no waivers.

Deviates
--------
waives = yes

Complies
--------
waives = no
"""

import polars as pl

from rules.rule import Rule

waiver_granted = Rule(
    code="waiver_granted",
    title="Waiver granted",
    page=__doc__,
    table="decisions",
    category="site level error",
    term="waiver of the protocol",
    applies=pl.lit(True),
    deviates=pl.col("waives"),
    message="A departure from the protocol was allowed in advance by {decided_by} on {decided}: {decided_why}.",
    expected="no waiver; an amendment where the protocol does not fit",
    observed="waiver by {decided_by} on {decided}",
    because="{recorded}",
)
