"""Amounts that cannot belong together: milligrams where cells are due, a maximum or a limit in another unit."""

from __future__ import annotations

from collections.abc import Iterator

from protocol.activities import Part, Treatment
from protocol.conditions import BaselinePlus, Compare, Condition, Inside, leaves
from protocol.dosing import Dose, WeightPolicy
from protocol.errors import ScalarError
from protocol.model import Protocol
from protocol.quantity import Quantity, Range
from protocol.units import parse_unit
from protocol.walk import values
from protocol.yaml_text import Path, Tree

_GIVEN = frozenset(
    ("mass", "cells", "IU", "U", "vg", "dose", "volume", "AUC", "amount", "percent", "number", "activity")
)
_PER = frozenset(("weight", "surface", "time", "day"))
"""What a dose may be given per: the participant's body, or time (a lint check asks whether that fits the schedule)."""
_CAPS = {"bsa": "surface", "gfr": "volume/time", "weight": "weight"}


def check_units(protocol: Protocol, tree: Tree) -> None:
    """Note every amount whose dimension does not fit its place."""
    _check_measures(protocol, tree)
    for place, policy in values(protocol, WeightPolicy):
        measure = protocol.measures.get(policy.of or "")
        if policy.of is not None and (measure is None or measure.unit != "kg"):
            remedy = f"write 'measures: {{{policy.of}: {{unit: kg}}}}', or leave out 'of' for the body weight itself"
            tree.fault((*place, "of"), policy.of, "is no measure in kg", remedy)
    for name, treatment in protocol.treatments.items():
        _check_treatment(("treatments", name), treatment, tree)
    for name, modification in protocol.modifications.items():
        for word, actions in (("then", modification.then), ("may", modification.may)):
            for index, action in enumerate(actions):
                target, amount = protocol.treatments.get(action.target), action.to or action.by
                if target is not None and amount is not None:
                    path: Path = ("modifications", name, word, index)
                    _compare(path, action.text, amount, _substance(target), tree)


def substance(amount: Quantity | Range) -> str:
    """What is given, without what it is given per: `cells` of `cells/kg`."""
    return (amount.low if isinstance(amount, Range) else amount).dimension.split("/")[0]


def doses(treatment: Treatment) -> Iterator[tuple[Path, Dose]]:
    """Every dose a treatment states, with its path inside the treatment."""
    parts: list[tuple[Path, Part]] = [((), treatment)]
    parts += [(("steps", index), step) for index, step in enumerate(treatment.steps)]
    for path, part in parts:
        yield from (((*path, "dose", index), dose) for index, dose in enumerate(part.dose))
    for number, level in treatment.levels.items():
        yield from ((("levels", str(number), "dose", index), dose) for index, dose in enumerate(level.dose))


def _amounts(dose: Dose) -> Iterator[tuple[str, Quantity | Range]]:
    yield from (("amount", dose.amount),) if dose.amount else ()
    yield from (("start", dose.start),) if dose.start else ()


def _substance(treatment: Treatment) -> str | None:
    """What the treatment gives: cells where any dose counts them, else what its first amount says."""
    if any(dose.count for _, dose in doses(treatment)):
        return "cells"
    found = (substance(amount) for _, dose in doses(treatment) for _, amount in _amounts(dose))
    return next((word for word in found if word in _GIVEN - {"percent"}), None)


def _compare(path: Path, text: str, amount: Quantity | Range, due: str | None, tree: Tree) -> None:
    word, *per = (amount.low if isinstance(amount, Range) else amount).dimension.split("/")
    remedy = "write an amount such as '3.5 mg/kg' or '1e6 cells/kg'"
    if word not in _GIVEN:
        tree.fault(path, text, f"measures {word}: that is no dose", remedy)
    elif set(per) - _PER or {"weight", "surface"} <= set(per):
        tree.fault(path, text, f"measures {word} per {' and '.join(per)}: that is no dose", remedy)
    elif due and word not in (due, "percent") and {word, due} != {"number", "cells"}:
        remedy = "write an amount such as '1e6 cells/kg'" if due == "cells" else f"write it in a unit of {due}"
        tree.fault(path, text, f"measures {word}, not {due} as the rest of this treatment", remedy)


def _check_sizes(place: Path, dose: Dose, tree: Tree) -> None:
    """Amounts have a unit and are not below zero, and the limits of a dose leave room between them."""
    for field, amount in _amounts(dose):
        low = amount.low if isinstance(amount, Range) else amount
        if low.dimension == "number":
            tree.fault((*place, field), amount.text, "lacks its unit", f"write it as in '{amount.text} mg'")
        if low.value < 0:
            tree.fault((*place, field), amount.text, "is below zero", "write an amount from 0 on")
        for word in ("max", "min"):
            limit = getattr(dose, word)
            if limit is not None and "/" in limit.dimension and limit.dimension != low.dimension:
                remedy = f"write it in the unit of {amount.text}, or as an amount alone"
                tree.fault((*place, word), limit.text, f"is {limit.dimension}, but the dose is {low.dimension}", remedy)
    if dose.amount is not None and dose.start is not None:
        why = "stands beside an amount: either every dose is fixed or only the first"
        tree.fault((*place, "start"), dose.start.text, why, "keep amount or start")
    if dose.max and dose.min and dose.max.dimension == dose.min.dimension and dose.max.base < dose.min.base:
        tree.fault((*place, "max"), dose.max.text, f"is below the minimum of {dose.min.text}", "write a larger one")


def _check_treatment(path: Path, treatment: Treatment, tree: Tree) -> None:
    due = _substance(treatment)
    for inner, dose in doses(treatment):
        place = (*path, *inner)
        _check_sizes(place, dose, tree)
        for field, amount in _amounts(dose):
            _compare((*place, field), amount.text, amount, due, tree)
        result = "mass" if dose.formula == "calvert" else due
        for field in ("max", "min", "max_total"):
            limit = getattr(dose, field)
            if limit is not None:
                _compare((*place, field), limit.text, limit, result, tree)
        for index, rounding in enumerate(dose.round):
            _compare((*place, "round", index), rounding.text, rounding.step, result, tree)
        if dose.formula == "calvert" and dose.amount is not None and due != "AUC":
            tree.fault((*place, "formula"), "calvert", "needs an AUC as its amount", "write an amount such as '4 AUC'")
        for field, dimension in _CAPS.items():
            cap = getattr(dose.cap, field) if dose.cap else None
            if cap is not None and cap.dimension not in (dimension, "mass" if field == "weight" else dimension):
                example = {"bsa": "2.0 m²", "gfr": "125 mL/min", "weight": "80 kg"}[field]
                why = f"measures {cap.dimension}, not {dimension}"
                tree.fault((*place, "cap", field), cap.text, why, f"write it as '{example}'")


def _check_measures(protocol: Protocol, tree: Tree) -> None:
    """The unit of each measure is known, and conditions on it compare in a unit of its dimension."""
    dimensions: dict[str, str] = {}
    for name, measure in protocol.measures.items():
        if measure.unit is not None:
            try:
                dimensions[name] = parse_unit(measure.unit).dimension
            except ScalarError as fault:
                tree.fault(("measures", name, "unit"), measure.unit, fault.why, fault.remedy)
    for path, value in values(protocol, Condition):
        for leaf in leaves([value]):
            if isinstance(leaf, Compare | Inside) and leaf.name in dimensions:
                unit = protocol.measures[leaf.name].unit
                _check_limit(path, leaf, dimensions[leaf.name], f"'{leaf.name}' is measured in {unit}", tree)


def _check_limit(path: Path, leaf: Compare | Inside, dimension: str, said: str, tree: Tree) -> None:
    value: object = leaf.range.low if isinstance(leaf, Inside) else leaf.value
    if isinstance(value, BaselinePlus):
        value = value.quantity
    if isinstance(value, Quantity) and value.dimension != dimension:
        tree.fault(path, leaf.text, f"compares with {value.text}, but {said}", "write a limit in that unit")
