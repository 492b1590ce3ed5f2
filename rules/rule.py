"""A rule: one fault, one expression, three answers.

`deviates` is true where the row deviates, false where it complies and null where it cannot be told (Kleene logic).
`applies` guards it on columns that are never null: a row outside it is *not applicable* and is counted as such.
Both are linted node by node (`lint`), because many Polars functions turn a null into an answer without a word.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import polars as pl

from rules.occasions import TABLES

CATEGORIES = (
    "assessment or time point completion",
    "eligibility criteria not met",
    "excluded medication, vaccine or device",
    "failure to report safety events",
    "informed consent",
    "not withdrawn after developing withdrawal criteria",
    "study procedure",
    "visit completion",
    "wrong study treatment, administration or dose",
    "site level error",
)
"""The categories in use for deviations (DVCAT); CDISC publishes no codelist for them."""


@dataclass(frozen=True)
class Rule:
    """One fault of a trial's conduct, its verdict and its words.

    `table` names the occasions table. `asks` marks a rule whose hit is a doubt about the data: it becomes a query,
    never a finding. `rests_on` names the fields of the protocol that the verdict uses: one assumed field makes the
    finding assumed. `message`, `expected`, `observed` and `because` are templates over the words of `wording.py`.
    """

    code: str
    title: str
    page: str
    table: str
    category: str
    term: str
    applies: pl.Expr
    deviates: pl.Expr
    message: str
    expected: str
    observed: str
    because: str
    rests_on: tuple[str, ...] = ()
    measure: pl.Expr | None = None
    measure_unit: str = ""
    asks: bool = False

    def section(self, heading: str) -> str:
        """The text under one heading of the rule's page, in one line."""
        after = self.page.partition(f"\n{heading}\n")[2].lstrip("-\n")
        return " ".join(after.partition("\n\n")[0].split())

    def inputs(self) -> tuple[str, ...]:
        """The columns that `deviates` reads, in the table's order."""
        read = set(self.deviates.meta.root_names())
        return tuple(c.name for c in TABLES[self.table].columns if c.name in read)


_KINDS = {pl.Boolean: "yes/no", pl.Int32: "number", pl.Int64: "number", pl.Date: "day", pl.String: "text"}
_LITERALS = {"Boolean": "yes/no", "Int": "number", "Date": "day", "String": "text"}
_ANY = set(_KINDS.values())
_KLEENE: dict[str, tuple[set[str], str]] = {
    **dict.fromkeys(("And", "Or", "Xor", "Not", "AllHorizontal", "AnyHorizontal"), ({"yes/no"}, "yes/no")),
    **dict.fromkeys(("Eq", "NotEq", "Lt", "LtEq", "Gt", "GtEq", "IsBetween"), (_ANY, "yes/no")),
    **dict.fromkeys(("Plus", "Minus", "Multiply", "FloorDivide", "Modulus", "Abs", "Negate"), ({"number"}, "number")),
}
"""Operations that leave a missing value missing: the kinds they take, all operands of one kind; the kind they give."""


def lint(rule: Rule) -> list[str]:
    """What in a rule's expressions could turn a missing value into an answer; empty when there is nothing.

    Default deny: a node of the serialised expression that is not known to obey Kleene logic is a fault. So are operands
    of different kinds: Polars compares a day with a number, or a yes/no with a text, without a word.
    """
    kinds = {c.name: _KINDS[type(c.dtype)] for c in TABLES[rule.table].columns}
    may_be_null = {c.name for c in TABLES[rule.table].columns if c.fact}
    guards = rule.applies.meta.root_names()
    faults = [f"applies reads {name}, which may be null" for name in guards if name in may_be_null]
    for expression in (rule.applies, rule.deviates):
        faults += _faults(expression, kinds)
    return [f"{rule.code}: {fault}" for fault in faults]


def _faults(expression: pl.Expr, kinds: dict[str, str]) -> list[str]:
    try:
        node = json.loads(expression.meta.serialize(format="json"))
    except pl.exceptions.ComputeError as error:
        return [f"{expression} cannot be written down: {error}"]
    kind, faults = _check(node, kinds)
    return faults if faults or kind == "yes/no" else [f"{expression} is a {kind}, no answer"]


def _check(node: Any, kinds: dict[str, str]) -> tuple[str, list[str]]:
    """The kind of value that a node gives, and its faults."""
    tag, body = next(iter(node.items())) if isinstance(node, dict) else (str(node), node)
    match tag:
        case "Column":
            return kinds.get(body, ""), [] if body in kinds else [f"no column {body}"]
        case "Literal":
            name = _name(body, "Dyn", "Scalar")
            return _LITERALS.get(name, ""), [] if name in _LITERALS else [f"literal {name} is inexact or no value"]
        case "BinaryExpr":
            name, operands = body["op"], [body["left"], body["right"]]
        case "Function":
            name, operands = _name(body["function"], "Boolean"), body["input"]
        case _:
            name, operands = tag, []
    if name not in _KLEENE:
        return "", [f"{name} is not known to keep missing values missing"]
    takes, gives = _KLEENE[name]
    found = [_check(operand, kinds) for operand in operands]
    faults = [fault for _, inner in found for fault in inner]
    of = {kind for kind, _ in found}
    mixed = not faults and (len(of) > 1 or not of <= takes)
    return gives, [*faults, f"{name} of {' and '.join(sorted(of))}"] if mixed else faults


def _name(body: Any, *wrappers: str) -> str:
    """What a function or a literal is called, below the words that only say of which family it is."""
    while isinstance(body, dict):
        name, body = next(iter(body.items()))
        if name not in wrappers:
            return str(name)
    return str(body)
