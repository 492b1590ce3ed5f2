"""Consent to an outdated form.

What
----
A dose or a visit after a new consent form was due at the site and before the participant signed it: the protocol's
newer version says `consent: {again: required}` and is active at the site. On the day of activation, and on the day of
the signature, the order cannot be told.

Why it matters
--------------
The participant went on without being told what is now known; one date of consent for each participant cannot show it.

Reference
---------
ICH E6(R3), Annex 1, 2.8.2, new information and consent again.

Deviates
--------
outdated = yes

Complies
--------
outdated = no
"""

import polars as pl

from rules.rule import Rule

consent_version_outdated = Rule(
    code="consent_version_outdated",
    title="Consent to an outdated form",
    page=__doc__,
    table="reconsents",
    category="informed consent",
    term="consent version outdated",
    applies=pl.col("form_due"),
    deviates=pl.col("outdated"),
    message="{procedure} came after form {form} was due ({since}) and before it was signed{consent}.",
    expected="form {form} signed first",
    observed="{procedure}",
    because="form {form} due from {since}{consent}",
)
