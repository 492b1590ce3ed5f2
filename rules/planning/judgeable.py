"""What the protocol says of how a dose is given, and whether records can show that it was so."""

from __future__ import annotations

from collections.abc import Sequence

from protocol.check_units import substance
from protocol.conditions import Compare, Condition, Count, Given, Inside, Recent, leaves
from protocol.model import Product, Treatment
from protocol.quantity import Quantity


def tellable(conditions: Sequence[Condition]) -> bool:
    """Whether the answer to what must come before a dose can be worked out at all."""
    return not any(isinstance(leaf, Count | Given | Recent) for leaf in leaves(conditions))


def shown(product: Product, condition: Condition) -> bool:
    """Whether records can show a requirement of a product: one value or time, or a content per kg that is stated."""
    limit = per_weight(condition)
    if limit is not None and isinstance(condition, Compare):
        return condition.name == "volume" or condition.name in product.contains
    return isinstance(condition, Compare | Inside | Recent)


def per_weight(condition: Condition) -> Quantity | None:
    """The limit of a requirement that is one per kg of body weight."""
    value = condition.value if isinstance(condition, Compare) else None
    return value if isinstance(value, Quantity) and value.dimension.endswith("/weight") else None


def rate_shown(treatment: Treatment) -> bool:
    """Whether the amount, or the volume, shows how long the rates take at least: mg/h of a dose in mg, or mL/h."""
    amounts = [dose.amount for dose in treatment.dose if dose.amount is not None]
    fitting = {"volume/time", *(f"{substance(amount)}/time" for amount in amounts)}
    of = {each.dimension for each in (treatment.rate or {}).values()}
    return len(of) == 1 and of <= fitting


def paced(treatment: Treatment) -> bool:
    """Whether the protocol says how fast an infusion may run, in a way that records can show."""
    return treatment.over is not None or (treatment.rate is not None and rate_shown(treatment))
