"""The bounds of the sponsor's importance criteria in the units in which rules measure, exactly or not at all."""

from __future__ import annotations

from protocol.importance import Extent, Importance
from protocol.model import Protocol
from protocol.timing import Duration
from rules.deviations import BY_CODE

_MINUTES = {"min": 1, "h": 60, "d": 1440, "wk": 10080}
_SAME = {"percent": "%"}


def bound_in(criterion: Importance | Extent, unit: str) -> float | None:
    """The bound of a criterion in the unit of a rule's measure; None where it cannot be compared with it.

    Rounded as measures are. Months have no length of their own, and days are no percentage.
    """
    bound = criterion.bound
    if isinstance(bound, Duration):
        if unit not in _MINUTES or bound.months:
            return None
        return round((bound.days * 1440 + bound.minutes) / _MINUTES[unit], 9)
    if bound is None or _SAME.get(bound.unit.text, bound.unit.text) != _SAME.get(unit, unit):
        return None
    return float(bound.value)


def unusable_criteria(protocol: Protocol) -> tuple[tuple[str, str], ...]:
    """Criteria that no finding can meet: of no rule, or with a bound that its measure cannot be compared with."""
    found = []
    for code, criterion in protocol.importance.rules.items():
        if code not in BY_CODE:
            found.append((f"importance.{code}", "importance-code"))
        elif criterion.side is not None and bound_in(criterion, BY_CODE[code].measure_unit) is None:
            found.append((f"importance.{code}", "importance-unit"))
    return tuple(found)
