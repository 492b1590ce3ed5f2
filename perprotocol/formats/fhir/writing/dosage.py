"""What a protocol says of a dose as Dosage: per body and as computed, its limits, route, duration and frequency."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from perprotocol.formats.fhir.writing.elements import Body, coding, concept, filled, plain, quantity, route
from protocol.activities import Treatment
from protocol.dosing import Dose, Span
from protocol.quantity import Quantity, Range

_KIND = "http://terminology.hl7.org/CodeSystem/dose-rate-type"
_ORDERED, _CALCULATED = (coding(_KIND, word, word.capitalize()) for word in ("ordered", "calculated"))


def amount_of(stated: Quantity | Range) -> Body:
    """A stated amount: `doseQuantity` or `doseRange` of each time, `rateQuantity` or `rateRange` of a day."""
    kind = "rate" if stated.dimension.endswith(("/time", "/day")) else "dose"
    if isinstance(stated, Range):
        return {f"{kind}Range": {"low": _quantity(stated.low), "high": _quantity(stated.high)}}
    return {f"{kind}Quantity": _quantity(stated)}


def _quantity(stated: Quantity) -> Body:
    value = stated.value
    whole = value == value.to_integral_value() and abs(value) < 10**15
    return quantity(value.quantize(Decimal(1)) if whole else value, stated.unit.text)


def dosage(part: Treatment, row: Mapping[str, Any] | None = None) -> Body:
    """The Dosage of a part of a treatment; with a row of the schedule also what was computed for the participant."""
    doses = [dose for dose in part.doses() if dose.amount is not None or dose.start is not None]
    one = doses[0] if len(doses) == 1 and not doses[0].if_ else None
    rates = [{"type": concept(None, _ORDERED), **amount_of(one.amount or one.start)}] if one is not None else []  # type: ignore[arg-type]
    if row is not None:
        rates += _computed(row)
    limits = _limits(one) if one is not None else {}
    words = "; ".join(str(dose.amount or dose.start) for dose in doses)
    return filled({
        "text": _told(words, row),
        "timing": _timing(part),
        "route": route(part.route) if part.route else None,
        "doseAndRate": rates,
        **limits,
    })  # fmt: skip


def _computed(row: Mapping[str, Any]) -> list[Body]:
    """The dose of this participant: one amount, or from the least to the most of a range."""
    unit, low, high = row["dose_unit"], row["dose_low"], row["dose_high"]
    kind = "rate" if str(unit).endswith("/d") else "dose"
    if row["dose"] is not None:
        return [{"type": concept(None, _CALCULATED), f"{kind}Quantity": quantity(plain(row["dose"]), unit)}]
    if low is None or high is None:
        return []
    ends = {"low": quantity(plain(low), unit), "high": quantity(plain(high), unit)}
    return [{"type": concept(None, _CALCULATED), f"{kind}Range": ends}]


def _told(words: str, row: Mapping[str, Any] | None) -> str | None:
    """The dose in words: the protocol's, and the weight that the computed one counts with."""
    if row is None or row["weight_kg"] is None:
        return words or None
    limits = [plain(row[end]) for end in ("dose_low", "dose_high")]
    allowed = f"; allowed {limits[0]} to {limits[1]} {row['dose_unit']}" if None not in limits else ""
    return f"{words} by {plain(row['weight_kg'])} kg{allowed}"


def _limits(dose: Dose) -> Body:
    """The most of one dose, and of all together, where they are absolute."""
    names = {"maxDosePerAdministration": dose.max, "maxDosePerLifetime": dose.max_total}
    return {name: _quantity(limit) for name, limit in names.items() if limit is not None and "/" not in limit.dimension}


def _timing(part: Treatment) -> Body:
    """How often, and for how long."""
    often = part.often()
    repeat: Body = {}
    if often is not None:
        repeat = {"frequency": often.times, "period": often.days, "periodUnit": "d"}
    if part.over is not None:
        repeat |= _over(part.over)
    return {"repeat": repeat} if repeat else {}


def _over(span: Span) -> Body:
    most = {"durationMax": span.high.minutes} if span.high.minutes != span.low.minutes else {}
    return {"duration": span.low.minutes, **most, "durationUnit": "min"}
