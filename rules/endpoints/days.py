"""When endpoints are due, and what they count from: each is laid out like a visit of its own, by the same engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from protocol.model import Endpoint, Protocol, Visit
from rules.arrays import NONE, Flags, Ints
from rules.timing.anchors import recorded
from rules.timing.grid import Laid

_PREFIX = "endpoint "
"""No id of a document has a space: the visit of an endpoint is no visit of the protocol."""


def with_days(protocol: Protocol) -> Protocol:
    """The protocol with a visit for every endpoint: on its day, within its window; a time where it begins."""
    visits = {_PREFIX + name: _visit(endpoint) for name, endpoint in protocol.endpoints.items() if _dated(endpoint)}
    return protocol.model_copy(update={"visits": protocol.visits | visits})


def seen(protocol: Protocol) -> dict[str, Endpoint]:
    """The endpoints of a protocol `with_days` that this reader may see: not those that count from what is hidden."""
    return {
        name: endpoint
        for name, endpoint in protocol.endpoints.items()
        if not _dated(endpoint) or _PREFIX + name in protocol.visits
    }


def _dated(endpoint: Endpoint) -> bool:
    return endpoint.kind != "event"


def _visit(endpoint: Endpoint) -> Visit:
    fields: dict[str, Any] = {"due": str(endpoint.due) if endpoint.due is not None else str(endpoint.from_)}
    if endpoint.window is not None:
        fields["window"] = str(endpoint.window)
    return Visit.model_validate(fields)


@dataclass(frozen=True)
class Days:
    """Of every participant of a partition the day of an endpoint with its window, `NONE` where it cannot be told.

    `begun`: what it counts from is on record, and not only planned.
    """

    due: Ints
    opens: Ints
    closes: Ints
    begun: Flags


def days_of(laid: Laid, name: str) -> Days:
    """The days of one endpoint; without a window it is its own day. A time has begun once its day has come."""
    is_time = laid.plan.protocol.endpoints[name].kind == "survival"
    n = laid.evidence.n
    due, opens, closes = (np.full(n, NONE, np.int32) for _ in range(3))
    begun = np.zeros(n, np.bool_)
    for grid in laid.grids:
        for c, slot in enumerate(grid.arm.slots):
            if slot.part.activity != _PREFIX + name:
                continue
            told = grid.due[:, c] != NONE
            if ("due", c) in grid.spread:
                told &= grid.spread["due", c] == 0
            due[grid.s] = np.where(told, grid.due[:, c], NONE)
            opens[grid.s] = np.where(told & (grid.opens[:, c] != NONE), grid.opens[:, c], due[grid.s])
            closes[grid.s] = np.where(told & (grid.closes[:, c] != NONE), grid.closes[:, c], due[grid.s])
            begun[grid.s] = told & (recorded(laid, grid, slot.ref, c)[0] != NONE)
    if is_time:
        begun &= due <= laid.evidence.horizon
    return Days(due, opens, closes, begun)
