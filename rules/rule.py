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

    `table` names the occasions table. `asks` marks a rule whose hit is a doubt about the data: it becomes a query, never
    a finding. `rests_on` names the fields of the protocol that the verdict uses: one assumed field makes the finding
    assumed. `message`, `expected`, `observed` and `because` are templates over the words of `wording.py`.
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
    fact: str = ""

    def inputs(self) -> tuple[str, ...]:
        """The columns that `deviates` reads, in the table's order."""
        read = set(self.deviates.meta.root_names())
        return tuple(c.name for c in TABLES[self.table] if c.name in read)


_OPERATORS = {"And", "Or", "Xor", "Eq", "NotEq", "Lt", "LtEq", "Gt", "GtEq", "Plus", "Minus", "Multiply", "FloorDivide"}
_FUNCTIONS = {"Not", "IsBetween", "AllHorizontal", "AnyHorizontal"}


def lint(rule: Rule) -> list[str]:
    """What in a rule's expressions could turn a missing value into an answer; empty when there is nothing.

    Default deny: a node of the expression that is not known to obey Kleene logic is a fault.
    """
    known = {c.name: c for c in TABLES[rule.table]}
    faults = [f"{rule.code}: no column {name} in {rule.table}" for name in sorted(_roots(rule) - set(known))]
    for part in (rule.applies, rule.deviates):
        faults += [f"{rule.code}: {node}" for node in _forbidden(json.loads(part.meta.serialize(format="json")))]
    for name in rule.applies.meta.root_names():
        if name in known and known[name].fact:
            faults.append(f"{rule.code}: applies reads {name}, which may be null")
    return faults


def _roots(rule: Rule) -> set[str]:
    return set(rule.deviates.meta.root_names()) | set(rule.applies.meta.root_names())


def _forbidden(node: Any) -> list[str]:
    kind, body = next(iter(node.items())) if isinstance(node, dict) and len(node) == 1 else ("unreadable node", node)
    if kind == "Column":
        return []
    if kind == "Literal":
        return [] if _is_plain(body) else [f"literal {body} may stand for a missing value or lose exactness"]
    if kind == "BinaryExpr" and body["op"] in _OPERATORS:
        return _forbidden(body["left"]) + _forbidden(body["right"])
    if kind == "Function" and _function(body["function"]) in _FUNCTIONS:
        return [fault for part in body["input"] for fault in _forbidden(part)]
    name = body.get("op") or body.get("function") if isinstance(body, dict) else body
    return [f"{kind} {name} is not known to keep missing values missing"]


def _function(name: Any) -> str:
    while isinstance(name, dict):
        inner = next(iter(name.values()))
        if isinstance(inner, dict) and "closed" in inner:
            return str(next(iter(name)))
        name = inner
    return str(name)


def _is_plain(body: Any) -> bool:
    text = json.dumps(body)
    return "Float" not in text and "Null" not in text and "List" not in text and "Series" not in text
