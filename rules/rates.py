"""Deviations by site for the time its participants were on study, and which sites stand out among the others."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from rules.facts import Study
from rules.happened.states import LOST

LEAST_DAYS = 30
"""Subject-days below which a site is shown and not judged."""

CUTS = (2.0, 3.0)
"""Funnel limits in over-dispersed standard errors: outside the first a site is *unusual*, the second *far out*."""

BEGINNINGS = ("enrolled", "randomised", "day-zero")
ENDS = ("death", "withdrawal", "withdrawal-from-the-trial", "withdrawal-of-consent", "completion", *LOST)
"""Milestones that begin and end a participant's time on study."""

RATES: dict[str, pl.DataType] = {
    "site": pl.String(), "subjects": pl.UInt32(), "days": pl.Int64(), "number": pl.UInt32(), "rate": pl.Float64(),
    "expected": pl.Float64(), "z": pl.Float64(), "low_2": pl.Float64(), "high_2": pl.Float64(), "low_3": pl.Float64(),
    "high_3": pl.Float64(), "flag": pl.String(),
}  # fmt: skip
"""A site: participants on study, their days, deviations, deviations a day, what all sites together have, its score and
limits; `flag` is unusual, far out, or few days."""


@dataclass(frozen=True)
class Funnel:
    """Sites beside each other: `mean` deviations a subject-day of all, and how much more they vary than chance has it.

    `sites` has the fields of `RATES`, most days first.
    """

    mean: float
    dispersion: float
    sites: pl.DataFrame

    def limit(self, days: float, cut: float) -> float:
        """The rate at `cut` over-dispersed standard errors from the mean after so many subject-days."""
        return float(max(self.mean + cut * np.sqrt(self.dispersion * self.mean / days), 0.0))


def subject_days(study: Study, as_of: date) -> pl.DataFrame:
    """Everyone's time on study up to a day. Columns: subject, site, from, to, days (0 for who was never on it).

    From the earliest of enrolment, randomisation and day zero, else the first dose; to the earliest end on record, the
    data cut or the day. Both days count.
    """
    last = min(as_of, study.data_cut or as_of)
    milestones = study.milestones.with_columns(pl.col("milestone").str.to_lowercase().str.replace_all(r"[\s_]+", "-"))
    first_dose = study.administrations.filter(pl.col("status").is_null() | (pl.col("status") != "not given"))
    begun = milestones.filter(pl.col("milestone").is_in(BEGINNINGS)).group_by("s").agg(begun=pl.col("date").min())
    ended = milestones.filter(pl.col("milestone").is_in(ENDS)).group_by("s").agg(ended=pl.col("date").min())
    dosed = first_dose.group_by("s").agg(dosed=pl.col("start").min())
    everyone = study.subjects.select("s", "subject", "site", "enrolled", "day_zero")
    for part in (begun, ended, dosed):
        everyone = everyone.join(part, on="s", how="left", maintain_order="left")
    told = pl.min_horizontal("enrolled", "day_zero", "begun")
    spans = everyone.select(
        "subject",
        "site",
        pl.coalesce(told, "dosed").alias("from"),
        pl.min_horizontal("ended", pl.lit(last)).alias("to"),
    )
    days = (pl.col("to") - pl.col("from")).dt.total_days() + 1
    return spans.with_columns(days=days.clip(lower_bound=0).fill_null(0).cast(pl.Int64))


def site_rates(findings: pl.DataFrame, days: pl.DataFrame) -> Funnel:
    """The sites by their deviations a subject-day, with over-dispersed limits, as tools for risk-based monitoring show.

    z₀ = (m − µ) / √(µ/D) of each site; φ the mean of z₀² over the sites; z = (m − µ) / √(φµ/D); limits µ ± c·√(φµ/D).
    m: deviations of a site a subject-day, µ: of all sites, D: subject-days of the site. A site of few days is not
    judged, and does not count in φ: one deviation on its first day would hide all others.
    """
    on_study = days.filter((pl.col("days") > 0) & pl.col("site").is_not_null())
    sites = on_study.group_by("site").agg(subjects=pl.len(), days=pl.col("days").sum())
    found = findings.filter(pl.col("subject").is_in(on_study["subject"].implode()))
    counted = found.join(on_study.select("subject", home="site"), on="subject").group_by("home").agg(number=pl.len())
    sites = sites.join(counted, left_on="site", right_on="home", how="left").with_columns(pl.col("number").fill_null(0))
    total, time = float(sites["number"].sum()), float(sites["days"].sum())
    mean = total / time if time else 0.0
    d, n = sites["days"].to_numpy().astype(float), sites["number"].to_numpy().astype(float)
    rate = n / d
    plain = np.sqrt(mean / d) if mean else np.zeros(len(d))
    scores = np.divide(rate - mean, plain, out=np.zeros(len(d)), where=plain > 0)
    judged = d >= LEAST_DAYS
    dispersion = float(np.mean(scores[judged] ** 2)) if judged.any() else 0.0
    wide = np.sqrt(dispersion) * plain
    z = np.divide(rate - mean, wide, out=np.zeros(len(d)), where=wide > 0)
    columns = {"rate": rate, "expected": np.full(len(d), mean), "z": z}
    for cut in CUTS:
        columns |= {f"low_{cut:g}": np.maximum(mean - cut * wide, 0.0), f"high_{cut:g}": mean + cut * wide}
    size = pl.col("z").abs()
    flag = pl.when(pl.col("days") < LEAST_DAYS).then(pl.lit("few days")).when(size > CUTS[1]).then(pl.lit("far out"))
    table = sites.with_columns(pl.Series(name, values) for name, values in columns.items())
    table = table.with_columns(flag=flag.when(size > CUTS[0]).then(pl.lit("unusual")))
    table = table.sort("days", "site", descending=[True, False])
    return Funnel(mean, dispersion, table.select(pl.col(c).cast(t) for c, t in RATES.items()))
