"""Infusion interrupted beyond what is allowed.

What
----
An infusion that stood still, and went on with the same bag, where the protocol does not allow it or for longer than it
allows. Records of different bags are no interruption. Where the protocol is silent its authors are asked, once.

Why it matters
--------------
Cells lose viability in the line and drugs their stability in the bag; whether what is left may still be given is for
the protocol to say, not for the ward.

Reference
---------
The protocol's interruption policy (interruption).

Deviates
--------
pause = 31, longest_pause = 30

Complies
--------
pause = 30, longest_pause = 30
"""

import polars as pl

from rules.rule import Rule

infusion_interrupted = Rule(
    code="infusion_interrupted",
    title="Infusion interrupted beyond what is allowed",
    page=__doc__,
    table="conduct",
    category="wrong study treatment, administration or dose",
    term="infusion interrupted",
    applies=pl.col("interrupted"),
    deviates=pl.col("pause") > pl.col("longest_pause"),
    rests_on=("interruption",),
    measure=pl.col("pause"),
    measure_unit="min",
    message="{which} of {day} was interrupted for {paused}; the protocol: {interruption_text}.",
    expected="{interruption_text}",
    observed="{paused}",
    because="interruption {interruption_text}; stood still for {paused}; recorded: {recorded}",
)
