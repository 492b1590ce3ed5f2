"""Amount above the tolerance.

What
----
An administered amount above the largest that the intended dose and its tolerance allow. An amount exactly on the
limit complies; one above the maximum of the protocol is the rule `above_ceiling`. Where the ratio fits a known slip
(10, 100, 1000, pounds for kilograms, a daily dose given at once) the slip is named. An amount many times over any dose
that the participant could be meant to get is an overdose even if the weight is unknown.

Why it matters
--------------
Too much may harm: a tenfold slip is the classic fatal error.

Reference
---------
The protocol's dose and tolerance. Amounts are compared exactly, as whole base units.

Deviates
--------
amount = 17820001, most = 17820000

Complies
--------
amount = 17820000, most = 17820000
"""

import polars as pl

from rules.rule import Rule

overdose = Rule(
    code="overdose",
    title="Amount above the tolerance",
    page=__doc__,
    table="doses",
    category="wrong study treatment, administration or dose",
    term="overdose",
    applies=pl.col("dosed")
    & ~pl.col("unmodified")
    & ~pl.col("not_recalculated")
    & ~pl.col("unit_doubt")
    & ~pl.col("duplicate"),
    deviates=(
        ~pl.col("far_under")
        & (pl.col("amount") > pl.col("most"))
        & (~pl.col("capped") | (pl.col("amount") <= pl.col("ceiling")))
    )
    | pl.col("far_over"),
    rests_on=("dose", "tolerance"),
    measure=(pl.col("said") * 1000 - pl.col("high")) * 100 / pl.col("high"),
    measure_unit="%",
    message="{which} on {day}: {given} {excess}{slip}.",
    expected="{least} to {most}",
    observed="{given}",
    because="{dose}",
)
