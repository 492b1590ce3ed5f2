"""Participants × sets -> figures: one row per endpoint, set, arm and figure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean, median, stdev
from typing import Any

import numpy as np
import polars as pl

from protocol.durations import Duration
from protocol.model import Endpoint, Protocol
from rules.endpoints.estimates import Curve, Estimate, follow_up, kaplan_meier, log_rank, proportion
from rules.endpoints.estimates import median as median_time
from rules.endpoints.participants import TOLD
from rules.endpoints.response import words_of
from rules.endpoints.sets import members

RESULTS: dict[str, pl.DataType] = {
    "endpoint": pl.String(), "analysis_set": pl.String(), "arm": pl.String(), "figure": pl.String(),
    "answer": pl.String(), "at": pl.String(), "number": pl.Int64(), "of": pl.Int64(), "not_told": pl.Int64(),
    "value": pl.Float64(), "error": pl.Float64(), "low": pl.Float64(), "high": pl.Float64(), "unit": pl.String(),
}  # fmt: skip
"""`figure`: share, events, survival, median, follow-up, p, mean; `number` of `of` participants, `not_told` left out;
`value` with its standard `error` (of a mean the standard deviation) and its 95 % interval `low` to `high`, in `unit`.
Of a survival `number` is how many were still at risk."""

SUCCESS = "success"
"""The answer of a response that stands for all values of `success` together."""
YES = "yes"
"""The answer of an event that happened."""
DAYS_A_MONTH = 30.4375
Row = dict[str, Any]


@dataclass(frozen=True)
class Drawn:
    """The curves of one endpoint in one set, by arm, with the times at which it is estimated and its p-value."""

    endpoint: str
    analysis_set: str
    curves: dict[str, Curve]
    p: float | None


def compute_results(
    protocol: Protocol, participants: pl.DataFrame, sets: pl.DataFrame
) -> tuple[pl.DataFrame, list[Drawn]]:
    """The figures of every endpoint in every set, by arm, and the curves of those that are times."""
    rows: list[Row] = []
    drawn: list[Drawn] = []
    people = participants["subject"].unique(maintain_order=True).to_list()
    for name, endpoint in protocol.endpoints.items():
        mine = participants.filter(pl.col("endpoint") == name)
        for chosen, subjects in members(sets, people) if len(mine) else ():
            of_set = mine.filter(pl.col("subject").is_in(subjects))
            common = {"endpoint": name, "analysis_set": chosen}
            if endpoint.kind == "survival":
                curves, found = _survival(protocol, endpoint, of_set)
                rows += [common | row for row in found]
                p = next((row["value"] for row in found if row["figure"] == "p"), None)
                drawn.append(Drawn(name, chosen, curves, p))
            else:
                rows += [common | row for row in _shares(protocol, endpoint, of_set)]
    return pl.DataFrame(rows, schema=RESULTS, orient="row"), drawn


def _by_arm(protocol: Protocol, rows: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame, Row]]:
    """The participants of each arm who count, and how many are left out."""
    for arm in protocol.arms:
        mine = rows.filter(pl.col("arm") == arm)
        told = mine.filter(pl.col("state") == TOLD)
        if len(mine):
            yield arm, told, {"arm": arm, "not_told": len(mine) - len(told)}


def _shares(protocol: Protocol, endpoint: Endpoint, rows: pl.DataFrame) -> Iterator[Row]:
    words = words_of(protocol.measures[endpoint.measure]) if endpoint.measure is not None else (YES,)
    for arm, told, common in _by_arm(protocol, rows):
        if not words:
            yield from (common | row for row in _numbers(protocol, endpoint, told["value"].drop_nulls().to_list()))
            continue
        counted: list[tuple[str, tuple[str, ...]]] = [(word, (word,)) for word in words]
        counted += [(SUCCESS, endpoint.success)] if len(endpoint.success) > 1 else []
        for answer, meant in counted:
            number = int(told["answer"].is_in(list(meant)).sum())
            share = _percent(proportion(number, len(told)))
            yield common | {"arm": arm, "figure": "share", "answer": answer, "number": number, "of": len(told)} | share


def _numbers(protocol: Protocol, endpoint: Endpoint, values: Sequence[float]) -> Iterator[Row]:
    measure = protocol.measures[str(endpoint.measure)]
    common = {"of": len(values), "number": len(values), "unit": measure.unit}
    spread = stdev(values) if len(values) > 1 else None
    yield common | {"figure": "mean", "value": fmean(values) if values else None, "error": spread}
    ends = {"low": min(values), "high": max(values)} if values else {}
    yield common | {"figure": "median", "value": median(values) if values else None} | ends


def _percent(estimate: Estimate) -> Row:
    return _written(estimate, 0.01) | {"unit": "%"}


def _written(estimate: Estimate, unit: float) -> Row:
    ends = {"value": estimate.value, "error": estimate.error, "low": estimate.low, "high": estimate.high}
    return {key: None if end is None else end / unit for key, end in ends.items()}


def days_in(duration: Duration) -> float:
    """The length of a time in days: a month has 30.4375, a year 365.25."""
    return duration.months * DAYS_A_MONTH + duration.days


def in_months(endpoint: Endpoint, curves: Sequence[Curve]) -> bool:
    """Whether times are told in months: as the protocol counts them, else where anybody was observed for a year."""
    if endpoint.at:
        return any(at.months for at in endpoint.at)
    return any(curve.number and curve.days[-1] > 365 for curve in curves)


def _survival(protocol: Protocol, endpoint: Endpoint, rows: pl.DataFrame) -> tuple[dict[str, Curve], list[Row]]:
    curves: dict[str, Curve] = {}
    commons = []
    for arm, told, common in _by_arm(protocol, rows):
        days, happened = told["days"].to_numpy(), told["happened"].to_numpy()
        curves[arm] = kaplan_meier(days.astype(np.int32), happened.astype(np.bool_))
        commons.append(common | {"of": len(told)})
    months = in_months(endpoint, list(curves.values()))
    found: list[Row] = []
    for curve, common in zip(curves.values(), commons, strict=True):
        found.append(common | {"figure": "events", "number": curve.events})
        for at in endpoint.at:
            day = days_in(at)
            said = {"figure": "survival", "at": str(at), "number": curve.at_risk(day)}
            found.append(common | said | _percent(curve.at(day)))
        for figure, estimate in (("median", median_time(curve)), ("follow-up", follow_up(curve))):
            size = DAYS_A_MONTH if months else 1.0
            found.append(common | {"figure": figure, "unit": "mo" if months else "d"} | _written(estimate, size))
    if len(curves) > 1:
        days, happened = (np.concatenate([getattr(c, x) for c in curves.values()]) for x in ("days", "happened"))
        everyone = follow_up(kaplan_meier(days, happened))
        common = {"figure": "follow-up", "of": len(days), "unit": "mo" if months else "d"}
        found.append(common | _written(everyone, DAYS_A_MONTH if months else 1.0))
    test = log_rank(list(curves.values()))
    if test is not None:
        found.append({"figure": "p", "value": test.p, "of": sum(curve.number for curve in curves.values())})
    return curves, found
