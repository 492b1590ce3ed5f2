"""Treatment of another arm outside the trial.

What
----
A participant was given elsewhere, as concomitant medication, a treatment that in the trial only another arm gets. One
finding: dose and days of it are not judged, and the planned arm stays. Where the protocol allows it, after failure of
the treatment for instance, it complies.

Why it matters
--------------
Arms that get the same treatment cannot be compared; the statistician must know the treatment received.

Reference
---------
ICH E9 5.2, on the treatment planned and the treatment received; CDISC SDTM, ACTARM.

Deviates
--------
experimental = yes, forbidden = yes

Complies
--------
experimental = yes, forbidden = no
"""

import polars as pl

from rules.rule import Rule

non_trial_treatment = Rule(
    code="non_trial_treatment",
    title="Treatment of another arm outside the trial",
    page=__doc__,
    table="medications",
    category="excluded medication, vaccine or device",
    term="non-trial treatment",
    applies=pl.col("experimental"),
    deviates=pl.col("forbidden") & ~pl.col("excepted"),
    message="{medication} was given outside the trial on {day}, and the participant's arm ({arm}) does not get it; the "
    "planned arm stays, the treatment received is to be noted for the analysis.",
    expected="{arm}",
    observed="{medication}",
    because="{recorded}",
)
