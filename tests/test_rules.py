"""Every rule on its cases: rows of a table with a title that a monitor would say, in `cases/<code>.yaml`."""

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from rules.deviations import RULES
from rules.occasions import column, example
from rules.rule import Rule

ANSWERS = {True: "deviates", False: "complies", None: "cannot tell"}
SWAPPED = {"Lt": "LtEq", "LtEq": "Lt", "Gt": "GtEq", "GtEq": "Gt", "And": "Or", "Or": "And"}

of_each_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)


def cases_of(rule: Rule) -> list[dict[str, Any]]:
    """Return the cases of a rule: title, changes to the complying row, verdict."""
    path = Path(__file__).parent / "cases" / f"{rule.code}.yaml"
    cases: list[dict[str, Any]] = yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else []
    return cases


def verdicts(rule: Rule, rows: list[dict[str, Any]]) -> list[str]:
    """Return the rule's verdict of each row: its changes applied to the complying example."""
    table = pl.concat([example(rule.table, row) for row in rows])
    answers = table.select(applies=rule.applies, answer=rule.deviates)
    return [ANSWERS[answer] if applies else "not applicable" for applies, answer in answers.iter_rows()]


def nullable(rule: Rule) -> list[str]:
    """Return the columns that a rule reads and that may be null."""
    return [name for name in rule.inputs() if column(rule.table, name).fact]


def mutants(node: Any) -> Iterator[Any]:
    """Yield a serialised expression with one fault each: a limit moved, *and* for *or*, a *not* left out."""
    match node:
        case {"BinaryExpr": {"op": op} as body} if op in SWAPPED:
            yield {"BinaryExpr": body | {"op": SWAPPED[op]}}
        case {"Function": {"function": {"Boolean": "Not"}, "input": [inner]}}:
            yield inner
        case {"Function": {"function": {"Boolean": {"IsBetween": _}}} as body}:
            for closed in ("Left", "Right", "None"):
                yield {"Function": body | {"function": {"Boolean": {"IsBetween": {"closed": closed}}}}}
    for key, part in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        for changed in mutants(part):
            yield node | {key: changed} if isinstance(node, dict) else [*node[:key], changed, *node[key + 1 :]]


@pytest.mark.parametrize(
    ("rule", "case"), [pytest.param(r, c, id=f"{r.code}: {c['title']}") for r in RULES for c in cases_of(r)]
)
def test_a_case_gets_its_verdict(rule: Rule, case: dict[str, Any]) -> None:
    """A row that a monitor describes gets the verdict that the monitor expects."""
    assert verdicts(rule, [case["row"]]) == [case["verdict"]]


@of_each_rule
def test_the_cases_show_every_verdict_that_a_rule_can_give(rule: Rule) -> None:
    """Deviates and complies, cannot tell where an input may be missing, not applicable where a guard stands."""
    wanted = {"deviates", "complies"}
    wanted |= {"cannot tell"} if nullable(rule) else set()
    wanted |= {"not applicable"} if rule.applies.meta.root_names() else set()
    assert {case["verdict"] for case in cases_of(rule)} == wanted


@of_each_rule
@pytest.mark.parametrize("part", ["applies", "deviates"])
def test_the_cases_notice_every_small_change_of_a_rule(rule: Rule, part: str) -> None:
    """Both sides of every limit and every guard are among the cases: an expression with one fault fails one of them."""
    rows, expected = [c["row"] for c in cases_of(rule)], [c["verdict"] for c in cases_of(rule)]
    for mutant in mutants(json.loads(getattr(rule, part).meta.serialize(format="json"))):
        changed = pl.Expr.deserialize(io.StringIO(json.dumps(mutant)), format="json")
        suspect = replace(rule, applies=changed) if part == "applies" else replace(rule, deviates=changed)
        assert verdicts(suspect, rows) != expected, f"no case tells {changed} from {getattr(rule, part)}"


@of_each_rule
def test_a_missing_value_never_turns_into_an_answer(rule: Rule) -> None:
    """Whatever inputs of a case go missing, its verdict stays or becomes *cannot tell*; it never flips."""
    rows = [c["row"] for c in cases_of(rule)]
    inputs = nullable(rule)
    before = verdicts(rule, rows)
    for chosen in range(1, 2 ** len(inputs)):
        missing = {name: None for i, name in enumerate(inputs) if chosen >> i & 1}
        for was, now in zip(before, verdicts(rule, [row | missing for row in rows]), strict=True):
            assert now in (was, "cannot tell"), f"{was} became {now} without {sorted(missing)}"
