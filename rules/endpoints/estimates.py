"""The statistics of endpoints, by statsmodels and SciPy: shares, Kaplan-Meier curves, quantiles and the log-rank test.

Shares have exact intervals (Clopper-Pearson). A curve has Greenwood's standard error, and pointwise intervals on the
log-log scale; so have its quantiles (Brookmeyer-Crowley). All intervals are of 95 %.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

from protocol.errors import PerprotocolError
from rules.arrays import Flags, Ints

LEVEL = 0.95
_Z = NormalDist().inv_cdf(0.5 + LEVEL / 2)
Floats = npt.NDArray[np.float64]


def need_statsmodels() -> None:
    """Statistics can be computed; a PerprotocolError says what to install."""
    try:
        import statsmodels  # noqa: F401, PLC0415  an extra, and slow to import
    except ModuleNotFoundError:
        raise PerprotocolError(
            "survival and intervals need statsmodels, which is not installed: pip install 'perprotocol[survival]'"
        ) from None


@dataclass(frozen=True)
class Estimate:
    """A value with its standard error and the ends of its interval; None where it cannot be estimated."""

    value: float | None
    error: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Curve:
    """A Kaplan-Meier curve: the share without the event after each time at which one happened.

    `days` and `happened` are those of all participants, in ascending order of time.
    """

    times: Floats
    share: Floats
    error: Floats
    days: Ints
    happened: Flags

    @property
    def number(self) -> int:
        """Participants."""
        return len(self.days)

    @property
    def events(self) -> int:
        """Of how many the event is known."""
        return int(self.happened.sum())

    def at_risk(self, day: float) -> int:
        """Participants still observed, without the event before that day."""
        return int((self.days >= day).sum())

    def at(self, day: float) -> Estimate:
        """The share without the event at a time; none beyond the last day of observation, unless nobody is left."""
        index = int(np.searchsorted(self.times, day, side="right")) - 1
        share = float(self.share[index]) if index >= 0 else 1.0
        if not self.number or (day > self.days[-1] and share > 0):
            return Estimate(None)
        if index < 0 or share in (0.0, 1.0):
            return Estimate(share)
        error = float(self.error[index])
        log = math.log(share)
        spread = _Z * error / (share * abs(log))
        return Estimate(share, error, share ** math.exp(spread), share ** math.exp(-spread))


def proportion(number: int, of: int) -> Estimate:
    """A share with its exact interval."""
    from statsmodels.stats.proportion import proportion_confint  # noqa: PLC0415

    if not of:
        return Estimate(None)
    low, high = proportion_confint(number, of, alpha=1 - LEVEL, method="beta")
    return Estimate(number / of, None, float(low), float(high))


def kaplan_meier(days: Ints, happened: Flags) -> Curve:
    """The curve of participants who had the event (`happened`) after so many days, or were observed so long."""
    order = np.lexsort((~happened, days))
    days, happened = days[order], happened[order]
    if not happened.any():
        nothing = np.zeros(0)
        return Curve(nothing, nothing, nothing, days, happened)
    fitted = _fitted(days, happened)
    times, share = np.asarray(fitted.surv_times, float), np.asarray(fitted.surv_prob, float)
    died = np.asarray(fitted.n_events) > 0
    return Curve(times[died], share[died], np.asarray(fitted.surv_prob_se, float)[died], days, happened)


def _fitted(days: Ints, happened: Flags) -> Any:
    from statsmodels.duration.survfunc import SurvfuncRight  # noqa: PLC0415

    with np.errstate(divide="ignore", invalid="ignore"):
        return SurvfuncRight(days, happened.astype(int))


def median(curve: Curve) -> Estimate:
    """The first time at which at most half are without the event, with its interval; None where it is not reached."""
    reached = np.flatnonzero(curve.share <= 0.5 + 1e-12)
    if not curve.events:
        return Estimate(None)
    with np.errstate(divide="ignore", invalid="ignore"):
        low, high = _fitted(curve.days, curve.happened).quantile_ci(0.5, alpha=1 - LEVEL)
    value = float(curve.times[reached[0]]) if len(reached) else None
    return Estimate(value, None, _finite(low), _finite(high))


def _finite(number: float) -> float | None:
    return float(number) if math.isfinite(number) else None


def follow_up(curve: Curve) -> Estimate:
    """The median time of observation: the curve with event and end of observation exchanged (reverse Kaplan-Meier)."""
    return median(kaplan_meier(curve.days, ~curve.happened))


@dataclass(frozen=True)
class LogRank:
    """The log-rank test: its statistic, its degrees of freedom and its p-value."""

    statistic: float
    freedom: int
    p: float


def log_rank(curves: Sequence[Curve]) -> LogRank | None:
    """Whether the curves differ; None for a single one, or where no event happened."""
    curves = [curve for curve in curves if curve.number]
    if len(curves) < 2 or not any(curve.events for curve in curves):
        return None
    from statsmodels.duration.survfunc import survdiff  # noqa: PLC0415

    days = np.concatenate([curve.days for curve in curves])
    happened = np.concatenate([curve.happened for curve in curves]).astype(int)
    group = np.repeat(np.arange(len(curves)), [curve.number for curve in curves])
    try:
        statistic, p = survdiff(days, happened, group)
    except np.linalg.LinAlgError:
        return None  # no event while more than one group was observed
    return LogRank(float(statistic), len(curves) - 1, float(p))
